"""A failover between two hosts in one process: what it needs, what it loses, and what becomes of the old host."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.failover import queries
from folkmoot.portability.failover.assembly import AnsweringHost
from folkmoot.portability.failover.coming_back import ask_fork
from folkmoot.portability.failover.driver import Failover, Statements, drive, fence, look, obstacle
from folkmoot.portability.failover.export import export, folder_of
from folkmoot.portability.failover.model import FailoverProblem, StopOrder, sentence
from folkmoot.portability.failover.standing import confirm
from folkmoot.portability.failover.taking_over import accept, log_left_at
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.moving.driver import look_at, undo
from folkmoot.portability.moving.model import FenceOrder, MoveProblem, Options, Order, PromoteOrder, Proof
from folkmoot.portability.moving.rejoin import RejoinOrder, order_rejoin
from folkmoot.portability.moving.settling import settle
from folkmoot.portability.names.model import Statement
from folkmoot.portability.names.witness import Seen
from folkmoot.portability.postgres_settings import slot_of
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.standby.following import Meter, warnings
from folkmoot.portability.standby.model import Following, Stage
from folkmoot.portability.standby.queries import get_sending
from tests.portability.pair_of_hosts import OneHost, Pair, Writer, names_on, running_pair, supervised
from tests.portability.standby import caught_up

NOT_SECRET = frozenset(["hash", "name_hash", "blurhash", "email_hash"])
OFF, LOSS = Statements(is_other_off=True), Statements(accepts_loss=True)


@pytest.fixture(scope="module")
def shared() -> Iterator[Pair]:
    with running_pair() as pair:
        yield pair


@pytest.fixture
async def pair(shared: Pair) -> AsyncIterator[Pair]:
    async with supervised(shared, make_well) as pair:
        yield pair


async def make_well(pair: Pair) -> None:
    """The host with the highest epoch is the primary, and the other one its standby."""
    pair.old.is_cut = pair.new.is_cut = False
    for host, other in ((pair.old, pair.new), (pair.new, pair.old)):
        if host.state.role == PRIMARY:
            host.own.fence_against(other.state.highest, other.name)
    writing = max((pair.old, pair.new), key=lambda host: (host.state.epoch, host.state.role == PRIMARY))
    replaced = pair.old if writing is pair.new else pair.new
    if writing.state.role != PRIMARY:
        writing.own.this.change_state(role=PRIMARY, to="", move="")
    if replaced.state.role == FENCED:
        await rewind(replaced, writing)
    await caught_up(writing.server.dsn, replaced.server.dsn)


async def rewind(host: OneHost, primary: OneHost) -> None:
    """Makes a fenced host a standby, as `moot standby --again` does; the supervisor starts it again."""
    async with primary.own.this.session() as session:
        await session.execute("CHECKPOINT")
    order_rejoin(host.data, RejoinOrder(primary.state.epoch, str(primary.server.socket_folder)))
    host.server.stop()
    async with asyncio.timeout(180):
        while host.state.role != STANDBY or (await host.own.condition(Order(""))).database is None:
            await asyncio.sleep(0.1)


async def fail_over(pair: Pair, statements: Statements = Statements(), seen: Seen = Seen()) -> Failover:
    """As `moot failover` on the new host. `seen`: what the public names say."""

    async def ask_names() -> Seen:
        return seen

    failover = Failover(pair.new.own, AnsweringHost(pair.old.ask), pair.old.name, statements, ask_names)
    await look(failover)
    await drive(failover)
    return failover


async def cut_replication(pair: Pair) -> None:
    """The link is lost: the standby receives nothing, and messages do not arrive."""
    pair.old.is_cut = True
    await cut_replication_to(pair.new)


async def cut_replication_to(standby: OneHost) -> None:
    async with standby.own.this.session() as session:
        await session.execute("ALTER SYSTEM SET primary_conninfo = ''")
        await session.execute("SELECT pg_reload_conf()")
        async with asyncio.timeout(60):
            while await session.fetchval("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)"):
                await asyncio.sleep(0.02)


async def test_a_failover_without_a_fence_is_refused_with_the_estimated_loss(pair: Pair) -> None:
    before = pair.new.state
    with pytest.raises(FailoverProblem, match="moot move"):  # the old host answers and writes
        await fail_over(pair)
    pair.old.is_cut = True
    with pytest.raises(FailoverProblem) as refused:
        await fail_over(pair)
    said = sentence(refused.value)
    for part in ("does not answer", "Estimated loss", "missing", "moot failover --other-host-is-off", "moot failover --accept-loss"):
        assert part in said
    with pytest.raises(FailoverProblem, match="is not off: it has just spoken"):
        await fail_over(pair, Statements(is_other_off=True, life_sign="it has just spoken to this one"))
    assert pair.new.state == before
    assert await Writer(pair.old).write()
    both = await fail_over(pair, Statements(is_other_off=True, accepts_loss=True, life_sign="its log still arrives"))
    assert both.fence
    assert both.fence.proof is Proof.NONE


@pytest.mark.parametrize("statements", [OFF, LOSS], ids=["off", "loss"])
async def test_a_later_epoch_under_the_public_name_stops_a_failover_whatever_is_stated(pair: Pair, statements: Statements) -> None:
    before = pair.new.state
    third = Statement(
        domain="moot.example", names=[], lifeboat="", host="cd" * 32, role=PRIMARY, epoch=before.epoch + 1, at=clock.now()
    )
    pair.old.is_cut = statements is OFF
    with pytest.raises(FailoverProblem, match=f"another host answers as the primary of epoch {third.epoch}"):
        await fail_over(pair, statements, Seen(third))
    assert pair.new.state == before
    assert await Writer(pair.old).write()
    assert not await Writer(pair.new).write()


async def test_names_that_do_not_answer_do_not_delay_a_failover(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.portability.failover.driver._NAMES_SECONDS", 0.05)

    async def never() -> Seen:
        await asyncio.Event().wait()
        return Seen()

    failover = Failover(pair.new.own, AnsweringHost(pair.old.ask), pair.old.name, LOSS, never)
    await look(failover)
    assert failover.seen == Seen()
    assert obstacle(failover) == ""


async def test_a_host_that_the_operator_has_removed_cannot_take_over(pair: Pair) -> None:
    recovery, before = RecoveryKey.new(), pair.new.state
    pair.old.is_cut = True
    BackupKey.new(recovery).keep(pair.new.data)
    Rosters(pair.new.data).sign(recovery, "another one")  # the host of this test has another id than its certificate
    try:
        for statements in (OFF, LOSS):
            with pytest.raises(FailoverProblem, match="has removed this host from the network"):
                await fail_over(pair, statements)
    finally:
        (pair.new.data.path / "roster.json").unlink()
    assert pair.new.state == before


async def test_a_standby_that_is_not_asked_to_take_over_does_not(pair: Pair) -> None:
    assert not await Writer(pair.new).write()


async def test_an_old_host_that_answers_is_fenced_and_nothing_is_lost(pair: Pair) -> None:
    on_old, on_new = Writer(pair.old), Writer(pair.new)
    assert await on_old.write()
    running = asyncio.Event()  # a transaction that passed the gate before the fence
    late = asyncio.create_task(on_old.write(uncommitted=running))
    await asyncio.sleep(0.2)
    failover = await fail_over(pair, LOSS)
    running.set()
    assert not await late, "a write that was running is ended"
    assert failover.fence
    assert failover.fence.proof is Proof.FENCED  # whatever was stated
    assert (pair.old.state.role, pair.old.state.to) == (FENCED, pair.new.name)
    assert await on_new.write()
    assert not await on_old.write()
    assert set(on_old.acknowledged) <= await names_on(pair.new)
    with pytest.raises(MoveProblem, match="has taken over"):
        await _undo(pair)
    assert not await on_old.write()


async def _undo(pair: Pair) -> None:
    await undo(pair.old.own, pair.new.other)


async def test_what_only_the_old_host_has_is_exported_exactly_and_it_rejoins(pair: Pair) -> None:
    on_old, on_new = Writer(pair.old), Writer(pair.new)
    assert await on_old.write()
    unfinished = asyncio.Event()
    half = asyncio.create_task(on_old.write(uncommitted=unfinished))  # begun before the link is lost, acknowledged after it
    await asyncio.sleep(0.2)
    assert await on_old.write()
    await caught_up(pair.old.server.dsn, pair.new.server.dsn)
    arrived = set(on_old.acknowledged)
    await cut_replication(pair)
    unfinished.set()
    assert await half
    for _ in range(5):
        assert await on_old.write()
    lost = set(on_old.acknowledged) - arrived
    assert len(lost) == 6
    failover = await fail_over(pair, OFF)
    assert failover.fence
    assert failover.fence.proof is Proof.OFF
    assert any(line.facts.get("stated") for line in pair.new.own.this.journal.lines())
    for _ in range(4):  # the new host uses the same transaction ids again
        assert await on_new.write()
    assert await names_on(pair.new) >= arrived
    assert not await names_on(pair.new) & lost

    pair.old.is_cut = False  # the old host comes back
    assert not await confirm(pair.old.own.this, pair.new.ask, pair.new.name)
    assert pair.old.state.role == FENCED
    assert not await on_old.write()
    with pytest.raises(MoveProblem, match="no move to undo"):
        await _undo(pair)
    answer, fork = await ask_fork(pair.old.own.this, pair.new.ask)
    assert fork
    assert answer.has_log
    report = await export(pair.old.data, pair.old.server.dsn, answer, fork)
    folder = folder_of(pair.old.data, answer.epoch)
    exported = [json.loads(line)["name"] for line in (folder / "hashtags.jsonl").read_text().splitlines()]
    assert sorted(exported) == sorted(lost)
    assert report.rows == {"hashtags": 6}
    assert report.bytes > 0
    assert _modes(folder) == {0o700, 0o600}
    assert await export(pair.old.data, pair.old.server.dsn, answer, fork) == report  # made once

    meter = Meter(left_at=log_left_at(pair.new.own.this, lambda: pair.old.name))
    assert (await _following(pair, meter)).is_replaced
    assert "moot standby --again" in warnings(await _following(pair, meter))[0]
    assert not (await _following(pair, Meter(left_at=log_left_at(pair.new.own.this, lambda: "another host")))).is_replaced
    await rewind(pair.old, pair.new)
    await caught_up(pair.new.server.dsn, pair.old.server.dsn)
    assert await names_on(pair.old) == await names_on(pair.new)
    assert not (await _following(pair, meter)).is_replaced
    await cut_replication_to(pair.old)
    async with asyncio.timeout(60):
        while (away := await _following(pair, meter)).stage is not Stage.AWAY:
            await asyncio.sleep(0.05)
    assert not away.is_replaced
    assert "by itself" in warnings(away)[0]


async def _following(pair: Pair, meter: Meter) -> Following:
    """As the new host sees the old one."""
    async with pair.new.own.this.session() as session:
        return meter.of_primary(await get_sending(session, slot_of(pair.old.name)))


def _modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}


async def test_a_failover_that_was_killed_after_its_decision_is_finished_by_the_agent_or_the_same_command(pair: Pair) -> None:
    pair.old.is_cut = True
    failover = Failover(pair.new.own, AnsweringHost(pair.old.ask), pair.old.name, OFF)
    await look(failover)
    await fence(failover)
    await pair.new.restart()
    assert pair.new.state.role == PRIMARY
    assert not await Writer(pair.new).write()
    await settle(pair.new.own, pair.old.other)
    assert await Writer(pair.new).write()
    with pytest.raises(FailoverProblem, match="primary already"):
        await fail_over(pair, OFF)


async def test_a_failover_that_was_given_up_lets_the_old_host_write_again(pair: Pair) -> None:
    order = StopOrder("f-given-up", pair.new.name)
    host = AnsweringHost(pair.old.ask)
    await host.stop(order)
    assert not await Writer(pair.old).write()
    await settle(pair.old.own, pair.new.other)  # the command was killed before it decided
    assert await Writer(pair.old).write()
    with pytest.raises(FailoverProblem, match="given up"):
        await host.stop(order)
    with pytest.raises(FailoverProblem, match="given up"):
        accept(pair.new.own.this, order.id, pair.old.name, Proof.FENCED, 1, "0/0")
    with pytest.raises(FailoverProblem, match="is a standby itself"):
        await AnsweringHost(pair.new.ask).stop(StopOrder("f-other", pair.old.name))


async def test_a_refusal_of_a_move_after_a_failover_does_not_let_the_old_host_write(pair: Pair) -> None:
    """The order of decision 0065, (5): the new host has refused a move, its answer was lost, and then it takes over by a failover."""
    await pair.old.own.fence(FenceOrder("a-move", pair.new.name))
    await pair.new.own.refuse(Order("a-move"))
    pair.old.is_cut = True
    await fail_over(pair, OFF)
    pair.old.is_cut = False
    with pytest.raises(MoveProblem, match="promoted meanwhile"):
        await pair.new.other.refuse(Order("a-move"))
    with pytest.raises(MoveProblem):
        await _undo(pair)
    assert not await Writer(pair.old).write()
    with pytest.raises(MoveProblem):
        await pair.new.other.promote(PromoteOrder("a-move", None))


async def test_a_host_that_was_replaced_is_offered_neither_a_move_nor_a_failover(pair: Pair) -> None:
    """A move goes on only after a handover, and a failover would bring an old state back; what remains is to follow."""
    pair.old.is_cut = True
    await fail_over(pair, OFF)
    pair.old.is_cut = False
    assert not await confirm(pair.old.own.this, pair.new.ask, pair.new.name)
    assert (pair.old.state.role, pair.old.state.move) == (FENCED, "")
    for stated in (Statements(), LOSS, OFF):
        way_back = Failover(pair.old.own, AnsweringHost(pair.new.ask), pair.new.name, stated)
        await look(way_back)
        assert "later epoch. Make this one its standby: moot standby --again" in obstacle(way_back)
    for here, there in ((pair.old, pair.new), (pair.new, pair.old)):
        with pytest.raises(MoveProblem, match="did not hand over"):
            await look_at(here.own, there.other, Options())


async def test_a_host_that_returns_writes_only_if_the_other_one_confirms_it(pair: Pair) -> None:
    this = pair.old.own.this
    this.change_state(role=RETURNING)
    assert not await Writer(pair.old).write()
    pair.new.is_cut = True
    with pytest.raises(Problem):
        await confirm(this, pair.new.ask, pair.new.name)
    assert pair.old.state.role == RETURNING
    pair.new.is_cut = False
    with pytest.raises(Problem, match="Start the network here: moot up"):
        await ask_fork(pair.new.own.this, pair.old.ask)
    assert await confirm(this, pair.new.ask, pair.new.name)
    assert await Writer(pair.old).write()


async def test_a_host_that_returns_alone_takes_over_when_its_operator_says_so(pair: Pair) -> None:
    pair.old.own.this.change_state(role=RETURNING)
    pair.new.is_cut = True
    other_way = Failover(pair.old.own, AnsweringHost(pair.new.ask), pair.new.name, Statements())
    await look(other_way)
    with pytest.raises(FailoverProblem, match="--other-host-is-off"):
        await drive(other_way)
    other_way.statements = OFF
    epoch = pair.old.state.epoch
    await drive(other_way)
    assert pair.old.state.epoch >= epoch + 3
    assert await Writer(pair.old).write()


async def test_no_secret_is_exported(pair: Pair) -> None:
    async with pair.old.own.this.session() as session:
        tables = await queries.list_exported(session)
        rows = await session.fetch(
            "SELECT DISTINCT column_name::text AS name FROM information_schema.columns"
            " WHERE table_name = ANY ($1::text[]) AND column_name ~ '(hash|secret|password|token|totp)$|^code'", tables,
        )
    assert {"posts", "follows", "favourites", "events", "logins"} <= set(tables)
    assert {row["name"] for row in rows} - {"sha256", *NOT_SECRET} <= set(queries.SECRET_COLUMNS)


async def test_running_writers_of_a_replaced_host_are_ended(pair: Pair) -> None:
    running = asyncio.Event()
    writer = Writer(pair.old)
    late = asyncio.create_task(writer.write(uncommitted=running))
    async with asyncio.timeout(60):
        while not await _has_writers(pair.old):
            await asyncio.sleep(0.02)
    pair.old.own.fence_against(pair.old.state.epoch + 3, pair.new.name)
    async with pair.old.own.this.session() as session:
        assert await queries.end_writers(session) == 1
    running.set()
    assert not await late
    pair.old.own.this.change_state(role=PRIMARY, to="", move="", seen=0)


async def _has_writers(host: OneHost) -> bool:
    async with host.own.this.session() as session:
        return bool(await session.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock')"))

