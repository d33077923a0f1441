"""Subscribers and timed jobs of notices. `moderation/assembly.py` registers them."""

from contextlib import suppress
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound, TooMany
from folkmoot.config import Settings
from folkmoot.moderation.notices import actions, queries
from folkmoot.moderation.notices.actions.deadlines import needs_somebody
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.mailbox import Mailbox
from folkmoot.moderation.notices.model import NoticeReceived, NoticeVerified
from folkmoot.network.sessions import limits

SENDERS_KEPT = timedelta(days=365)  # after the answer: appeals last half a year, and courts take longer


async def alarm_of_received(database: Database, event: NoticeReceived) -> None:
    """Mails the operators about a notice that needs somebody soon."""
    await _alarm_of(database, event.notice_id)


async def alarm_of_verified(database: Database, event: NoticeVerified) -> None:
    """The same once its sender is known to be a contact: while anybody could have sent it, it may have been one of very many."""
    await _alarm_of(database, event.notice_id)


async def _alarm_of(database: Database, notice_id: int) -> None:
    async with database.read() as conn:
        try:
            notice = await queries.get_notice(conn, notice_id)
        except NotFound:
            return
    if needs_somebody(notice):
        await _alarm(database, "notice_waiting", notice.contact_id)


async def watch_deadlines(database: Database) -> None:
    """Timed. Works in transactions of at most 200 notices."""
    senders: set[int | None] = set()
    while True:
        async with database.write() as tx:
            noted = await actions.note_deadlines(tx)
        senders |= {notice.contact_id for notice in noted}
        if not noted:
            break
    for contact_id in senders:
        await _alarm(database, "notice_due", contact_id)


async def fetch_mails(database: Database, settings: Settings) -> None:
    """Timed. Receives what has come into the mailbox. Raises Unavailable, which `moot doctor` shows."""
    await actions.collect_mails(
        database, Intake.of(settings), Mailbox.of(settings), settings.mail.sender, settings.network.language, settings.limits.multiplier
    )


async def forget_senders(database: Database) -> None:
    """Timed. Deletes names, addresses and mails of senders a year after the answer."""
    while True:
        async with database.write() as tx:
            if not await queries.forget_senders(tx, clock.now() - SENDERS_KEPT):
                return


async def _alarm(database: Database, text: str, contact_id: int | None) -> None:
    """At most a few mails an hour: somebody who sends a thousand notices must not drown the operators in mail. Each verified contact has
    a limit of its own, so that others cannot use it up."""
    with suppress(TooMany):
        await limits.spend(database, "notice_alarm", f"{text} {contact_id or ''}", 1.0)
        async with database.write() as tx:
            await actions.alarm_staff(tx, text)
