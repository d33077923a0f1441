"""What a moderator reads of a received notice, for the page and the client API."""

from typing import NamedTuple

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.errors import WritesPaused
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.contacts.model import Contact
from folkmoot.moderation.contacts.queries import list_contacts, list_contacts_by_id
from folkmoot.moderation.notices.actions import read_notice
from folkmoot.moderation.notices.mail_reading import files_of
from folkmoot.moderation.notices.model import Notice, Outcome
from folkmoot.moderation.notices.queries import find_raw, get_notice, list_outcomes
from folkmoot.network.sessions.model import Viewer


class ReceivedNotice(NamedTuple):
    """`mail`: the mail as it came, empty without one; `files`: names of what is attached to it, which only the mailbox has; `contact`:
    who sent it, if that is verified; `contacts`: all registered ones. `is_recorded`: whether the journal has recorded the reading; if
    not, the sender is left out."""

    notice: Notice
    outcomes: list[Outcome]
    mail: str
    files: tuple[str, ...]
    contact: Contact | None
    contacts: list[Contact]
    is_recorded: bool


async def read_received(database: Database, moderator: Viewer, notice_id: int) -> ReceivedNotice:
    """A notice with its sender, and what became of it.

    Moderators. Writes notice.read to the journal. Where nothing can be written, on a standby or during a move, the sender is left out.
    Raises NotFound.
    """
    require_moderator(moderator)
    try:
        async with database.write() as tx:
            notice, is_recorded = await read_notice(tx, moderator, notice_id), True
    except WritesPaused:
        async with database.read() as conn:
            stored = await get_notice(conn, notice_id)
        notice, is_recorded = msgspec.structs.replace(stored, name="", email="", reply_to=""), False
    async with database.read() as conn:
        outcomes = await list_outcomes(conn, notice.id)
        raw = await find_raw(conn, notice.id) if is_recorded else None
        known = await list_contacts_by_id(conn, [notice.contact_id] if notice.contact_id else [])
        contacts = await list_contacts(conn)
    mail = raw.decode("utf-8", "replace") if raw else ""
    files = files_of(raw) if raw else ()
    return ReceivedNotice(notice, outcomes, mail, files, known.get(notice.contact_id or 0), contacts, is_recorded)
