"""Synchronous mode: a primary that is cut off and then lost has acknowledged nothing that its standby does not have.

`tests/portability/test_synchronous.py` does the same with two servers on this machine, in each run.
"""

import asyncio
import json
import logging
from typing import Any

import pytest

from tests import series
from tests.hosts.history import read_rows, wrong_epochs, wrong_writes
from tests.hosts.host import Host
from tests.hosts.members.crowd import Crowd
from tests.hosts.pair import new_pair
from tests.hosts.watch import watching
from tests.hosts.world import Direction, World

pytestmark = pytest.mark.skipif(not series.is_long(), reason="two hosts under load for minutes: bin/test --long")

_log = logging.getLogger(__name__)
WRITERS, LISTENERS, RATE = series.length(3, 20), series.length(1, 20), series.length(15, 100)
DIRECTIONS: list[Direction] = series.length(["both"], ["both", "there", "back"])
_BEFORE = 2.0  # seconds of writing before the link is cut, and after
_FAILOVER = ("moot", "failover", "--json", "--yes")


@pytest.mark.parametrize("direction", DIRECTIONS)
async def test_nothing_acknowledged_is_lost_with_a_primary_that_was_cut_off_first(world: World, direction: Direction) -> None:
    pair = new_pair(world, FOLKMOOT_REPLICATION_SYNCHRONOUS="all")
    crowd = await Crowd.settle(world, pair.primary, WRITERS, LISTENERS)
    pair.standby.until(lambda: _synchronous(pair.standby).get("is_bound") is True, "the primary has bound itself", 120)
    crowd.begin(pair.primary, RATE)
    await asyncio.sleep(_BEFORE)
    with watching(pair.primary, pair.standby) as watch:
        await asyncio.sleep(_BEFORE / 2)
        world.cut(pair.primary, pair.standby, direction)  # members still reach the primary, which still runs
        await asyncio.sleep(_BEFORE)
        if direction == "both":  # no statement is needed, also while the primary is alive
            done = _failed_over(pair.standby)
            pair.primary.kill()
        else:
            pair.primary.kill()
            done = _failed_over(pair.standby)
        crowd.turn_to(pair.standby)
        await asyncio.sleep(_BEFORE)
        journal = crowd.end()
    assert done["proof"] == "synchronous"
    assert "nothing" in done["estimate"]["sentence"]
    assert len(journal.acknowledged) > 10
    _log.warning("%d writes were acknowledged; %.2f s to the first write", len(journal.acknowledged), done["first_write_seconds"])
    assert wrong_writes(journal, await read_rows(pair.standby.dsn)) == []
    assert wrong_epochs(watch.history) == []


def _failed_over(host: Host) -> dict[str, Any]:
    done = host.run(*_FAILOVER)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{host.said()[-3000:]}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _synchronous(host: Host) -> dict[str, Any]:
    done = host.run("moot", "status", "--json")
    return json.loads(done.stdout)["replication"].get("synchronous", {}) if done.returncode == 0 else {}
