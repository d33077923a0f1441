"""Records when new posts were not examined for longer than a minute, and why.

A worker says every few seconds that it runs; a gap between two such beats is a pause, which is recorded when it is over. A worker that
runs records that deliveries wait, that the detector fails, or that the reader does not answer, while it lasts. Nothing here repairs
anything: posts that waited are examined by the queue as soon as that is possible.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.base.queue.enqueue import DELIVER
from folkmoot.base.queue.queries import measure_wait
from folkmoot.moderation.detection.queries import pauses as queries
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step

SHORTEST = timedelta(minutes=1)  # what is shorter is no pause: a restart, an upgrade, a moment of many posts
BEATS_EVERY = timedelta(seconds=15)


class Part(StrEnum):
    """Stored."""

    DETECTOR = "detector"  # with the lists and the rules, which hear of posts in the same way
    READER = "reader"


class Why(StrEnum):
    """Stored."""

    STOPPED = "stopped"  # no worker ran
    BEHIND = "behind"  # new posts waited for longer than a minute
    FAILING = "failing"  # the detector failed, or the reader did not answer as it was asked to
    OFF = "off"  # the reader, by the settings


_SENTENCES = {
    (Part.DETECTOR, Why.STOPPED): "no worker examined new posts", (Part.DETECTOR, Why.BEHIND): "new posts were examined too late",
    (Part.DETECTOR, Why.FAILING): "the detector failed", (Part.READER, Why.FAILING): "the reader did not answer",
    (Part.READER, Why.OFF): "the reader was switched off",
}


async def list_recent(conn: ReadConn, now: datetime, since: datetime) -> list[tuple[bool, str]]:
    """(whether it lasts, a sentence for operators in English) of pauses that have not ended before `since`, newest first. Left out is
    what an operator has switched off, and a stop in which nothing was written."""
    return [
        (one.ended_at is None, _sentence(part, one)) for part in Part
        for one in await queries.list_pauses(conn, part, since, now, SHORTEST)
        if one.why != Why.OFF and (one.posts or one.ended_at is None or one.why != Why.STOPPED)
    ]


def _sentence(part: Part, one: queries.Spell) -> str:
    until = f"until {one.ended_at:%Y-%m-%d %H:%M} UTC" if one.ended_at else "and still"
    return f"{_SENTENCES[part, Why(one.why)]} from {one.began_at:%Y-%m-%d %H:%M} UTC {until}"


async def begin_pause(tx: WriteTx, part: Part, why: Why, began_at: datetime) -> None:
    """Records that a part has stopped. Changes nothing while an earlier pause of it lasts."""
    await queries.insert_pause(tx, ids.make_id(0), part, why, began_at)


async def end_pause(tx: WriteTx, part: Part, why: Why) -> None:
    """Ends the pause of a part that lasts for this reason, if there is one. A short one is forgotten.

    Writes detector.paused to the journal.
    """
    now = clock.now()
    if await queries.delete_short(tx, part, why, now - SHORTEST):
        return
    began_at = await queries.update_ended(tx, part, why, now, is_counted=part is Part.DETECTOR)
    if began_at:
        await _tell(tx, part, why, began_at, now)


class Watch:
    """The timed job of pauses: the beat, and what its worker can see. `has_reader`: whether the settings name one."""

    def __init__(self, *, has_reader: bool) -> None:
        self._has_reader = has_reader

    async def __call__(self, database: Database) -> None:
        now = clock.now()
        async with database.write() as tx:
            before = await queries.upsert_beat(tx, Part.DETECTOR, now, is_on=True)
            if before and now - before.seen_at > SHORTEST:
                await self._record_stop(tx, before.seen_at, now)
            await self._watch_deliveries(tx, now)
            await self._watch_settings(tx, now)

    async def _record_stop(self, tx: WriteTx, began_at: datetime, now: datetime) -> None:
        """A worker runs again. What lasted before has not ended by that."""
        if await queries.insert_stop(tx, ids.make_id(0), Part.DETECTOR, Why.STOPPED, began_at, now):
            await _tell(tx, Part.DETECTOR, Why.STOPPED, began_at, now)

    async def _watch_deliveries(self, tx: WriteTx, now: datetime) -> None:
        wait = timedelta(seconds=await measure_wait(tx, DELIVER))
        if wait <= SHORTEST:
            await end_pause(tx, Part.DETECTOR, Why.BEHIND)
        else:
            last = await queries.find_last_end(tx, Part.DETECTOR)
            await begin_pause(tx, Part.DETECTOR, Why.BEHIND, max(now - wait, last) if last else now - wait)

    async def _watch_settings(self, tx: WriteTx, now: datetime) -> None:
        before = await queries.upsert_beat(tx, Part.READER, now, is_on=self._has_reader)
        if self._has_reader:
            await end_pause(tx, Part.READER, Why.OFF)
        elif before and before.is_on:
            await end_pause(tx, Part.READER, Why.FAILING)
            await begin_pause(tx, Part.READER, Why.OFF, now)


class Failures:
    """Whether the detector fails, for one process: the first success after a failure, of any process, ends the pause."""

    def __init__(self) -> None:
        self._may_last = True  # also of a worker that was here before
        self._asked_at = clock.monotonic()

    async def note_failure(self, database: Database) -> None:
        self._may_last = True
        async with database.write() as tx:
            await begin_pause(tx, Part.DETECTOR, Why.FAILING, clock.now())

    async def note_success(self, database: Database) -> None:
        """Costs a statement once in a while."""
        now = clock.monotonic()
        if not self._may_last and now - self._asked_at < BEATS_EVERY.total_seconds():
            return
        self._may_last, self._asked_at = False, now
        async with database.read() as conn:
            lasts = await queries.is_open(conn, Part.DETECTOR, Why.FAILING)
        if lasts:
            async with database.write() as tx:
                await end_pause(tx, Part.DETECTOR, Why.FAILING)


async def _tell(tx: WriteTx, part: Part, why: Why, began_at: datetime, ended_at: datetime) -> None:
    await record_step(tx, Step.DETECTOR_PAUSED, case_id=None, part=part, why=why, began_at=began_at, ended_at=ended_at)
