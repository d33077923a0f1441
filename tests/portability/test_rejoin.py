"""The server of the old host becomes a standby of the new one, also if an earlier attempt ended in the middle."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from folkmoot.commands.running import require_copy
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, Host, HostState
from folkmoot.portability.moving.driver import drive, look_at
from folkmoot.portability.moving.model import MoveProblem
from folkmoot.portability.moving.rejoin import RejoinOrder, RejoinProblem, Stage, find_order, order_rejoin, rejoin_if_ordered
from folkmoot.portability.moving.steps import STEPS
from folkmoot.portability.postgres_settings import SIGNAL, slot_of
from tests import series
from tests.conftest import new_open_folder
from tests.portability.mover import QUICK, make_slot
from tests.portability.pair_of_hosts import OneHost, Pair, make_pair


@pytest.fixture(scope="module")
def shared() -> Iterator[Pair]:
    with new_open_folder() as template, new_open_folder() as folder:
        made = make_pair(template, folder)
        yield made
        made.old.server.stop()
        made.new.server.stop()


@pytest.fixture
def pair(shared: Pair) -> Pair:
    """The new host has taken over; the old one is fenced, is ordered to follow, and its server does not run."""
    if shared.old.state.role != PRIMARY:
        shared.old, shared.new = shared.new, shared.old
    if not shared.new.server.is_running:  # the test before did not carry out its order
        shared.new.start()
    asyncio.run(_take_over(shared))
    shared.old.server.stop()
    order_rejoin(shared.old.data, RejoinOrder(shared.new.state.epoch, str(shared.new.server.socket_folder)))
    shared.old.copies = 0
    return shared


async def _take_over(pair: Pair) -> None:
    for host in (pair.old, pair.new):
        host._begin()
    move = await look_at(pair.old.own, pair.new.other, QUICK)
    await drive(move, pair.old.own.this.journal, steps=STEPS[:-2])
    await move.new.warm_up(move.order)
    await make_slot(pair.new.server.dsn, slot_of(pair.old.name))
    for host in (pair.old, pair.new):
        await host.own.this.close()


def test_a_move_says_what_an_old_host_does_that_does_not_follow_yet(pair: Pair) -> None:
    async def move() -> None:
        for host in (pair.old, pair.new):
            host._begin()
        try:
            options = msgspec.structs.replace(QUICK, reverse=0.1)
            await drive(await look_at(pair.old.own, pair.new.other, options), pair.old.own.this.journal)
        finally:
            for host in (pair.old, pair.new):
                await host.own.this.close()

    order_rejoin(pair.old.data, msgspec.structs.replace(_order(pair.old), stage=Stage.COPYING))
    with pytest.raises(MoveProblem) as stopped:
        asyncio.run(move())
    assert "its database is copied anew from the other host; pictures are kept. It goes on by itself." in stopped.value.params["why"]


def test_an_order_waits_for_an_answer_and_is_carried_out_with_few_pages(pair: Pair) -> None:
    order = _order(pair.old)
    order_rejoin(pair.old.data, msgspec.structs.replace(order, socket_folder="/nonexistent"))
    with pytest.raises(RejoinProblem):
        rejoin_if_ordered(pair.old.data, pair.old.copy)
    assert _order(pair.old).stage is Stage.ORDERED
    order_rejoin(pair.old.data, order)
    pair.old.start()
    _assert_follows(pair)
    assert pair.old.copies == 0


def test_a_rewind_in_which_power_was_lost_is_replaced_by_a_copy_until_that_is_complete(pair: Pair) -> None:
    old = pair.old
    order_rejoin(old.data, msgspec.structs.replace(_order(old), stage=Stage.REWINDING))
    next(file for file in (old.data.path / "postgres" / "base").rglob("1*") if file.is_file()).write_bytes(b"half a page")
    picture = old.data.path / "media" / "kept"
    picture.parent.mkdir(exist_ok=True)
    picture.write_bytes(b"a picture")

    def fail(_order: RejoinOrder) -> int:
        raise OSError("the power is gone")

    for _ in range(2):
        with pytest.raises(OSError, match="the power is gone"):
            rejoin_if_ordered(old.data, fail)
        assert (_order(old).stage, old.state.role) == (Stage.COPYING, FENCED)
        assert "is copied anew" in _order(old).sentence
    old.start()
    _assert_follows(pair)
    assert old.copies == 1
    assert picture.read_bytes() == b"a picture"


def test_a_rewind_that_fails_is_replaced_by_a_copy(pair: Pair) -> None:
    for file in (pair.old.data.path / "postgres" / "pg_wal").glob("0*"):
        file.write_bytes(bytes(file.stat().st_size))
    pair.old.start()
    _assert_follows(pair)
    assert pair.old.copies == 1


@pytest.mark.parametrize("moment", series.length(["role"], [SIGNAL, "role", "end"]))
def test_a_loss_of_power_after_the_rewind_leaves_a_whole_standby(pair: Pair, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Power is lost just before the file is written that makes the server a standby, or the role; or before the order is removed."""
    real = DataDirectory.write

    def write(self: DataDirectory, file: Path, content: bytes) -> None:
        if moment == "end" or file.name != (SIGNAL if moment == SIGNAL else "host.json"):
            real(self, file, content)
        if file.name == (SIGNAL if moment == SIGNAL else "host.json"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DataDirectory, "write", write)
        with pytest.raises(KeyboardInterrupt):
            rejoin_if_ordered(pair.old.data, pair.old.copy)
    assert _order(pair.old)
    pair.old.start()
    _assert_follows(pair)


def test_an_old_database_that_a_killed_copy_has_left_is_replaced_before_it_is_shown(pair: Pair) -> None:
    """As after `moot standby --again`: the role is that of a standby already."""
    old = pair.old
    (old.data.path / "move" / "rejoin.json").unlink()
    old.data.write(old.data.host_file, msgspec.json.encode(HostState(STANDBY, pair.new.state.epoch)))
    require_copy(old.data)
    order = _order(old)
    assert order.stage is Stage.COPYING
    order_rejoin(old.data, msgspec.structs.replace(order, socket_folder=str(pair.new.server.socket_folder)))  # there is no agent here
    old.start()
    _assert_follows(pair)
    assert old.copies == 1
    require_copy(old.data)
    assert find_order(old.data) is None


@pytest.mark.parametrize("state", [HostState(PRIMARY, 4), HostState(FENCED, 3)])
def test_an_order_of_an_earlier_epoch_is_dropped(open_folder: Path, state: HostState) -> None:
    data = DataDirectory(open_folder / "data")
    data.prepare(state)
    order_rejoin(data, RejoinOrder(3, "/nonexistent"))
    rejoin_if_ordered(data, lambda _order: pytest.fail("copied"))
    assert find_order(data) is None
    assert Host(data.path).state == state


def _order(host: OneHost) -> RejoinOrder:
    order = find_order(host.data)
    assert order
    return order


def _assert_follows(pair: Pair) -> None:
    """The old host is a standby, and replays what the new one writes."""
    assert (pair.old.state.role, pair.old.state.epoch) == (STANDBY, pair.new.state.epoch)
    assert find_order(pair.old.data) is None
    asyncio.run(_replays(pair))


async def _replays(pair: Pair) -> None:
    new, old = await asyncpg.connect(pair.new.server.dsn), await asyncpg.connect(pair.old.server.dsn)
    try:
        position = await new.fetchval("SELECT pg_logical_emit_message(true, 'test', 'x')::text")
        async with asyncio.timeout(90):
            while not await old.fetchval("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::text::pg_lsn", position):
                await asyncio.sleep(0.05)
    finally:
        await new.close()
        await old.close()


