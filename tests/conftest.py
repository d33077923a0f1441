"""Real PostgreSQL for every test: started once per process of a run, without fsync; each test that asks gets an empty,
migrated database that nobody else uses."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Binaries, Postgres, find_binaries, major_of, wheel_folder
from tests import series
from tests.databases import Databases
from tests.network_up import NetworkUp
from tests.village import Village, settings_for

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("sample", deadline=None)
hypothesis.settings.register_profile("whole", deadline=None, max_examples=1000)

# Marks by what a test uses: a fixture, or the file it stands in.
_MARKS = {
    "browser": ({"browser"}, set()),
    "kills": (set(), {"test_killed.py", "test_no_effect_is_lost.py", "test_poisonous_jobs.py"}),
    "slow": ({"house"}, {"test_toot.py", "test_root.py", "test_opposed_acts.py"}),
}
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


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("folkmoot")
    group.addoption("--fast", action="store_true", help="Leave out what needs a browser, kills processes or is slow.")
    group.addoption("--long", action="store_true", help="Make every long series whole, not as a sample.")


def pytest_configure(config: pytest.Config) -> None:
    """The environment hands both to the other processes of a run."""
    if config.getoption("long"):
        os.environ[series.LONG] = "1"
    series.seed()
    hypothesis.settings.load_profile("whole" if series.is_long() else "sample")


def pytest_report_header() -> str:
    return f"series: {'whole' if series.is_long() else 'a sample'}, {series.SEED}={series.seed()}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by what they use, and leaves out what this run does not want.

    Older versions of PostgreSQL are for the tests of queries and of the schema; the others run on the newest.
    """
    kept, left_out = [], []
    for item in items:
        for mark in _marks(item):
            item.add_marker(mark)
        is_wanted = _runs_on(item) and not (config.getoption("fast") and any(map(item.get_closest_marker, _MARKS)))
        (kept if is_wanted else left_out).append(item)
    items[:] = kept
    if left_out:
        config.hook.pytest_deselected(items=left_out)


def _marks(item: pytest.Item) -> Iterator[str]:
    used = set(getattr(item, "fixturenames", ()))
    for mark, (fixtures, files) in _MARKS.items():
        if fixtures & used or item.path.name in files:
            yield mark


def _runs_on(item: pytest.Item) -> bool:
    version = getattr(item, "callspec", None) and item.callspec.params.get("postgres")
    is_query_test = item.path.parent.name == "network" or item.path.name in ("test_migrate.py", "test_cache_role.py")
    return version in (None, _VERSIONS[0]) or is_query_test


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
    with new_open_folder() as folder:
        network = NetworkUp(Path(folder) / "data").wait()
        yield network
        network.stop()


@contextmanager
def new_open_folder() -> Iterator[Path]:
    """Started by root, a network runs as somebody else, who must get there: each start of pytest closes the folders of all its runs."""
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with new_open_folder() as folder:
        yield folder
