"""Real PostgreSQL for every test: started once per run, without fsync; each test that asks gets a database of its own,
cloned from a migrated template."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.migrate import migrate
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres

_numbers = itertools.count()
_TEMPLATE = "folkmoot_template"
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-") as folder:
        Path(folder).chmod(0o755)
        data = DataDirectory(Path(folder) / "data")
        data.prepare()
        server = Postgres(data, configuration=UNSAFE_BUT_FAST)
        server.start()

        async def make_template() -> None:
            admin = await asyncpg.connect(server.dsn_of("postgres"))
            await admin.execute(f"CREATE DATABASE {_TEMPLATE}")
            await admin.close()
            await migrate(server.dsn_of(_TEMPLATE))

        asyncio.run(make_template())
        yield server
        server.stop()


@pytest.fixture
async def dsn(postgres: Postgres) -> AsyncIterator[str]:
    """An empty, migrated database of its own."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
    yield postgres.dsn_of(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(dsn)
    yield database
    await database.close()


class _TakeBack(Exception):
    """Ends a test's transaction without a trace."""


@pytest.fixture
async def tx(db: Database) -> AsyncIterator[WriteTx]:
    """A write transaction that is rolled back at the end."""
    try:
        async with db.write() as transaction:
            yield transaction
            raise _TakeBack
    except _TakeBack:
        return
