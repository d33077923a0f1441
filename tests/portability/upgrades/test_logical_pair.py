"""A host with another version of PostgreSQL joins, follows by rows, and takes over by a move while members write, read and listen."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from folkmoot.commands.options import settings_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.pairing import invite
from folkmoot.portability.hosts.sockets import has_agent
from folkmoot.portability.logical.swap import NEXT
from folkmoot.portability.standby.following import find_following
from folkmoot.portability.standby.model import Stage
from tests.hosts.history import read_rows, wrong_writes
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with, free_port, moot
from tests.portability.upgrades.members import Members
from tests.portability.upgrades.versions import facts, needs_wheel, network_of_16
from tests.series import is_long, length
from tests.waiting import wait_until

pytestmark = [needs_wheel, pytest.mark.hosts]
WRITERS, LISTENERS, RATE = length(4, 40), length(4, 60), length(20, 100)


@dataclass
class Unlike:
    """The primary, and where its standby will be."""

    primary: NetworkUp
    data: Path
    ports: tuple[int, int]

    code: str = ""

    def join(self, *, kills: bool = False) -> Any:
        """`kills`: the command dies while it copies, and its answer is nothing."""
        self.code = self.code or invite(DataDirectory(self.primary.data)).text
        wait_until(lambda: has_agent(DataDirectory(self.primary.data)))
        command = ["standby", "--join", f"127.0.0.1:{self.ports[0]}", self.code, "--hosts-port", str(self.ports[1]), "--logical"]
        if not kills:
            return answer(*command, data=self.data)
        process = subprocess.Popen([*MOOT, *command, "--json", "--data", str(self.data)], cwd=ROOT, env=environment_with({}))
        wait_until(lambda: (self.data / NEXT / "schema.sql").exists() or process.poll() is not None)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        return None


@pytest.fixture
def unlike() -> Iterator[Unlike]:
    ports = free_port(), free_port()
    with network_of_16(FOLKMOOT_SERVER_PROCESSES="1", FOLKMOOT_HOSTS_PORT=str(ports[0])) as primary:
        yield Unlike(primary, primary.data.parent / "standby", ports)


def answer(*arguments: str, data: Path) -> Any:
    done = moot(*arguments, "--json", data=data)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def follows(*hosts: NetworkUp) -> None:
    for host in hosts:
        wait_until(lambda host=host: (state := find_following(host.data)) and state.stage is Stage.STREAMING, host.log.read_text()[-3000:])


def test_a_standby_with_another_postgresql_takes_over_and_nothing_is_lost(unlike: Unlike) -> None:
    primary = unlike.primary
    if is_long():
        unlike.join(kills=True)
    joined = unlike.join()
    assert joined["tables"] > 50
    standby = NetworkUp(unlike.data, "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
    try:
        follows(primary, standby)
        assert [answer("status", data=host.data)["replication"]["logical"] for host in (primary, standby)] == [True, True]
        refused = moot("failover", "--accept-loss", "--yes", "--json", data=standby.data)
        assert "ready for a move but cannot take over alone" in json.loads(refused.stdout)["message"]
        if is_long():
            _refuses_another_schema(primary)
        before = facts(primary)
        members = Members(primary, WRITERS, LISTENERS, RATE)
        moved = answer("move", "--yes", "--steady", "1", data=primary.data)
        journal = members.end()
        assert journal.failures == []
        assert journal.failed_reads == []
        rows = asyncio.run(read_rows(settings_of(standby.data).dsn))
        assert wrong_writes(journal, rows) == []
        assert members.missed(journal) == []
        assert (moved["lost_writes"], moved["old_role"]) == (0, "fenced")
        after = facts(standby)
        assert after.major == 18
        assert set(before.texts) <= set(after.texts)
        assert after.sequence >= before.sequence
        status = answer("status", data=standby.data)
        assert (status["role"], status["epoch"]) == ("primary", 2)
        print(f"pause {moved['pause_ms']} ms, longest wait {journal.longest_wait:.2f} s, {len(journal.writes)} writes")  # noqa: T201
        if is_long():
            _becomes_alike(primary, standby, unlike.ports[0])
    finally:
        standby.stop()


def _refuses_another_schema(primary: NetworkUp) -> None:
    """What a migration does does not travel."""
    asyncio.run(_execute(primary, "ALTER TABLE posts ADD COLUMN more text"))
    refused = moot("move", "--yes", "--steady", "1", "--json", data=primary.data)
    assert "were changed after this host had copied them" in json.loads(refused.stdout.splitlines()[-1])["message"]
    asyncio.run(_execute(primary, "ALTER TABLE posts DROP COLUMN more"))


async def _execute(network: NetworkUp, sql: str) -> None:
    connection = await asyncpg.connect(settings_of(network.data).dsn)
    await connection.execute(sql)
    await connection.close()


def _becomes_alike(old: NetworkUp, new: NetworkUp, hosts_port: int) -> None:
    """The host that was left gets the server of the new one, and is its standby by the log."""
    old.stop()
    again = answer("standby", "--again", data=old.data)
    assert again["files"] > 900
    back = NetworkUp(old.data, "--no-demo", port=old.port, FOLKMOOT_HOSTS_PORT=str(hosts_port)).wait()
    old.process, old.log = back.process, back.log
    follows(new, old)
    assert answer("move", "--yes", "--steady", "1", data=new.data)["old_role"] == "standby"
    assert facts(old).major == 18
