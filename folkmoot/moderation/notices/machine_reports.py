"""Reads machine-readable reports in mails: ARF (RFC 5965) and XARF v4, one or several in a file. No input or output.

Senders deviate from both formats: reports are cut off, bundled in a list or one on each line, begin with a byte order mark, are called
`application/octet-stream`, or are of version 3. So the addresses in a file are searched for in its text too. What a report
encloses as evidence is not read.
"""

import re
from collections.abc import Iterable
from email.message import Message
from typing import Any

import msgspec

from folkmoot.moderation.notices.model import CHILD_SAFETY

_CLAUSES = {  # by the type of a report
    "csam": CHILD_SAFETY, "csem": CHILD_SAFETY, "phishing": "spam", "fraud": "spam", "abuse": "spam", "exposed_data": "privacy",
}
_RUN = re.compile(r"[A-Za-z0-9+/=\\]+")  # of Base64, where JSON may write a slash as \/
_LONGEST_RUN = 2000  # an address is shorter
_XARF_ADDRESSES = ("url", "target_url", "infringing_url", "source_identifier")


class Reports(msgspec.Struct):
    """What the machine-readable parts of a mail say together. `addresses`: those of fields, here or elsewhere; `texts`: what else may
    name addresses of this network; `references`: the numbers that the sender has given them."""

    is_any: bool = False
    addresses: list[str] = []
    texts: list[str] = []
    types: list[str] = []
    kinds: list[str] = []  # for people who find no other words
    descriptions: list[str] = []
    references: list[str] = []

    @property
    def clause(self) -> str:
        """The clause of what is reported, empty if it is unknown. The gravest of several: nobody needs a name for it."""
        clauses = [_CLAUSES[type_] for type_ in self.types if type_ in _CLAUSES]
        return CHILD_SAFETY if CHILD_SAFETY in clauses else clauses[0] if clauses else ""

    @property
    def description(self) -> str:
        return "\n\n".join(dict.fromkeys(self.descriptions))

    @property
    def title(self) -> str:
        return ", ".join(dict.fromkeys(self.kinds))

    @property
    def reference(self) -> str | None:
        return self.references[0] if self.references else None

    def read_arf(self, fields: Message) -> None:
        self.is_any = True
        self.types.append(str(fields.get("Feedback-Type", "")).strip().lower())
        self.addresses += [str(value).strip().strip("<>") for value in fields.get_all("Reported-URI", [])]

    def read_json(self, text: str) -> bool:
        """Reads a file that may have reports; returns whether there is one."""
        short = without_enclosed(text)
        self.texts.append(short.replace("\\/", "/"))
        found = [report for report in _objects(short) if self._read_xarf(report)]
        return bool(found)

    def _read_xarf(self, report: dict[str, Any]) -> bool:
        is_older = isinstance(report.get("ReporterInfo"), dict)  # version 3, of which the addresses are enough
        if not is_older and not str(report.get("xarf_version", "")).startswith("4"):
            return False
        self.is_any = True
        if is_older:
            report = report["Report"] if isinstance(report.get("Report"), dict) else {}
            self.kinds += _joined(_field(report, "ReportClass"), _field(report, "ReportType"))
            return True
        self.types.append(_field(report, "type").lower().replace("-", "_"))
        self.kinds += _joined(_field(report, "category"), self.types[-1])
        self.references += filter(None, [_field(report, "report_id")])
        self.descriptions += filter(None, [_field(report, "description")])
        self.addresses += [url for name in _XARF_ADDRESSES if "//" in (url := _field(report, name))]
        return True


def without_enclosed(text: str) -> str:
    """A text without the files that it encloses in Base64, which may be long and come before the addresses."""
    return _RUN.sub(lambda run: run[0] if len(run[0]) <= _LONGEST_RUN else "", text)


def is_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _objects(text: str) -> Iterable[dict[str, Any]]:
    """The objects of a JSON file, of a list, or of a file with one on each line. None of a file that is broken."""
    for part in ([text], text.splitlines()):
        try:
            values = [msgspec.json.decode(one.encode("utf-8", "replace")) for one in part if one.strip()]
        except (msgspec.DecodeError, RecursionError):
            continue
        objects = values[0] if len(values) == 1 and isinstance(values[0], list) else values
        return [one for one in objects if isinstance(one, dict)]
    return []


def _joined(*words: str) -> list[str]:
    return [": ".join(filter(None, words))] if any(words) else []


def _field(report: dict[str, Any], name: str) -> str:
    value = report.get(name)
    return value if isinstance(value, str) else ""
