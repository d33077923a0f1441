"""A move between two hosts in one process: what was acknowledged is on the new host, and only one host accepts writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, HostState
from folkmoot.portability.moving import steps
from folkmoot.portability.moving.driver import drive, look_at, undo
from folkmoot.portability.moving.fencing import OPERATOR
from folkmoot.portability.moving.journal import Journal
from folkmoot.portability.moving.model import (
    Decision,
    Fence,
    FenceOrder,
    FollowOrder,
    HostCondition,
    LastWrites,
    MoveProblem,
    Order,
    PromoteOrder,
    State,
)
from folkmoot.portability.moving.promotion import Taking
from folkmoot.portability.moving.settling import settle
from folkmoot.portability.moving.sides import Side
from folkmoot.portability.moving.steps import STEPS, Move, check, refuse_unpaired
from tests import series
from tests.portability.mover import QUICK
from tests.portability.pair_of_hosts import Pair, Writer, names_on, running_pair, supervised


@pytest.fixture(scope="module")
def shared() -> Iterator[Pair]:
    with running_pair() as pair:
        yield pair


@pytest.fixture
async def pair(shared: Pair) -> AsyncIterator[Pair]:
    async with supervised(shared, finish_move) as pair:
        yield pair


async def finish_move(pair: Pair) -> None:
    """What a test has left unfinished."""
    if FENCED in (pair.old.state.role, pair.new.state.role):
        move = await look_at(pair.old.own, pair.new.other, QUICK)
        await drive(move, pair.old.own.this.journal)


async def test_a_move_changes_the_primary_and_the_way_back_is_the_same_command(pair: Pair) -> None:
    first, second, epoch = pair.old, pair.new, pair.old.state.epoch
    on_first, on_second = Writer(first), Writer(second)
    async with first.own.this.session() as session:
        last_id = await session.fetchval("INSERT INTO events (kind, payload) VALUES ('some.event', '{}') RETURNING id")
    assert await on_first.write()
    assert not await on_second.write()
    move = await look_at(first.own, second.other, QUICK)
    await drive(move, first.own.this.journal)
    assert (first.state.role, second.state) == (STANDBY, HostState(PRIMARY, epoch + 1, move=move.id))
    assert not await on_first.write()
    assert await on_second.write()
    assert move.fence
    assert move.caught_up
    assert move.fence.last == move.caught_up.last
    assert move.fence.last.last_event == last_id
    async with second.own.this.session() as session:
        assert await session.fetchval("INSERT INTO events (kind, payload) VALUES ('some.event', '{}') RETURNING id") > last_id
        assert await session.fetchval("SELECT old_host = $2 AND new_host = $3 FROM moves WHERE id = $1", move.id, first.name, second.name)

    back = await look_at(first.own, second.other, QUICK)
    await drive(back, first.own.this.journal)  # driven by the host that takes over
    assert (first.state, second.state.role) == (HostState(PRIMARY, epoch + 2, move=back.id), STANDBY)
    assert await on_first.write()
    assert not await on_second.write()
    assert await names_on(first) >= {*on_first.acknowledged, *on_second.acknowledged}
    done = [line.step for line in first.own.this.journal.lines() if line.move == back.id and line.outcome == "done"]
    assert done == [State.PREFLIGHT, *list(State)[3:9], State.REVERSED, State.DONE]


class Faulty:
    """A host with which something goes wrong at one order: before it is carried out, or after, when the answer is lost."""

    def __init__(self, host: Side, order: str = "", when: str = "before") -> None:
        self._host, self._order, self._when = host, order, when

    def __getattr__(self, name: str) -> Any:
        original = getattr(self._host, name)
        if name != self._order:
            return original

        async def fail(content: Any) -> Any:
            if self._when == "after":
                await original(content)
            raise Problem("The other host does not answer.")

        return fail


async def attempt(old: Side, new: Side, journal: Journal) -> Move:
    move = await look_at(old, new, QUICK)
    await drive(move, journal)
    return move


class OtherClock:
    """A host whose clock is wrong by `wrong` seconds, and that answers after `slow` seconds."""

    def __init__(self, host: Side, *, wrong: float = 0, slow: float = 0) -> None:
        self._host, self._wrong, self._slow = host, timedelta(seconds=wrong), slow

    async def condition(self, order: Order) -> HostCondition:
        found = await self._host.condition(order)
        await asyncio.sleep(self._slow)
        return msgspec.structs.replace(found, now=found.now + self._wrong)


@pytest.mark.parametrize("is_driven_by_new", [False, True])
async def test_a_wrong_clock_stops_a_move_and_a_slow_host_does_not(pair: Pair, is_driven_by_new: bool) -> None:
    here, there = (pair.new, pair.old) if is_driven_by_new else (pair.old, pair.new)
    for wrong in (3.0, -3.0):
        move = await look_at(here.own, OtherClock(there.other, wrong=wrong), QUICK)  # type: ignore[arg-type]
        assert (move.skew > 0) == ((wrong > 0) != is_driven_by_new)
        with pytest.raises(MoveProblem, match="clocks"):
            await check(move)
    slow: Side = OtherClock(there.other, slow=1.2)  # type: ignore[assignment]
    await check(await look_at(here.own, slow, QUICK))
    await check(await look_at(OtherClock(here.own, slow=1.2), there.other, QUICK))  # type: ignore[arg-type]


_UNDONE = [("new", "warm_up"), ("old", "hold"), ("old", "fence"), ("new", "catch_up")]


async def test_whatever_fails_before_the_promotion_is_undone_and_the_old_host_writes(pair: Pair) -> None:
    journal, before = pair.old.own.this.journal, pair.new.state
    writers = Writer(pair.old), Writer(pair.new)
    faults = [(where, order, when) for where, order in _UNDONE for when in ("before", "after")] + [("new", "promote", "before")]
    for where, order, when in faults:
        old: Side = pair.old.own if where == "new" else Faulty(pair.old.own, order, when)  # type: ignore[assignment]
        new: Side = pair.new.other if where == "old" else Faulty(pair.new.other, order, when)  # type: ignore[assignment]
        epoch = pair.old.state.epoch
        with pytest.raises(MoveProblem, match=r"writes as before\. Try again with: moot move"):
            raise_filled(await _problem(attempt(old, new, journal)))
        assert [await writer.write() for writer in writers] == [True, False], (where, order, when)
        was_offered = order not in ("warm_up", "hold") and (order, when) != ("fence", "before")
        assert pair.old.state.epoch == epoch + (2 if was_offered else 0), "an epoch that was offered is not used again"
    assert pair.new.state == before


async def _problem(work: Awaitable[Any]) -> Problem:
    with pytest.raises(Problem) as caught:
        await work
    return caught.value


def raise_filled(problem: Problem) -> None:
    raise type(problem)(problem.message % problem.params)


@pytest.mark.parametrize(
    ("where", "order", "when"), [("new", "promote", "after"), ("old", "follow", "before"), ("old", "release", "after")]
)
async def test_whatever_fails_after_the_promotion_is_finished_by_the_same_command(
    pair: Pair, where: str, order: str, when: str
) -> None:
    if not series.is_long() and series.changing_dice("faults after a promotion").choice(["promote", "follow", "release"]) != order:
        pytest.skip("not in this sample")
    journal, writers = pair.old.own.this.journal, (Writer(pair.old), Writer(pair.new))
    old: Side = pair.old.own if where == "new" else Faulty(pair.old.own, order, when)  # type: ignore[assignment]
    new: Side = pair.new.other if where == "old" else Faulty(pair.new.other, order, when)  # type: ignore[assignment]
    if order == "promote":  # the driver asks what became of it, and goes on: the fault is a lost answer only
        move = await attempt(old, new, journal)
    else:
        assert "Go on with: moot move" in (await _problem(attempt(old, new, journal))).message
        assert [await writer.write() for writer in writers] == [False, True]
        await pair.new.restart()
        move = await attempt(pair.new.own, pair.old.other, pair.new.own.this.journal)
    assert move.at_new.role == PRIMARY
    assert [await writer.write() for writer in writers] == [False, True]
    assert pair.old.state.role == STANDBY


@dataclass
class Web:
    """The web processes of a host that passes requests on from the third question on, or never."""

    forwards: bool = True
    asked: int = 0

    async def is_running(self) -> bool:
        return True

    async def is_forwarding(self, _epoch: int) -> bool:
        self.asked += 1
        return self.forwards and self.asked > 2


async def test_a_move_is_not_finished_before_the_old_host_has_forwarded_a_request(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_FORWARD_SECONDS", 0.2)
    web = pair.old.own.this._web = Web(forwards=False)
    problem = await _problem(attempt(pair.old.own, pair.new.other, pair.old.own.this.journal))
    assert "while passing requests on: The old host does not pass requests on" in problem.message % problem.params
    assert (pair.old.state.role, pair.new.state.role) == (FENCED, PRIMARY)
    web.forwards, web.asked = True, 0
    monkeypatch.setattr(steps, "_FORWARD_SECONDS", 60)
    move = await attempt(pair.old.own, pair.new.other, pair.old.own.this.journal)
    assert move.has_forwarded
    assert web.asked >= 3
    assert pair.old.state.role == STANDBY


def test_hosts_agree_about_their_last_writes_and_an_older_release_compares_no_posts() -> None:
    writes = LastWrites(3, "events", 2, "posts")
    assert writes.agrees_with(writes)
    assert writes.agrees_with(LastWrites(3, "events"))
    for other in (LastWrites(4, "events"), LastWrites(3, "other", 2, "posts"), LastWrites(3, "events", 2, "other"),
                  LastWrites(3, "events", 1, "posts")):
        assert not writes.agrees_with(other)
        assert not other.agrees_with(writes)


async def test_a_host_whose_successor_does_not_answer_stays_fenced_until_that_has_refused(pair: Pair) -> None:
    class Silent(Faulty):
        def __getattr__(self, name: str) -> Any:
            return Faulty(self._host, "refuse" if name == "refuse" else "catch_up").__getattr__(name)

    silent: Side = Silent(pair.new.other)  # type: ignore[assignment]
    writers = Writer(pair.old), Writer(pair.new)
    assert "stays read-only until it does" in (await _problem(attempt(pair.old.own, silent, pair.old.own.this.journal))).message
    assert [await writer.write() for writer in writers] == [False, False]
    fenced = pair.old.state
    assert (fenced.role, fenced.to) == (FENCED, pair.new.name)
    with pytest.raises(MoveProblem, match="has not refused"):
        await pair.old.own.unfence(Decision(fenced.move, "somebody else", True))
    with pytest.raises(MoveProblem, match="has not refused"):
        await pair.old.own.unfence(Decision(fenced.move, pair.new.name, False))
    await pair.old.restart()
    await settle(pair.old.own, pair.new.other)
    assert [await writer.write() for writer in writers] == [True, False]
    with pytest.raises(MoveProblem, match="given up"):  # an order to fence that arrives late
        await pair.old.own.fence(FenceOrder(fenced.move, pair.new.name))
    late = Fence(fenced.move, pair.old.name, pair.new.name, fenced.epoch + 1, "0/0", clock.now(), LastWrites(0, ""))
    with pytest.raises(MoveProblem, match="refused"):
        Taking(pair.new.own.this)._accept(PromoteOrder(fenced.move, late))
    assert [await writer.write() for writer in writers] == [True, False]


async def test_an_operator_can_state_that_the_other_host_is_off(pair: Pair) -> None:
    move = await look_at(pair.old.own, pair.new.other, QUICK)
    epoch = pair.old.state.epoch
    await pair.old.own.fence(FenceOrder(move.id, pair.new.name))
    with pytest.raises(MoveProblem, match="Only an operator"):  # not even through a message
        await pair.old.other.unfence(Decision(move.id, OPERATOR, True))
    pair.new.is_cut = True
    with pytest.raises(Problem, match="does not answer"):
        await undo(pair.old.own, pair.new.other)
    assert (await undo(pair.old.own, pair.new.other, is_other_off=True)).epoch == epoch + 2
    pair.new.is_cut = False
    assert await Writer(pair.old).write()
    said = [line.facts for line in pair.old.own.this.journal.lines() if line.what == "decision" and line.move == move.id]
    assert said == [{"by": "operator"}]


async def test_a_primary_that_hears_of_a_higher_epoch_stops_writing_and_is_not_rewound(pair: Pair) -> None:
    before = pair.old.state
    pair.old.own.fence_against(before.epoch, pair.new.name)
    assert await Writer(pair.old).write()
    pair.old.own.fence_against(before.epoch + 1, pair.new.name)
    assert not await Writer(pair.old).write()
    assert pair.old.state == HostState(FENCED, before.epoch, to=pair.new.name, seen=before.epoch + 1)
    with pytest.raises(MoveProblem, match="did not hand over"):
        await pair.old.own.follow(FollowOrder("any", before.epoch + 1))
    pair.old.own.this.change_state(role=PRIMARY, to="", move=before.move, seen=0)


async def test_a_promotion_waits_for_a_slow_clock_and_refuses_a_wrong_one(pair: Pair) -> None:
    taking = Taking(pair.new.own.this)
    soon, far = clock.now() + timedelta(milliseconds=200), clock.now() + timedelta(seconds=60)
    await taking._await_time_of(Fence("m", pair.old.name, pair.new.name, 2, "0/0", soon, LastWrites(0, "")))
    assert clock.now() >= soon
    with pytest.raises(MoveProblem, match="clock"):
        await taking._await_time_of(Fence("m", pair.old.name, pair.new.name, 2, "0/0", far, LastWrites(0, "")))


async def test_jobs_of_the_old_host_are_released_and_not_counted_as_crashed(pair: Pair) -> None:
    async with pair.old.own.this.session() as session:
        await session.execute(f"BEGIN; SET LOCAL folkmoot.epoch = '{pair.old.state.epoch}'")
        await session.execute("INSERT INTO jobs (name, payload, worker) VALUES ('some.job', '{}', 7)")
        await session.execute("COMMIT")
    move = await look_at(pair.old.own, pair.new.other, QUICK)
    with pytest.raises(MoveProblem):  # the old host is not supervised here, so it does not follow
        await drive(move, pair.old.own.this.journal, steps=[*STEPS[:8], replace(STEPS[-1], act=refuse_unpaired)])
    async with pair.new.own.this.session() as session:
        row = await session.fetchrow("SELECT worker, crashes, tries FROM jobs")
    assert tuple(row) == (None, 0, 0)
