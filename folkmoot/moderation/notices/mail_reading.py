"""Reads a mail as a notice: plain text, ARF (RFC 5965) and XARF v4. No input or output.

Mails are hostile: deep MIME, unknown charsets, endless headers. Whatever cannot be read becomes a notice without an address,
which a person looks at. Only answers of programs are left out (RFC 3834), because answering them makes loops.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from html import unescape
from typing import Any

import msgspec

from folkmoot.moderation.notices.addresses import OwnAddresses, addresses_in
from folkmoot.moderation.notices.model import CHILD_SAFETY, LONGEST_REASON, MOST_RAW, Door, NoticeDraft

_MOST_PARTS = 100
_LONGEST_TEXT = 200_000  # characters that are searched for addresses
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,300}>")
_TAG = re.compile(r"<(br|/p|/div|/li|/tr)\b[^<>]{0,1000}>|<[^<>]{1,5000}>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(style|script)\b.{0,50000}?</\1\s*>", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_DKIM_PASS = re.compile(r"\s*dkim\s*=\s*pass\b", re.IGNORECASE)
_SIGNER = re.compile(r"\bheader\.(?:d\s*=\s*|i\s*=\s*[^\s@;]*@)([a-z0-9.-]{1,253})", re.IGNORECASE)
_CLAUSES = {  # by the type of a machine-readable report
    "csam": CHILD_SAFETY, "csem": CHILD_SAFETY, "phishing": "spam", "fraud": "spam", "abuse": "spam", "exposed_data": "privacy",
}
log = logging.getLogger(__name__)


class Ignored(msgspec.Struct, frozen=True):
    """A mail that is no notice, and why."""

    reason: str


class _Content(msgspec.Struct):
    """What was found in the parts of a mail."""

    plain: list[str] = []
    html: list[str] = []
    is_report: bool = False  # machine-readable
    reported: list[str] = []  # addresses in fields of machine-readable reports
    kind: str = ""  # of a machine-readable report
    description: str = ""
    reference: str | None = None


def read_mail(
    content: bytes, mail_key: bytes, own: OwnAddresses, own_sender: str, language: str, authserv: str = ""
) -> NoticeDraft | Ignored:
    """The notice of a mail. `own_sender`: the address from which this network sends; `authserv`: see `signers`. Never raises."""
    try:
        message = message_from_bytes(content)
        if reason := _is_answer_of_program(message, own_sender):
            return Ignored(reason)
        found = _read_parts(message)
        draft = _draft(message, found, mail_key, own, language)
        if reason := _is_of_no_sender(message, found, draft):
            return Ignored(reason)
        return msgspec.structs.replace(draft, raw=content[:MOST_RAW], signed_by=signers(message, authserv))
    except Exception as error:  # the parser fails in many ways; a person reads what it cannot read
        log.warning("a mail cannot be parsed (%s): a person has to read it", type(error).__name__)
        text = content[:_LONGEST_TEXT].decode("utf-8", "replace")
        addresses = _own_addresses(own, addresses_in(text))
        return NoticeDraft(
            door=Door.MAIL, addresses=addresses, reason=text[:LONGEST_REASON], mail_key=mail_key, language=language, raw=content[:MOST_RAW]
        )


def signers(message: Message, authserv: str) -> tuple[str, ...]:
    """The domains whose DKIM signature our mail server has found valid when the mail came (RFC 8601 2.2). `authserv`: how that
    server calls itself; results of others, which anybody can write into a mail, are left out. Never raises."""
    found: dict[str, None] = {}
    for value in message.get_all("Authentication-Results", []) if authserv else []:
        server, *results = _COMMENT.sub(" ", str(value)[:4000]).split(";")
        if server.strip().partition(" ")[0].lower() != authserv.lower():
            continue
        for result in results[:_MOST_PARTS]:
            if _DKIM_PASS.match(result) and (domain := _SIGNER.search(result)):
                found[domain[1].lower().rstrip(".")] = None
    return tuple(found)[:10]


def _draft(message: Message, found: _Content, mail_key: bytes, own: OwnAddresses, language: str) -> NoticeDraft:
    name, email = parseaddr(_header(message, "From"))
    words = found.description or "\n\n".join(found.plain or map(_text_of, found.html))
    said = "\n\n".join(filter(None, [_header(message, "Subject"), words]))
    in_text = addresses_in("\n".join([*found.plain, *map(unescape, found.html), found.description])[:_LONGEST_TEXT])
    answers_nobody = _is_automatic(message) or _is_from_list(message) or _has_no_return_path(message)
    reply_to = _MESSAGE_ID.fullmatch(_header(message, "Message-ID"))
    return NoticeDraft(
        door=Door.MAIL, addresses=tuple(dict.fromkeys([*found.reported, *_own_addresses(own, in_text)])), reason=said, name=name,
        email=email, clause=_CLAUSES.get(found.kind, ""), language=language, reference=found.reference, mail_key=mail_key,
        reply_to=reply_to[0] if reply_to and not answers_nobody else "",
    )


def _own_addresses(own: OwnAddresses, addresses: Iterable[str]) -> tuple[str, ...]:
    """Those of this network, without those of receipts, which an answer quotes."""
    return tuple(address for address in addresses if own.is_own(address) and "/notice/" not in address)


def _is_answer_of_program(message: Message, own_sender: str) -> str:
    """Why this mail is no notice; empty if it may be one. A program may send a notice, but not as an answer."""
    submitted = _word(message, "Auto-Submitted")
    sender = parseaddr(_header(message, "From"))[1].lower()
    if submitted in ("auto-replied", "auto-notified") or message["X-Autoreply"] or message["X-Autorespond"]:
        return "an automatic answer"
    if _word(message, "Precedence") == "auto_reply":
        return "an automatic answer"
    if message.get_content_type() == "multipart/report" and _report_type(message) in ("delivery-status", "disposition-notification"):
        return "a delivery report"
    if submitted not in ("", "no") and sender and sender == own_sender.lower():
        return "a mail of this network"
    return ""


def _is_of_no_sender(message: Message, found: _Content, draft: NoticeDraft) -> str:
    """Why a mail of a list, or without a return path, is no notice; empty if it is one. The mailbox may be behind a list that passes
    on what abuse desks write, and their programs send reports that nobody shall answer. A bounce quotes mails of this network, and a
    list may pass on one under another sender."""
    if _has_no_return_path(message) and not found.is_report:
        return "a bounce"
    if _is_from_list(message) and not found.is_report and (not draft.addresses or _is_automatic(message)):
        return "a mailing list"
    return ""


def _is_automatic(message: Message) -> bool:
    return _word(message, "Auto-Submitted") not in ("", "no")


def _is_from_list(message: Message) -> bool:
    return _word(message, "Precedence") == "list"


def _has_no_return_path(message: Message) -> bool:
    return message["Return-Path"] is not None and _header(message, "Return-Path").strip() in ("<>", "")


def _report_type(message: Message) -> str:
    return str(message.get_param("report-type", "")).lower()


def _read_parts(message: Message) -> _Content:
    found = _Content()
    for part in _parts(message):
        kind = part.get_content_type()
        if kind == "message/feedback-report":
            _read_arf(part, found)
        elif kind in ("application/json", "application/xarf+json") or (part.get_filename() or "").lower().endswith(".json"):
            _read_xarf(_decoded(part), found)
        elif kind == "text/plain" and part.get_content_disposition() != "attachment":
            text = _decoded(part)
            if not (text.lstrip().startswith("{") and _read_xarf(text, found)):
                found.plain.append(text)
        elif kind == "text/html" and part.get_content_disposition() != "attachment":
            found.html.append(_decoded(part))
    return found


def _parts(message: Message) -> Iterator[Message]:
    """The parts, without recursion: nothing limits how deep they are nested. What a mail quotes or forwards is read too."""
    waiting: list[Message] = [message]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        yield part
        payload = part.get_payload()
        if isinstance(payload, list):
            waiting += [one for one in reversed(payload[:_MOST_PARTS]) if isinstance(one, Message)]


def _read_arf(part: Message, found: _Content) -> None:
    """The fields are parsed as the headers of an enclosed message."""
    payload = part.get_payload()
    fields = payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else message_from_bytes(
        _decoded(part).encode()
    )
    found.kind = str(fields.get("Feedback-Type", "")).strip().lower()
    found.is_report = True
    for value in fields.get_all("Reported-URI", []):
        found.reported.append(str(value).strip().strip("<>"))


def _read_xarf(text: str, found: _Content) -> bool:
    """Whether it is a report in XARF v4."""
    try:
        report = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return False
    if not isinstance(report, dict) or not str(report.get("xarf_version", "")).startswith("4"):
        return False
    found.is_report = True
    found.kind = _field(report, "type").lower().replace("-", "_")
    found.reference = _field(report, "report_id") or None
    found.description = _field(report, "description") or f"{_field(report, 'category')}: {found.kind}"
    urls = [_field(report, name) for name in ("url", "target_url", "infringing_url", "source_identifier")]
    found.reported += [url for url in urls if "//" in url]
    return True


def _field(report: dict[str, Any], name: str) -> str:
    value = report.get(name)
    return value if isinstance(value, str) else ""


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    content = payload[:_LONGEST_TEXT * 4] if isinstance(payload, bytes) else b""
    try:
        text = content.decode(part.get_content_charset() or "utf-8")
    except (LookupError, ValueError):  # an unknown charset, or a wrong one
        text = content.decode("utf-8", "replace")
    return text[:_LONGEST_TEXT]


def _text_of(html: str) -> str:
    """The text of HTML, for people who read it: their program shows no HTML of strangers."""
    text = unescape(_TAG.sub(lambda tag: "\n" if tag[1] else "", _HIDDEN.sub("", html)))
    return re.sub(r"[ \t\r\f\v]+", " ", text).strip()


def _word(message: Message, name: str) -> str:
    """The first word of a header, in lower case, without parameters and comments."""
    found = re.match(r"[\w-]+", _header(message, name))
    return found[0].lower() if found else ""


def _header(message: Message, name: str) -> str:
    """A header as text. Encoded words in an unknown charset stay as they are."""
    value = message.get(name)
    raw = str(value)[:2000] if value is not None else ""
    try:
        text = str(make_header(decode_header(raw)))
    except (LookupError, ValueError, UnicodeError):
        text = raw
    return " ".join(text.encode("utf-8", "replace").decode().split())
