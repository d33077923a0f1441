"""One decision about many posts with the same words: at once up to fifty, beyond that with a second moderator."""

import asyncio
import re

import pytest

from folkmoot.base.errors import Conflict, Forbidden
from folkmoot.moderation.cases.model import Case, State
from folkmoot.moderation.proposals.model import Proposal
from folkmoot.moderation.proposals.model import State as ProposalState
from folkmoot.moderation.proposals.queries import list_proposals_of_case
from folkmoot.moderation.verdicts import alike
from folkmoot.moderation.verdicts.alike import decide_alike, undo_alike
from folkmoot.moderation.verdicts.jobs import repeat
from folkmoot.moderation.verdicts.model import Decision, Repeat, Verdict
from folkmoot.moderation.verdicts.two_people import answer_proposal
from folkmoot.moderation.workspace.actions import read_pace
from folkmoot.network.posts.model import PostView, Visibility
from tests.moderation.court import Court, somebody_waits
from tests.web.test_pages import form_token

_WORDS = "Sejdeme se v pátek u tramvaje, vezměte tyče."


async def _spread(court: Court) -> tuple[Case, list[PostView], list[PostView]]:
    """(a reported post, others with the same words, posts that are not alike)"""
    await court.village.settle("copier", "stranger")
    reported = await court.village.write("author", _WORDS)
    same = [await court.village.write(name, _WORDS) for name in ("author", "copier", "copier", "stranger")]
    other = [
        await court.village.write("copier", f"{_WORDS} Nebo ne."), await court.village.write("copier", _WORDS, cover="Pozor"),
        await court.village.write("copier", f"@stranger {_WORDS}", visibility=Visibility.DIRECT),
        await court.village.write("stranger", "Sejdeme se v pátek u tramvaje, vezměte kytky."),
    ]
    await court.report("reporter", reported, clauses=("violence",))
    [case] = await court.queue()
    await court.claim("moderator", case)
    return case, same, other


async def _decide(court: Court, case: Case, action: str = "remove", **decision: object) -> Verdict:
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        return await decide_alike(tx, moderator, case.id, Decision(action=action, clause="violence", **decision))  # type: ignore[arg-type]


async def _proposal(court: Court, case: Case) -> Proposal:
    async with court.database.read() as conn:
        [found] = await list_proposals_of_case(conn, case.id)
    return found


async def _gone(court: Court, views: list[PostView]) -> list[bool]:
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT id, effect FROM posts WHERE id = ANY ($1::bigint[])", [view.post.id for view in views])
    effects = {row["id"]: row["effect"] for row in rows}
    return [effects[view.post.id] >= 2 for view in views]


async def test_posts_with_the_same_words_are_decided_together_and_each_author_is_told(court: Court) -> None:
    case, same, other = await _spread(court)
    await _decide(court, case, explanation="Výzva k násilí.")
    assert await _gone(court, same) == [True] * 4
    assert await _gone(court, other) == [False] * 4
    await court.let_half_a_minute_pass()
    assert [len(await court.told(name)) for name in ("author", "copier", "stranger")] == [2, 2, 1]
    async with court.database.read() as conn:
        rows = await conn.fetch(
            "SELECT explanation, batch_id IS NULL AS is_first, settled_at IS NOT NULL AS is_settled FROM verdicts"
            " ORDER BY batch_id IS NOT NULL")
        assert [tuple(row) for row in rows] == [("Výzva k násilí.", number == 0, True) for number in range(5)]
        assert (await read_pace(conn, await court.viewer("moderator"), court.village.settings)).done == 1, "these words were read once"


async def test_undoing_the_decision_brings_all_of_them_back(court: Court) -> None:
    case, same, _ = await _spread(court)
    await court.report("other_reporter", same[1], account="copier", clauses=("violence",))
    verdict = await _decide(court, case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await undo_alike(tx, moderator, verdict.id)
    assert await _gone(court, same) == [False] * 4
    assert {one.subject_id for one in await court.queue()} == {case.subject_id, same[1].post.id}  # the reported ones
    await court.let_half_a_minute_pass()
    assert await court.told("copier") == []


async def test_a_post_of_a_friend_or_in_other_hands_stays_for_others(court: Court) -> None:
    case, same, _ = await _spread(court)
    await court.village.follow("moderator", "stranger")
    await court.report("reporter", same[1], account="copier", clauses=("violence",))
    held = next(one for one in await court.queue() if one.subject_id == same[1].post.id)
    await court.claim("other_moderator", held)
    await _decide(court, case)
    assert await _gone(court, same) == [True, False, True, False]
    assert (await court.case(held.id)).state is State.OPEN
    assert same[3].post.id in {one.subject_id for one in await court.queue()}


async def test_keeping_is_not_repeated(court: Court) -> None:
    case, same, _ = await _spread(court)
    await _decide(court, case, "keep")
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM verdicts") == 1
    assert await _gone(court, same) == [False] * 4


async def test_more_than_fifty_need_a_second_moderator(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_ALONE", 2)
    case, same, other = await _spread(court)
    await _decide(court, case)
    proposal = await _proposal(court, case)
    assert await _gone(court, same) == [False] * 4
    first, second = await court.viewer("moderator"), await court.viewer("other_moderator")
    with pytest.raises(Forbidden):
        async with court.database.write() as tx:
            await answer_proposal(tx, first, proposal.id, agrees=True)
    await court.village.work()
    assert await _gone(court, same) == [False] * 4
    async with court.database.write() as tx:
        await answer_proposal(tx, second, proposal.id, agrees=True)
    later = await court.village.write("copier", _WORDS)  # was not part of what was agreed to
    await court.let_half_a_minute_pass()
    assert await _gone(court, [*same, *other]) == [True] * 4 + [False] * 4
    assert later.post.id in {one.subject_id for one in await court.queue()}  # a rule for the same words points it out; people decide
    assert [kind for kind in await court.journal(case) if kind.startswith("proposal")] == ["proposal.made", "proposal.closed"]
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await answer_proposal(tx, second, proposal.id, agrees=False)


@pytest.mark.parametrize("is_undone", [False, True])
async def test_a_refused_or_withdrawn_proposal_repeats_nothing(court: Court, is_undone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_ALONE", 2)
    case, same, _ = await _spread(court)
    verdict = await _decide(court, case)
    proposal = await _proposal(court, case)
    first, second = await court.viewer("moderator"), await court.viewer("other_moderator")
    async with court.database.write() as tx:
        if is_undone:
            await undo_alike(tx, first, verdict.id)
        else:
            await answer_proposal(tx, second, proposal.id, agrees=False)
    await court.let_half_a_minute_pass()
    assert await _gone(court, same) == [False] * 4
    assert (await _proposal(court, case)).state is (ProposalState.DROPPED if is_undone else ProposalState.REFUSED)
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await answer_proposal(tx, second, proposal.id, agrees=True)


async def test_a_decision_that_is_undone_while_it_is_repeated_leaves_nothing(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_ALONE", 2)
    case, same, _ = await _spread(court)
    verdict = await _decide(court, case)
    proposal = await _proposal(court, case)
    first, second = await court.viewer("moderator"), await court.viewer("other_moderator")
    async with court.database.write() as tx:
        await answer_proposal(tx, second, proposal.id, agrees=True)
    async with court.database.write() as tx:
        await undo_alike(tx, first, verdict.id)
        repeating = asyncio.create_task(repeat(court.database, Repeat(verdict.id)))
        while not repeating.done() and not await somebody_waits(court.database):
            await asyncio.sleep(0.01)
    await repeating
    await court.let_half_a_minute_pass()
    assert await _gone(court, same) == [False] * 4


async def test_the_pages_show_the_posts_first_and_ask_a_second_person(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_ALONE", 2)
    case, same, _ = await _spread(court)
    first, second = await court.village.by_browser("moderator"), await court.village.by_browser("other_moderator")
    page = (await first.get(f"/moderate/cases/{case.id}")).text
    assert "Do the same with 4 other posts with exactly these words" in page
    preview = (await first.get(f"/moderate/cases/{case.id}/alike")).text
    assert "4 other posts have exactly these words." in preview
    assert "copier" not in preview
    seen = re.search(r'name="seen_words" value="([^"]*)"', page)
    assert seen
    form = {"form_token": form_token(page), "seen_edited_at": "", "seen_words": seen[1], "action": "remove", "clause": "2", "days": "7",
            "explanation": "", "alike": "true"}
    assert (await first.post(f"/moderate/cases/{case.id}/decide", form)).status == 303
    assert "A decision about 4 posts" not in (await first.get("/moderate")).text
    overview = (await second.get("/moderate")).text
    assert "A decision about 4 posts with the same words" in overview
    where = re.search(r"/moderate/proposals/\d+", overview)
    assert where
    own = (await first.get(where[0])).text
    assert "Somebody else has to agree." in own
    refused = await first.post(where[0], {"form_token": form_token(own), "agrees": "true"})
    assert (refused.status, "Somebody else has to agree." in refused.text) == (409, True)
    asked = (await second.get(where[0])).text
    assert _WORDS in asked
    assert (await second.post(where[0], {"form_token": form_token(asked), "agrees": "true"})).status == 303
    await court.let_half_a_minute_pass()
    assert await _gone(court, same) == [True] * 4
    assert "A second person has agreed." in (await first.get(where[0])).text
