"""Either host is killed at every step of a move: never do two hosts write, nothing acknowledged is lost, and the move can be finished.

The points come from the table of steps and from the messages that a move sends. In a sample the same pair of hosts goes
through a few of them, each time in the other direction.
"""

from collections.abc import Iterator

import pytest

from folkmoot.base import clock
from folkmoot.portability.host import PRIMARY, STANDBY
from folkmoot.portability.moving.steps import STEPS
from tests import series
from tests.conftest import new_open_folder
from tests.portability.stage import Point, Stage, running_stage

_SAMPLE = 3
_TO_NEW = ("move.condition", "move.warm_up", "move.catch_up", "move.promote")
_TO_OLD = ("move.condition", "move.warm_up", "move.hold", "move.fence", "move.release", "move.follow")


def points() -> Iterator[Point]:
    for with_database in (False, True):
        for when in ("before", "after"):
            for driver, messages in (("old", _TO_NEW), ("new", _TO_OLD)):
                for step in STEPS:
                    if step.state in ("paired", "seeding", "repointed"):  # done already
                        continue
                    yield Point(driver, "drive", f"{when} {step.state}", with_database)
                for message in messages:
                    yield Point(driver, "answer", f"{when} {message}", with_database)


def chosen() -> list[Point]:
    every = list(points())
    fixed = [
        Point("old", "drive", "after fenced", with_database=True),
        Point("old", "answer", "after move.promote", with_database=True),
    ]
    assert set(fixed) <= set(every)
    assert len(every) >= 60
    dice = series.changing_dice("kills of a move")
    return [*series.part(every)] if series.is_long() else [*fixed, *dice.sample(every, _SAMPLE - len(fixed))]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_move_survives_kills_at_every_step() -> None:
    with new_open_folder() as template, new_open_folder() as folder:
        async with running_stage(template, folder) as stage:
            for number, point in enumerate(chosen()):
                await survive(stage, point, number)


def is_finished(stage: Stage) -> bool:
    return (stage.pair.old.state.role, stage.pair.new.state.role) == (STANDBY, PRIMARY)


async def survive(stage: Stage, point: Point, number: int) -> None:
    """Kills at one point, finishes the move, and checks both hosts. Afterwards the next move goes in the other direction."""
    began = clock.monotonic()
    try:
        await stage.kill_at(point)
        if number % 3 == 2:
            await stage.settle_both()
            await stage.exactly_one_writes()
        await stage.finish(("old", "new")[number % 2], "drive", lambda: is_finished(stage))
        assert await stage.exactly_one_writes() == stage.pair.new.name
        stage.witness.check_order(stage.pair.old.name, stage.pair.new.name, began)
        await stage.witness.check_nothing_lost(stage.pair.new)
    except BaseException as error:
        error.add_note(f"{point}: {stage.pair.old.state} {stage.pair.new.state}")
        raise
    stage.pair.old, stage.pair.new = stage.pair.new, stage.pair.old
