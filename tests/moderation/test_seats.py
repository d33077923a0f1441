"""Seats of a case follow their lifecycle, and a verdict names its decider: a person, a jury or the system."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict
from folkmoot.moderation.cases.actions import release_case
from folkmoot.moderation.cases.model import LEASE, SEAT_LIFECYCLE, Case, SeatState
from folkmoot.moderation.cases.queries import list_seats, lock_case
from folkmoot.moderation.verdicts.actions import reach_verdict, undo_verdict
from folkmoot.moderation.verdicts.model import Decider, DeciderKind, Decision
from folkmoot.moderation.verdicts.queries import get_verdict
from tests.moderation.court import Court


async def _case(court: Court) -> Case:
    await court.report("reporter", await court.village.write("author", "Svolám na něj lidi"), clauses=("violence",))
    return (await court.queue())[0]


async def _seats(court: Court, case: Case) -> list[tuple[str, SeatState]]:
    names = {account.id: name for name, account in court.village.people.items()}
    async with court.database.read() as conn:
        return [(names[seat.account_id], seat.state) for seat in await list_seats(conn, case.id)]


async def test_a_seat_is_claimed_released_taken_over_and_decided(court: Court) -> None:
    case = await _case(court)
    assert await _seats(court, case) == []
    await court.claim("moderator", case)
    assert await _seats(court, case) == [("moderator", SeatState.HELD)]
    async with court.database.write() as tx:
        await release_case(tx, await court.viewer("moderator"), case.id)
    assert await _seats(court, case) == [("moderator", SeatState.FREE)]
    await court.claim("other_moderator", case)
    assert await _seats(court, case) == [("other_moderator", SeatState.HELD)]
    async with court.database.write() as tx:  # not the holder: nothing changes
        await release_case(tx, await court.viewer("moderator"), case.id)
    assert await _seats(court, case) == [("other_moderator", SeatState.HELD)]
    with clock.stopped_at(clock.now() + LEASE + timedelta(seconds=1)):
        await court.claim("moderator", case)
        assert await _seats(court, case) == [("moderator", SeatState.HELD)]
    verdict = await court.decide("moderator", case, "keep")
    assert await _seats(court, case) == [("moderator", SeatState.DECIDED)]
    assert verdict.decider == Decider.person(court.village.people["moderator"].id)


async def test_undoing_a_verdict_frees_its_seat(court: Court) -> None:
    case = await _case(court)
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        locked = await lock_case(tx, case.id)
        seat = locked.seat_of(moderator.id, clock.now())
        assert seat
        verdict = await reach_verdict(tx, Decider.person(moderator.id), locked, Decision(action="remove", clause="violence"), seat)
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)
    assert await _seats(court, case) == [("moderator", SeatState.FREE)]
    await court.decide("other_moderator", case, "keep")


async def test_a_lease_from_a_clock_that_was_ahead_blocks_nobody(court: Court) -> None:
    case = await _case(court)
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await court.claim("moderator", case)
    other = await court.village.by_browser("other_moderator")
    assert (await other.get("/moderate/next")).headers["location"] == f"/moderate/cases/{case.id}"
    assert await _seats(court, case) == [("other_moderator", SeatState.HELD)]


def test_a_seat_has_no_other_transitions() -> None:
    allowed = [(SeatState.FREE, SeatState.HELD), (SeatState.HELD, SeatState.FREE), (SeatState.HELD, SeatState.DECIDED),
               (SeatState.DECIDED, SeatState.FREE)]
    for before in SeatState:
        for after in SeatState:
            if (before, after) in allowed:
                assert SEAT_LIFECYCLE.step(before, after) is after
            else:
                with pytest.raises(Conflict):
                    SEAT_LIFECYCLE.step(before, after)


async def test_a_verdict_of_the_previous_release_has_its_moderator_as_decider(court: Court) -> None:
    case = await _case(court)
    verdict = await court.decide("moderator", case, "keep")
    async with court.database.write() as tx:
        await tx.execute("UPDATE verdicts SET decider_id = NULL, decider_kind = DEFAULT")
    async with court.database.read() as conn:
        stored = await get_verdict(conn, verdict.id)
        assert stored.decider == verdict.decider
        assert stored.decider.account_id == court.village.people["moderator"].id


async def test_the_system_decides_without_a_seat(court: Court) -> None:
    case = await _case(court)
    async with court.database.write() as tx:
        locked = await lock_case(tx, case.id)
        verdict = await reach_verdict(tx, Decider(DeciderKind.SYSTEM), locked, Decision(action="keep"))
    async with court.database.read() as conn:
        assert (await get_verdict(conn, verdict.id)).decider == Decider(DeciderKind.SYSTEM)
