"""The worker: claims jobs in batches, runs many at once, and stores their outcomes.

One loop does all writing to the queue: it stores outcomes, claims due jobs, starts them, and waits for the next event, a
second at most. While the database is unavailable or writes are paused, it waits and then continues by itself.

A job that fails by its own fault is retried after the delays that it declares, and then parked. A job whose worker ended
while it ran is suspected of having ended it. Suspects run apart from other jobs: after the first end in groups, from the
second on one at a time with increasing delays, so that one job caused each further end; the fifth end parks it.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.driver_errors import LOST
from folkmoot.base.errors import Unavailable, WritesPaused
from folkmoot.base.live import JOBS_TOPIC
from folkmoot.base.queue import queries
from folkmoot.base.queue.delivery import DELIVER_ONE, Delivery
from folkmoot.base.queue.enqueue import DELIVER
from folkmoot.base.queue.faults import error_line, is_database_fault
from folkmoot.base.queue.model import CRASH_PAUSES, Claimed, Job, Timed
from folkmoot.base.queue.presence import Presence
from folkmoot.base.queue.timekeeper import Timekeeper
from folkmoot.base.subscriptions import Subscriptions

_MAX_RUNNING = 100  # jobs at once
_BATCH = 50  # claimed at once
_POLL_SECONDS = 1.0
_CYCLE_SECONDS = 0.04  # between the starts of two cycles on a busy network: one cycle serves all jobs of that time
_ISOLATION_SECONDS = 2.0  # other jobs wait this long for a suspect, and a suspect for other jobs
_SUSPECTS_AT_ONCE = 20  # after the first end of their worker
_SUSPECTS_SECONDS = 0.5  # suspects run in a row for this long before other jobs get their turn
_DEAD_SECONDS = 0.9  # a worker without its lock for this long is dead; before, it may be reconnecting
_STOP_SECONDS = 2.0  # for running jobs to end after the signal to stop
_RETRY_DELAY = timedelta(seconds=1)  # before a job is retried that failed because of the database
_MAX_RETRY_SECONDS = 0.5  # between attempts to reach the database: less than _DEAD_SECONDS
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Outcome:
    """How a job ended. `times_lost`: that of the presence when the job began."""

    job: Claimed
    error: BaseException | None
    times_lost: int


class Worker:
    """Runs jobs until `stop`."""

    def __init__(self, database: Database, jobs: Sequence[Job], timed: Sequence[Timed], subscriptions: Subscriptions) -> None:
        self._database = database
        self._delivery = Delivery(subscriptions)
        self._jobs = {job.name: job for job in [*jobs, *self._delivery.jobs]}
        self._timekeeper = Timekeeper(database, timed)
        self._wake = asyncio.Event()
        self._presence = Presence(database, self._wake.set)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._ended: list[_Outcome] = []
        self._may_have_lost_claims = False  # this worker may have claims that it does not run
        self._times_lost = 0  # that of the presence, when last compared
        self._suspects = Suspects()
        self._absent: dict[int, float] = {}  # workers without their lock, and since when
        self._ticked_at = -_POLL_SECONDS
        self._stopping = False

    async def run(self, *, until_empty: bool = False) -> None:
        """Runs until `stop`; with `until_empty` until no job is due, for tests and the command line."""
        unsubscribe = self._database.live.subscribe(JOBS_TOPIC, lambda _body: self._wake.set())
        failures = 0
        try:
            while not self._stopping:
                self._wake.clear()
                began = clock.monotonic()
                try:
                    claimed = await self._cycle(is_timed=not until_empty)
                except Exception as error:
                    if until_empty:
                        raise
                    failures += 1
                    await self._wait_after_failure(error, failures)
                    continue
                if failures:
                    _log.warning("the worker continues")
                failures = 0
                if until_empty and not (claimed or self._running or self._ended):
                    return
                if claimed < _BATCH:
                    await self._sleep(_POLL_SECONDS)
                    if not until_empty:
                        await asyncio.sleep(began + _CYCLE_SECONDS - clock.monotonic())
        finally:
            unsubscribe()
            await self._shut_down()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _cycle(self, *, is_timed: bool) -> int:
        """Stores outcomes and starts due jobs; returns how many were started."""
        number = await self._presence.number()
        if self._presence.times_lost != self._times_lost:
            self._times_lost, self._may_have_lost_claims = self._presence.times_lost, True
        if is_timed and clock.monotonic() - self._ticked_at >= _POLL_SECONDS:
            self._ticked_at = clock.monotonic()
            await self._timekeeper.tick()
            await self._check_workers(number)
        ended = self._ended[:]
        try:
            async with self._database.write(is_durable=False) as tx:
                done = await self._store(tx, number, ended)
                claimed = await self._claim(tx, number, done)
        except BaseException:
            self._may_have_lost_claims = True
            raise
        self._may_have_lost_claims = False
        del self._ended[: len(ended)]
        if claimed and claimed[0].crashes:
            self._suspects.begin(claimed)
        for job in claimed:
            self._running[job.id] = asyncio.create_task(self._run(job), name=job.name)
        return len(claimed)

    async def _check_workers(self, number: int) -> None:
        """Once a second: checks for dead workers, a clock that was set back, and waiting suspects."""
        async with self._database.read() as conn:
            unlocked = [worker for worker in await queries.list_dead_workers(conn) if worker != number]
            self._suspects.are_waiting = await queries.has_suspects(conn, list(self._jobs))
        now = clock.monotonic()
        self._absent = {worker: self._absent.get(worker, now) for worker in unlocked}
        dead = [worker for worker, since in self._absent.items() if now - since >= _DEAD_SECONDS]
        async with self._database.write() as tx:
            for job in await queries.update_crashed(tx, dead) if dead else ():
                _log.error("job %d (%s) is parked: its worker ended each time it ran. See: moot jobs show %d", job.id, job.name, job.id)
            if moved := await queries.update_delays(tx):
                _log.warning("the clock was set back; the delays of %d jobs were restored", moved)

    async def _store(self, tx: WriteTx, number: int, ended: list[_Outcome]) -> list[int]:
        """Stores failures, and releases claims of this worker that it does not run. Returns the jobs that are done, to be deleted.

        Such a claim exists if the answer to its commit was lost, or if a crash of the server undid the last commits, which
        released the job.
        """
        done = [end.job.id for end in ended if end.error is None]
        failed: list[tuple[int, str, timedelta | None]] = []
        interrupted = []
        for end in ended:
            if end.error is None:
                continue
            if isinstance(end.error, asyncio.CancelledError) or is_database_fault(end.error) or end.times_lost != self._presence.times_lost:
                interrupted.append(end.job.id)
            else:
                retries = self._jobs[end.job.name].retries
                failed.append((end.job.id, error_line(end.error), retries[end.job.tries] if end.job.tries < len(retries) else None))
        if failed:
            await queries.update_failed(tx, number, failed)
        if interrupted:
            await queries.release_jobs(tx, number, interrupted, _RETRY_DELAY)
        if self._may_have_lost_claims:
            await queries.release_lost_claims(tx, number, [*self._running, *(end.job.id for end in self._ended)])
        return done

    async def _claim(self, tx: WriteTx, number: int, done: list[int]) -> list[Claimed]:
        """Claims what runs next, and deletes what is done: by one statement, unless there are suspects."""
        room = min(_BATCH, _MAX_RUNNING - len(self._running))
        turn = self._suspects.turn(len(self._running))
        if turn == "others" and room > 0 and not self._stopping:
            if self._suspects.are_next:
                self._wake.set()
            return await queries.claim_jobs(tx, number, list(self._jobs), room, done)
        if done:
            await queries.delete_done(tx, number, done)
        if self._stopping or room <= 0 or turn == "wait":
            return []
        suspects = await queries.claim_suspects(tx, number, list(self._jobs), (1, 1), _SUSPECTS_AT_ONCE)
        suspects = suspects or await queries.claim_suspects(tx, number, list(self._jobs), (2, len(CRASH_PAUSES)), 1)
        if suspects and suspects[0].crashes > 1 and suspects[0].name == DELIVER:
            with suppress(msgspec.DecodeError):  # then it fails like any unreadable job
                await queries.split_job(tx, number, suspects[0], DELIVER_ONE, self._delivery.parts(suspects[0].payload))
                self._wake.set()
                return []
        self._suspects.are_waiting = bool(suspects)
        return suspects

    async def _run(self, claimed: Claimed) -> None:
        times_lost = self._presence.times_lost
        error: BaseException | None = None
        try:
            job = self._jobs[claimed.name]
            async with asyncio.timeout(job.limit.total_seconds()):
                await job.handler(self._database, msgspec.json.decode(claimed.payload, type=job.payload))
        except (Exception, asyncio.CancelledError) as raised:
            error = raised
            self._log_failure(claimed, raised)
        self._ended.append(_Outcome(claimed, error, times_lost))
        del self._running[claimed.id]
        self._suspects.end(claimed)
        self._wake.set()

    def _log_failure(self, claimed: Claimed, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError) or is_database_fault(error):
            _log.info("job %d (%s) returns to the queue: %r", claimed.id, claimed.name, error)
        elif claimed.tries < len(self._jobs[claimed.name].retries):
            _log.warning("job %d (%s) failed, try %d: %r", claimed.id, claimed.name, claimed.tries + 1, error)
        else:
            _log.error("job %d (%s) failed and is parked. See: moot jobs show %d", claimed.id, claimed.name, claimed.id, exc_info=error)

    async def _wait_after_failure(self, error: Exception, failures: int) -> None:
        """Waits after a failure of the loop itself, with increasing delays; logs it once."""
        if isinstance(error, WritesPaused):
            if failures == 1:
                _log.warning("writes are paused; the worker waits: %s", error)
            while not self._stopping and not await self._database.can_write():
                await asyncio.sleep(_POLL_SECONDS)
            return
        if not isinstance(error, (Unavailable, *LOST)):
            _log.error("the worker's loop failed; it is retried", exc_info=error)
        elif failures == 1:
            _log.warning("the database does not answer; the worker waits for it: %r", error)
        await asyncio.sleep(min(_MAX_RETRY_SECONDS, 0.05 * 2 ** min(failures, 5)))

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _shut_down(self) -> None:
        """Waits a moment for running jobs, releases the others, and closes the presence."""
        await self._timekeeper.stop()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_STOP_SECONDS)
        left = list(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            async with asyncio.timeout(1):
                if self._ended:
                    number = await self._presence.number()
                    async with self._database.write() as tx:
                        await queries.delete_done(tx, number, await self._store(tx, number, self._ended))
        except Exception as error:
            _log.warning("the last outcomes could not be stored; these jobs will run again: %r", error)
        await self._presence.close()


class Suspects:
    """Decides what runs next: suspects, which may have ended a worker, or other jobs."""

    def __init__(self) -> None:
        self.are_waiting = False
        self._alone: set[int] = set()  # suspects that run
        self._alone_from = 0.0
        self._drained_from: float | None = None  # since when a suspect waits for other jobs to end
        self._suspects_from: float | None = None  # since when suspects run in a row

    def turn(self, running: int) -> str:
        """`others`, `suspect` or `wait`."""
        now = clock.monotonic()
        if self._alone:
            return "wait" if now - self._alone_from < _ISOLATION_SECONDS else "others"
        if not self.are_waiting or (self._suspects_from and now - self._suspects_from >= _SUSPECTS_SECONDS):
            self._suspects_from = self._drained_from = None
            return "others"
        self._drained_from = self._drained_from or now
        return "suspect" if not running or now - self._drained_from >= _ISOLATION_SECONDS else "wait"

    @property
    def are_next(self) -> bool:
        return self.are_waiting and not self._alone

    def begin(self, jobs: list[Claimed]) -> None:
        """Records the suspects that run now."""
        now = clock.monotonic()
        self._alone, self._alone_from = {job.id for job in jobs}, now
        self._suspects_from = self._suspects_from or now
        self._drained_from = None

    def end(self, job: Claimed) -> None:
        self._alone.discard(job.id)


