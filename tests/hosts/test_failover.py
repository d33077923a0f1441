"""The primary is lost while members write: cut off first, then without power. Its standby takes over; days later it comes back."""

import asyncio
import json
import logging
import time
from typing import Any

import pytest

from tests import series
from tests.hosts.history import Accepted, Rows, read_rows, wrong_epochs, wrong_writes
from tests.hosts.host import Host
from tests.hosts.members.crowd import Crowd
from tests.hosts.members.journal import Journal
from tests.hosts.pair import Pair, new_pair
from tests.hosts.watch import watching
from tests.hosts.world import World

pytestmark = pytest.mark.skipif(not series.is_long(), reason="two hosts under load for minutes: bin/test --long")

WRITERS, LISTENERS, RATE = series.length(4, 20), series.length(2, 50), series.length(20, 100)
_RTO = 10.0  # seconds from the command to the first acknowledged write, also on a busy machine
_FAILOVER = ("moot", "failover", "--json", "--yes")


async def test_a_lost_primary_is_replaced_and_what_it_alone_had_is_exported(world: World) -> None:
    pair = new_pair(world)
    crowd = await Crowd.settle(world, pair.primary, WRITERS, LISTENERS)
    crowd.begin(pair.primary, RATE)
    await pair.caught_up()
    world.silence_dns()  # a lookup takes many seconds then, and the failover must not wait for it
    with watching(pair.primary, pair.standby) as watch:
        world.cut(pair.primary, pair.standby)  # members still reach the primary: what it acknowledges now will be lost
        pair.standby.until(lambda: "the primary is lost" in pair.standby.run("moot", "status").stdout, "the alarm is on the status")
        assert any("primary is lost" in warning for warning in pair.standby.get("/readyz")["warnings"])
        refused = pair.standby.run(*_FAILOVER)
        assert refused.returncode == 1
        assert "Estimated loss" in refused.stdout
        pair.primary.kill()
        began = time.monotonic()
        done = pair.standby.run(*_FAILOVER, "--other-host-is-off")
        assert done.returncode == 0, f"{done.stderr}\n{pair.standby.said()[-3000:]}"
        crowd.turn_to(pair.standby)
        answer = json.loads(done.stdout)
        await asyncio.sleep(2)
        journal = crowd.end()
        rows = await read_rows(pair.standby.dsn)
        lost = _lost_posts(journal, rows)
        seconds = min(event.acked_at for event in watch.history if isinstance(event, Accepted) and event.host == "standby") - began
        logging.getLogger(__name__).warning("%.2f s to the first write, %d posts lost; %s", seconds, len(lost), answer)
        assert seconds < _RTO
        assert answer["proof"] == "off"
        assert answer["estimate"]["most_posts"] > 0  # from the rate before: members may write faster or slower afterwards
        said = "does not become its standby by itself. Run on that one: moot standby --again"
        pair.standby.until(lambda: said in pair.standby.run("moot", "status").stdout, "status says how the lost host comes back")
        pair.primary.power_on()
        pair.primary.begin()  # days later: writes are tried from its first millisecond on, while it cannot ask anybody
        pair.primary.until(lambda: _status(pair.primary).get("role") == "returning", "the old host does not trust itself", 120)
        assert "writes wait until the other host confirms" in pair.primary.run("moot", "status").stdout
        await asyncio.sleep(1)
        world.heal()
        pair.primary.until(lambda: _status(pair.primary).get("role") == "fenced", "the old host has fenced itself", 120)
        pair.primary.until(lambda: bool(_status(pair.primary)["failover"]["exported_to"]), "the old host has exported", 120)
        await asyncio.sleep(2)
    assert wrong_epochs(watch.history) == []
    exported = _exported_posts(pair.primary)
    assert lost
    assert lost <= exported.keys()
    assert not set(exported.values()) & {id for ids in rows.posts.values() for id in ids}, "what a member sent again is another post"
    assert exported.keys() - lost <= {write.key for write in journal.writes}, "what was never acknowledged may be there too"
    pair.primary.stop()
    again = pair.primary.run("moot", "standby", "--again", "--json", seconds=300)
    assert again.returncode == 0, again.stderr
    answer = json.loads(again.stdout)
    assert answer["rewound"] is True
    assert answer["exported"]["posts"] == len(exported)
    pair.primary.up()
    after = Pair(world, pair.standby, pair.primary)
    crowd.begin(after.primary, RATE)
    later = crowd.end()
    await after.caught_up()
    assert said not in after.primary.run("moot", "status").stdout
    assert wrong_writes(later, await read_rows(after.standby.dsn)) == []


def _lost_posts(journal: Journal, rows: Rows) -> set[str]:
    return {write.key for write in journal.acknowledged if write.kind == "post"} - rows.posts.keys()


def _exported_posts(host: Host) -> dict[str, int]:
    """Their ids by their texts."""
    [folder] = (host.files / "unreplicated").glob("epoch-*")
    rows = [json.loads(line) for line in (folder / "posts.jsonl").read_text().splitlines()]
    return {row["text"]: row["id"] for row in rows}


def _status(host: Host) -> dict[str, Any]:
    done = host.run("moot", "status", "--json")
    return json.loads(done.stdout) if done.returncode == 0 else {"failover": {"exported_to": None}}
