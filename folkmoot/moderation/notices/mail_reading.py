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

import msgspec

from folkmoot.moderation.notices.addresses import OwnAddresses, addresses_in
from folkmoot.moderation.notices.machine_reports import Reports, is_json, without_enclosed
from folkmoot.moderation.notices.model import LONGEST_REASON, MOST_RAW, Door, NoticeDraft

_MOST_PARTS = 100
_LONGEST_TEXT = 200_000  # characters that are searched for addresses
_LONGEST_LETTER = 1024 * 1024  # bytes of a mail without files
_SHORT_LINE = 50  # bytes
_LONGEST_FILE_NAME = 200
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,300}>")
_TAG = re.compile(r"<(br|/p|/div|/li|/tr)\b[^<>]{0,1000}>|<[^<>]{1,5000}>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(style|script)\b.{0,50000}?</\1\s*>", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_DKIM_PASS = re.compile(r"\s*dkim\s*=\s*pass\b", re.IGNORECASE)
_SIGNER = re.compile(r"\bheader\.(?:d\s*=\s*|i\s*=\s*[^\s@;]*@)([a-z0-9.-]{1,253})", re.IGNORECASE)
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # of the byte order
log = logging.getLogger(__name__)


class Ignored(msgspec.Struct, frozen=True):
    """A mail that is no notice, and why."""

    reason: str


class _Content(msgspec.Struct):
    """What was found in the parts of a mail."""

    plain: list[str] = []
    html: list[str] = []
    attached: list[str] = []  # texts, of which only the addresses are read
    reports: Reports = msgspec.field(default_factory=Reports)


def read_mail(
    content: bytes, mail_key: bytes, own: OwnAddresses, own_sender: str, language: str, authserv: str = ""
) -> NoticeDraft | Ignored:
    """The notice of a mail. `own_sender`: the address from which this network sends; `authserv`: see `signers`. Never raises."""
    try:
        message = message_from_bytes(_parsed(content))
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


def _parsed(content: bytes) -> bytes:
    """What is parsed of a mail. A long one has files, whose lines are long; the parser would need seconds for very many short ones."""
    has_files = content.count(b"\n") * _SHORT_LINE <= len(content)
    return content if has_files else content[:_LONGEST_LETTER]


def files_of(raw: bytes) -> tuple[str, ...]:
    """The names of the attached files that nobody but a person can read, such as a letter as PDF. `raw`: the beginning of a mail, which
    may lack further files. Never raises."""
    try:
        parts = list(_parts(message_from_bytes(raw)))
        unread = [part for part in parts if part.get_content_disposition() == "attachment" or part.get_content_type() == "application/pdf"]
        return tuple(" ".join((part.get_filename() or part.get_content_type()).split())[:_LONGEST_FILE_NAME] for part in unread)
    except Exception as error:  # the parser fails in many ways
        log.warning("the files of a mail cannot be listed (%s)", type(error).__name__)
        return ()


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
    reports = found.reports
    words = reports.description or "\n\n".join(found.plain or map(_text_of, found.html)).strip() or reports.title
    said = "\n\n".join(filter(None, [_header(message, "Subject"), words]))
    texts = [*found.plain, *map(unescape, found.html), reports.description, *reports.texts, *found.attached]
    in_text = addresses_in("\n".join(texts)[:_LONGEST_TEXT])
    answers_nobody = _is_automatic(message) or _is_from_list(message) or _has_no_return_path(message)
    reply_to = _MESSAGE_ID.fullmatch(_header(message, "Message-ID"))
    return NoticeDraft(
        door=Door.MAIL, addresses=_own_first(own, [*reports.addresses, *_own_addresses(own, in_text)]), reason=said, name=name,
        email=email, clause=reports.clause, language=language, reference=reports.reference, mail_key=mail_key,
        reply_to=reply_to[0] if reply_to and not answers_nobody else "",
    )


def _own_first(own: OwnAddresses, addresses: Iterable[str]) -> tuple[str, ...]:
    """Each once. A report may name many addresses elsewhere, and only so many are kept."""
    return tuple(sorted(dict.fromkeys(addresses), key=lambda address: not own.is_own(address)))


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
    if _has_no_return_path(message) and not found.reports.is_any:
        return "a bounce"
    if _is_from_list(message) and not found.reports.is_any and (not draft.addresses or _is_automatic(message)):
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
        if part.get_content_type() == "message/feedback-report":
            found.reports.read_arf(_fields(part))
        elif part.get_content_maintype() in ("text", "application") and not part.is_multipart():
            _read_text(part, _decoded(part), found)
    return found


def _read_text(part: Message, text: str, found: _Content) -> None:
    kind, is_attached = part.get_content_type(), part.get_content_disposition() == "attachment"
    if (_is_named_json(part) or is_json(text)) and found.reports.read_json(text):
        return
    if kind == "text/plain" and not is_attached:
        found.plain.append(text)
    elif kind == "text/html" and not is_attached:
        found.html.append(text)
    elif part.get_content_maintype() == "text":
        found.attached.append(text)


def _is_named_json(part: Message) -> bool:
    kind = part.get_content_subtype()
    return kind == "json" or kind.endswith(("+json", "ndjson")) or (part.get_filename() or "").lower().endswith((".json", ".ndjson"))


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


def _fields(part: Message) -> Message:
    """The fields of an ARF report. They are parsed as the headers of an enclosed message."""
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return payload[0]
    return message_from_bytes(_decoded(part).encode())


def _decoded(part: Message) -> str:
    """The text of a part, without what it encloses in Base64."""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    marked = next((charset for mark, charset in _MARKS.items() if content.startswith(mark)), "")
    try:
        text = content.decode(marked or part.get_content_charset() or "utf-8")
    except (LookupError, ValueError):  # an unknown charset, or a wrong one
        text = content.decode("utf-8", "replace")
    return without_enclosed(text)[:_LONGEST_TEXT]


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
