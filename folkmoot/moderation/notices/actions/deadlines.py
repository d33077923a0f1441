"""Tells the operators about notices that need somebody soon, whether or not their sender is verified."""

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices import queries
from folkmoot.moderation.notices.model import Notice, State, Urgency
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.queries import list_operators


def needs_somebody(notice: Notice) -> bool:
    """Whether operators are told as soon as it arrives: it is urgent, or only a person can find out what it is about."""
    return notice.state is not State.ANSWERED and (notice.urgency is not Urgency.OTHER or notice.state is State.UNREAD)


async def alarm_staff(tx: WriteTx, text: str) -> None:
    """Mails the operators: `notice_waiting` or `notice_due`. The mail names no notice, so one mail stands for several."""
    for operator in await list_operators(tx):
        send_mail(tx, Mail(text, operator.email, operator.language, "/moderate/notices"))


async def note_deadlines(tx: WriteTx) -> list[Notice]:
    """Notes notices that have used 50, 80 or 100 percent of their time; returns those that are noted now. Each share is noted once.

    Writes notice.deadline_neared to the journal.
    """
    taken = await queries.take_deadlines(tx, clock.now())
    for notice, share in taken:
        await record_step(tx, Step.NOTICE_DEADLINE_NEARED, case_id=None, notice=notice.id, number=notice.number, share=int(share))
    return [notice for notice, _ in taken]
