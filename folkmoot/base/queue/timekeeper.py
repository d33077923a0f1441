"""Timed jobs: the worker checks about once a second which of them are due, and runs them beside its other jobs."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.base.queue import timed_queries as queries
from folkmoot.base.queue.faults import error_line, is_database_fault
from folkmoot.base.queue.model import Timed

_MAX_DRIFT = 60.0  # seconds by which the clock may differ from the monotonic one
_CLEANING_PAUSE = 3600.0  # seconds without cleaning after a jump
_log = logging.getLogger(__name__)


async def forget_events(database: Database) -> None:
    """Deletes events older than 30 days. A timed job."""
    async with database.write() as tx:
        await queries.delete_old_events(tx)


class Timekeeper:
    """Runs the timed jobs in one worker. Workers share the table of last runs, and each run is claimed by one of them."""

    def __init__(self, database: Database, timed: Sequence[Timed]) -> None:
        self._database = database
        self._timed = {one.name: one for one in timed}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()  # were interrupted by an unavailable database
        self._is_initialised = False
        self._cleans_from = 0.0
        self._clock: tuple[float, float] | None = None  # system clock, monotonic clock

    async def tick(self) -> None:
        """Starts due jobs. Raises the errors of the database."""
        if not self._timed:
            return
        if not self._is_initialised:
            await self._initialise()
        self._check_clock()
        may_clean = clock.monotonic() >= self._cleans_from
        idle = [one for one in self._timed.values() if one.name not in self._running and (may_clean or not one.is_cleaning)]
        async with self._database.write() as tx:
            due = await queries.claim_timed(tx, idle, sorted(self._again))
        for name, failures in due.items():
            self._again.discard(name)
            self._running[name] = asyncio.create_task(self._run(self._timed[name], failures), name=name)

    async def stop(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _initialise(self) -> None:
        """If no timed job has run for an hour by the clock, the clock may have jumped: cleaning waits."""
        async with self._database.write() as tx:
            await queries.insert_timed(tx, list(self._timed.values()))
            ages = [state.age for name, state in (await queries.list_timed(tx)).items() if name in self._timed]
        if min(ages) < -_MAX_DRIFT or min(ages) > _CLEANING_PAUSE:
            self._cleans_from = clock.monotonic() + _CLEANING_PAUSE
        self._is_initialised = True

    def _check_clock(self) -> None:
        system, monotonic = clock.now().timestamp(), clock.monotonic()
        if self._clock:
            jump = timedelta(seconds=system - self._clock[0] - (monotonic - self._clock[1]))
            if abs(jump.total_seconds()) > _MAX_DRIFT:
                _log.warning("the clock jumped by %s; cleaning jobs do not run within the next hour", jump)
                self._cleans_from = monotonic + _CLEANING_PAUSE
        self._clock = system, monotonic

    async def _run(self, one: Timed, failures: int) -> None:
        try:
            async with asyncio.timeout(one.limit.total_seconds()):
                await one.handler(self._database)
            if failures:
                await self._record(one, None)
        except Exception as error:
            if is_database_fault(error):
                self._again.add(one.name)
            else:
                if isinstance(error, Unavailable):  # something outside; a stack trace would say no more
                    _log.error("timed job %s failed, and will be retried: %s", one.name, error)
                else:
                    _log.exception("timed job %s failed; it will be retried", one.name)
                await self._record(one, error_line(error))
        finally:
            del self._running[one.name]

    async def _record(self, one: Timed, error: str | None) -> None:
        try:
            async with self._database.write() as tx:
                await queries.update_timed_failure(tx, one.name, error)
        except Exception as away:
            _log.info("the outcome of timed job %s could not be written: %r", one.name, away)
            self._again.add(one.name)
