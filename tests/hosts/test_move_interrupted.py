"""A move that is interrupted at a random moment: either host loses its power, or the link breaks. Then the same command is run again."""

import asyncio
import json
import random
import subprocess

import pytest

from tests import series
from tests.hosts.history import read_rows, wrong_epochs, wrong_streams, wrong_writes
from tests.hosts.host import Host
from tests.hosts.members.crowd import Crowd
from tests.hosts.pair import Pair, new_pair
from tests.hosts.watch import watching
from tests.hosts.world import World

pytestmark = pytest.mark.skipif(not series.is_long(), reason="two hosts under load for minutes: bin/test --long")

MOVE = ("moot", "move", "--yes", "--json", "--steady", "0.2")
_MOVES = 30
_LONGEST_MOVE = 6.0  # seconds, roughly
_MOST_ATTEMPTS = 5
_LONGEST_ATTEMPT = 180.0  # on a busy machine
TROUBLES = ["old host loses power", "new host loses power", "link breaks", "link breaks there", "link breaks back"]


async def test_an_interrupted_move_is_finished_by_the_same_command(world: World) -> None:
    dice = series.dice("an interrupted move")
    story: list[str] = []
    pair = new_pair(world)
    crowd = await Crowd.settle(world, pair.primary, 4, 4)
    crowd.begin(pair.primary, 20)
    with watching(pair.primary, pair.standby) as watch:
        for _ in series.part(range(_MOVES)):
            old, new = _roles(pair)
            moving = old.start(*MOVE, log=old.log)
            moment, trouble = dice.random() * _LONGEST_MOVE, dice.choice(TROUBLES)
            story.append(f"{old.name} to {new.name}: {trouble} after {moment:.2f} s")
            await asyncio.sleep(moment)
            await _make_trouble(world, old, new, trouble, dice)
            moving.wait(_LONGEST_ATTEMPT)
            _finish(pair, new, story)
            crowd.turn_to(_roles(pair)[0])
            await asyncio.sleep(1)
        journal = crowd.end()
    rows = await read_rows(_roles(pair)[0].dsn)
    assert wrong_epochs(watch.history) == [], story
    assert wrong_writes(journal, rows) == [], story
    assert wrong_streams(journal) == [], story


async def _make_trouble(world: World, old: Host, new: Host, trouble: str, dice: random.Random) -> None:
    if "power" in trouble:
        host = old if "old" in trouble else new
        host.kill()
        await asyncio.sleep(dice.random())
        host.power_on()
        host.up()
        return
    world.cut(old, new, "there" if "there" in trouble else "back" if "back" in trouble else "both")
    await asyncio.sleep(2 + dice.random() * 10)
    world.heal()


def _finish(pair: Pair, new: Host, story: list[str]) -> None:
    """Runs the command on the old host or the new one until it says that the new one is the primary."""
    for attempt in range(_MOST_ATTEMPTS):
        old, standby = _roles(pair)
        if old is new:
            return
        try:
            ended = str((old, standby)[attempt % 2].run(*MOVE, seconds=_LONGEST_ATTEMPT))
        except subprocess.TimeoutExpired as error:
            ended = str(error)
            break
    raise AssertionError(f"{story} not moved: {ended}\n{pair.primary.state()}\n{pair.standby.state()}")


def _roles(pair: Pair) -> tuple[Host, Host]:
    """The primary and the other host, as their files say, also while a database starts. A host that is not sure of itself, or is fenced
    and waits for its standby to take over, is the primary until the other one says that it is."""
    roles = {json.loads((host.files / "host.json").read_text())["role"]: host for host in (pair.primary, pair.standby)}
    primary = next(roles[role] for role in ("primary", "returning", "fenced") if role in roles)
    return primary, pair.standby if primary is pair.primary else pair.primary
