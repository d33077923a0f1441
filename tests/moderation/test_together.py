"""Cases about posts of one author are decided together: all or none, each with its own verdict, and undone together."""

from collections.abc import Sequence

import pytest

from folkmoot.base.errors import Conflict, Invalid
from folkmoot.moderation.cases.model import Case, State
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.verdicts.alike import undo_alike
from folkmoot.moderation.verdicts.model import Decision, Verdict
from folkmoot.moderation.verdicts.together import MOST_OTHERS, Joined, decide_together
from folkmoot.moderation.workspace.actions import read_pace
from folkmoot.moderation.workspace.joining import list_joinable
from folkmoot.network.posts.actions import delete_post, edit_post
from folkmoot.network.posts.model import PostDraft, PostView
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import LIMITS


async def _reported(court: Court, text: str, author: str = "author") -> tuple[PostView, Case]:
    view = await court.village.write(author, text)
    await court.report("reporter", view, account=author, clauses=("harassment",))
    return view, next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _joined(court: Court, case: Case, name: str = "moderator") -> list[Joined]:
    async with court.database.read() as conn:
        return [one.joined for one in await list_joinable(conn, case, court.village.people[name].id)]


async def _decide(court: Court, case: Case, joined: Sequence[Joined], action: str = "remove") -> Verdict:
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        return await decide_together(tx, moderator, case.id, Decision(action=action, clause="harassment"), joined)


async def test_each_post_gets_its_verdict_and_its_reporters_their_answer(court: Court) -> None:
    posts = [await _reported(court, f"Tenhle {name} nestojí za nic.") for name in ("kopec", "rybník", "sedlák")]
    other_view, other_case = await _reported(court, "Jiný autor.", "reader")
    await _decide(court, posts[0][1], await _joined(court, posts[0][1]))
    async with court.database.read() as conn:
        pace = await read_pace(conn, await court.viewer("moderator"), court.village.settings)
    assert pace.done == 3, "each of them was read, so each counts for the day"
    for view, case in posts:
        assert (await court.case(case.id)).state is State.DECIDED
        assert not await court.sees("reader", view)
        assert "verdict.reached" in await court.journal(case)
    assert (await court.case(other_case.id)).state is State.OPEN
    assert await court.sees("author", other_view)
    await court.let_half_a_minute_pass()
    assert [kind for kind, _ in await court.told("author")] == ["statement"] * 3
    assert len(await court.told("reporter")) == 3


async def test_they_are_undone_together_and_open_again(court: Court) -> None:
    posts = [await _reported(court, f"Tenhle {name} nestojí za nic.") for name in ("kopec", "rybník")]
    verdict = await _decide(court, posts[0][1], await _joined(court, posts[0][1]))
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await undo_alike(tx, moderator, verdict.id)
    for view, case in posts:
        assert (await court.case(case.id)).state is State.OPEN
        assert await court.sees("reader", view)


async def test_a_case_that_only_a_notice_speaks_of_stays_open_when_its_decision_is_undone(court: Court, desk: Desk) -> None:
    _, case = await _reported(court, "Tenhle kopec nestojí za nic.")
    view = await court.village.write("author", "Tenhle rybník nestojí za nic.")
    await desk.confirm(await desk.receive(view))
    noticed = next(one for one in await court.queue() if one.subject_id == view.post.id)
    verdict = await _decide(court, case, await _joined(court, case))
    assert (await court.case(noticed.id)).state is State.DECIDED
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await undo_alike(tx, moderator, verdict.id)
    assert (await court.case(noticed.id)).state is State.OPEN


async def test_all_are_decided_or_none(court: Court) -> None:
    view, case = await _reported(court, "Tenhle kopec nestojí za nic.")
    edited, second = await _reported(court, "Tenhle rybník nestojí za nic.")
    _, foreign = await _reported(court, "Jiný autor.", "reader")
    joined = await _joined(court, case)
    for wrong, problem in (
        ([Joined(foreign.id, None, None)], Invalid), (joined * (MOST_OTHERS + 1), Invalid), ([Joined(case.id + 1, None, None)], Exception),
    ):
        with pytest.raises(problem):
            await _decide(court, case, wrong)
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], edited.post.id, PostDraft(text="Přišel jsem na kávu."), LIMITS)
    with pytest.raises(Conflict):
        await _decide(court, case, joined)
    joined = await _joined(court, case)
    await court.claim("other_moderator", second)
    with pytest.raises(Conflict):
        await _decide(court, case, joined)
    assert await _joined(court, case) == []  # somebody else decides about it
    assert [(await court.case(one.id)).state for one in (case, second)] == [State.OPEN] * 2
    assert await court.sees("reader", view)


async def test_a_deleted_post_is_decided_by_itself(court: Court) -> None:
    _, case = await _reported(court, "Tenhle kopec nestojí za nic.")
    deleted, _ = await _reported(court, "Tenhle rybník nestojí za nic.")
    assert len(await _joined(court, case)) == 1
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], deleted.post.id)
    assert await _joined(court, case) == []
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "of this author" not in page


async def test_nobody_decides_together_about_what_concerns_them(court: Court) -> None:
    _, case = await _reported(court, "Tenhle kopec nestojí za nic.")
    named, second = await _reported(court, "@moderator nestojí za nic.")
    assert named.post.mentions
    assert await _joined(court, case) == []
    with pytest.raises(Concerned):
        await _decide(court, case, [Joined(second.id, None, None)])


async def test_other_cases_are_chosen_on_a_page_of_their_own(court: Court) -> None:
    _, case = await _reported(court, "Tenhle kopec nestojí za nic.")
    _, second = await _reported(court, "Tenhle rybník nestojí za nic, píše @author.")
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    assert "1 other post of this author waits for a decision." in page
    chooser = (await moderator.get(f"/moderate/cases/{case.id}/together")).text
    assert "píše @…." in chooser
    value = chooser.partition('name="with" value="')[2].partition('"')[0]
    assert value.startswith(f"{second.id}~")
    page = (await moderator.get(f"/moderate/cases/{case.id}?with={value.replace('+', '%2B')}")).text
    assert "The same is decided about 1 other post of this author." in page
    token = page.partition('name="form_token" value="')[2].partition('"')[0]
    form = {"form_token": token, "action": "remove", "clause": "3", "with": value}
    assert (await moderator.post(f"/moderate/cases/{case.id}/decide", {**form, "with": "x~y~z"})).status == 400
    assert (await moderator.post(f"/moderate/cases/{case.id}/decide", form)).status == 303
    assert [(await court.case(one.id)).state for one in (case, second)] == [State.DECIDED] * 2
