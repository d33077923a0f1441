"""The database moves from PostgreSQL 16 to 18 and back while a member writes; every acknowledged post is there afterwards."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from folkmoot.commands.options import settings_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.logical.swap import NEXT
from folkmoot.portability.postgres import Binaries, Postgres, wheel_folder
from tests.conftest import new_open_folder
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with, moot
from tests.portability.upgrades.writer import Writer
from tests.series import is_long, length
from tests.waiting import wait_until

WHEEL = wheel_folder()
pytestmark = pytest.mark.skipif(WHEEL is None, reason="the wheel with two versions of PostgreSQL is not installed")


@pytest.fixture(scope="module")
def network() -> Iterator[NetworkUp]:
    """A network whose database was made by PostgreSQL 16."""
    assert WHEEL
    with new_open_folder() as folder:
        directory = DataDirectory(folder / "data")
        directory.prepare()
        older = Postgres(directory, Binaries(WHEEL / "pginstall" / "bin", 16))
        older.start()
        older.stop()
        running = NetworkUp(folder / "data").wait()
        yield running
        running.stop()


def facts(network: NetworkUp) -> tuple[int, set[str], int]:
    """The version of the server, the texts of all posts, the last value of a sequence."""
    async def read() -> tuple[int, set[str], int]:
        connection = await asyncpg.connect(settings_of(network.data).dsn)
        try:
            texts = {row["text"] for row in await connection.fetch("SELECT text FROM posts WHERE text IS NOT NULL")}
            return connection.get_server_version().major, texts, await connection.fetchval("SELECT last_value FROM events_id_seq")
        finally:
            await connection.close()

    return asyncio.run(read())


def to(network: NetworkUp, major: int) -> Any:
    done = moot("upgrade", "--postgres", str(major), "--yes", "--json", data=network.data)
    assert done.returncode == 0, done.stderr + done.stdout + network.log.read_text()[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_database_moves_to_18_and_back_while_a_member_writes(network: NetworkUp) -> None:
    assert facts(network)[0] == 16
    writer = Writer(network, moot("token", "create", "jana", data=network.data).stdout.strip())
    writer.start()
    epoch = Host(network.data).epoch
    for major in length((18,), (18, 16)):
        accepted = writer.accepted
        wait_until(lambda accepted=accepted: writer.accepted > accepted + 5)
        _, _, sequence = facts(network)
        done = to(network, major)
        epoch += 1
        assert done["moved"]
        assert done["tables"] > 50
        found, texts, later = facts(network)
        assert (found, Host(network.data).epoch) == (major, epoch)
        assert later >= sequence
    accepted = writer.accepted
    wait_until(lambda: writer.accepted > accepted + 5)
    writer.end()
    _, texts, _ = facts(network)
    assert {f"post {number}" for number in range(writer.accepted)} <= texts
    assert not (network.data / NEXT).exists()


@pytest.mark.skipif(not is_long(), reason="part of the long series")
def test_a_killed_move_begins_anew(network: NetworkUp) -> None:
    process = subprocess.Popen(
        [*MOOT, "upgrade", "--postgres", "18", "--yes", "--json", "--data", str(network.data)], cwd=ROOT, env=environment_with({}),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: (Path(network.data) / NEXT / "schema.sql").exists() or process.poll() is not None)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    network.wait()
    assert facts(network)[0] == 16
    assert to(network, 18)["moved"]
    assert facts(network)[0] == 18
