"""Real PostgreSQL for every test: started once per test process, without fsync. Each test that uses `dsn` or `db` gets its
own empty, migrated database."""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import Binaries, find_binaries, major_of, wheel_folder
from tests import series, standstill, waiting
from tests.databases import Databases
from tests.hosts import network as hosts
from tests.kept_sessions import LOOP, KeptDatabase
from tests.network_up import NetworkUp
from tests.village import Village, settings_for

# The time that an example takes, or drawing it, depends on the machine: there is no deadline, and no test is too slow. An ordinary run
# draws the same examples each time. Fixtures of such a test are made for all examples together.
_QUIET = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture]
hypothesis.settings.register_profile("sample", deadline=None, suppress_health_check=_QUIET, derandomize=True, database=None)
hypothesis.settings.register_profile("whole", deadline=None, suppress_health_check=_QUIET, max_examples=1000)

_WATCH = standstill.Watch()

# Marks of tests, by the fixtures that they use and by their file.
_MARKS = {
    "browser": ({"browser"}, set()),
    "kills": (set(), {
        "test_killed.py", "test_moving_killed.py", "test_no_effect_is_lost.py", "test_poisonous_jobs.py", "test_seeding.py",
        "test_joining.py", "test_move_command.py", "test_rejoin.py", "test_replacing.py", "test_upgrade_command.py",
        "test_upgraded_pair.py", "test_logical.py", "test_up.py", "test_failover_killed.py",
    }),
    "slow": ({"backed_up", "copied", "running"}, {
        "test_root.py", "test_full_disk.py", "test_opposed_acts.py", "test_https.py", "test_servers.py",
        "test_lost_host.py", "test_standby_up.py", "test_forwarding_up.py", "test_host.py", "test_publishing.py", "test_dns.py",
        "test_synchronous.py", "test_both_stopped.py", "test_pictures_to_come.py", "test_jobs.py", "test_account.py", "test_moderation.py",
        "test_many_moderators.py", "test_juries.py", "test_jury_forming.py", "test_jury_seats.py",
        "test_doors.py", "test_clearing.py", "test_reversal.py", "test_detector_versions.py", "test_learning.py", "test_monthly_figures.py",
        "test_routes.py", "test_forms_over_limits.py", "test_detector_disguises.py", "test_deleted_posts.py", "test_cache_role.py",
        "test_departures.py", "test_standby.py", "test_restrictions.py", "test_failover.py", "test_verdicts.py", "test_concern.py",
        "test_markup.py", "test_detector_train.py", "test_moving.py", "test_measurement_estimates.py", "test_pages.py",
        "test_open_pages.py", "test_forwarding.py", "test_frozen.py", "test_fixed_vulnerabilities.py", "test_two_people.py",
        "test_push_delivery.py", "test_hash_lists.py", "test_home_rule.py", "test_every_endpoint.py", "test_recordings.py",
        "test_world.py", "test_picture_sandbox.py", "test_log_in_limits.py", "test_queue_order.py", "test_writes_of_routes.py",
        "test_simulation.py", "test_jury.py", "test_pictures.py", "test_fairness.py", "test_cues.py", "test_admin_routes.py",
    }),
    "hosts": ({"world", "plain"}, {"test_standby_in_trouble.py"}),
}
# They come first, so that no process waits for them at the end.
_LONGEST = {"test_axe.py", "test_axe_moderation.py", "test_joining.py", "test_lost_host.py"}
UNSAFE_BUT_FAST = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200",
    "autovacuum": "off",  # plans must not depend on when it ran
}

_EVERYBODY = "local all,replication all trust\n"  # who can open the folder of the socket; checking passwords takes long


def _versions() -> list[Binaries]:
    """The versions for tests of queries: 18 and 16 from the wheel, and 15 if the system has it."""
    wheel = wheel_folder()
    found = [wheel / "pginstall18" / "bin", wheel / "pginstall" / "bin"] if wheel else []
    found += Path("/usr/lib/postgresql").glob("15/bin")
    return [Binaries(folder, major) for folder in found if (major := major_of(folder))] or [find_binaries()]


_VERSIONS = _versions()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("folkmoot")
    group.addoption("--fast", action="store_true", help="Skip tests that need a browser, kill processes or are slow.")
    group.addoption("--long", action="store_true", help="Run every long series completely, not as a sample.")


def pytest_configure(config: pytest.Config) -> None:
    """Passes `--long` and the seed to the other processes of the run through the environment."""
    if config.getoption("long"):
        os.environ[series.LONG] = "1"
    series.seed()
    _WATCH.start()
    hypothesis.settings.load_profile("whole" if series.is_long() else "sample")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting makes many objects that all stay: looking for garbage among them takes a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"kept": lambda: LOOP}


def pytest_unconfigure() -> None:
    LOOP.end()


def pytest_report_header() -> list[str]:
    head = [f"series: {'complete' if series.is_long() else 'samples'}, {series.SEED}={series.seed()}"]
    return head + ([f"left out: {hosts.left_out()}"] if hosts.left_out() else [])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    return standstill.run_test(_WATCH, item, nextitem)


def pytest_runtest_setup() -> None:
    if left := waiting.until_next_day(datetime.now(UTC)).total_seconds():
        time.sleep(left)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in standstill.names_of(terminalreporter):
        terminalreporter.write_line(f"ran again, because the machine stood still or its clock was set: {name}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs tests with a database on the newest version of PostgreSQL. Those of queries and of the schema also run on the oldest
    one, in the long series on each; in a fast run only on the newest."""
    if "postgres" not in metafunc.fixturenames:
        return
    path = metafunc.definition.path
    is_query_test = path.parent.name == "network" or path.name in ("test_migrate.py", "test_cache_role.py")
    versions = _VERSIONS[:1]
    if is_query_test and not metafunc.config.getoption("fast"):
        versions = _VERSIONS if series.is_long() else list(dict.fromkeys([_VERSIONS[0], _VERSIONS[-1]]))
    metafunc.parametrize("postgres", versions, indirect=True, ids=lambda version: f"pg{version.major}", scope="session")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A fast run does not even import the files that it leaves out, and what they import."""
    is_left_out = config.getoption("fast") and any(collection_path.name in files for _, files in _MARKS.values())
    return True if is_left_out else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by what they use, deselects those that a fast run leaves out, and orders them."""
    kept, left_out = [], []
    for item in items:
        for mark in _marks(item):
            item.add_marker(mark)
        is_left_out = config.getoption("fast") and any(map(item.get_closest_marker, _MARKS))
        (left_out if is_left_out else kept).append(item)
    items[:] = sorted(kept, key=_place)
    if left_out:
        config.hook.pytest_deselected(items=left_out)


def _place(item: pytest.Item) -> tuple[bool, bool]:
    """The longest tests come first, and then those with the running network, so that few processes start one."""
    return item.path.name not in _LONGEST, "running" not in getattr(item, "fixturenames", ())


def _marks(item: pytest.Item) -> Iterator[str]:
    used = set(getattr(item, "fixturenames", ()))
    for mark, (fixtures, files) in _MARKS.items():
        if fixtures & used or item.path.name in files:
            yield mark


@pytest.fixture(autouse=True)
def _draws(request: pytest.FixtureRequest) -> Iterator[None]:
    """What this process draws in a test is the same in each ordinary run; tokens and keys stay random. What the test itself changes is
    changed back before its other fixtures end, hence not the fixture `monkeypatch`, which would then be the first and end last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_random", series.dice(request.node.nodeid))
        yield


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-") as folder:
        Path(folder).chmod(0o755)
        data = DataDirectory(Path(folder) / "data")
        data.prepare()
        server = Postgres(data, request.param, UNSAFE_BUT_FAST, access=_EVERYBODY)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def databases(postgres: Postgres) -> Iterator[Databases]:
    lender = Databases(postgres)
    lender.make_template()
    yield lender
    lender.close()


@pytest.fixture
def dsn(databases: Databases) -> Iterator[str]:
    """An empty, migrated database for this test alone."""
    name = databases.lend()
    yield databases.server.dsn_of(name)
    databases.take_back(name)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = await KeptDatabase.open(dsn)
    yield database
    await database.close()


@pytest.fixture
async def village(db: Database, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Village:
    """An empty network with its entry points. The windows of its limits begin when something is counted first, so that no test runs
    across the end of one."""
    monkeypatch.setattr("folkmoot.base.windows._first", lambda moment, seconds: (1, moment + seconds))
    return Village(db, settings_for(tmp_path, dsn))


@pytest.fixture
def known_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks stays known for longer than a busy machine takes for a request: reading them again would count as a statement."""
    monkeypatch.setattr("folkmoot.network.sessions.cache._SECONDS", 600)


class _RollBack(Exception):
    """Rolls back the transaction of a test."""


@pytest.fixture
async def tx(db: Database) -> AsyncIterator[WriteTx]:
    """A write transaction that is rolled back at the end."""
    try:
        async with db.write() as transaction:
            yield transaction
            raise _RollBack
    except _RollBack:
        return


@pytest.fixture(scope="session")
def running() -> Iterator[NetworkUp]:
    """A running network with the demo village, for browsers and third-party clients."""
    with new_open_folder() as folder:
        network = NetworkUp(Path(folder) / "data").wait()
        yield network
        network.stop()


@contextmanager
def new_open_folder() -> Iterator[Path]:
    """A folder that other system users can read: a network started by root runs as another user, and each start of pytest
    makes its own folders private."""
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with new_open_folder() as folder:
        yield folder
