"""A network whose database can be moved between the two versions of PostgreSQL in the wheel."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import asyncpg
import pytest

from folkmoot.commands.options import settings_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import Binaries, wheel_folder
from tests.conftest import new_open_folder
from tests.network_up import NetworkUp, moot

WHEEL = wheel_folder()
needs_wheel = pytest.mark.skipif(WHEEL is None, reason="the wheel with two versions of PostgreSQL is not installed")


class Facts(NamedTuple):
    """What a database says of itself. `sequence`: the last value of one."""

    major: int
    texts: list[str]
    sequence: int
    slots: int


@contextmanager
def network_of_16(**environment: str) -> Iterator[NetworkUp]:
    """Its database was made by PostgreSQL 16."""
    assert WHEEL
    with new_open_folder() as folder:
        directory = DataDirectory(folder / "data")
        directory.prepare()
        older = Postgres(directory, Binaries(WHEEL / "pginstall" / "bin", 16))
        older.start()
        older.stop()
        running = NetworkUp(folder / "data", **environment).wait()
        try:
            yield running
        finally:
            running.stop()


def facts(network: NetworkUp) -> Facts:
    async def read() -> Facts:
        connection = await asyncpg.connect(settings_of(network.data).dsn)
        try:
            texts = [row["text"] for row in await connection.fetch("SELECT text FROM posts WHERE text IS NOT NULL")]
            return Facts(
                connection.get_server_version().major, texts, await connection.fetchval("SELECT last_value FROM events_id_seq"),
                await connection.fetchval("SELECT count(*) FROM pg_replication_slots"),
            )
        finally:
            await connection.close()

    return asyncio.run(read())


def move_to(network: NetworkUp, major: int) -> Any:
    """The answer of the command."""
    done = moot("upgrade", "--postgres", str(major), "--yes", "--json", data=network.data)
    assert done.returncode == 0, done.stderr + done.stdout + network.log.read_text()[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
