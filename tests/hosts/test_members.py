"""Members under load on one host: what was acknowledged is there, whatever is killed."""

import signal
import time

from tests import series
from tests.hosts.history import read_rows, wrong_streams, wrong_writes
from tests.hosts.members.crowd import Crowd
from tests.hosts.world import World

WRITERS, LISTENERS, RATE = series.length(6, 40), series.length(6, 200), series.length(30, 200)
MOST_OF_A_CORE = 0.3


async def test_no_acknowledged_write_is_lost_when_processes_are_killed_and_the_power_fails(each_kind: World) -> None:
    host = each_kind.host("one").up()
    crowd = await Crowd.settle(each_kind, host, WRITERS, LISTENERS)
    crowd.begin(host, RATE)
    for what in ("web 1", "postgres -D"):
        assert host.signal(signal.SIGKILL, what)
        time.sleep(1)
    host.kill()
    host.power_on()
    host.up()
    journal = crowd.end()
    assert wrong_writes(journal, await read_rows(host.dsn)) == []
    assert wrong_streams(journal) == []
    assert len(journal.acknowledged) > WRITERS  # they wrote again after each failure
    assert journal.longest_break > 0
    assert journal.failures


async def test_members_see_no_failure_on_a_host_that_works(world: World) -> None:
    host = world.host("one").up()
    crowd = await Crowd.settle(world, host, WRITERS, LISTENERS)
    crowd.begin(host, RATE)
    time.sleep(series.length(2, 20))
    journal = crowd.end()
    assert journal.failures == []
    assert {write.kind for write in journal.writes} >= {"post", "favourite"}
    assert wrong_writes(journal, await read_rows(host.dsn)) == []
    assert wrong_streams(journal) == []
    assert {stream.kind for stream in journal.streams if stream.shown} == {"events", "socket"}
    assert journal.processor < MOST_OF_A_CORE * journal.seconds
