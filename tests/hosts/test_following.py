"""A standby on a second host: it joins by a one-time code and follows its primary through failures of link and power."""

import asyncio
import json
from typing import Any

import pytest

from tests import series
from tests.hosts.history import read_rows, wrong_epochs, wrong_streams, wrong_writes
from tests.hosts.members.crowd import Crowd
from tests.hosts.pair import Pair, new_pair
from tests.hosts.watch import watching
from tests.hosts.world import Direction, World

pytestmark = pytest.mark.skipif(not series.is_long(), reason="two hosts under load for minutes: bin/test --long")
DIRECTIONS: list[Direction] = ["both", "there", "back"]
WRITERS, LISTENERS, RATE = series.length(4, 40), series.length(4, 200), series.length(20, 200)


async def test_a_standby_follows_through_a_lost_link_and_restarts_of_both_hosts(world: World) -> None:
    dice = series.dice("a lost link")
    pair = new_pair(world)
    crowd = await Crowd.settle(world, pair.primary, WRITERS, LISTENERS)
    crowd.begin(pair.primary, RATE)
    with watching(pair.primary, pair.standby) as watch:
        await pair.caught_up()
        for direction in series.length([dice.choice(DIRECTIONS)], DIRECTIONS):
            world.cut(pair.primary, pair.standby, direction)
            await asyncio.sleep(1)
            world.heal()
            await pair.caught_up()
        pair.standby.kill()
        pair.standby.power_on()
        pair.standby.up()
        await pair.caught_up()
        journal = crowd.end()
        assert journal.failures == []
        crowd.begin(pair.primary, RATE)
        pair.primary.stop()
        pair.primary.up()
        await pair.caught_up()
        later = crowd.end()
    await pair.caught_up()
    rows = await read_rows(pair.standby.dsn)
    for one in (journal, later):
        assert wrong_writes(one, rows) == []
        assert wrong_streams(one) == []
    assert watch.accepting().keys() == {"primary"}
    assert wrong_epochs(watch.history) == []
    async with asyncio.timeout(60):  # counts are folded, and follow, a moment after the posts
        while len({status["posts"] for status in _statuses(pair)}) > 1:
            await asyncio.sleep(0.2)
    assert [status["role"] for status in _statuses(pair)] == ["primary", "standby"]


def _statuses(pair: Pair) -> list[dict[str, Any]]:
    return [json.loads(host.run("moot", "status", "--json").stdout) for host in (pair.primary, pair.standby)]
