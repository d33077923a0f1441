"""Timed jobs: the worker asks about once a second which of them are due, and runs them beside its other jobs."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.queue import timed_queries as queries
from folkmoot.base.queue.faults import in_words, is_of_database
from folkmoot.base.queue.model import Timed

_JUMP = 60.0  # seconds that the clock may differ from what it should show
_HOLD = 3600.0  # seconds without cleaning after a jump
_log = logging.getLogger(__name__)


async def forget_events(database: Database) -> None:
    """Deletes events of more than 30 days ago. A timed job."""
    async with database.write() as tx:
        await queries.delete_old_events(tx)


class Timekeeper:
    """Of one worker. Several workers share the table of last runs, and each run is taken by one of them."""

    def __init__(self, database: Database, timed: Sequence[Timed]) -> None:
        self._database = database
        self._timed = {one.name: one for one in timed}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()  # was cut short by a database that went away
        self._is_known = False
        self._cleans_from = 0.0
        self._clock: tuple[float, float] | None = None  # by the wall, monotonic

    async def tick(self) -> None:
        """Starts what is due. Raises what the database raises."""
        if not self._timed:
            return
        if not self._is_known:
            await self._begin()
        self._watch_clock()
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

    async def _begin(self) -> None:
        """A network that has not run for an hour, by its clock, may have a clock that jumped meanwhile."""
        async with self._database.write() as tx:
            await queries.insert_timed(tx, list(self._timed.values()))
            ages = [state.age for name, state in (await queries.list_timed(tx)).items() if name in self._timed]
        if min(ages) < -_JUMP or min(ages) > _HOLD:
            self._cleans_from = clock.monotonic() + _HOLD
        self._is_known = True

    def _watch_clock(self) -> None:
        wall, monotonic = clock.now().timestamp(), clock.monotonic()
        if self._clock:
            jump = timedelta(seconds=wall - self._clock[0] - (monotonic - self._clock[1]))
            if abs(jump.total_seconds()) > _JUMP:
                _log.warning("the clock jumped by %s; nothing old is deleted within the next hour", jump)
                self._cleans_from = monotonic + _HOLD
        self._clock = wall, monotonic

    async def _run(self, one: Timed, failures: int) -> None:
        try:
            async with asyncio.timeout(one.limit.total_seconds()):
                await one.handler(self._database)
            if failures:
                await self._note(one, None)
        except Exception as error:
            if is_of_database(error):
                self._again.add(one.name)
            else:
                _log.exception("timed job %s failed; it will run again", one.name)
                await self._note(one, in_words(error))
        finally:
            del self._running[one.name]

    async def _note(self, one: Timed, error: str | None) -> None:
        try:
            async with self._database.write() as tx:
                await queries.update_timed_failure(tx, one.name, error)
        except Exception as away:
            _log.info("the outcome of timed job %s could not be written: %r", one.name, away)
            self._again.add(one.name)
