"""Fairness across appeals, undoing, deletion and repeated reports."""

from pathlib import Path

import asyncpg
import pytest

from folkmoot.base.errors import Conflict, Forbidden
from folkmoot.base.paging import Page
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.queries import get_own_appeal
from folkmoot.moderation.cases.model import Case, State
from folkmoot.moderation.journal.actions import record_step, seal
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.journal.verification import verify
from folkmoot.moderation.reports.queries import list_outcomes
from folkmoot.moderation.statements.queries import list_own_statements
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Decision, Verdict
from folkmoot.network.posts.actions import delete_post
from folkmoot.network.posts.model import PostView, Visibility
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court


async def _case(court: Court, text: str = "Svolám na něj lidi") -> tuple[PostView, Case]:
    post = await court.village.write("author", text)
    await court.report("reporter", post, clauses=("violence",))
    return post, (await court.queue())[0]


async def _appeal(court: Court, name: str, verdict: Verdict) -> Case:
    appellant = (await court.viewer(name)).account
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, appellant, verdict.id)
    return await court.case(appeal.case_id)


async def _delete(court: Court, post: PostView) -> None:
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], post.post.id)
    await court.village.work()


async def test_an_appellant_does_not_hear_the_appeal(court: Court) -> None:
    await court.village.settle("third", role=Role.MODERATOR)
    post, case = await _case(court)
    first = await court.decide("moderator", case, "keep")
    await court.report("other_moderator", post, clauses=("violence",))  # answered at once by the settled verdict
    second = await _appeal(court, "other_moderator", first)
    for name in ("other_moderator", "moderator"):
        with pytest.raises(Forbidden):
            await court.claim(name, second)
    await court.decide("third", second, "keep")
    again = await _appeal(court, "reporter", first)
    with pytest.raises(Forbidden):
        await court.claim("third", again)  # has heard another appeal against the same verdict


async def test_an_appeal_about_a_deleted_post_is_heard(court: Court) -> None:
    post, case = await _case(court)
    first = await court.decide("moderator", case, "hide", days=7)
    await _delete(court, post)
    second = await _appeal(court, "author", first)
    await court.decide("other_moderator", second, "keep")
    assert "appeal" in dict(await court.told("author"))
    assert not await court.queue()


async def test_a_case_whose_verdict_is_undone_after_its_post_was_deleted_is_decided_again(court: Court) -> None:
    post, case = await _case(court)
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        verdict = await decide_case(tx, moderator, case.id, Decision(action="keep"))
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], post.post.id)
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)
    await court.let_half_a_minute_pass()
    assert (await court.case(case.id)).state is State.OPEN
    assert await court.told("reporter") == []
    await court.decide("moderator", case, "remove")
    assert [kind for kind, _ in await court.told("reporter")] == ["report"]


async def test_a_shorter_time_is_not_the_same_verdict(court: Court) -> None:
    _, case = await _case(court)
    first = await court.decide("moderator", case, "hide", days=365)
    second = await _appeal(court, "author", first)
    await court.decide("other_moderator", second, "hide", days=1)
    async with court.database.read() as conn:
        newest = (await list_own_statements(conn, court.village.people["author"].id, Page()))[0]
        assert newest.until is not None
        assert (newest.until - newest.issued_at).days == 0
        rows = await conn.fetch("SELECT state FROM appeals")
    assert [row["state"] for row in rows] == ["changed"]


async def test_statements_do_not_change_while_a_verdict_can_be_undone(court: Court) -> None:
    post, case = await _case(court)
    first = await court.decide("moderator", case, "remove")
    second = await _appeal(court, "author", first)
    await court.claim("other_moderator", second)
    other = await court.viewer("other_moderator")
    async with court.database.write() as tx:
        await decide_case(tx, other, second.id, Decision(action="keep"))
    author_id = court.village.people["author"].id
    async with court.database.read() as conn:
        assert [statement.is_in_force for statement in await list_own_statements(conn, author_id, Page())] == [True]
    assert await court.sees("reader", post)  # the decision applies at once
    await court.let_half_a_minute_pass()
    async with court.database.read() as conn:
        assert [statement.is_in_force for statement in await list_own_statements(conn, author_id, Page())] == [False]


async def test_reporters_are_notified_of_each_outcome_and_of_changes_on_appeal(court: Court) -> None:
    posts = [await court.village.write("author", text) for text in ("jedna", "dvě")]
    report = await court.report("reporter", *posts, clauses=("violence",))
    first, second = await court.queue()
    verdict = await court.decide("moderator", first, "remove")
    before = await _told_at(court)
    await court.decide("moderator", second, "keep")
    assert (await _told_at(court)) > before  # the same notification, renewed
    before = await _told_at(court)
    await court.decide("other_moderator", await _appeal(court, "author", verdict), "keep")
    assert (await _told_at(court)) > before
    async with court.database.read() as conn:
        outcomes = {case.case_id: case.action for case in (await list_outcomes(conn, [report.id]))[report.id]}
    assert outcomes == {first.id: "keep", second.id: "keep"}


async def _told_at(court: Court) -> int:
    async with court.database.read() as conn:
        return int(await conn.fetchval(
            "SELECT max(id) FROM notifications WHERE account_id = $1 AND kind = 'report'", court.village.people["reporter"].id
        ))


async def test_the_author_is_notified_when_a_suspension_becomes_milder(court: Court) -> None:
    _, case = await _case(court)
    first = await court.decide("moderator", case, "suspend")
    await court.decide("other_moderator", await _appeal(court, "author", first), "hide")
    kinds = [kind for kind, _ in await court.told("author")]
    assert kinds.count("lifted") == 1  # of the account; the post has a new statement
    assert kinds.count("statement") == 3


async def test_a_reporter_s_appeal_is_overturned_only_if_a_measure_follows(court: Court) -> None:
    _, case = await _case(court)
    labelled = await court.decide("moderator", case, "label", "cover")
    with pytest.raises(Forbidden):
        await _appeal(court, "reporter", labelled)
    _, other = await _case(court, "něco jiného")
    kept = await court.decide("moderator", other, "keep")
    second = await _appeal(court, "reporter", kept)
    await court.decide("other_moderator", second, "label", "cover")
    reference = next(id_ for kind, id_ in await court.told("reporter") if kind == "appeal")
    async with court.database.read() as conn:
        assert (await get_own_appeal(conn, court.village.people["reporter"].id, reference)).state == "overturned"


async def test_an_interim_restriction_ends_with_its_post(court: Court) -> None:
    post = await court.village.write("author", "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.village.work()
    assert [kind for kind, _ in await court.told("author")].count("statement") == 1
    await _delete(court, post)
    async with court.database.read() as conn:
        assert not await conn.fetchval("SELECT count(*) FROM restrictions WHERE lifted_at IS NULL")
        assert await conn.fetchval("SELECT state FROM cases") == "withdrawn"


async def test_a_report_answered_at_once_does_not_shield_a_post_from_other_clauses(court: Court) -> None:
    post, case = await _case(court)
    await court.decide("moderator", case, "keep")
    await court.report("reader", post, clauses=("violence", "privacy", "spam", "law"))  # answered at once, without a review
    assert not await court.queue()
    await court.report("other_reporter", post, clauses=("privacy",))
    assert [one.clause for one in await court.queue()] == ["privacy"]
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT facts FROM journal WHERE kind = 'report.filed' AND case_id = $1 ORDER BY id", case.id)
    assert '"answered":true' in rows[-1]["facts"]


async def test_a_member_counts_as_one_reporter_of_a_case(court: Court) -> None:
    posts = [await court.village.write("author", f"příspěvek {number}") for number in range(4)]
    for other in posts[1:]:
        await court.report("reporter", posts[0], other, clauses=("spam",))
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT count(*) AS times FROM report_cases GROUP BY case_id, reporter_id")
    assert {row["times"] for row in rows} == {1}


async def test_an_interim_statement_names_the_detector_and_its_clause(court: Court) -> None:
    post = await court.village.write("author", "Hezký den všem")
    await court.report("reporter", post, clauses=("children",))
    from folkmoot.network.posts.actions import edit_post
    from folkmoot.network.posts.model import PostDraft
    from tests.village import LIMITS

    async with court.database.write() as tx:
        draft = PostDraft(text="Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
        await edit_post(tx, court.village.people["author"], post.post.id, draft, LIMITS)
    await court.village.work()
    async with court.database.read() as conn:
        (statement,) = await list_own_statements(conn, court.village.people["author"].id, Page())
    assert (statement.clause, statement.source, statement.is_interim) == ("violence", "detector", True)


async def test_a_suspended_member_s_app_reads_as_nobody(court: Court) -> None:
    own = await court.village.write("author", "jen pro sledující", visibility=Visibility.FOLLOWERS)
    friend = await court.village.write("reader", "@author tajné", visibility=Visibility.DIRECT)
    _, case = await _case(court)
    author = await court.village.by_app("author")
    assert (await author.get(f"/api/v1/statuses/{friend.post.id}")).status == 200
    await court.decide("moderator", case, "suspend")
    for view in (own, friend):
        assert (await author.get(f"/api/v1/statuses/{view.post.id}")).status == 404


async def test_a_truncated_chain_is_not_sealed(court: Court, dsn: str, tmp_path: Path) -> None:
    end = tmp_path / "journal.end"
    for number in range(3):
        async with court.database.write() as tx:
            await record_step(tx, Step.CASE_OPENED, case_id=number)
        await seal(court.database, b"secret", end)
    connection = await asyncpg.connect(dsn)
    for statement in ("ALTER TABLE journal DISABLE TRIGGER ALL", "DELETE FROM journal WHERE position = 3", "DELETE FROM journal_heads",
                      "ALTER TABLE journal ENABLE TRIGGER ALL"):
        await connection.execute(statement)
    await connection.close()
    async with court.database.write() as tx:
        await record_step(tx, Step.CASE_OPENED, case_id=9)
    assert await seal(court.database, b"secret", end) == 0
    async with court.database.read() as conn:
        assert "its end is missing" in (await verify(conn, b"secret", end)).faults[0]


async def test_a_second_appeal_by_the_same_account_is_refused(court: Court) -> None:
    _, case = await _case(court)
    first = await court.decide("moderator", case, "remove")
    await _appeal(court, "author", first)
    with pytest.raises(Conflict):
        await _appeal(court, "author", first)
