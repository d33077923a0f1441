"""Reads new mails from a mailbox over IMAP (RFC 9051, with `imaplib` in a thread).

The mailbox is only examined: nothing in it is marked, moved or deleted, so people can read it with their own program, and
everything that came in stays there. Which mails were read is known by their UIDs.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from folkmoot.base.errors import Unavailable
from folkmoot.config import Settings

MOST_BYTES = 8 * 1024 * 1024  # of a mail: the rest of a longer one stays in the mailbox
_MOST_AT_ONCE = 16 * 1024 * 1024  # bytes of mails that are returned together
_SECONDS = 30
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Mailbox(msgspec.Struct, frozen=True):
    """`authserv`: how the mail server calls itself in Authentication-Results; empty if it checks no signatures."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    security: str
    authserv: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Mailbox":
        wanted = settings.notices
        return cls(
            host=wanted.mailbox_host, port=wanted.mailbox_port, user=wanted.mailbox_user, password=wanted.mailbox_password,
            folder=wanted.mailbox_folder, security=wanted.mailbox_security, authserv=wanted.mailbox_authserv,
        )

    @property
    def name(self) -> str:
        """The key under which its position is stored."""
        return f"{self.user}@{self.host}/{self.folder}"


class Position(msgspec.Struct, frozen=True):
    """How far a mailbox was read. Its UIDs are valid as long as `validity` is the same."""

    validity: int
    last_uid: int
    read_at: datetime


class Fetched(NamedTuple):
    """`mails`: UID and content. `validity` and `last_uid`: the position before the first of them."""

    validity: int
    last_uid: int
    mails: list[tuple[int, bytes]]


def count_new(mailbox: Mailbox, position: Position | None) -> int:
    """How many mails wait to be received after a position. Blocks: call it in a thread. Raises Unavailable."""
    with _opened(mailbox) as connection:
        return len(_find_new(connection, mailbox, position)[2])


def fetch_new(mailbox: Mailbox, position: Position | None, most: int) -> Fetched:
    """The next mails after a position, at most `most`, fewer if they are long. Blocks: call it in a thread. Raises Unavailable.

    A mailbox that was never read is read from its end. After its UIDs have become invalid, mails of the last days are
    returned again; the caller knows those that it has.
    """
    with _opened(mailbox) as connection:
        return _fetch(connection, mailbox, position, most)


@contextmanager
def _opened(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    try:
        connection = _connect(mailbox)
        try:
            _secure_and_log_in(connection, mailbox)
            yield connection
        finally:
            connection.shutdown()
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        raise Unavailable(log_text=f"the mailbox {mailbox.name} cannot be read: {type(error).__name__}: {str(error)[:200]}") from error


def _connect(mailbox: Mailbox) -> imaplib.IMAP4:
    if mailbox.security == "tls":
        return imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=ssl.create_default_context(), timeout=_SECONDS)
    return imaplib.IMAP4(mailbox.host, mailbox.port, timeout=_SECONDS)


def _secure_and_log_in(connection: imaplib.IMAP4, mailbox: Mailbox) -> None:
    if mailbox.security == "starttls":
        connection.starttls(ssl.create_default_context())
    connection.login(mailbox.user, mailbox.password)


def _fetch(connection: imaplib.IMAP4, mailbox: Mailbox, position: Position | None, most: int) -> Fetched:
    validity, last, uids = _find_new(connection, mailbox, position)
    mails: list[tuple[int, bytes]] = []
    size = 0
    for uid in uids[:most]:
        if size > _MOST_AT_ONCE - MOST_BYTES:
            break
        answer = _required(connection.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{MOST_BYTES}>)"))
        contents = [part[1] for part in answer if isinstance(part, tuple)]
        mails.append((uid, contents[0] if contents else b""))
        size += len(mails[-1][1])
    return Fetched(validity, last, mails)


def _find_new(connection: imaplib.IMAP4, mailbox: Mailbox, position: Position | None) -> tuple[int, int, list[int]]:
    """(validity of the UIDs, the last one that was read, those after it)."""
    folder = mailbox.folder.replace("\\", "\\\\").replace('"', '\\"')
    _required(connection.select(f'"{folder}"', readonly=True))
    validity = _number(connection.response("UIDVALIDITY")[1])
    end = max(0, _number(connection.response("UIDNEXT")[1]) - 1)
    if position is None:
        return validity, end, []
    last = position.last_uid
    wanted = f"UID {last + 1}:*"
    if validity != position.validity:
        since = position.read_at - timedelta(days=1)  # dates in IMAP have no time zone
        last, wanted = 0, f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
    found = _required(connection.uid("SEARCH", wanted))
    uids = sorted(uid for uid in map(int, (found[0] or b"").split()) if uid > last)  # `*` is the last mail, also if it was read
    if not uids and validity != position.validity:
        last = end
    return validity, last, uids


def _required(answer: tuple[str, Any]) -> list[Any]:
    kind, values = answer
    if kind != "OK":
        raise ValueError(f"the server answered {kind} {str(values)[:100]}")
    return list(values)


def _number(values: object) -> int:
    found = re.search(rb"[0-9]+", values[0]) if isinstance(values, list) and values and isinstance(values[0], bytes) else None
    if found is None:
        raise ValueError("the server did not say how its mails are numbered")
    return int(found[0])
