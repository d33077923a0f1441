"""Logs for machines and for people: JSON lines, or plain text on a terminal, each with the id of its request.

No secrets and no words of people: what looks like a token, a password or a cookie is struck out, whoever logged it.
"""

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("folkmoot_request_id", default="")

_SECRET = re.compile(
    r"(?i)(bearer\s+|(?:password|passwd|token|secret|code|cookie|authorization|folkmoot)[\"']?\s*[=:]\s*[\"']?)([^\s\"'&;,]{4,})"
    r"|(postgresql://[^:@/\s]+:)([^@\s]+)(@)"
    r"|(/(?:reset|confirm|invite)/)([^\s\"'/]+)"
    # Of PostgreSQL: the row, words of people and all, which may have lines of their own. The rest of a trace stays.
    r"|(\n[ |]*DETAIL:)([\s\S]*?)(?=\n[ |]*(?-i:[A-Z]+):|\n\n(?:The above exception|During handling of)|\Z)"
)
_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160), 0x2028, 0x2029)}


def without_secrets(text: str) -> str:
    return _SECRET.sub(lambda found: f"{found[1] or found[3] or found[6] or found[8]}***{found[5] or ''}", text)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "text": without_secrets(record.getMessage()),
        }
        if request_id.get():
            line["request"] = request_id.get()
        if record.exc_info:
            line["trace"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _Text(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        """One line for one event: nobody writes a second one by sending a line end."""
        record.message = without_secrets(record.message).translate(_CONTROLS)  # while its lines still are lines
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def set_up(level: str, format_: str) -> None:
    """Sends all logs to standard error. `format_`: auto, json or text."""
    handler = logging.StreamHandler(sys.stderr)
    as_text = format_ == "text" or (format_ == "auto" and sys.stderr.isatty())
    handler.setFormatter(_Text("%(asctime)s %(levelname)s %(name)s: %(message)s") if as_text else _Json())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("asyncpg").setLevel(logging.ERROR)  # a lost connection is told by who needed it, not by each pool with a trace
