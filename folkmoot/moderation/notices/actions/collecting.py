"""Receives notices from a mailbox: each mail once, in order, and none is lost."""

import asyncio
import hashlib
import logging

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Problem, TooMany
from folkmoot.moderation.notices import queries
from folkmoot.moderation.notices.actions.receiving import receive_notice
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.mail_reading import Ignored, read_mail
from folkmoot.moderation.notices.mailbox import Mailbox, Position, fetch_new
from folkmoot.moderation.notices.model import Door, NoticeDraft
from folkmoot.network.sessions.addresses import email_errors, email_key
from folkmoot.network.sessions.limits import spend_mail

_AT_ONCE = 20
_MOST = 500  # in one run: the next one goes on
log = logging.getLogger(__name__)


async def collect_mails(database: Database, intake: Intake, mailbox: Mailbox, own_sender: str, language: str, multiplier: float) -> int:
    """Reads the new mails of a mailbox; returns how many. Each is a transaction of its own with the position in the mailbox, so
    a crash repeats at most one mail, whose notice is known by its hash. Raises Unavailable."""
    count = 0
    while count < _MOST:
        async with database.read() as conn:
            position = await queries.find_position(conn, mailbox.name)
        fetched = await asyncio.to_thread(fetch_new, mailbox, position, _AT_ONCE)
        if not fetched.mails:
            if position is None or fetched.validity != position.validity:
                await _store_position(database, mailbox, fetched.validity, fetched.last_uid)
            return count
        for uid, content in fetched.mails:
            draft = await asyncio.to_thread(
                read_mail, content, hashlib.sha256(content).digest(), intake.own, own_sender, language, mailbox.authserv
            )
            if isinstance(draft, Ignored):
                log.info("mail %d in %s is no notice: %s", uid, mailbox.name, draft.reason)
            else:
                await _receive(database, intake, draft, multiplier)
            await _store_position(database, mailbox, fetched.validity, uid)
            count += 1
    return count


async def _receive(database: Database, intake: Intake, draft: NoticeDraft, multiplier: float) -> None:
    may_mail = await _may_answer(database, draft, multiplier)
    try:
        async with database.write() as tx:
            await receive_notice(tx, intake, draft, may_mail=may_mail)
    except Problem:
        raise
    except Exception:  # one mail must not stop the others: a person reads it in the mailbox
        log.exception("a mail cannot be received as a notice; it is kept for a person to read")
        bare = NoticeDraft(door=Door.MAIL, addresses=(), reason="", mail_key=draft.mail_key, language=draft.language, raw=draft.raw)
        async with database.write() as tx:
            await receive_notice(tx, intake, bare, may_mail=False)


async def _may_answer(database: Database, draft: NoticeDraft, multiplier: float) -> bool:
    """Whether the sender gets a receipt: not a program, and not too often, so that two programs do not write to each other."""
    if not draft.reply_to or email_errors(draft.email):
        return False
    try:
        await spend_mail(database, email_key(draft.email), "notices by mail", multiplier)
    except TooMany:
        return False
    return True


async def _store_position(database: Database, mailbox: Mailbox, validity: int, last_uid: int) -> None:
    async with database.write() as tx:
        await queries.upsert_position(tx, mailbox.name, Position(validity=validity, last_uid=last_uid, read_at=clock.now()))
