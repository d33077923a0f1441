"""Random partitions between two hosts, one-way and flapping ones among them, with failovers in between: one host writes at a time.

Both hosts are asked to write all the time, through their gates. Where an operator accepts the loss, both may write for a while;
then the old one must refuse within two seconds of learning of the higher epoch. Each run has a few partitions, one of them always the
same; a long run has 200.
"""

import asyncio
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from folkmoot.portability.host import FENCED, STANDBY
from folkmoot.portability.host import Host as HostFile
from tests import series
from tests.hosts.history import Accepted, Event, Learned, wrong_epochs
from tests.hosts.host import Host
from tests.hosts.pair import Pair, new_pair
from tests.hosts.watch import Watch, watching
from tests.hosts.world import Direction, World

_log = logging.getLogger(__name__)
PARTITIONS = {"none": 140, "all": 60}  # by `replication.synchronous`
DIRECTIONS: list[Direction] = ["both", "there", "back"]
_FAILOVER = ("moot", "failover", "--json", "--yes")
_SETTLES = 120.0  # seconds, on a busy machine
_LONGEST_CUT = series.length(1.0, 4.0)
_FIXED_SEED = 9
_TRIES = 0.05
_CONTEXT = 100  # events before a partition


@pytest.mark.skipif(series.is_long(), reason="a part of the long series")
async def test_in_some_random_partitions_one_host_writes_at_a_time(world: World) -> None:
    dice = series.changing_dice("some partitions")  # its seed is in the head of the run
    synchronous = dice.choice([*PARTITIONS])
    roles = Roles(new_pair(world, FOLKMOOT_REPLICATION_SYNCHRONOUS=synchronous), synchronous)
    last = dice.choice([kind for kind in KINDS[synchronous] if kind != "flap"])
    with watching(roles.primary, roles.standby) as watch:
        await _until(lambda: _accepts(watch.history, roles.primary), "the primary writes")
        for kind, by in (("flap", random.Random(_FIXED_SEED)), ("flap", dice), (last, dice)):
            await _partition(world, roles, watch, kind, by, kind)
            await _until(lambda: _accepts(watch.history, roles.primary), kind)
    assert watch.accepting().keys() == {"primary", "standby"}


@pytest.mark.skipif(not series.is_long(), reason="two hosts, cut off from each other again and again: bin/test --long")
@pytest.mark.parametrize("synchronous", [*PARTITIONS])
async def test_in_random_partitions_one_host_writes_at_a_time(world: World, synchronous: str) -> None:
    dice = series.changing_dice(f"partitions {synchronous}")
    roles, kinds = Roles(new_pair(world, FOLKMOOT_REPLICATION_SYNCHRONOUS=synchronous), synchronous), KINDS[synchronous]
    done: Counter[str] = Counter()
    count = len(series.part(range(PARTITIONS[synchronous])))
    with watching(roles.primary, roles.standby) as watch:
        for number in range(count):
            kind = dice.choices([*kinds], [*kinds.values()])[0] if number < count - 1 else "off"
            what = f"partition {number} ({kind}, primary: {roles.primary.name})"
            if await _partition(world, roles, watch, kind, dice, what):
                await _rejoin(roles)
            await _until(lambda: _accepts(watch.history, roles.primary), what)
            done[kind] += 1
            _log.warning("%s: %s so far, %d accepted writes", what, dict(done), sum(isinstance(event, Accepted) for event in watch.history))
    assert watch.accepting().keys() == {"primary", "standby"}


async def _partition(world: World, roles: "Roles", watch: Watch, kind: str, dice: random.Random, what: str) -> bool:
    """One partition, and the judgement of it. Returns whether the other host has taken over."""
    begun = max(0, len(watch.history) - _CONTEXT)
    learned = await _WORK[kind](world, roles, dice)
    events = [*watch.history[begun:], *learned]
    if kind == "accepted":  # both wrote; the old one until it learned of the epoch
        events = [event for event in events if event.host == roles.standby.name]
    assert wrong_epochs(events) == [], what
    return bool(learned)


class Roles:
    """Which of the two hosts is the primary now."""

    def __init__(self, pair: Pair, synchronous: str) -> None:
        self.primary, self.standby = pair.primary, pair.standby
        self.is_bound = synchronous == "all"  # then the standby may take over whenever it does not hear of its primary

    def change(self) -> None:
        self.primary, self.standby = self.standby, self.primary


async def _flap(world: World, roles: Roles, dice: random.Random) -> list[Event]:
    """The link breaks and comes back, some times in a row. Nobody decides anything; sometimes somebody tries, without a fence."""
    before = HostFile(roles.primary.files).state
    for _ in range(dice.choice([1, 1, 2, 5])):
        world.cut(roles.primary, roles.standby, dice.choice(DIRECTIONS))
        await asyncio.sleep(dice.random() * dice.choice([0.2, _LONGEST_CUT]))
        if dice.random() < _TRIES and not roles.is_bound:
            refused = roles.standby.run(*_FAILOVER)
            assert refused.returncode == 1, refused.stdout
        world.heal()
        await asyncio.sleep(dice.random() * 0.5)
    assert HostFile(roles.primary.files).state == before
    return []


async def _lose_power(world: World, roles: Roles, dice: random.Random) -> list[Event]:
    """The old host is cut off and then loses its power; it comes back before the link does, or after it."""
    old, new = roles.primary, roles.standby
    world.cut(old, new, dice.choice(DIRECTIONS))
    await asyncio.sleep(dice.random() * _LONGEST_CUT)
    old.kill()
    epoch = await _take_over(new, "--other-host-is-off")
    if dice.random() < 0.5:
        world.heal()
    old.power_on()
    old.begin()
    await asyncio.sleep(dice.random() * 2 * _LONGEST_CUT)
    world.heal()
    return await _replaced(roles, epoch)


async def _accept_loss(world: World, roles: Roles, dice: random.Random) -> list[Event]:
    """The operator accepts the loss while the old host still writes: the worst case."""
    world.cut(roles.primary, roles.standby, dice.choice(DIRECTIONS))
    await asyncio.sleep(dice.random() * _LONGEST_CUT)
    epoch = await _take_over(roles.standby, "--accept-loss")
    await asyncio.sleep(dice.random())
    world.heal()
    return await _replaced(roles, epoch)


async def _trust_the_promise(world: World, roles: Roles, dice: random.Random) -> list[Event]:
    """Nobody states anything, and the old host runs on: it acknowledges nothing without its standby, so no event is left out."""
    await _until(lambda: _is_bound(roles.standby), f"{roles.primary.name} is bound")
    world.cut(roles.primary, roles.standby, dice.choice(DIRECTIONS))
    await asyncio.sleep(dice.random() * _LONGEST_CUT)
    epoch = await _take_over(roles.standby)
    await asyncio.sleep(dice.random() * _LONGEST_CUT)
    world.heal()
    return await _replaced(roles, epoch)


def _is_bound(standby: Host) -> bool:
    done = standby.run("moot", "status", "--json")
    return done.returncode == 0 and json.loads(done.stdout)["replication"].get("synchronous", {}).get("is_bound") is True


async def _take_over(new: Host, *how: str) -> int:
    done = await asyncio.to_thread(new.run, *_FAILOVER, *how)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{new.said()[-3000:]}"
    return int(json.loads(done.stdout)["epoch"])


async def _replaced(roles: Roles, epoch: int) -> list[Event]:
    """Waits until the old host has learned of the epoch, and for longer than it may still write."""
    old = roles.primary
    await _until(lambda: HostFile(old.files).state.role == FENCED, f"{old.name} is fenced")
    learned = Learned(old.name, epoch, time.monotonic())
    await asyncio.sleep(3)
    roles.change()
    return [learned]


async def _rejoin(roles: Roles) -> None:
    """The old host becomes the standby, after it has exported what only it has."""
    old = roles.standby
    await _until(lambda: bool([*(old.files / "unreplicated").glob(f"epoch-{HostFile(roles.primary.files).epoch}/report.json")]), "exported")
    old.stop()
    again = await asyncio.to_thread(old.run, "moot", "standby", "--again", "--json", seconds=300)
    assert again.returncode == 0, again.stdout + again.stderr
    old.up()
    await _until(lambda: HostFile(old.files).state.role == STANDBY, f"{old.name} is a standby")


def _accepts(history: list[Event], host: Host) -> bool:
    """Whether this host has accepted one of the last writes."""
    return any(isinstance(event, Accepted) and event.host == host.name and event.acked_at > time.monotonic() - 1 for event in history[-20:])


async def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _SETTLES
    while not condition():
        assert time.monotonic() < deadline, f"not true after {_SETTLES} s: {what}"
        await asyncio.sleep(0.05)


KINDS = {"none": {"flap": 0.94, "off": 0.04, "accepted": 0.02}, "all": {"flap": 0.9, "off": 0.04, "bound": 0.06}}  # and how often
_WORK = {"flap": _flap, "off": _lose_power, "accepted": _accept_loss, "bound": _trust_the_promise}
