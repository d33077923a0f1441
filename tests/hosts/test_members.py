"""Members under load on one host: what was acknowledged is there, whatever is killed."""

import asyncio
import signal

import msgspec

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FILE, STANDBY
from folkmoot.portability.host import Host as HostFile
from tests import series
from tests.hosts.history import Fenced, read_rows, wrong_epochs, wrong_streams, wrong_writes
from tests.hosts.members.crowd import Crowd
from tests.hosts.watch import watching
from tests.hosts.world import World
from tests.waiting import until

WRITERS, LISTENERS, RATE = series.length(6, 40), series.length(6, 200), series.length(30, 200)
MOST_OF_A_CORE = 0.3


async def test_no_acknowledged_write_is_lost_when_processes_are_killed_and_the_power_fails(world: World) -> None:
    host = world.host("one").up()
    crowd = await Crowd.settle(world, host, WRITERS, LISTENERS)
    crowd.begin(host, RATE)
    with watching(host) as watch:
        for what in ("web 1", "postgres -D"):
            assert host.signal(signal.SIGKILL, what)
            await asyncio.sleep(1)
        host.kill()
        host.power_on()
        host.up()
        journal = crowd.end()
    assert watch.accepting() == {"one": len(watch.history)}
    assert wrong_epochs(watch.history) == []
    assert wrong_writes(journal, await read_rows(host.dsn)) == []
    assert wrong_streams(journal) == []
    assert len(journal.acknowledged) > WRITERS  # they wrote again after each failure
    assert journal.longest_break > 0
    assert journal.failures


async def test_members_see_no_failure_on_a_host_that_works(plain: World) -> None:
    host = plain.host("one").up()
    crowd = await Crowd.settle(plain, host, WRITERS, LISTENERS)
    crowd.begin(host, RATE)
    await asyncio.sleep(series.length(2, 20))
    journal = crowd.end()
    assert journal.failures == []
    assert journal.failed_reads == []
    assert {write.kind for write in journal.writes} >= {"post", "favourite"}
    assert wrong_writes(journal, await read_rows(host.dsn)) == []
    assert wrong_streams(journal) == []
    assert {stream.kind for stream in journal.streams if stream.shown} == {"events", "socket"}
    with watching(host) as watch:
        await until(watch.accepting)
        state = HostFile(host.files).state
        DataDirectory(host.files).write(host.files / FILE, msgspec.json.encode(msgspec.structs.replace(state, role=STANDBY)))
        await asyncio.sleep(1)
    assert watch.accepting()["one"] > 0
    assert [event for event in watch.history if isinstance(event, Fenced) and event.until - event.at > 0.1]
    assert wrong_epochs(watch.history) == []
    assert journal.processor < MOST_OF_A_CORE * journal.seconds
