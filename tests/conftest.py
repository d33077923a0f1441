"""Real PostgreSQL for every test: started once per process of a run, without fsync; each test that asks gets an empty,
migrated database that nobody else uses."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Binaries, Postgres, find_binaries, major_of, wheel_folder
from tests.databases import Databases
from tests.network_up import NetworkUp
from tests.village import Village, settings_for

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("folkmoot", deadline=None)
hypothesis.settings.load_profile("folkmoot")

UNSAFE_BUT_FAST = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200",
    "autovacuum": "off",  # plans must not depend on when it came by
}


def _versions() -> list[Binaries]:
    """What the tests of queries run on: the wheel's 18 and 16, and 15 where the system has it."""
    wheel = wheel_folder()
    found = [wheel / "pginstall18" / "bin", wheel / "pginstall" / "bin"] if wheel else []
    found += Path("/usr/lib/postgresql").glob("15/bin")
    return [Binaries(folder, major) for folder in found if (major := major_of(folder))] or [find_binaries()]


_VERSIONS = _versions()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Older versions of PostgreSQL are for the tests of queries and of the schema; the others run on the newest."""
    newest = _VERSIONS[0]
    kept, left_out = [], []
    for item in items:
        version = getattr(item, "callspec", None) and item.callspec.params.get("postgres")
        is_query_test = item.path.parent.name == "network" or item.path.name in ("test_migrate.py", "test_cache_role.py")
        (kept if version in (None, newest) or is_query_test else left_out).append(item)
    items[:] = kept
    if left_out:
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session", params=_VERSIONS, ids=lambda version: f"pg{version.major}")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-") as folder:
        Path(folder).chmod(0o755)
        data = DataDirectory(Path(folder) / "data")
        data.prepare()
        server = Postgres(data, request.param, UNSAFE_BUT_FAST)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def databases(postgres: Postgres) -> Databases:
    lender = Databases(postgres)
    asyncio.run(lender.make_template())
    return lender


@pytest.fixture
async def dsn(databases: Databases) -> AsyncIterator[str]:
    """An empty, migrated database for this test alone."""
    name = await databases.lend()
    yield databases.server.dsn_of(name)
    await databases.take_back(name)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(dsn)
    yield database
    await database.close()


@pytest.fixture
async def village(db: Database, dsn: str, tmp_path: Path) -> Village:
    """An empty network with its doors."""
    return Village(db, settings_for(tmp_path, dsn))


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


@pytest.fixture(scope="session")
def running() -> Iterator[NetworkUp]:
    """The demo village, up and running: for browsers and for programs of others."""
    with _open_folder() as folder:
        network = NetworkUp(Path(folder) / "data").wait()
        yield network
        network.stop()


@contextmanager
def _open_folder() -> Iterator[Path]:
    """Started by root, a network runs as somebody else, who must get there: pytest closes its own folders at each run."""
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with _open_folder() as folder:
        yield folder
