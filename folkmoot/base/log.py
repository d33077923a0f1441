"""Logging: JSON lines, or plain text on a terminal, each with the id of its request.

Logs hold no secrets and no texts of members: whatever looks like a token, a password or a cookie is replaced by `***`,
in all log lines.
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
    # DETAIL of PostgreSQL holds the row, with texts of members, on one or more lines. The rest of a trace stays.
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
        """One line for each record: a line break in logged input must not forge a second one."""
        record.message = without_secrets(record.message).translate(_CONTROLS)  # DETAIL is found by line breaks, so before they are escaped
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
    logging.getLogger("asyncpg").setLevel(logging.ERROR)  # the code that needed a lost connection logs it
