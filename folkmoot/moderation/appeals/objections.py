"""What the sender of a notice can object to. It reads verdicts and appeals together, for the receipt page and for the API."""

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.moderation.appeals.model import Side
from folkmoot.moderation.appeals.policy import can_appeal
from folkmoot.moderation.appeals.queries import list_objections
from folkmoot.moderation.notices.model import Notice, Outcome
from folkmoot.moderation.notices.queries import list_outcomes
from folkmoot.moderation.verdicts.queries import get_verdict


async def list_open_to_objection(conn: ReadConn, notice: Notice) -> list[Outcome]:
    """The outcomes of a notice that its sender can still object to. A notice has at most twenty."""
    known = {one.appeal.verdict_id for one in await list_objections(conn, notice.id)}
    return [
        outcome for outcome in await list_outcomes(conn, notice.id)
        if outcome.verdict_id and outcome.verdict_id not in known and not outcome.is_deleted
        and can_appeal(Side.NOTIFIER, await get_verdict(conn, outcome.verdict_id), clock.now())
    ]
