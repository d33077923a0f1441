"""One home rule: pushed, merged, rebuilt and pulled homes are the home of the plain model, after any sequence of acts."""

import itertools
import os
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from folkmoot.base.db import Database
from folkmoot.network.posts.model import Visibility
from tests.network.worlds import ACTS, PEOPLE, Facts, Town

_IS_LONG = bool(os.environ.get("FOLKMOOT_TEST_LONG"))
_PHASES = [Phase.explicit, Phase.generate] if os.environ.get("NOSHRINK") else list(Phase)
_numbers = itertools.count()
PUBLIC, FOLLOWERS, DIRECT = Visibility.PUBLIC, Visibility.FOLLOWERS, Visibility.DIRECT


@settings(max_examples=400 if _IS_LONG else 25, phases=_PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, seed=st.integers(0, 99))
@example([("boost", 0, 2)], 0).via("a boost of somebody who is not followed")
@example([("boost", 0, 1)], 0).via("a boost of what came home just before")
@example([("write", 1, "cs", PUBLIC, None, False), ("follow", 0, 1, True, ("en",)), ("unfollow", 0, 1), ("follow", 0, 1, True, None)], 3)
@example([("write", 1, "cs", DIRECT, None, False), ("deliver", 0), ("edit", -1, "cs", 0)], 0).via("an edit names a follower")
@example([("follow", 0, 1, False, None), ("boost", 1, 3), ("deliver", 0), ("follow", 0, 1, True, None)], 0).via("boosts on again")
@example([("mute", 0, 1, 3600), ("write", 1, None, PUBLIC, None, False), ("deliver", 0), ("expire_mutes", 0)], 0).via("a mute ends")
@example([("mute", 0, 3, 0), ("boost", 1, 3), ("deliver", 0), ("unmute", 0, 3)], 0).via("words of a muted one, boosted by another")
@example([("block", 0, 3), ("boost", 1, 3), ("deliver", 0), ("unblock", 0, 3)], 0).via("words of a blocked one")
@example([("answer", 1, 3, PUBLIC), ("deliver", 0), ("follow", 0, 3, True, None)], 0).via("a talk both sides of which are followed now")
@example([("become_star", 1, True), ("write", 1, None, PUBLIC, None, False), ("deliver", 0), ("become_star", 1, False)], 0)
@example([("become_star", 3, True), ("follow", 0, 3, True, None), ("deliver", 0), ("write", 3, None, PUBLIC, None, False)], 0)
@example([("become_star", 1, True), ("mute", 0, 1, 0), ("write", 1, "cs", FOLLOWERS, None, False)], 0).via("a star that is muted")
async def test_every_way_leads_to_the_same_home(db: Database, acts: list[tuple[Any, ...]], seed: int) -> None:
    town = Town(db)
    await town.open(f"p{next(_numbers)}")
    for act in acts:
        await town.play(act)
    await town.deliver(seed)
    facts = await Facts.read(db)
    for who in range(PEOPLE):
        expected = facts.home_of(town.people[who].id)
        assert await town.home(who) == expected, "kept warm: pushed and merged"
        await town.drop_home(who)
        assert await town.home(who) == expected, "pulled"
        await town.rebuild(who)
        assert await town.home(who) == expected, "rebuilt"
