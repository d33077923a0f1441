"""Writes that wait for the standby: when they do, that none is acknowledged without it, and what a failover may rely on."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import msgspec
import pytest

from folkmoot.base import clock, commits
from folkmoot.base.db import Database
from folkmoot.base.errors import Problem, Unconfirmed
from folkmoot.portability.failover.coming_back import Reviewing
from folkmoot.portability.failover.export import find_report
from folkmoot.portability.failover.model import FailoverProblem
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts.messages import PeerRefused
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.hosts.removal import remove_host
from folkmoot.portability.moving.model import Proof
from folkmoot.portability.standby import demanding, queries
from folkmoot.portability.standby.binding import BIND, RELEASE, BindingProblem, Promise, PromiseOver
from folkmoot.portability.standby.demanding import LONGEST_WAIT, Demanding, let_go
from folkmoot.portability.standby.following import Meter
from folkmoot.portability.standby.model import Following, Nothing, Stage
from folkmoot.portability.standby.releasing import release_standby, require_pausable, require_waiting
from folkmoot.portability.synchronous import CONFIGURATION, Mode, configure, find_demand, forget_bound, is_bound
from tests.conftest import new_open_folder
from tests.portability.pair_of_hosts import OneHost, Pair, connection_to, make_pair
from tests.portability.test_failover import cut_replication, fail_over, make_well
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared() -> Iterator[Pair]:
    with new_open_folder() as template, new_open_folder() as folder:
        pair = make_pair(template, folder)
        yield pair
        pair.new.server.stop()
        pair.old.server.stop()


@pytest.fixture
async def pair(shared: Pair, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    """The pair for one test; `old` is the primary. They know each other, and no write waits."""
    if shared.new.state.role == PRIMARY:
        shared.old, shared.new = shared.new, shared.old
    monkeypatch.setattr(commits, "_SECONDS", 60.0)
    monkeypatch.setattr(demanding, "_BIND_EVERY", 0.0)
    hosts = [shared.old, shared.new]
    tasks = [asyncio.create_task(host.supervise()) for host in hosts]
    for host, other in (hosts, hosts[::-1]):
        host.is_cut = False
        host._begin()
        Peers(host.data).add(Peer(other.name, other.name, "192.0.2.1:1", "", clock.now()))
    yield shared
    for host in hosts:
        forget_bound(host.data)
        await until(partial(_let_go, host))
    await make_well(shared)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for host in hosts:
        await host.own.this.close()


async def _let_go(host: OneHost) -> bool:
    """A server that was killed may be starting."""
    try:
        async with host.own.this.session() as session:
            await let_go(host.data, session)
            await session.execute("ALTER SYSTEM RESET primary_conninfo")  # the end of `cut_replication`
            await queries.reload(session)
    except (Problem, asyncpg.PostgresError):
        return False
    return True


class Primary:
    """The part of the agent that decides what waits, and the writes of one process."""

    def __init__(self, pair: Pair, mode: Mode) -> None:
        self.host, self.other = pair.old, pair.new
        self.meter = Meter()
        self.state: Following | None = None
        self.demanding = Demanding(self.host.data, self.host.server.dsn, mode, self.host.name, self.ask, lambda: self.state)

    async def ask(self, name: str, content: msgspec.Struct, answer: type[Any], *, seconds: float = 5) -> Any:
        """A refusal arrives as through the channel."""
        try:
            return await self.other.ask(name, content, answer, seconds=seconds)
        except Problem as problem:
            raise PeerRefused(problem.code, problem.message) from problem

    async def step(self) -> None:
        async with self.host.own.this.session() as session:
            self.state = self.meter.of_primary(await queries.get_sending(session, f"folkmoot_{self.other.name}"))
            await self.demanding.step(session)

    async def steps_until(self, condition: object) -> None:
        async def stepped() -> bool:
            with suppress(PeerRefused):  # the agent tries again
                await self.step()
            return bool(condition())  # type: ignore[operator]

        await until(stepped)

    async def bind(self) -> None:
        await self.steps_until(lambda: is_bound(self.other.data.path, self.host.name, self.other.state.epoch))


async def test_no_write_waits_for_a_standby_that_follows_by_rows(pair: Pair) -> None:
    primary = Primary(pair, Mode.CHOSEN)
    by_rows = Following(role=PRIMARY, stage=Stage.STREAMING, since=0, measured_at=0, is_logical=True)
    found = []
    for state in (by_rows, msgspec.structs.replace(by_rows, is_logical=False)):
        primary.state = state
        async with pair.old.own.this.session() as session:
            await primary.demanding.step(session)
        found.append(bool(find_demand(pair.old.data).slot))
    assert found == [False, True]


async def write(host: OneHost, key: str, *, chosen: bool = False) -> None:
    database = await Database.open(host.server.dsn, epoch=Host(host.data.path).writing_epoch, readers=1, writers=2, listen=False)
    try:
        async with database.write() as tx:
            if chosen:
                await tx.execute("SET LOCAL synchronous_commit = on")
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ($1, $1)", key)
    finally:
        await database.close()


async def write_in_vain(host: OneHost, key: str, *, chosen: bool = False) -> None:
    """The standby is away, so the outcome is unknown."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Unconfirmed):
        patch.setattr(commits, "_SECONDS", 0.3)
        await write(host, key, chosen=chosen)


async def names_on(host: OneHost) -> set[str]:
    async with host.own.this.session() as session:
        return {row["name"] for row in await session.fetch("SELECT name FROM hashtags")}


async def mend_replication(pair: Pair) -> None:
    async with pair.new.own.this.session() as session:
        await session.execute("ALTER SYSTEM RESET primary_conninfo")
        await session.execute("SELECT pg_reload_conf()")


async def setting(host: OneHost, name: str) -> str:
    connection = await asyncpg.connect(host.server.dsn)
    try:
        return str(await connection.fetchval("SELECT current_setting($1)", name))
    finally:
        await connection.close()


async def test_all_writes_wait_once_the_standby_follows_and_a_failover_needs_no_statement(pair: Pair) -> None:
    primary = Primary(pair, Mode.ALL)
    await primary.bind()
    demand = find_demand(pair.old.data)
    assert (demand.mode, demand.is_bound) == (Mode.ALL, True)
    await write(pair.old, "confirmed")
    await cut_replication(pair)
    await write_in_vain(pair.old, "not confirmed")
    for _ in range(3):  # however long the standby is away
        assert primary.state
        primary.state = msgspec.structs.replace(primary.state, stage=Stage.AWAY, since=0, lag_seconds=3600)
        async with pair.old.own.this.session() as session:
            await primary.demanding.step(session)
    assert find_demand(pair.old.data).is_bound
    await write_in_vain(pair.old, "not confirmed either")
    done = await fail_over(pair)
    assert done.fence
    assert done.fence.proof is Proof.SYNCHRONOUS
    assert await names_on(pair.new) >= {"confirmed"}
    pair.old.is_cut = False
    pair.old.own.fence_against(pair.new.state.epoch, pair.new.name)
    await Reviewing(pair.old.own.this, pair.new.ask)._review()
    report = find_report(pair.old.data, pair.new.state.epoch)
    assert report
    assert report.rows["hashtags"] == 2, "what was not acknowledged is exported"


async def test_nothing_that_a_client_has_on_record_is_lost_with_a_primary_that_was_cut_off_first(pair: Pair) -> None:
    await Primary(pair, Mode.ALL).bind()
    journal: list[str] = []
    ending = asyncio.Event()
    database = await Database.open(pair.old.server.dsn, epoch=Host(pair.old.data.path).writing_epoch, readers=1, listen=False)

    async def client(name: int) -> None:
        for number in itertools.count():
            if ending.is_set():
                return
            key = f"client {name} writes {number}"
            with suppress(Problem):
                async with database.write() as tx:
                    await tx.execute("INSERT INTO hashtags (key, name) VALUES ($1, $1)", key)
                journal.append(key)
            await asyncio.sleep(0.01)

    clients = [asyncio.create_task(client(name)) for name in range(12)]
    await until(lambda: len(journal) > 100)
    await cut_replication(pair)
    await asyncio.sleep(0.3)  # the primary runs on, and its clients reach it
    assert pair.old.server.pid
    os.kill(pair.old.server.pid, signal.SIGQUIT)
    ending.set()
    done = await fail_over(pair)
    await asyncio.gather(*clients)
    await database.close()
    assert done.fence
    assert done.fence.proof is Proof.SYNCHRONOUS
    assert set(journal) <= await names_on(pair.new)


async def test_the_settings_survive_a_restart_of_the_server(pair: Pair) -> None:
    primary = Primary(pair, Mode.ALL)
    await primary.bind()
    pair.old.server.stop()
    await until(lambda: pair.old.server.is_ready)
    assert await setting(pair.old, "synchronous_standby_names") == f'"folkmoot_{pair.new.name}"'
    assert await setting(pair.new, "synchronous_standby_names") == "", "nobody would confirm what it writes when it is promoted"


async def test_a_server_without_a_peer_demands_nothing(pair: Pair) -> None:
    """As after a restore into the folder of a host that had one."""
    await Primary(pair, Mode.ALL).bind()
    file = pair.old.data.path / "postgres" / CONFIGURATION
    assert "synchronous_standby_names" in file.read_text()
    (pair.old.data.path / "hosts.json").rename(pair.old.data.path / "hosts.away")
    configure(pair.old.data)
    assert file.read_text() == ""
    (pair.old.data.path / "hosts.away").rename(pair.old.data.path / "hosts.json")


async def test_chosen_writes_go_on_without_a_standby_that_is_away_and_wait_again_when_it_is_back(pair: Pair) -> None:
    primary = Primary(pair, Mode.CHOSEN)
    await primary.steps_until(lambda: find_demand(pair.old.data).mode is Mode.CHOSEN)
    await until(lambda: _is(pair.old, "synchronous_commit", "local"))
    assert not is_bound(pair.new.data.path, pair.old.name, pair.new.state.epoch)
    await cut_replication(pair)
    await write(pair.old, "ordinary")
    await write_in_vain(pair.old, "chosen", chosen=True)
    await primary.step()
    assert find_demand(pair.old.data).slot, "it is away for a moment only"
    assert primary.state
    primary.state = msgspec.structs.replace(primary.state, lag_seconds=LONGEST_WAIT + 1)
    async with pair.old.own.this.session() as session:
        await primary.demanding.step(session)
    assert not find_demand(pair.old.data).slot
    await until(lambda: _is(pair.old, "synchronous_standby_names", ""))
    await write(pair.old, "chosen while it is away", chosen=True)
    with pytest.raises(FailoverProblem):
        await fail_over(pair)
    await mend_replication(pair)
    await primary.steps_until(lambda: find_demand(pair.old.data).mode is Mode.CHOSEN)


async def _is(host: OneHost, name: str, value: str) -> bool:
    return await setting(host, name) == value


async def test_no_write_waits_for_a_standby_that_postgresql_does_not_know_by_its_name(pair: Pair) -> None:
    """As one that follows by rows."""
    async with pair.new.own.this.session() as session:
        await session.execute(f"ALTER SYSTEM SET primary_conninfo = '{connection_to(pair.old.server)} application_name=other'")
        await session.execute("SELECT pg_reload_conf()")
    async with pair.old.own.this.session() as session:
        await until(lambda: session.fetchval("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = 'other')"))
    primary = Primary(pair, Mode.ALL)
    await primary.steps_until(lambda: primary.state and primary.state.stage is Stage.STREAMING)
    await primary.step()
    assert not find_demand(pair.old.data).slot
    await mend_replication(pair)
    await primary.bind()


async def test_a_changed_setting_ends_the_promise_only_with_the_consent_of_the_standby(pair: Pair) -> None:
    await Primary(pair, Mode.ALL).bind()
    changed = Primary(pair, Mode.NONE)
    pair.new.is_cut = True
    with pytest.raises(Problem):
        await changed.step()
    assert find_demand(pair.old.data).is_bound
    pair.new.is_cut = False
    await changed.step()
    assert not find_demand(pair.old.data).slot
    assert not is_bound(pair.new.data.path, pair.old.name, pair.new.state.epoch)
    await Primary(pair, Mode.ALL).bind()


async def test_the_operator_lets_writes_go_on_without_a_standby_that_is_off(pair: Pair) -> None:
    primary = Primary(pair, Mode.ALL)
    await primary.bind()
    await primary.step()
    with pytest.raises(BindingProblem, match="follows"):
        require_waiting(pair.old.data, primary.state)
    await cut_replication(pair)
    waiting = asyncio.create_task(write(pair.old, "while it is away"))
    assert primary.state
    demand = require_waiting(pair.old.data, msgspec.structs.replace(primary.state, stage=Stage.AWAY))

    async def release(**stated: Any) -> None:
        await release_standby(pair.old.data, pair.old.server.dsn, demand, pair.old.name, pair.new.ask, **stated)

    pair.new.is_cut = True
    for refused, stated in (("other-host-is-off", {"is_other_off": False}), ("not off", {"is_other_off": True, "life_sign": "it spoke"})):
        with pytest.raises(BindingProblem, match=refused):
            await release(**stated)
    assert find_demand(pair.old.data) == demand
    await release(is_other_off=True)
    await waiting
    await write(pair.old, "without it")
    with pytest.raises(BindingProblem, match="nothing to release"):
        require_waiting(pair.old.data, primary.state)
    await mend_replication(pair)
    pair.new.is_cut = False
    await primary.steps_until(lambda: find_demand(pair.old.data).slot)


async def test_a_standby_that_answers_agrees_to_the_release(pair: Pair) -> None:
    await Primary(pair, Mode.ALL).bind()
    demand = find_demand(pair.old.data)
    await release_standby(pair.old.data, pair.old.server.dsn, demand, pair.old.name, pair.new.ask, is_other_off=False)
    assert not is_bound(pair.new.data.path, pair.old.name, pair.new.state.epoch)
    assert not find_demand(pair.old.data).slot


@pytest.mark.parametrize("mode", [Mode.ALL, Mode.CHOSEN])
async def test_the_operator_may_stop_the_standby_for_a_while(pair: Pair, mode: Mode) -> None:
    """No write waits from the release on. The standby, which agrees, is demanded again when it was away and is back."""
    primary = Primary(pair, mode)
    await primary.steps_until(lambda: find_demand(pair.old.data).slot)
    if mode is Mode.ALL:
        await primary.bind()
    demand, until_ = require_pausable(pair.old.data, mode), clock.now() + timedelta(hours=1)
    await release_standby(pair.old.data, pair.old.server.dsn, demand, pair.old.name, pair.new.ask, is_other_off=False, until=until_)
    assert not is_bound(pair.new.data.path, pair.old.name, pair.new.state.epoch)
    for _ in range(3):  # it follows closely, and is stopped in a moment
        await primary.step()
        assert not find_demand(pair.old.data).slot
    await cut_replication(pair)
    await primary.steps_until(lambda: primary.state and primary.state.stage is Stage.AWAY)
    await write(pair.old, f"while it is stopped, {mode}", chosen=True)
    await mend_replication(pair)
    await primary.steps_until(lambda: find_demand(pair.old.data).slot)
    assert find_demand(pair.old.data).paused_until is None


async def test_a_standby_that_was_not_stopped_is_demanded_when_the_time_is_over(pair: Pair) -> None:
    primary = Primary(pair, Mode.ALL)
    await primary.bind()
    demand, until_ = require_pausable(pair.old.data, Mode.ALL), clock.now() + timedelta(hours=1)
    await release_standby(pair.old.data, pair.old.server.dsn, demand, pair.old.name, pair.new.ask, is_other_off=False, until=until_)
    await primary.step()
    assert not find_demand(pair.old.data).slot
    with clock.stopped_at(until_):
        await primary.step()
    assert find_demand(pair.old.data).slot
    with pytest.raises(BindingProblem, match="synchronous is none"):
        require_pausable(pair.old.data, Mode.NONE)


async def test_an_old_promise_is_not_taken_for_a_new_one(pair: Pair) -> None:
    await Primary(pair, Mode.ALL).bind()
    number = find_demand(pair.old.data).number
    await pair.new.ask(RELEASE, Promise(pair.old.name, number + 1), Nothing)
    with pytest.raises(PromiseOver):
        await pair.new.ask(BIND, Promise(pair.old.name, number), Nothing)
    with pytest.raises(Problem):
        await pair.new.ask(BIND, Promise("stranger", number + 9), Nothing)
    assert not is_bound(pair.new.data.path, pair.old.name, pair.new.state.epoch)
    with pytest.raises(Problem):
        await pair.old.ask(BIND, Promise(pair.new.name, number), Nothing)
    await Primary(pair, Mode.ALL).bind()
    assert find_demand(pair.old.data).number > number + 1


async def test_a_standby_that_has_been_a_primary_meanwhile_relies_on_no_old_promise(pair: Pair) -> None:
    await Primary(pair, Mode.ALL).bind()
    epoch = pair.new.state.epoch
    assert is_bound(pair.new.data.path, pair.old.name, epoch)
    assert not is_bound(pair.new.data.path, pair.old.name, epoch + 1)
    assert not is_bound(pair.new.data.path, "another", epoch)
    forget_bound(pair.new.data)
    assert not is_bound(pair.new.data.path, pair.old.name, epoch)


async def test_no_write_waits_for_a_removed_host(pair: Pair) -> None:
    await Primary(pair, Mode.ALL).bind()
    await cut_replication(pair)
    await write_in_vain(pair.old, "before the removal")
    await remove_host(pair.old.data, pair.old.server.dsn, pair.new.name)
    await until(lambda: _is(pair.old, "synchronous_standby_names", ""))
    await write(pair.old, "after the removal")
    async with pair.old.own.this.session() as session:
        await session.execute("SELECT pg_create_physical_replication_slot($1, true)", f"folkmoot_{pair.new.name}")
    await mend_replication(pair)
