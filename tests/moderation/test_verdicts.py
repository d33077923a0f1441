"""A verdict applies at once, can be undone for half a minute, and is changed afterwards only on appeal."""

import asyncio
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid, NotFound
from folkmoot.base.paging import Page
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.queries import get_own_appeal
from folkmoot.moderation.cases.model import Case, State, Subject
from folkmoot.moderation.restrictions.jobs import lift_expired
from folkmoot.moderation.restrictions.model import account_effect, is_limited, post_effect
from folkmoot.moderation.restrictions.queries import list_in_force
from folkmoot.moderation.statements.queries import get_own_statement, list_own_statements
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Decision, Verdict
from folkmoot.network.posts.actions import edit_post
from folkmoot.network.posts.model import PostDraft, PostView
from tests.moderation.court import Court
from tests.village import LIMITS


async def _case(court: Court, text: str = "Svolám na něj lidi") -> tuple[PostView, Case]:
    post = await court.village.write("author", text)
    await court.report("reporter", post, clauses=("violence",))
    return post, (await court.queue())[0]


async def _state(court: Court) -> list[tuple[object, ...]]:
    """Everything that a reader can see: texts and effects of posts, effects of accounts."""
    async with court.database.read() as conn:
        posts = await conn.fetch("SELECT id, effect, label, text, html FROM posts ORDER BY id")
        accounts = await conn.fetch("SELECT id, effect FROM accounts ORDER BY id")
    return [tuple(row) for row in (*posts, *accounts)]


@pytest.mark.parametrize("action", ["keep", "label", "hide", "remove", "freeze", "suspend"])
async def test_a_decision_is_applied_notified_and_recorded(court: Court, action: str) -> None:
    post, case = await _case(court)
    report = (await court.report("other_reporter", post, comment="Taky se bojím."))
    await court.decide("moderator", case, action, explanation="Svolává lidi s tyčemi.")
    sees = {name: await court.sees(name, post) for name in ("reader", "author")}
    expected = {"keep": (True, True), "label": (True, True), "hide": (False, True), "remove": (False, False),
                "freeze": (False, False)}
    if action != "suspend":  # the author's apps have no access
        assert (sees["reader"], sees["author"]) == expected[action]
    else:
        assert not sees["reader"]
    assert (await court.case(case.id)).state is State.DECIDED
    assert ("report", report.id) in await court.told("other_reporter")
    async with court.database.read() as conn:
        statements = await list_own_statements(conn, court.village.people["author"].id, Page())
    assert [statement.kind for statement in reversed(statements)] == {
        "keep": [], "freeze": ["remove", "freeze"], "suspend": ["remove", "suspend"]}.get(action, [action])
    for statement in statements:
        assert (statement.clause, statement.quote, statement.is_interim) == ("violence", "Svolám na něj lidi", False)
        assert statement.explanation == "Svolává lidi s tyčemi."
        assert ("statement", statement.id) in await court.told("author")
    journal = await court.journal(case)
    assert journal[:5] == ["case.opened", "report.filed", "report.filed", "case.claimed", "verdict.reached"]
    assert journal[-1] == "verdict.settled"


async def test_a_verdict_needs_a_claim_a_clause_and_the_same_text(court: Court) -> None:
    post, case = await _case(court)
    moderator = await court.viewer("moderator")

    async def decide(**decision: object) -> Verdict:
        async with court.database.write() as tx:
            return await decide_case(tx, moderator, case.id, Decision(**decision))  # type: ignore[arg-type]

    with pytest.raises(Conflict):
        await decide(action="remove", clause="violence")
    await court.claim("moderator", case)
    for wrong in ({"action": "burn"}, {"action": "remove"}, {"action": "remove", "clause": "nonsense"},
                  {"action": "hide", "clause": "violence", "days": 0}, {"action": "keep", "explanation": "x" * 2001}):
        with pytest.raises(Invalid):
            await decide(**wrong)
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], post.post.id, PostDraft(text="Vezměte koláče"), LIMITS)
    with pytest.raises(Conflict):
        await decide(action="remove", clause="violence")
    async with court.database.read() as conn:
        edited_at = await conn.fetchval("SELECT edited_at FROM posts WHERE id = $1", post.post.id)
    await decide(action="keep", seen_edited_at=edited_at)


async def test_concurrent_decisions_leave_one_verdict(court: Court) -> None:
    """Both moderators try; the claim and the row lock let one decision succeed."""
    viewers = [await court.viewer(name) for name in ("moderator", "other_moderator")]
    made = 0
    for number in range(200):
        _, case = await _case(court, f"příspěvek {number}")
        await court.claim("moderator", case)
        if number % 2:  # the lease has expired and the other one has claimed the case
            async with court.database.write() as tx:
                await tx.execute("UPDATE case_seats SET account_id = $2 WHERE case_id = $1", case.id, viewers[1].id)

        async def decide(viewer: object, case_id: int, action: str) -> bool:
            try:
                async with court.database.write() as tx:
                    await decide_case(tx, viewer, case_id, Decision(action=action, clause="violence"))  # type: ignore[arg-type]
            except Conflict:
                return False
            return True

        done = await asyncio.gather(
            decide(viewers[0], case.id, "keep"), decide(viewers[1], case.id, "remove"), decide(viewers[0], case.id, "hide"),
            decide(viewers[1], case.id, "label"),
        )
        assert sum(done) == 1
        made += 1
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM verdicts") == made


@pytest.mark.parametrize("action", ["keep", "label", "remove", "suspend"])
async def test_an_undone_verdict_leaves_no_trace_but_in_the_journal(court: Court, action: str) -> None:
    _, case = await _case(court)
    before = await _state(court)
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        verdict = await decide_case(tx, moderator, case.id, Decision(action=action, clause="violence"))
    other = await court.viewer("other_moderator")
    with pytest.raises(Forbidden):
        async with court.database.write() as tx:
            await undo_verdict(tx, other, verdict.id)
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)
    with pytest.raises(Conflict, match="does not stand any more"):
        async with court.database.write() as tx:
            await undo_verdict(tx, moderator, verdict.id)
    await court.let_half_a_minute_pass()  # the settlement job runs, and does nothing
    assert await _state(court) == before
    assert (await court.case(case.id)).state is State.OPEN
    assert await court.told("author") == await court.told("reporter") == []
    assert "verdict.undone" in await court.journal(case)


async def test_after_half_a_minute_a_verdict_cannot_be_undone(court: Court) -> None:
    _, case = await _case(court)
    verdict = await court.decide("moderator", case, "remove")
    moderator = await court.viewer("moderator")
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await undo_verdict(tx, moderator, verdict.id)


@pytest.mark.parametrize("action", ["label", "hide", "remove", "freeze", "suspend"])
async def test_an_appeal_goes_to_somebody_else_and_a_reversal_is_exact(court: Court, action: str) -> None:
    post, case = await _case(court)
    before = await _state(court)
    first = await court.decide("moderator", case, action)
    author = (await court.viewer("author")).account
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, author, first.id, "Byl to citát z divadelní hry.")
    (second,) = await court.queue()
    assert second.is_appeal
    with pytest.raises(Forbidden):
        await court.claim("moderator", second)
    await court.decide("other_moderator", second, "keep")
    assert await _state(court) == before
    assert await court.sees("reader", post)
    kinds = [kind for kind, _ in await court.told("author")]
    assert kinds[-1] == "appeal"
    assert "lifted" in kinds
    async with court.database.read() as conn:
        assert (await get_own_appeal(conn, author.id, appeal.id)).state == "overturned"


async def test_a_rejected_appeal_changes_nothing(court: Court) -> None:
    post, case = await _case(court)
    first = await court.decide("moderator", case, "remove")
    author = (await court.viewer("author")).account
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, author, first.id)
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await lodge_appeal(tx, author, first.id)
    after_first = await _state(court)
    (second,) = await court.queue()
    await court.decide("other_moderator", second, "remove")
    assert await _state(court) == after_first
    assert not await court.sees("reader", post)
    async with court.database.read() as conn:
        assert (await get_own_appeal(conn, author.id, appeal.id)).state == "upheld"
        assert len(await list_own_statements(conn, author.id, Page())) == 1


async def test_a_reporter_appeals_against_a_keep_verdict(court: Court) -> None:
    post, case = await _case(court)
    first = await court.decide("moderator", case, "keep")
    reader, reporter = (await court.viewer("reader")).account, (await court.viewer("reporter")).account
    with pytest.raises(NotFound):
        async with court.database.write() as tx:
            await lodge_appeal(tx, reader, first.id)
    async with court.database.write() as tx:
        await lodge_appeal(tx, reporter, first.id, "Ten člověk to myslí vážně.")
    (second,) = await court.queue()
    await court.decide("other_moderator", second, "remove")
    assert not await court.sees("reader", post)
    assert [kind for kind, _ in await court.told("reporter")] == ["report", "appeal"]
    assert [kind for kind, _ in await court.told("author")] == ["statement"]


async def test_a_timed_restriction_ends_by_itself(court: Court) -> None:
    post, case = await _case(court)
    verdict = await court.decide("moderator", case, "hide", days=3)
    assert not await court.sees("reader", post)
    with clock.stopped_at(clock.now() + timedelta(days=2, hours=23)):
        await lift_expired(court.database)
    assert not await court.sees("reader", post)
    with clock.stopped_at(verdict.made_at + timedelta(days=3, seconds=1)):
        await lift_expired(court.database)
    assert await court.sees("reader", post)


async def test_a_statement_is_read_by_its_author_only(court: Court) -> None:
    _, case = await _case(court)
    await court.decide("moderator", case, "remove")
    (_, statement_id), = await court.told("author")
    async with court.database.read() as conn:
        assert (await get_own_statement(conn, court.village.people["author"].id, statement_id)).is_in_force
        for name in ("reader", "reporter", "moderator"):
            with pytest.raises(NotFound):
                await get_own_statement(conn, court.village.people[name].id, statement_id)


async def test_effects_match_the_restrictions_in_force(court: Court) -> None:
    """Each stored effect equals the one that is computed from all restrictions."""
    for action, also in (("keep", ()), ("warn", ()), ("label", ("limit",)), ("limit", ()), ("hide", ()), ("remove", ()), ("freeze", ())):
        _, case = await _case(court, f"příspěvek: {action}")
        await court.decide("moderator", case, action, also=also)
    async with court.database.read() as conn:
        for row in await conn.fetch("SELECT id, effect, label, is_limited FROM posts"):
            standing = await list_in_force(conn, Subject.POST, row["id"])
            assert (*post_effect(standing), is_limited(standing)) == (row["effect"], row["label"], row["is_limited"])
        for row in await conn.fetch("SELECT id, effect, is_limited FROM accounts"):
            standing = await list_in_force(conn, Subject.ACCOUNT, row["id"])
            assert (account_effect(standing), is_limited(standing)) == (row["effect"], row["is_limited"])
