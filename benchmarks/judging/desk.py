"""How fast juries are drawn, items served and answers counted, with 10,000 open cases and 1,000 jurors. In one process, through the
actions; pages and connections are measured in `door.py`."""

import statistics
import time

from benchmarks.harness import Row
from benchmarks.judging.crowd import gather_jurors
from benchmarks.moderating.room import fill
from benchmarks.moderating.town import Town, town
from folkmoot.base import clock
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.jobs import Juries
from folkmoot.moderation.juries.model import Advance, Review, Severity
from folkmoot.moderation.jurors.model import Finding
from folkmoot.moderation.reviewing.actions import answer_item, read_desk, take_next
from folkmoot.moderation.reviewing.queries import list_waiting_jurors
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.sessions.queries import get_login

CASES, SMALL_CASES = 10_000, 200
JURORS, SMALL_JURORS = 1_000, 60
JURIES = 400  # of these cases, which are answered and counted
NEXT_MS, COUNT_MS = 100, 20


async def measure(*, is_small: bool) -> list[Row]:
    async with town() as here:
        await fill(here.database, SMALL_CASES if is_small else CASES)
        await gather_jurors(here.database, SMALL_JURORS if is_small else JURORS)
        juries = Juries(here.settings)
        formed, drawing = 0, time.monotonic()
        while formed < JURIES and (more := await juries.form(here.database)):
            formed += more
        drawing = time.monotonic() - drawing
        await here.analyze()
        nexts = await _answer_all(here)
        counts, votes = await _count_all(here, juries)
    p95 = 1000 * statistics.quantiles(nexts, n=100)[94]
    a_vote = 1000 * sum(counts) / votes
    return [
        Row("desk: juries drawn", formed, ""),
        Row("desk: juries drawn per second", formed / drawing, "1/s"),
        Row("desk: items served and answered", len(nexts), ""),
        Row("desk: next item, median", 1000 * statistics.median(nexts), "ms"),
        Row("desk: next item, p95", p95, "ms", f"<= {NEXT_MS}", p95 <= NEXT_MS),
        Row("desk: count of a jury with what follows from it, median", 1000 * statistics.median(counts), "ms"),
        Row("desk: the same for one answer", a_vote, "ms", f"<= {COUNT_MS}", a_vote <= COUNT_MS),
    ]


async def _answer_all(here: Town) -> list[float]:
    """Every juror for whom something waits answers it; the seconds until each item was before them."""
    async with here.database.read() as conn:
        waiting = await list_waiting_jurors(conn, clock.now())
        viewers = [Viewer(account=await get_account(conn, one), login=await get_login(conn, one)) for one in waiting]
    nexts: list[float] = []
    for viewer in viewers:
        nexts += await _answer(here, viewer)
    return nexts


async def _answer(here: Town, viewer: Viewer) -> list[float]:
    nexts: list[float] = []
    while True:
        began = time.perf_counter()
        async with here.database.write() as tx:
            is_open = await take_next(tx, viewer, goes_on=True)
        async with here.database.read() as conn:
            item = (await read_desk(conn, viewer)).item
        if not is_open or item is None:
            return nexts
        nexts.append(time.perf_counter() - began)
        review = Review(finding=Finding(clause="violence"), severity=Severity.CLEAR, seen_key=item.seen_key)
        async with here.database.write() as tx:
            await answer_item(tx, viewer, item.id, review)


async def _count_all(here: Town, juries: Juries) -> tuple[list[float], int]:
    """The seconds of each count, as the job does it, and the number of answers."""
    async with here.database.read() as conn:
        complete = await queries.list_to_advance(conn, clock.now(), CASES)
        votes = sum([len(await queries.list_seats(conn, case_id)) for case_id in complete])
    counts = []
    for case_id in complete:
        began = time.perf_counter()
        await juries.advance(here.database, Advance(case_id))
        counts.append(time.perf_counter() - began)
    return counts, votes
