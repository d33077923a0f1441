"""The sessions that stay open from one test to the next, and the loop that they belong to: nothing else of a test stays."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest

from folkmoot.base import pools
from folkmoot.base.db import Database
from tests.databases import Databases
from tests.kept_sessions import LOOP, KeptDatabase, pids

LEFT = """
    INSERT INTO events (kind, payload) VALUES ('a', '{}'); SELECT pg_advisory_lock(1); LISTEN tests;
    CREATE TEMP TABLE left_by_a_test (id bigint); SET statement_timeout = 5000; SET ROLE folkmoot_cache
"""
STATE = """
    SELECT concat_ws(' ', current_setting('statement_timeout'), current_user = session_user,
                     (SELECT count(*) FROM pg_listening_channels()),
                     (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),
                     (SELECT count(*) FROM pg_stat_xact_user_tables WHERE n_tup_ins > 0), to_regclass('left_by_a_test') IS NULL)
"""


def _run(act: Callable[[], Awaitable[Any]]) -> Any:
    """Runs it as a test is run."""
    async def main() -> Any:
        return await act()

    with asyncio.Runner(loop_factory=lambda: LOOP) as runner:
        return runner.run(main())


@pytest.fixture
def name(databases: Databases) -> Iterator[str]:
    name = databases.lend()
    databases._lent[name] = 1  # after its last time it is dropped
    yield name
    databases.take_back(name)


def _use(databases: Databases, name: str, sql: str = "SELECT", asked: str = STATE) -> tuple[int, Any]:
    """The process of a writing session, and what it answers."""
    async def use() -> tuple[int, Any]:
        database = await KeptDatabase.open(databases.server.dsn_of(name))
        try:
            async with database._borrowed(database._writers) as session:
                answer = await session.fetchval(asked)
                await session.execute(sql)
                return session.get_server_pid(), answer
        finally:
            await database.close()

    return _run(use)


def test_a_kept_session_is_as_new(databases: Databases, name: str) -> None:
    pid, new = _use(databases, name)
    assert new == "1min t 0 0 0 t"
    for _ in range(2):
        databases.take_back(name)
        assert databases.lend() == name
        assert _use(databases, name, LEFT) == (pid, new), "kept, and nothing of the test before is left"


def test_a_kept_session_of_the_caches_writes_nothing_else(databases: Databases, name: str) -> None:
    async def use() -> int:
        database = await KeptDatabase.open(databases.server.dsn_of(name))
        try:
            async with database.cache() as cache:
                await cache.execute("DELETE FROM home_entries")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await cache.execute("DELETE FROM accounts")
                return int(await cache.fetchval("SELECT pg_backend_pid()"))
        finally:
            await database.close()

    assert _run(use) == _run(use)


def test_sessions_that_the_server_has_ended_are_not_used(databases: Databases, name: str) -> None:
    pid, _ = _use(databases, name)
    dsn = databases.server.dsn_of(name)
    assert pid in pids(dsn)

    async def end() -> None:
        database = await Database.open(dsn, listen=False)  # neither takes nor leaves sessions
        async with database.write() as tx:
            ended = await tx.fetch("SELECT pg_terminate_backend(pid, 5000) FROM unnest($1::int[]) AS kept (pid)", pids(dsn))
        await database.close()
        assert len(ended) >= 2, "one that reads and one that writes"

    asyncio.run(end())  # in another loop, so that the sessions do not know it
    new, _ = _use(databases, name)
    assert new != pid
    assert pid not in pids(dsn)


def test_a_session_with_other_settings_is_not_used(databases: Databases, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pid, _ = _use(databases, name)
    settings = pools.session_settings
    monkeypatch.setattr(pools, "session_settings", lambda name, **how: {**settings(name, **how), "statement_timeout": "7s"})
    other, found = _use(databases, name)
    assert other != pid
    assert found.startswith("7s ")
    monkeypatch.undo()
    last, found = _use(databases, name)
    assert last != other
    assert found.startswith("1min ")


def test_a_session_in_a_transaction_is_not_kept(databases: Databases, name: str) -> None:
    pid, _ = _use(databases, name, "BEGIN; LOCK TABLE accounts")
    assert pid not in pids(databases.server.dsn_of(name))


def test_nothing_that_a_test_left_in_the_loop_runs_in_the_next() -> None:
    happened: list[object] = []
    reading, writing = os.pipe()

    def again() -> None:
        happened.append("a callback")
        LOOP.call_soon(again)

    async def leave() -> None:
        assert asyncio.get_running_loop() is LOOP
        LOOP.call_later(0.2, happened.append, "a timer")
        LOOP.call_later(3600, happened.append, "a late timer")
        LOOP.add_reader(reading, happened.append, "a reader")
        LOOP.add_signal_handler(signal.SIGUSR1, happened.append, "a signal")
        LOOP.set_exception_handler(lambda *_: happened.append("a handler"))
        await asyncio.to_thread(os.getpid)
        again()
        asyncio.create_task(asyncio.sleep(3600)).add_done_callback(lambda task: happened.append(task.cancelled()))

    async def look() -> None:
        os.write(writing, b"x")
        assert not LOOP._scheduled
        assert LOOP.get_exception_handler() is None
        assert len(asyncio.all_tasks()) == 1
        assert await asyncio.to_thread(lambda: 7) == 7, "the next test has threads again"

    try:
        _run(leave)
        before = list(happened)
        assert True in before, "the task was cancelled when its test ended"
        _run(look)
        assert happened == before
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    finally:
        os.close(reading)
        os.close(writing)
