"""What jurors do in the review: take the next item, answer it, leave it or a whole topic to others, and choose mails.

Most items are seats (`juries`), one in ten is a gold question (`gold.py`), some are posts of the daily sample (`sampling.py`). No
answer, error, statement or time tells which. Nothing here writes an event, a log line or an entry of the journal.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Conflict
from folkmoot.moderation.cases.queries import get_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.juries.actions import reviewing as seats
from folkmoot.moderation.juries.model import Review, SeatState
from folkmoot.moderation.juries.queries import count_waiting, get_own_seat, is_able, list_own_outstanding
from folkmoot.moderation.jurors import actions
from folkmoot.moderation.jurors import queries as jurors
from folkmoot.moderation.jurors.model import GoldItem, State, Turns
from folkmoot.moderation.reviewing import gold, queries
from folkmoot.moderation.reviewing.model import DAY, ItemView, Pace, SampleSeat, Worked, pace_of
from folkmoot.moderation.reviewing.queries import sample
from folkmoot.moderation.reviewing.reading import view_case, view_question, view_sampled
from folkmoot.moderation.reviewing.sampling import answer_sampled, next_sampled, skip_sampled
from folkmoot.network.sessions.model import Viewer


class Desk(NamedTuple):
    """What a juror has before them. `item`: the open one; `share`: how many items this sitting has, with those that are done;
    `waiting`: items that can be answered now."""

    item: ItemView | None
    pace: Pace
    share: int
    waiting: int


async def read_pace(conn: ReadConn, juror_id: int, now: datetime) -> Pace:
    """What a juror has done in the last 24 hours."""
    answered = await queries.list_answered_since(conn, juror_id, now - DAY)
    return pace_of((Worked(at, clause_of(clause).severity) for at, clause in answered), now)


async def read_desk(conn: ReadConn, juror: Viewer) -> Desk:
    """The open item of a juror, if there is one, and how much waits. Opens nothing."""
    now = clock.now()
    pace = await read_pace(conn, juror.id, now)
    turns = await jurors.get_turns(conn, juror.id)
    if not await is_able(conn, juror.id, now):
        return Desk(None, pace, pace.sitting, 0)
    sampled = await sample.list_outstanding(conn, juror.id, now)
    waiting = await count_waiting(conn, juror.id, now) + len(sampled)
    item = await _find_open(conn, juror, sampled, now)
    share = pace.sitting + max(_items_of(waiting, turns), 1)
    return Desk(item, pace, share, 0 if pace.is_enough else max(waiting, item is not None))


async def take_next(tx: WriteTx, juror: Viewer, *, goes_on: bool = False) -> bool:
    """Opens the next item, or reads the open one again. False if there is none, if it is enough for today, or if a break is due.

    `goes_on`: the juror wants no break. Jurors. Raises NotFound.
    """
    record = await actions.get_active(tx, juror.id)
    turns = await jurors.lock_turns(tx, juror.id)
    now = clock.now()
    pace = await read_pace(tx, juror.id, now)
    sampled = await sample.list_outstanding(tx, juror.id, now)
    waiting = await count_waiting(tx, juror.id, now) + len(sampled)
    if record.state is not State.JUROR or pace.is_enough or (pace.wants_break and not goes_on):
        return False
    item = await jurors.find_open_gold_item(tx, juror.id, now)
    if item:
        await gold.renew(tx, item, now)
        return True
    if not waiting:
        return False
    gap = turns.cases_to_gold
    if gap is None:
        gap = gold.draw_gap()
        await jurors.update_cases_to_gold(tx, juror.id, gap)
    in_cases = await list_own_outstanding(tx, juror.id, now)
    opened = next((one for one in [*in_cases, *sampled] if one.state is SeatState.OPENED), None)
    if gap == 0 and opened is None and await is_able(tx, juror.id, now) and await gold.open_gold(tx, juror.id, record.choices, now):
        return True
    is_sample_first = opened in sampled if opened else clock.draw(len(in_cases) + len(sampled)) < len(sampled)
    for is_sample in (is_sample_first, not is_sample_first):
        if await (next_sampled(tx, juror, now) if is_sample else seats.next_item(tx, juror, now)):
            return True
    return False


async def answer_item(tx: WriteTx, juror: Viewer, item_id: int, review: Review) -> None:
    """Answers an open item. The same answer again changes nothing, so that nobody can count down to a gold question with it. Raises what
    `juries.answer_item` raises."""
    await actions.get_active(tx, juror.id)
    gap = (await jurors.lock_turns(tx, juror.id)).cases_to_gold or 0
    asked, sampled = await jurors.find_gold_item(tx, juror.id, item_id), await sample.find_seat(tx, juror.id, item_id)
    if asked:
        is_new = (await jurors.get_gold_item(tx, juror.id, item_id)).answered_at is None
        await gold.answer_gold(tx, juror, item_id, review)
        gap = gold.draw_gap() if is_new else gap
    elif sampled:
        is_new = (await sample.get_seat(tx, juror.id, item_id)).state is not SeatState.ANSWERED
        await answer_sampled(tx, juror, item_id, review)
        gap = max(0, gap - 1) if is_new else gap
    else:
        is_new = (await get_own_seat(tx, juror.id, item_id)).state is not SeatState.ANSWERED
        await seats.answer_item(tx, juror, item_id, review)
        gap = max(0, gap - 1) if is_new else gap
    await jurors.update_cases_to_gold(tx, juror.id, gap)


async def skip_item(tx: WriteTx, juror: Viewer, item_id: int, *, avoided: Sequence[str] = (), without_pictures: bool = False) -> None:
    """Leaves an item to somebody else; with `avoided` or `without_pictures`, everything like it from now on. A second call changes
    nothing.

    Jurors. Raises NotFound, Conflict for an answered item, Invalid for more topics than a juror can leave to others.
    """
    record = await actions.get_active(tx, juror.id)
    if avoided or without_pictures:
        choices = msgspec.structs.replace(
            record.choices, avoided=tuple(dict.fromkeys([*record.choices.avoided, *avoided])),
            without_pictures=record.choices.without_pictures or without_pictures,
        )
        await actions.choose(tx, juror, choices)
    await jurors.lock_turns(tx, juror.id)
    item, sampled = await jurors.find_gold_item(tx, juror.id, item_id), await sample.find_seat(tx, juror.id, item_id)
    if item and item.answered_at:
        raise Conflict("You have answered this one already.")
    if item:
        await jurors.update_gold_lease(tx, item, min(item.leased_until, clock.now()))
        await jurors.update_cases_to_gold(tx, juror.id, gold.draw_gap())
    elif sampled:
        await skip_sampled(tx, juror, item_id)
    else:
        await seats.skip_item(tx, juror, item_id)


async def choose_mails(tx: WriteTx, juror: Viewer, *, wants: bool) -> None:
    """Turns the mails about waiting items on or off. Jurors. Raises NotFound."""
    await actions.get_active(tx, juror.id)
    await jurors.upsert_wants_mails(tx, juror.id, wants=wants)


def _items_of(waiting: int, turns: Turns) -> int:
    """The items that a juror has to do, with the gold question among them: known before, so that the number does not change when it
    comes."""
    return waiting + (turns.cases_to_gold is not None and turns.cases_to_gold < waiting)


async def _find_open(conn: ReadConn, juror: Viewer, sampled: Sequence[SampleSeat], now: datetime) -> ItemView | None:
    item = await jurors.find_open_gold_item(conn, juror.id, now)
    seat = next((one for one in await list_own_outstanding(conn, juror.id, now) if one.state is SeatState.OPENED), None)
    opened = next((one for one in sampled if one.state is SeatState.OPENED), None)
    if item:
        return await view_gold(conn, item)
    if opened:
        return await view_sampled(conn, opened)
    return await view_case(conn, seat.id, juror.id, await get_case(conn, seat.case_id)) if seat else None


async def view_gold(conn: ReadConn, item: GoldItem) -> ItemView | None:
    if item.case_id:
        return await view_case(conn, item.id, item.account_id, await get_case(conn, item.case_id))
    question = await gold.find_question(conn, item)
    return await view_question(conn, item.id, item.account_id, question, item.language) if question else None
