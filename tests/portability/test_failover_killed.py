"""Either host is killed at every step of a failover: in the end one host writes, the command goes on where it stopped, and the old
host becomes the standby.

The points come from the table of steps and from the messages that a failover sends. The old host answers at first, so that it is
fenced; then nothing that it has acknowledged is lost.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from folkmoot.base import clock
from folkmoot.base.driver_errors import LOST
from folkmoot.base.errors import Problem
from folkmoot.portability.failover.driver import STEPS
from folkmoot.portability.failover.standing import confirm
from folkmoot.portability.failover.taking_over import last_failover
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY
from folkmoot.portability.moving.model import Order, Proof
from folkmoot.portability.moving.rejoin import RejoinOrder, order_rejoin
from tests import series
from tests.conftest import new_open_folder
from tests.portability.mover import asking, own_host
from tests.portability.stage import Point, Stage, running_stage

_SAMPLE, _MOST_RUNS = 1, 6
_SETTLES = 60.0  # seconds, on a busy machine
_MESSAGES = ("move.condition", "failover.stop")


def points() -> Iterator[Point]:
    for with_database in (False, True):
        for within in ("fence", "promote"):
            yield Point("new", "drive", f"within {within}", with_database, "failover")
        for when in ("before", "after"):
            for step in STEPS:
                yield Point("new", "drive", f"{when} {step.state}", with_database, "failover")
            for message in _MESSAGES:
                yield Point("new", "answer", f"{when} {message}", with_database, "failover")


def chosen() -> list[Point]:
    every = list(points())
    assert len(every) == 24
    return [*series.part(every)] if series.is_long() else series.changing_dice("kills of a failover").sample(every, _SAMPLE)


@pytest.mark.kills
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_failover_survives_kills_at_every_step() -> None:
    with new_open_folder() as template, new_open_folder() as folder:
        async with running_stage(template, folder) as stage:
            for point in chosen():
                try:
                    await survive(stage, point)
                except BaseException as error:
                    error.add_note(f"{point}: {stage.pair.old.state} {stage.pair.new.state}")
                    raise


async def survive(stage: Stage, point: Point) -> None:
    """Kills at one point, goes on, and checks both hosts. Afterwards the old host is the standby, and the two change their names."""
    began, old, new = clock.monotonic(), stage.pair.old, stage.pair.new
    before = len(stage.witness.accepted)
    await stage.exactly_one_writes()
    await stage.kill_at(point)
    await take_over(stage)
    await replace_old(stage)
    assert await stage.exactly_one_writes() == new.name
    fence = last_failover(own_host(new.data.path, old.data.path).this)
    assert fence
    assert fence.epoch >= old.state.epoch + 3
    if fence.proof is Proof.FENCED:
        stage.witness.check_order(old.name, new.name, began)
        await stage.witness.check_nothing_lost(new)
    else:  # the old host was dead when it was asked: what it wrote since then is lost, and was accepted to be
        assert point.kills == "answer"
        del stage.witness.accepted[before:]
    await rejoin(stage)
    stage.pair.old, stage.pair.new = new, old


async def take_over(stage: Stage) -> None:
    """The same command until it says that it is done."""
    said: list[str] = []
    for _ in range(_MOST_RUNS):
        await stage.start_agents()
        driver = await stage.start("new", "failover")
        _, errors = await driver.communicate()
        if driver.returncode == 0 or b"primary already" in errors:
            assert stage.pair.new.state.role == PRIMARY
            return
        said.append(errors.decode().strip())
        await asyncio.sleep(0.5)
    raise AssertionError(said)


async def replace_old(stage: Stage) -> None:
    """What the agent of the old host does when it runs again."""
    old, new = stage.pair.old, stage.pair.new
    if old.state.role in (PRIMARY, RETURNING):
        own = own_host(old.data.path, new.data.path)
        assert not await confirm(own.this, asking(new.data.path), new.name)
    assert old.state.role == FENCED


async def rejoin(stage: Stage) -> None:
    """As `moot standby --again` on the old host."""
    old, new = stage.pair.old, stage.pair.new
    async with new.own.this.session() as session:
        await session.execute("CHECKPOINT")
    order_rejoin(old.data, RejoinOrder(new.state.epoch, str(new.server.socket_folder)))
    old.server.stop()
    deadline = clock.monotonic() + _SETTLES
    while True:
        assert clock.monotonic() < deadline
        with suppress(Problem, *LOST):
            database = (await old.own.condition(Order(""))).database
            if old.state.role == STANDBY and database and database.is_streaming:
                break
        await asyncio.sleep(0.1)
    for host in (old, new):
        await host.own.this.close()
