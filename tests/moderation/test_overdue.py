"""What nobody has decided at its deadline is hidden in time, with a statement; accounts and unconfirmed cases are not."""

from datetime import datetime, timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.jobs import watch_deadlines
from folkmoot.moderation.cases.model import HIDES_AHEAD, Case, Subject
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.restrictions.jobs import hide_overdue
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.posts.model import PostEffect, PostView
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from tests import series
from tests.moderation.court import Court


async def _reported(court: Court, clause: str = "violence") -> tuple[PostView, Case]:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=(clause,))
    return view, next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _hide_at(court: Court, moment: datetime) -> None:
    with clock.stopped_at(moment):
        await watch_deadlines(court.database)
        await hide_overdue(court.database)


async def _effect(court: Court, view: PostView) -> PostEffect:
    async with court.database.read() as conn:
        return (await list_posts_by_ids_unscoped(conn, [view.post.id]))[view.post.id].effect


async def test_a_post_is_hidden_at_its_deadline_and_its_author_is_told(court: Court) -> None:
    view, case = await _reported(court)
    other, _ = await _reported(court, "spam")  # due six days later
    await _hide_at(court, case.due_at - timedelta(minutes=2))
    assert await _effect(court, view) is PostEffect.NONE
    for moment in (case.due_at, case.due_at + timedelta(minutes=1)):
        await _hide_at(court, moment)
    assert (await _effect(court, view), await _effect(court, other)) == (PostEffect.HIDDEN, PostEffect.NONE)
    assert not await court.sees("reader", view)
    [(kind, statement_id)] = await court.told("author")
    assert kind == "statement"
    page = (await (await court.village.by_browser("author")).get(f"/statements/{statement_id}")).text
    assert "the time to decide was over" in page
    assert "People of this network reported it." in page
    assert "Počkáme na něj u tramvaje" in page
    assert (await court.journal(case))[2:] == [*["case.deadline_neared"] * 3, "restriction.imposed", "statement.issued"]
    assert (await court.queue())[0].id == case.id
    async with court.database.read() as conn:
        events = await conn.fetch("SELECT payload->>'what' AS what FROM events WHERE kind = 'restriction.imposed'")
    assert [row["what"] for row in events] == ["hide"]


@pytest.mark.parametrize(("action", "is_seen"), [("keep", True), ("remove", False)])
async def test_a_decision_after_the_deadline_replaces_the_interim_measure(court: Court, action: str, is_seen: bool) -> None:
    view, case = await _reported(court)
    await _hide_at(court, case.due_at)
    await court.decide("moderator", case, action)
    assert await court.sees("reader", view) == is_seen
    assert sorted(kind for kind, _ in await court.told("author")) == (["lifted", "statement"] if is_seen else ["statement", "statement"])
    await _hide_at(court, case.due_at + timedelta(days=1))
    assert await court.sees("reader", view) == is_seen


async def test_a_verdict_that_is_taken_back_leaves_the_post_hidden(court: Court) -> None:
    view, case = await _reported(court)
    await _hide_at(court, case.due_at)
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        verdict = await decide_case(tx, moderator, case.id, Decision(action="keep"))
    assert await _effect(court, view) is PostEffect.NONE
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)
    assert await _effect(court, view) is PostEffect.HIDDEN


async def test_an_account_is_never_restricted_without_people(court: Court) -> None:
    await court.report("reporter", clauses=("identity",))
    [case] = await court.queue()
    await _hide_at(court, case.due_at + timedelta(days=1))
    assert await court.told("author") == []
    assert "case.deadline_neared" in await court.journal(case)


async def test_an_unverified_word_alone_hides_nothing(court: Court) -> None:
    view = await court.village.write("author", "Prodám kolo")
    async with court.database.write() as tx:
        case = await open_case(tx, Subject.POST, view.post.id, view.post.author.id, current().clause("violence"), is_confirmed=False)
    await _hide_at(court, case.due_at + timedelta(hours=1))
    assert await _effect(court, view) is PostEffect.NONE
    await court.report("reporter", view, clauses=("violence",))  # confirms it: now its deadline counts
    await _hide_at(court, case.due_at + timedelta(hours=1))
    assert await _effect(court, view) is PostEffect.HIDDEN


async def test_what_is_most_probably_a_false_alarm_is_called_and_not_hidden(court: Court) -> None:
    """Until somebody else reports it: then it is hidden at once, because its deadline has passed."""
    for number in range(3):
        view = await court.village.write("author", f"Prodám kolo {number}")
        await court.report("reporter", view, clauses=("violence",))
        await court.decide("moderator", next(case for case in await court.queue() if case.subject_id == view.post.id), "keep")
    view, case = await _reported(court)
    assert not case.hides_at_deadline
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "the post is hidden until somebody does" not in page
    await _hide_at(court, case.due_at + timedelta(minutes=1))
    assert await _effect(court, view) is PostEffect.NONE
    assert "case.deadline_neared" in await court.journal(case)
    assert (await court.queue())[0].id == case.id
    with clock.stopped_at(case.due_at + timedelta(hours=1)):
        await court.report("other_reporter", view, clauses=("violence",))
    await _hide_at(court, case.due_at + timedelta(hours=1))
    assert await _effect(court, view) is PostEffect.HIDDEN
    assert [kind for kind, _ in await court.told("author")] == ["statement"]


async def test_an_appeal_that_nobody_has_heard_hides_nothing(court: Court) -> None:
    view, case = await _reported(court)
    verdict = await court.decide("moderator", case, "keep")
    async with court.database.write() as tx:
        await lodge_appeal(tx, court.village.people["reporter"], verdict.id)
    [appeal] = await court.queue()
    await _hide_at(court, appeal.due_at + timedelta(days=1))
    assert await _effect(court, view) is PostEffect.NONE


async def test_what_a_detector_has_hidden_gets_no_second_statement(court: Court) -> None:
    view = await court.village.write("author", "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.village.work()
    [case] = await court.queue()
    told = await court.told("author")
    assert await _effect(court, view) is PostEffect.HIDDEN
    await _hide_at(court, case.due_at + timedelta(minutes=1))
    assert await court.told("author") == told
    assert (await court.journal(case)).count("restriction.imposed") == 1


@pytest.mark.slow
async def test_a_hundred_times_the_noise_over_simulated_days_misses_no_deadline(court: Court) -> None:
    """Cases of all clauses, opened over two days, of which nobody decides any. The timer runs every 15 seconds; the runs at which
    nothing can be due are skipped."""
    whole = series.length(1000, 26_000)
    start = clock.now()
    await _fill(court, whole, court.village.people["author"].id, start)
    runs = most = 0
    now: datetime | None = start
    while now := await _next_run(court, start, now):
        before = court.database.statements
        await _hide_at(court, now)
        most = max(most, court.database.statements - before)
        runs += 1
    async with court.database.read() as conn:
        counts = await conn.fetchrow(
            "SELECT (SELECT count(*) FROM cases WHERE interim_at > due_at OR interim_at IS NULL) AS missed,"
            " (SELECT count(*) FROM cases WHERE interim_at < due_at - interval '2 minutes') AS early,"
            f" (SELECT count(*) FROM posts WHERE effect < {PostEffect.HIDDEN:d}) AS shown,"
            " (SELECT count(*) FROM statements WHERE is_after_deadline) AS statements, (SELECT count(*) FROM restrictions) AS restrictions")
    assert tuple(counts) == (0, 0, 0, whole, whole)
    assert runs >= series.length(20, 100)
    assert most < 30 + whole / 10  # sets, not a round trip for each case


async def _next_run(court: Court, start: datetime, now: datetime) -> datetime | None:
    """The first run of a timer with 15 seconds between its runs at which something is due, and which comes after `now`."""
    async with court.database.read() as conn:
        due_at = await conn.fetchval("SELECT min(due_at) FROM cases WHERE interim_at IS NULL")
    if due_at is None:
        return None
    every = timedelta(seconds=15)
    return max(now + every, start - (start - due_at + HIDES_AHEAD) // every * every)


async def _fill(court: Court, whole: int, account_id: int, start: datetime) -> None:
    """Inserts posts with open cases, which a hundred bursts of reports have opened."""
    hours = [clause.hours for clause in current().clauses]
    keys = [clause.key for clause in current().clauses]
    severities = [clause.severity for clause in current().clauses]
    async with court.database.write() as tx:
        await tx.execute(
            "INSERT INTO posts (id, account_id, conversation_id, visibility, text, html, created_at)"
            " SELECT n, $2, n, 0, 'Přijďte si ' || n, '', $3 FROM generate_series(1, $1::int) AS n", whole, account_id, start)
        await tx.execute(
            "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, opened_at, due_at)"
            " SELECT n, 'post', n, $2, 'open', ($5::text[])[k], ($6::float8[])[k], 0.5, 0.5, opened,"
            "  opened + ($4::int[])[k] * interval '1 hour'"
            " FROM (SELECT n, 1 + n % cardinality($4::int[]) AS k, $3::timestamptz + (n % $7::int) * interval '29 minutes' AS opened"
            "       FROM generate_series(1, $1::int) AS n) AS one",
            whole, account_id, start, hours, keys, severities,
            series.length(10, 100))
