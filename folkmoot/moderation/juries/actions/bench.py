"""What is done with a jury in several places: its seats are filled, it is left to moderators, it ends."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.i18n import Translator
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions.pool import Drawn, Pool
from folkmoot.moderation.juries.model import LIFECYCLE, Docket, Jury, Reason, Seat, SeatState, State
from folkmoot.moderation.juries.policy import invited_until

_ID_BITS = 62


class Bench(NamedTuple):
    """What the actions need beside the database. `halves`: the key of the random halves; `translators` and `language`: for the words of
    a decision, which are in the author's language or else in this one."""

    halves: str
    translators: Mapping[str, Translator]
    language: str


async def seat(tx: WriteTx, pool: Pool, docket: Docket, before: Sequence[Seat], drawn: Drawn, now: datetime) -> None:
    """Stores the seats of a draw, which are offered. Writes jury.drawn to the journal, without accounts."""
    number = max((one.number for one in before), default=0)
    until = invited_until(docket, now)
    seats = [
        Seat(
            id=clock.draw(1 << _ID_BITS), case_id=docket.case_id, number=number + place, account_id=account_id, camp=camp,
            state=SeatState.OFFERED, drawn_at=now, until=until,
        )
        for place, (account_id, camp) in enumerate(drawn.seats.items(), 1)
    ]
    if seats:
        await queries.insert_seats(tx, seats)
        pool.take(list(drawn.seats))
        camps = [(one.number, one.camp) for one in seats]
        await record_step(tx, Step.JURY_DRAWN, case_id=docket.case_id, position=drawn.position, seats=camps)


async def pass_on(tx: WriteTx, jury: Jury, reason: Reason, now: datetime) -> Jury:
    """Leaves the case of a sitting jury to moderators. Writes jury.passed to the journal."""
    await record_step(tx, Step.JURY_PASSED, case_id=jury.case_id, reason=reason)
    return await end(tx, jury, State.STAFF, now, reason)


async def end(tx: WriteTx, jury: Jury, state: State, now: datetime, reason: Reason | None = None) -> Jury:
    """Ends a sitting jury. Seats without an answer become void."""
    ended = msgspec.structs.replace(jury, state=LIFECYCLE.step(jury.state, state), reason=reason, closed_at=now)
    await queries.update_jury(tx, ended)
    await queries.void_outstanding(tx, jury.case_id)
    return ended
