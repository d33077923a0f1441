"""The session that proves that a worker is running, and on which it is notified of new jobs.

A worker has a number and holds an advisory lock on it. When the process ends, PostgreSQL releases the lock at once, so a
lease needs no time limit and does not depend on the clock. A worker that only lost its connection locks the same number
again, and its jobs continue.
"""

from collections.abc import Callable

import asyncpg

from folkmoot.base.db import Database
from folkmoot.base.driver_errors import LOST
from folkmoot.base.errors import Unavailable, WritesPaused
from folkmoot.base.live import JOBS_CHANNEL
from folkmoot.base.queue import queries


class Presence:
    """`times_lost`: if it changed while a job ran, the lost connection may be the cause of the failure."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._session: asyncpg.Connection | None = None
        self._number = 0
        self.times_lost = 0

    async def number(self) -> int:
        """The number of the worker; connects if necessary. Raises Unavailable and WritesPaused."""
        if not self._number:
            async with self._database.write() as tx:
                self._number = await queries.take_number(tx)
        if self._session is None or self._session.is_closed():
            await self._connect()
        return self._number

    async def _connect(self) -> None:
        self.times_lost += 1
        self._session = None
        try:
            session = await self._database.connect("folkmoot worker")
        except LOST as error:
            raise Unavailable(log_text=f"a worker's session: {error!r}") from error
        try:
            session.add_termination_listener(lambda _session: self._wake())
            await queries.hold_number(session, self._number)
            await session.add_listener(JOBS_CHANNEL, lambda *_: self._wake())
        except (*LOST, asyncpg.PostgresError) as error:
            session.terminate()
            if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                raise WritesPaused(log_text="a standby has no jobs to run") from error
            raise Unavailable(log_text=f"a worker's session: {error!r}") from error
        self._session = session

    async def close(self) -> None:
        if self._session:
            self._session.terminate()
