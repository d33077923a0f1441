"""The used shares of the time to decide (50, 80, 100 percent) are noted once each, also when the clock jumps."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.cases.actions import note_deadlines
from folkmoot.moderation.cases.jobs import watch_deadlines
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries import count_open
from tests.moderation.court import Court


async def _case(court: Court, clause: str = "violence") -> Case:
    view = await court.village.write("author", "Svolám na něj lidi")
    await court.report("reporter", view, clauses=(clause,))
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _watch_at(court: Court, case: Case, share: float) -> None:
    with clock.stopped_at(case.opened_at + (case.due_at - case.opened_at) * share):
        await watch_deadlines(court.database)


async def _noted(court: Court, case: Case) -> list[int]:
    """The shares that were noted for a case."""
    async with court.database.read() as conn:
        rows = await conn.fetch(
            "SELECT (payload->>'share')::int AS share FROM events WHERE kind = 'case.deadline_neared'"
            " AND (payload->>'case_id')::bigint = $1 ORDER BY id", case.id)
    return [row["share"] for row in rows]


async def test_each_share_is_noted_once(court: Court) -> None:
    case = await _case(court)
    expected: list[int] = []
    for share, noted in ((0.1, None), (0.49, None), (0.51, 50), (0.7, None), (0.81, 80), (0.99, None), (1.01, 100), (5.0, None)):
        for _ in range(2):
            await _watch_at(court, case, share)
        expected += [noted] if noted else []
        assert await _noted(court, case) == expected, share
    assert (await court.journal(case)).count("case.deadline_neared") == 3


async def test_shares_that_passed_while_the_job_did_not_run_are_noted_later(court: Court) -> None:
    cases = [await _case(court), await _case(court, "spam")]
    await _watch_at(court, cases[0], 1.2)  # the spam case has seven days: no note yet
    assert [await _noted(court, case) for case in cases] == [[50, 80, 100], []]


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1), timedelta(days=400), timedelta(days=-400)])
async def test_a_clock_that_jumps_repeats_nothing_and_loses_nothing(court: Court, jump: timedelta) -> None:
    case = await _case(court)
    await _watch_at(court, case, 0.6)
    with clock.stopped_at(case.opened_at + jump):
        await watch_deadlines(court.database)
    for share in (0.6, 0.9, 1.1):
        await _watch_at(court, case, share)
    assert await _noted(court, case) == [50, 80, 100]


async def test_an_earlier_deadline_notes_only_new_shares(court: Court) -> None:
    case = await _case(court, "spam")
    await _watch_at(court, case, 0.55)
    async with court.database.read() as conn:
        view_id = await conn.fetchval("SELECT subject_id FROM cases WHERE id = $1", case.id)
    from folkmoot.network.posts.queries import get_post_view

    async with court.database.read() as conn:
        view = await get_post_view(conn, view_id, court.village.people["reader"].id)
    await court.report("other_reporter", view, clauses=("violence",))  # due a day after opening, instead of a week
    await _watch_at(court, case, 0.55)
    assert await _noted(court, case) == [50, 80, 100]


async def test_decided_cases_are_not_noted(court: Court) -> None:
    case = await _case(court)
    await court.decide("moderator", case, "keep")
    await _watch_at(court, case, 2.0)
    assert await _noted(court, case) == []


async def test_concurrent_runs_note_once(court: Court) -> None:
    import asyncio

    cases = [await _case(court) for _ in range(5)]
    await asyncio.gather(*(_watch_at(court, cases[0], 1.5) for _ in range(4)))
    assert [await _noted(court, case) for case in cases] == [[50, 80, 100]] * 5


async def test_a_long_backlog_is_noted_in_batches(court: Court) -> None:
    async with court.database.write() as tx:
        await tx.execute(
            "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, opened_at, due_at)"
            " SELECT n, 'post', n, 1, 'open', 'violence', 0.9, 0.5, 0.5, now() - interval '20 hours', now() + interval '4 hours'"
            " FROM generate_series(1, 450) AS n"
        )
    async with court.database.write() as tx:
        assert await note_deadlines(tx) == 400  # two shares of two hundred cases
    await watch_deadlines(court.database)
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events WHERE kind = 'case.deadline_neared'") == 900


async def test_moderators_see_how_much_time_is_left(court: Court) -> None:
    case = await _case(court)
    browser = await court.village.by_browser("moderator")
    for share, words in ((0.1, ""), (0.55, "half the time is gone"), (0.85, "little time left"), (1.1, "overdue")):
        with clock.stopped_at(case.opened_at + (case.due_at - case.opened_at) * share):
            page = (await browser.get("/moderate")).text
            async with court.database.read() as conn:
                waiting = await count_open(conn, clock.now())
        for one in ("half the time is gone", "little time left", "overdue"):
            assert (one in page) == (one == words), share
        assert (waiting.late, waiting.overdue) == (int(words == "little time left"), int(words == "overdue"))
