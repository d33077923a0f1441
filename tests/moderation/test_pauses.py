"""Times in which posts were not examined are recorded with their reason, in the journal, and in the public figures."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.queue.enqueue import DELIVER
from folkmoot.moderation.detection.jobs import Examiner
from folkmoot.moderation.detection.model import Finding
from folkmoot.moderation.detection.pauses import Watch, list_recent
from folkmoot.moderation.transparency.counting import count_month
from folkmoot.moderation.transparency.monthly import Figures, Incident, Pauses, State
from folkmoot.moderation.transparency.table import rows_of
from folkmoot.network.posts.events import PostCreated
from folkmoot.network.posts.model import Visibility
from tests.moderation.court import Court

_NIGHT = datetime(2026, 10, 31, 23, tzinfo=UTC)  # an hour before the end of a month


async def _beat(court: Court, at: datetime, *, has_reader: bool = False) -> None:
    with clock.stopped_at(at):
        await Watch(has_reader=has_reader)(court.database)


async def _figures(court: Court, month: date, at: datetime) -> Figures:
    async with court.database.read() as conn:
        return await count_month(conn, court.village.settings, month, State.PRELIMINARY, at)


async def _journal(court: Court) -> list[tuple[str, str]]:
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT facts FROM journal WHERE kind = 'detector.paused' ORDER BY id")
    facts = [msgspec.json.decode(row["facts"]) for row in rows]
    return [(one["part"], one["why"]) for one in facts]


async def _sentences(court: Court, at: datetime) -> list[tuple[bool, str]]:
    async with court.database.read() as conn:
        return await list_recent(conn, at, at - timedelta(days=7))


async def test_a_time_without_a_worker_counts_in_the_months_in_which_it_was(court: Court) -> None:
    october, november = date(2026, 10, 1), date(2026, 11, 1)
    assert (await _figures(court, october, _NIGHT)).pauses is None, "nobody has recorded any"
    for minutes in (0, 1):
        await _beat(court, _NIGHT + timedelta(minutes=minutes))
    quiet = await _figures(court, october, _NIGHT + timedelta(minutes=1))
    assert quiet.pauses == {"detector": Pauses()}
    with clock.stopped_at(_NIGHT + timedelta(minutes=20)):
        await court.village.write("author", "Nikdo to nečte.")
        await court.village.write("author", "@reader Jen pro tebe.", visibility=Visibility.DIRECT)
    silent = await _figures(court, october, _NIGHT + timedelta(minutes=31))
    assert silent.pauses == {"detector": Pauses(count=1, minutes=30)}, "it shows while it lasts"
    [(lasts, what)] = await _sentences(court, _NIGHT + timedelta(minutes=31))
    assert lasts
    assert what == "no worker examined new posts from 2026-10-31 23:01 UTC and still"

    end = _NIGHT + timedelta(minutes=90)
    await _beat(court, end)
    await _beat(court, end + timedelta(seconds=15))
    first = await _figures(court, october, end)
    assert first.pauses == {"detector": Pauses(count=1, minutes=59, posts=1)}, "a private message is never examined"
    assert first.incidents == [Incident(day=_NIGHT.date(), kind="detector_paused", of="stopped")]
    second = await _figures(court, november, end)
    assert (second.pauses, second.incidents) == ({"detector": Pauses(minutes=30)}, [])
    assert {("pauses_minutes", "detector", 59.0), ("pauses_posts", "detector", 1)} <= set(rows_of(first))
    assert await _journal(court) == [("detector", "stopped")]
    [(lasts, what)] = await _sentences(court, end)
    assert not lasts
    assert what.endswith("until 2026-11-01 00:30 UTC")


async def test_posts_that_wait_and_a_detector_that_fails_are_pauses_and_a_moment_is_none(court: Court) -> None:
    async with court.database.write() as tx:
        tx.enqueue(DELIVER, [])
    now = clock.now()
    await _beat(court, now)
    assert not await _sentences(court, now)
    async with court.database.write() as tx:
        await tx.execute("UPDATE jobs SET due_at = now() - interval '5 minutes' WHERE name = $1", DELIVER)
    await _beat(court, now + timedelta(seconds=15))
    [(lasts, what)] = await _sentences(court, now)
    assert lasts
    assert what.startswith("new posts were examined too late from")
    await court.village.work()
    await _beat(court, now + timedelta(seconds=30))
    assert [lasts for lasts, _ in await _sentences(court, now)] == [False]

    post = (await court.village.write("author", "Něco jiného.")).post
    event = PostCreated(post_id=post.id, account_id=post.author.id, visibility=post.visibility, origin_id=post.author.id)
    detector = _Fragile()
    examiner = Examiner(lambda: detector)
    for seconds, is_broken in ((60, True), (90, False), (120, True), (240, True), (300, False)):
        detector.is_broken = is_broken
        with clock.stopped_at(now + timedelta(seconds=seconds)):
            if is_broken:
                with pytest.raises(ZeroDivisionError):
                    await examiner.examine_created(court.database, event)
            else:
                await examiner.examine_created(court.database, event)
    assert await _journal(court) == [("detector", "behind"), ("detector", "failing")]
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT why, began_at, ended_at FROM detector_pauses ORDER BY began_at")
    assert [row["why"] for row in rows] == ["behind", "failing"]
    assert rows[1]["ended_at"] - rows[1]["began_at"] == timedelta(minutes=3), "the half minute before was no pause"


async def test_an_operator_who_switches_the_reader_off_is_a_pause_until_it_is_on(court: Court) -> None:
    for minutes, has_reader in ((0, False), (1, True), (2, False), (3, False), (62, True)):
        for seconds in (0, 30):  # without a gap of the worker
            await _beat(court, _NIGHT + timedelta(minutes=minutes - 60, seconds=seconds), has_reader=has_reader)
    figures = await _figures(court, date(2026, 10, 1), _NIGHT + timedelta(minutes=3))
    assert figures.pauses
    assert figures.pauses["reader"] == Pauses(count=1, minutes=60)
    assert Incident(day=_NIGHT.date(), kind="reader_paused", of="off") in figures.incidents
    assert "reader" not in "".join(what for _, what in await _sentences(court, _NIGHT))


class _Fragile:
    """A detector that works or does not."""

    is_broken = False

    def score(self, texts: list[str], _langs: list[str | None]) -> list[Finding]:
        if self.is_broken:
            raise ZeroDivisionError
        return [Finding(0.1, False, False, (), "says", "1") for _ in texts]
