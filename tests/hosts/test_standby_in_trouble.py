"""A standby whose machine fails: while it is seeded, and when its disk is full."""

import asyncio
import json
from typing import Any

import asyncpg

from tests import series
from tests.hosts.history import read_rows, wrong_writes
from tests.hosts.host import Host
from tests.hosts.members.crowd import Crowd
from tests.hosts.pair import Pair, invited, new_pair
from tests.hosts.world import World

MEGABYTE = 1_000_000
_LONGEST_SEEDING = 8.0  # seconds after the start of the command, roughly


async def test_a_standby_that_loses_its_power_while_it_is_seeded_joins_by_the_same_command(world: World) -> None:
    dice = series.dice("power lost while seeding")
    pair = Pair(world, world.host("primary"), world.host("standby"))
    join = invited(pair)
    crowd = await Crowd.settle(world, pair.primary, 2, 2)
    crowd.begin(pair.primary, 10)
    world.shape(pair.primary, pair.standby, round_trip=0.02, rate=30 * MEGABYTE)
    for _ in range(series.length(1, 20)):
        pair.standby.start(*join, log=pair.standby.log)
        await asyncio.sleep(dice.random() * _LONGEST_SEEDING)
        pair.standby.kill()
        pair.standby.power_on()
    joined = pair.standby.run(*join)
    assert joined.returncode == 0, f"{joined.stderr}\n{pair.primary.said()[-3000:]}"
    pair.standby.up()
    journal = crowd.end()
    await pair.caught_up()
    assert wrong_writes(journal, await read_rows(pair.standby.dsn)) == []
    slots = await _fetch(pair.primary, "SELECT slot_name FROM pg_replication_slots")
    assert len(slots) == 1


async def test_a_standby_with_a_full_disk_follows_again_when_there_is_room(real: World) -> None:
    pair = new_pair(real, disk=400 * MEGABYTE)
    crowd = await Crowd.settle(real, pair.primary, 2, 2)
    crowd.begin(pair.primary, 10)
    await pair.caught_up()
    pair.standby.fill_disk()
    for _ in range(4):  # each needs a new file of 16 MB on the standby
        await _fetch(pair.primary, "SELECT pg_switch_wal()")
        await asyncio.sleep(0.5)
    wanted = (await read_rows(pair.primary.dsn)).posts.keys()
    pair.primary.until(lambda: _lag(pair.primary) > 1, "the lag is shown")
    assert pair.primary.get("/readyz")["ready"] is True
    pair.standby.free_disk()
    await pair.caught_up()
    journal = crowd.end()
    await pair.caught_up()
    assert wanted <= (await read_rows(pair.standby.dsn)).posts.keys()
    assert journal.failures == []
    assert wrong_writes(journal, await read_rows(pair.standby.dsn)) == []


def _lag(host: Host) -> float:
    return float(json.loads(host.run("moot", "status", "--json").stdout)["replication"]["lag_seconds"])


async def _fetch(host: Host, sql: str) -> list[Any]:
    connection = await asyncpg.connect(host.dsn)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()
