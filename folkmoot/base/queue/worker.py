"""The worker: claims jobs in batches, runs many at once, and writes down how they ended.

One loop does all that writes to the queue: it stores what ended, claims what is due, starts it, and waits until
something happens, a second at most. When the database is away or writes are paused it waits, and goes on by itself.

A job that fails by its own fault is tried again after the delays that it declares, and then parked. A job whose worker
ended while it ran is suspected of having ended it. Suspects run apart from the others: after the first end in groups,
after the second one at a time and later each time, so that further ends can be blamed on one job; the fifth parks it.
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
from folkmoot.base.queue.faults import in_words, is_of_database
from folkmoot.base.queue.model import CRASH_PAUSES, Claimed, Job, Timed
from folkmoot.base.queue.presence import Presence
from folkmoot.base.queue.timekeeper import Timekeeper
from folkmoot.base.subscriptions import Subscriptions

_MOST = 100  # jobs at once
_BATCH = 50  # claimed at once
_POLL = 1.0  # seconds
_ALONE = 2.0  # seconds for which others wait for a suspect, and a suspect for others
_GROUP = 20  # suspects at once, after the first end of their worker
_STINT = 0.5  # seconds for which suspects follow each other before it is the others' turn
_ABSENT = 0.9  # seconds after which a worker without its lock counts as dead: it may be connecting again
_LAST = 2.0  # seconds for jobs to end, after the order to stop
_AGAIN = timedelta(seconds=1)  # until a job runs again that the database let down
_LONGEST_PAUSE = 0.5  # seconds between tries to reach the database: less than others wait for this worker
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _End:
    """How a job ended: with an error, or well. `times_lost`: the presence's, when the job began."""

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
        self._ended: list[_End] = []
        self._has_strays = False  # what is claimed in our name may not be what we run
        self._times_lost = 0  # the presence's, when it was last compared
        self._suspects = Suspects()
        self._absent: dict[int, float] = {}  # workers without their lock, and since when
        self._ticked_at = -_POLL
        self._stopping = False

    async def run(self, *, until_empty: bool = False) -> None:
        """Works until stopped; with `until_empty` until no job is due, for tests and for the command line."""
        unsubscribe = self._database.live.subscribe(JOBS_TOPIC, lambda _body: self._wake.set())
        trouble = 0
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    claimed = await self._cycle(is_timed=not until_empty)
                except Exception as error:
                    if until_empty:
                        raise
                    trouble += 1
                    await self._wait_out(error, trouble)
                    continue
                if trouble:
                    _log.warning("the worker goes on")
                trouble = 0
                if until_empty and not (claimed or self._running or self._ended):
                    return
                if claimed < _BATCH:
                    await self._sleep(_POLL)
        finally:
            unsubscribe()
            await self._end()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _cycle(self, *, is_timed: bool) -> int:
        """Stores what ended, and starts what is due; returns how many jobs."""
        number = await self._presence.number()
        if self._presence.times_lost != self._times_lost:
            self._times_lost, self._has_strays = self._presence.times_lost, True
        if is_timed and clock.monotonic() - self._ticked_at >= _POLL:
            self._ticked_at = clock.monotonic()
            await self._timekeeper.tick()
            await self._look_around(number)
        ended = self._ended[:]
        try:
            async with self._database.write() as tx:
                await queries.commit_without_waiting(tx)
                await self._store(tx, number, ended)
                claimed = await self._claim(tx, number)
        except BaseException:
            self._has_strays = True
            raise
        self._has_strays = False
        del self._ended[: len(ended)]
        if claimed and claimed[0].crashes:
            self._suspects.begin(claimed)
        for job in claimed:
            self._running[job.id] = asyncio.create_task(self._run(job), name=job.name)
        return len(claimed)

    async def _look_around(self, number: int) -> None:
        """Once a second: workers that died, a clock that was set back, suspects that wait."""
        async with self._database.read() as conn:
            dead = [worker for worker in await queries.list_dead_workers(conn) if worker != number]
            self._suspects.are_waiting = await queries.has_suspects(conn, list(self._jobs))
        now = clock.monotonic()
        self._absent = {worker: self._absent.get(worker, now) for worker in dead}
        gone = [worker for worker, since in self._absent.items() if now - since >= _ABSENT]
        async with self._database.write() as tx:
            for job in await queries.update_crashed(tx, gone) if gone else ():
                _log.error("job %d (%s) is parked: its worker ended each time it ran. See: moot jobs show %d", job.id, job.name, job.id)
            if moved := await queries.update_delays(tx):
                _log.warning("the clock was set back; %d jobs wait for as long as they were meant to", moved)

    async def _store(self, tx: WriteTx, number: int, ended: list[_End]) -> None:
        """Writes down how jobs ended, and gives back what is claimed in our name and not running.

        There is such a claim when we never heard that it was committed, and when the server crashed: then what we had
        committed last is lost, by which the job was given back.
        """
        done = [end.job.id for end in ended if end.error is None]
        failed: list[tuple[int, str, timedelta | None]] = []
        let_down = []
        for end in ended:
            if end.error is None:
                continue
            if isinstance(end.error, asyncio.CancelledError) or is_of_database(end.error) or end.times_lost != self._presence.times_lost:
                let_down.append(end.job.id)
            else:
                retries = self._jobs[end.job.name].retries
                failed.append((end.job.id, in_words(end.error), retries[end.job.tries] if end.job.tries < len(retries) else None))
        if done:
            await queries.delete_done(tx, number, done)
        if failed:
            await queries.update_failed(tx, number, failed)
        if let_down:
            await queries.release_jobs(tx, number, let_down, _AGAIN)
        if self._has_strays:
            await queries.release_strays(tx, number, [*self._running, *(end.job.id for end in self._ended)])

    async def _claim(self, tx: WriteTx, number: int) -> list[Claimed]:
        room = min(_BATCH, _MOST - len(self._running))
        turn = self._suspects.turn(len(self._running))
        if self._stopping or room <= 0 or turn == "wait":
            return []
        if turn == "crowd":
            if self._suspects.are_next:
                self._wake.set()
            return await queries.claim_jobs(tx, number, list(self._jobs), room)
        suspects = await queries.claim_suspects(tx, number, list(self._jobs), (1, 1), _GROUP)
        suspects = suspects or await queries.claim_suspects(tx, number, list(self._jobs), (2, len(CRASH_PAUSES)), 1)
        if suspects and suspects[0].crashes > 1 and suspects[0].name == DELIVER:
            with suppress(msgspec.DecodeError):  # then it fails like any job that cannot be read
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
        self._ended.append(_End(claimed, error, times_lost))
        del self._running[claimed.id]
        self._suspects.end(claimed)
        self._wake.set()

    def _log_failure(self, claimed: Claimed, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError) or is_of_database(error):
            _log.info("job %d (%s) goes back to the queue: %r", claimed.id, claimed.name, error)
        elif claimed.tries < len(self._jobs[claimed.name].retries):
            _log.warning("job %d (%s) failed, try %d: %r", claimed.id, claimed.name, claimed.tries + 1, error)
        else:
            _log.error("job %d (%s) failed and is parked. See: moot jobs show %d", claimed.id, claimed.name, claimed.id, exc_info=error)

    async def _wait_out(self, error: Exception, trouble: int) -> None:
        """After a failure of the loop itself: waits, longer each time, and says so once."""
        if isinstance(error, WritesPaused):
            if trouble == 1:
                _log.warning("writes are paused; the worker waits: %s", error)
            while not self._stopping and not await self._database.can_write():
                await asyncio.sleep(_POLL)
            return
        if not isinstance(error, (Unavailable, *LOST)):
            _log.error("the worker's loop failed; it tries again", exc_info=error)
        elif trouble == 1:
            _log.warning("the database does not answer; the worker waits for it: %r", error)
        await asyncio.sleep(min(_LONGEST_PAUSE, 0.05 * 2 ** min(trouble, 5)))

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _end(self) -> None:
        """Lets jobs end for a moment, gives back the others, and goes."""
        await self._timekeeper.stop()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_LAST)
        left = list(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            async with asyncio.timeout(1):
                if self._ended:
                    number = await self._presence.number()
                    async with self._database.write() as tx:
                        await self._store(tx, number, self._ended)
        except Exception as error:
            _log.warning("what ended last could not be written, and will be done again: %r", error)
        await self._presence.close()


class Suspects:
    """Whose turn it is: the crowd's, or that of jobs which may have ended a worker."""

    def __init__(self) -> None:
        self.are_waiting = False
        self._alone: set[int] = set()  # suspects that run
        self._alone_from = 0.0
        self._drained_from: float | None = None  # since when a suspect waits for the others to end
        self._stint_from: float | None = None  # since when suspects follow each other

    def turn(self, running: int) -> str:
        """`crowd`, `suspect` or `wait`."""
        now = clock.monotonic()
        if self._alone:
            return "wait" if now - self._alone_from < _ALONE else "crowd"
        if not self.are_waiting or (self._stint_from and now - self._stint_from >= _STINT):
            self._stint_from = self._drained_from = None
            return "crowd"
        self._drained_from = self._drained_from or now
        return "suspect" if not running or now - self._drained_from >= _ALONE else "wait"

    @property
    def are_next(self) -> bool:
        return self.are_waiting and not self._alone

    def begin(self, jobs: list[Claimed]) -> None:
        """Notes the suspects that run now."""
        now = clock.monotonic()
        self._alone, self._alone_from = {job.id for job in jobs}, now
        self._stint_from = self._stint_from or now
        self._drained_from = None

    def end(self, job: Claimed) -> None:
        self._alone.discard(job.id)


