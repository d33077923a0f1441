"""The home rule: pushed, merged, rebuilt and pulled homes equal the home of the plain model, after any sequence of actions."""

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from folkmoot.base.db import Database
from folkmoot.network.posts.model import Visibility
from folkmoot.network.timelines import actions, jobs
from tests import series
from tests.network.home_model import ACTS, PEOPLE, Facts, HomeSimulation

_numbers = itertools.count()
PUBLIC, FOLLOWERS, DIRECT = Visibility.PUBLIC, Visibility.FOLLOWERS, Visibility.DIRECT


@pytest.fixture(autouse=True)
def _rebuilds_of_this_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A semaphore that somebody has waited for belongs to that event loop, and each test has its own."""
    monkeypatch.setattr(jobs, "_rebuilds", asyncio.Semaphore(2))


@settings(max_examples=series.length(25, 400))
@given(acts=ACTS, seed=st.integers(0, 99), is_crowded=st.booleans())
@example([("boost", 0, 2)], 0, True).via("in batches")
@example([("boost", 0, 2)], 0, False).via("a boost of somebody who is not followed")
@example([("boost", 0, 1)], 0, False).via("a boost of what came home just before")
@example([("follow", 0, 1, True, ("en",)), ("deliver", 0), ("unfollow", 0, 1), ("follow", 0, 1, True, None)], 3, False)
@example([("write", 1, "cs", DIRECT, None, False), ("deliver", 0), ("edit", -1, "cs", 0)], 0, False).via("an edit names a follower")
@example([("follow", 0, 1, False, None), ("boost", 1, 3), ("deliver", 0), ("follow", 0, 1, True, None)], 0, False).via("boosts on again")
@example([("mute", 0, 1, 3600), ("write", 1, None, PUBLIC, None, False), ("deliver", 0), ("expire_mutes", 0)], 0, False).via("a mute ends")
@example([("mute", 0, 3, 0), ("boost", 1, 3), ("deliver", 0), ("unmute", 0, 3)], 0, False).via("words of a muted one")
@example([("block", 0, 3), ("boost", 1, 3), ("deliver", 0), ("unblock", 0, 3)], 0, False).via("words of a blocked one")
@example([("mute", 0, 3, 0), ("boost", 1, 3)], 0, False).via("words of one who is muted still")
@example([("block", 0, 3), ("boost", 1, 3)], 0, False).via("words of one who is blocked still")
@example([("mute", 0, 1, 0), ("deliver", 0)], 0, False).via("posts of one who is muted still")
@example([("block", 3, 0), ("boost", 1, 3), ("deliver", 0)], 0, False).via("words of one who blocks the reader")
@example([("answer", 1, 3, PUBLIC), ("deliver", 0), ("follow", 0, 3, True, None)], 0, False).via("both sides are followed now")
@example([("become_star", 1, True), ("write", 1, None, PUBLIC, None, False), ("deliver", 0), ("become_star", 1, False)], 0, False)
@example([("become_star", 3, True), ("follow", 0, 3, True, None), ("deliver", 0), ("write", 3, None, PUBLIC, None, False)], 0, False)
@example([("become_star", 1, True), ("mute", 0, 1, 0), ("write", 1, "cs", FOLLOWERS, None, False)], 0, False).via("a star that is muted")
@example([("follow_tag", 0, "voda"), ("write", 3, None, PUBLIC, None, False, ("voda",))], 0, False).via("a hashtag of a stranger")
@example([("follow_tag", 0, "voda"), ("write", 1, None, PUBLIC, None, False, ("voda",)), ("deliver", 0)], 0, False).via("of both")
@example([("follow_tag", 0, "ohen"), ("follow_tag", 0, "voda"), ("write", 3, "cs", PUBLIC, None, False, ("voda", "Ohen"))], 0, False)
@example([("follow_tag", 0, "voda"), ("write", 3, None, PUBLIC, None, False, ("voda",)), ("boost", 1, -1)], 0, False).via("came by hashtag")
@example([("follow_tag", 0, "voda"), ("write", 3, None, PUBLIC, None, False, ("voda",)), ("block", 3, 0)], 0, False).via("a block")
@example([("follow_tag", 0, "voda"), ("write", 3, None, PUBLIC, None, False, ("voda",)), ("mute", 0, 3, 0)], 0, False).via("a muted author")
@example([("follow_tag", 0, "voda"), ("write", 3, None, FOLLOWERS, None, False, ("voda",))], 0, False).via("not public")
@example([("follow_tag", 0, "voda"), ("follow", 0, 3, True, ("en",)), ("write", 3, "cs", PUBLIC, None, False, ("voda",))], 0, False)
async def test_pushed_pulled_and_rebuilt_homes_are_equal(db: Database, acts: list[tuple[Any, ...]], seed: int, is_crowded: bool) -> None:
    simulation = HomeSimulation(db)
    with pytest.MonkeyPatch.context() as patch:
        if is_crowded:  # as with many followers: pushed in batches
            patch.setattr(actions, "PUSH_AT_ONCE", -1)
            patch.setattr(actions, "PUSH_BATCH", 1)
        await simulation.open(f"p{next(_numbers)}")
        for act in acts:
            await simulation.play(act)
        await simulation.deliver(seed)
    await _compare(db, simulation)


async def _compare(db: Database, simulation: HomeSimulation) -> None:
    facts = await Facts.read(db)
    for who in range(PEOPLE):
        expected = facts.home_of(simulation.people[who].id)
        assert await simulation.home(who) == expected, "warm: pushed and merged"
        for number, since in enumerate(expected[:2]):
            assert await simulation.home(who, since) == expected[:number], "what is new"
        await simulation.drop_home(who)
        assert await simulation.home(who) == expected, "pulled"
        await simulation.rebuild(who)
        assert await simulation.home(who) == expected, "rebuilt"


@pytest.mark.parametrize("world", range(series.length(6, 200)))
async def test_concurrent_actions_and_jobs_lose_no_entries(db: Database, world: int) -> None:
    dice = series.dice(f"home {world}")
    simulation = HomeSimulation(db)
    await simulation.open(f"p{next(_numbers)}")
    for _ in range(12):
        actions_ = (simulation.play(simulation.draw(dice)) for _ in range(4))
        deliveries = (simulation.deliver(dice.randrange(99)) for _ in range(2))
        await asyncio.gather(*actions_, *deliveries)
    await simulation.deliver(0)
    await _compare(db, simulation)
