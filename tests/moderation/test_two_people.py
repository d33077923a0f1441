"""What no person decides alone: deleting an account, a legal hold, and a decision about more than fifty posts."""

import re
from datetime import datetime, timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.jobs import clear_removed
from folkmoot.moderation.appeals.model import OPEN_FOR
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.proposals.model import EXPIRES_AFTER, Kind, Proposal, State
from folkmoot.moderation.proposals.queries import get_proposal, list_own_waiting, list_waiting, list_waiting_for
from folkmoot.moderation.verdicts import jobs as verdicts
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Decision, Verdict
from folkmoot.moderation.verdicts.two_people import answer_proposal, propose_deletion, propose_hold
from folkmoot.network.posts.model import PostView
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court
from tests.web.test_pages import form_token


async def _suspended(court: Court) -> tuple[PostView, Case, Verdict]:
    post = await court.village.write("author", "Zabiju vás všechny, jednoho po druhém.")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    return post, case, await court.decide("moderator", case, "suspend")


async def _propose(court: Court, verdict: Verdict, name: str = "moderator", reason: str = "It is his third account.") -> Proposal:
    moderator = await court.viewer(name)
    async with court.database.write() as tx:
        return await propose_deletion(tx, moderator, verdict.id, reason)


async def _answer(court: Court, proposal: Proposal, name: str = "other_moderator", *, agrees: bool = True) -> Proposal:
    moderator = await court.viewer(name)
    async with court.database.write() as tx:
        return await answer_proposal(tx, moderator, proposal.id, agrees=agrees)


async def _exists(court: Court, name: str = "author") -> bool:
    async with court.database.read() as conn:
        return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM accounts WHERE id = $1)", court.village.people[name].id))


async def _clear(court: Court, later: timedelta) -> None:
    with clock.stopped_at(clock.now() + later):
        await clear_removed(court.database)
        await court.village.work()


async def test_an_account_is_deleted_when_two_have_agreed_and_nobody_can_appeal(court: Court) -> None:
    post, case, verdict = await _suspended(court)
    proposal = await _propose(court, verdict)
    assert [kind for kind, _ in await court.told("author")] == ["statement"] * 2  # of the removal and the suspension
    await _answer(court, proposal)
    await court.village.work()
    assert [kind for kind, _ in await court.told("author")] == ["statement"] * 3
    author = await court.village.by_browser("author")
    page = (await author.get("/statements")).text
    assert "We will delete your account" in page
    where = re.search(r'/statements/\d+(?=">We will delete)', page)
    assert where
    statement = (await author.get(where[0])).text
    assert "Two people have decided this." in statement
    assert "It is his third account." in statement
    record = (await author.get(f"{where[0]}/record")).json
    assert record["decision_account"] == "DECISION_ACCOUNT_TERMINATED"
    await _clear(court, OPEN_FOR)
    assert await _exists(court)
    await _clear(court, OPEN_FOR + timedelta(days=1, minutes=1))
    assert not await _exists(court)
    steps = [kind for kind in await court.journal(case) if kind.startswith(("proposal", "account"))]
    assert steps == ["proposal.made", "proposal.closed", "account.cleared"]
    async with court.database.read() as conn:
        assert not await conn.fetchval("SELECT EXISTS (SELECT FROM posts WHERE id = $1)", post.post.id)


async def test_an_appeal_brings_an_account_back_that_two_wanted_to_delete(court: Court) -> None:
    _, _, verdict = await _suspended(court)
    await _answer(court, await _propose(court, verdict))
    author = await court.viewer("author")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, author.account, verdict.id)
    await _clear(court, OPEN_FOR + timedelta(days=2))
    assert await _exists(court)
    await court.decide("other_moderator", await court.case(appeal.case_id), "keep")
    await _clear(court, OPEN_FOR + timedelta(days=2))
    assert await _exists(court)
    assert (await (await court.village.by_app("reader")).get(f"/api/v1/accounts/{author.id}")).json.get("suspended") is None


async def test_nobody_agrees_with_themselves_and_nobody_who_knows_the_author_agrees(court: Court) -> None:
    await court.village.follow("other_moderator", "author")
    _, _, verdict = await _suspended(court)
    proposal = await _propose(court, verdict)
    with pytest.raises(Forbidden):
        await _answer(court, proposal, "moderator")
    with pytest.raises(Concerned):
        await _answer(court, proposal)
    with pytest.raises(Forbidden):
        await _answer(court, proposal, "reader")
    async with court.database.read() as conn:
        assert (await get_proposal(conn, proposal.id)).state is State.PROPOSED
        assert not await list_waiting_for(conn, court.village.people["other_moderator"].id, clock.now())


async def test_a_deletion_needs_a_standing_suspension_a_reason_and_no_appeal(court: Court) -> None:
    _, _, verdict = await _suspended(court)
    with pytest.raises(Invalid):
        await _propose(court, verdict, reason=" ")
    proposal = await _propose(court, verdict)
    with pytest.raises(Conflict):
        await _propose(court, verdict)  # the same again
    await _answer(court, proposal)
    with pytest.raises(Conflict):
        await _propose(court, verdict)  # decided already
    author = await court.viewer("author")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, author.account, verdict.id)
    await court.decide("other_moderator", await court.case(appeal.case_id), "keep")
    with pytest.raises(Conflict):
        await _propose(court, verdict)  # overturned


async def test_a_proposal_expires_after_a_day_and_can_be_made_again(court: Court) -> None:
    _, case, verdict = await _suspended(court)
    proposal = await _propose(court, verdict)
    with clock.stopped_at(clock.now() + EXPIRES_AFTER + timedelta(seconds=1)):
        with pytest.raises(Conflict):
            await _answer(court, proposal)
        await verdicts.expire(court.database)
        async with court.database.read() as conn:
            assert (await get_proposal(conn, proposal.id)).state is State.EXPIRED
        again = await _propose(court, verdict)
    assert again.id != proposal.id
    assert (await court.journal(case))[-2:] == ["proposal.closed", "proposal.made"]


async def test_who_is_concerned_proposes_nothing(court: Court) -> None:
    await court.village.follow("other_moderator", "author")
    _, case, verdict = await _suspended(court)
    for name, error in (("other_moderator", Concerned), ("reader", Forbidden)):
        viewer = await court.viewer(name)
        with pytest.raises(error):
            await _propose(court, verdict, name)
        with pytest.raises(error):
            async with court.database.write() as tx:
                await propose_hold(tx, viewer, case.id, "The police will ask.", 30)
    assert (await _propose(court, verdict)).state is State.PROPOSED


async def test_a_proposal_is_answered_once(court: Court) -> None:
    await court.village.settle("third", role=Role.MODERATOR)
    _, case, verdict = await _suspended(court)
    proposal = await _propose(court, verdict)
    await _answer(court, proposal, agrees=False)
    for name in ("third", "other_moderator"):
        with pytest.raises(Conflict):
            await _answer(court, proposal, name)
    async with court.database.read() as conn:
        found = await get_proposal(conn, proposal.id)
    assert (found.state, found.closed_by_id) == (State.REFUSED, court.village.people["other_moderator"].id)
    assert (await court.journal(case)).count("proposal.closed") == 1


async def test_what_was_appealed_meanwhile_is_not_agreed_to(court: Court) -> None:
    _, _, verdict = await _suspended(court)
    proposal = await _propose(court, verdict)
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, court.village.people["author"], verdict.id)
    with pytest.raises(Conflict):
        await _answer(court, proposal)
    await court.decide("other_moderator", await court.case(appeal.case_id), "keep")
    with pytest.raises(Conflict):
        await _answer(court, proposal)
    assert [kind for kind, _ in await court.told("author")].count("statement") == 2  # none of a deletion


async def test_what_was_proposed_ends_with_its_verdict(court: Court) -> None:
    post = await court.village.write("author", "Zabiju vás všechny")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        verdict = await decide_case(tx, moderator, case.id, Decision(action="suspend", clause="violence"))
    proposal = await _propose(court, verdict)
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)
    async with court.database.read() as conn:
        assert (await get_proposal(conn, proposal.id)).state is State.DROPPED
    with pytest.raises(Conflict):
        await _answer(court, proposal)
    with pytest.raises(Conflict):
        await _propose(court, verdict)
    assert "proposal.closed" in await court.journal(case)


@pytest.mark.parametrize("is_undone", [True, False])
async def test_nobody_hears_of_a_deletion_whose_decision_can_still_be_undone(court: Court, is_undone: bool) -> None:
    await court.report("reporter", await court.village.write("author", "Zabiju vás všechny."), clauses=("violence",))
    case = await court.claim("moderator", (await court.queue())[0])
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        verdict = await decide_case(tx, moderator, case.id, Decision(action="suspend", clause="violence"))
    await _answer(court, await _propose(court, verdict))
    await court.village.work()
    assert await court.told("author") == []
    if is_undone:
        async with court.database.write() as tx:
            await undo_verdict(tx, moderator, verdict.id)
    await court.let_half_a_minute_pass()
    assert [kind for kind, _ in await court.told("author")] == ([] if is_undone else ["statement"] * 3)


async def test_the_time_to_appeal_begins_anew_with_the_agreement(court: Court) -> None:
    _, _, verdict = await _suspended(court)
    with clock.stopped_at(clock.now() + OPEN_FOR - timedelta(days=1)):
        await _answer(court, await _propose(court, verdict))
    await _clear(court, OPEN_FOR + timedelta(days=3))
    assert await _exists(court)
    with clock.stopped_at(clock.now() + OPEN_FOR + timedelta(days=3)):
        async with court.database.write() as tx:
            await lodge_appeal(tx, court.village.people["author"], verdict.id)


async def test_a_proposal_that_has_expired_is_in_no_list(court: Court) -> None:
    """Also before the timed job has closed it. One's own is never among those that one can answer."""
    _, _, verdict = await _suspended(court)
    made = await _propose(court, verdict)
    mine, other = court.village.people["moderator"].id, court.village.people["other_moderator"].id

    async def listed(now: datetime) -> list[list[int]]:
        async with court.database.read() as conn:
            found = (await list_waiting_for(conn, other, now), await list_waiting_for(conn, mine, now),
                     await list_own_waiting(conn, mine, now), await list_own_waiting(conn, other, now), await list_waiting(conn, now))
        return [[one.id for one in some] for some in found]

    assert await listed(clock.now()) == [[made.id], [], [made.id], [], [made.id]]
    assert await listed(clock.now() + EXPIRES_AFTER + timedelta(minutes=1)) == [[]] * 5


async def test_a_proposed_deletion_holds_nothing(court: Court) -> None:
    """Unlike a proposed hold. What was removed is cleared at its time."""
    post, _, verdict = await _suspended(court)
    with clock.stopped_at(clock.now() + OPEN_FOR + timedelta(days=2)):
        await _propose(court, verdict)
        await clear_removed(court.database)
    async with court.database.read() as conn:
        assert not await conn.fetchval("SELECT EXISTS (SELECT FROM posts WHERE id = $1)", post.post.id)


async def test_an_open_case_about_a_post_keeps_its_author_whose_deletion_two_have_agreed_to(court: Court) -> None:
    other = await court.village.write("author", "A ještě něco")
    _, _, verdict = await _suspended(court)
    await _answer(court, await _propose(court, verdict))
    async with court.database.write() as tx:
        await open_case(tx, Subject.POST, other.post.id, other.post.author.id, clause_of("spam"))
    later = OPEN_FOR + timedelta(days=1, minutes=1)
    await _clear(court, later)
    assert await _exists(court)
    with clock.stopped_at(clock.now() + timedelta(days=30)):
        await court.decide("moderator", (await court.queue())[0], "remove", clause="spam")
    await _clear(court, later)
    assert await _exists(court)  # that decision can be appealed
    await _clear(court, later + timedelta(days=30))
    assert not await _exists(court)


@pytest.mark.parametrize("is_expired", [False, True])
async def test_what_was_to_be_held_is_not_kept_without_a_second_person(court: Court, is_expired: bool) -> None:
    post = await court.village.write("author", "Zítra v pět u školy.")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    await court.decide("moderator", case, "remove")
    moderator = await court.viewer("moderator")
    with clock.stopped_at(clock.now() + OPEN_FOR + timedelta(days=2)):
        async with court.database.write() as tx:
            proposal = await propose_hold(tx, moderator, case.id, "The police will ask.", 30)
        await clear_removed(court.database)
        async with court.database.read() as conn:  # kept while somebody may still agree
            assert await conn.fetchval("SELECT EXISTS (SELECT FROM posts WHERE id = $1)", post.post.id)
        if not is_expired:
            await _answer(court, proposal, agrees=False)
    with clock.stopped_at(clock.now() + OPEN_FOR + timedelta(days=4)):
        await verdicts.expire(court.database)
        await clear_removed(court.database)
    async with court.database.read() as conn:
        assert not await conn.fetchval("SELECT EXISTS (SELECT FROM posts WHERE id = $1)", post.post.id)
        assert not await conn.fetchval("SELECT EXISTS (SELECT FROM legal_holds)")


async def test_the_others_of_the_team_are_mailed(court: Court) -> None:
    _, _, verdict = await _suspended(court)
    outbox = court.village.settings.data / "outbox"
    for file in outbox.iterdir():
        file.unlink()
    proposal = await _propose(court, verdict)
    await court.village.work()
    mails = [file.read_text() for file in outbox.iterdir()]
    assert [sum(f"To: {name}@" in mail for mail in mails) for name in ("moderator", "other_moderator", "author", "reader")] == [0, 1, 0, 0]
    assert all(f"/moderate/proposals/{proposal.id}" in mail for mail in mails)


async def test_the_pages_lead_two_people_to_a_hold_and_a_third_to_its_end(court: Court) -> None:
    _, case, _ = await _suspended(court)
    first, second = await court.village.by_browser("moderator"), await court.village.by_browser("other_moderator")
    forms = (await first.get(f"/moderate/cases/{case.id}/more")).text
    token = form_token(forms)
    assert "Delete the account" in forms
    wrong = await first.post(f"/moderate/cases/{case.id}/hold", {"form_token": token, "reason": "", "days": "9999"})
    assert (wrong.status, 'value="9999"' in wrong.text) == (422, True)
    made = await first.post(f"/moderate/cases/{case.id}/hold", {"form_token": token, "reason": "A court asks.", "days": "30"})
    assert made.status == 303
    where = made.headers["location"]
    own = await first.get(where)
    assert "Somebody else has to agree." in own.text
    assert (await first.post(where, {"form_token": token, "agrees": "true"})).status == 409
    listed = (await second.get("/moderate/proposals")).text
    assert "A legal hold" in listed
    assert "A legal hold" in (await second.get("/moderate")).text
    asked = (await second.get(where)).text
    assert "A court asks." in asked
    assert (await second.post(where, {"form_token": form_token(asked), "agrees": "true"})).status == 303
    holds = (await second.get("/moderate/holds")).text
    assert "A court asks." in holds
    assert "@moderator" in holds
    end = re.search(r"/moderate/holds/\d+/release", holds)
    assert end
    refused = await second.post(end[0], {"form_token": form_token(holds), "reason": ""})
    assert refused.status == 422
    assert (await second.post(end[0], {"form_token": form_token(holds), "reason": "Asked by mistake."})).status == 303
    assert "Asked by mistake." in (await first.get("/moderate/holds")).text
    assert (await (await court.village.by_browser("reader")).get("/moderate/holds")).status in (403, 404)


async def test_the_page_proposes_a_deletion(court: Court) -> None:
    _, case, _ = await _suspended(court)
    first = await court.village.by_browser("moderator")
    token = form_token((await first.get(f"/moderate/cases/{case.id}/more")).text)
    wrong = await first.post(f"/moderate/cases/{case.id}/deletion", {"form_token": token, "why": ""})
    assert (wrong.status, 'id="why-error"' in wrong.text) == (422, True)
    made = await first.post(f"/moderate/cases/{case.id}/deletion", {"form_token": token, "why": "He comes back each time."})
    assert made.status == 303
    async with court.database.read() as conn:
        [waiting] = await list_waiting_for(conn, court.village.people["other_moderator"].id, clock.now())
    assert (waiting.kind, waiting.reason) == (Kind.DELETE_ACCOUNT, "He comes back each time.")


async def test_programs_do_the_same_through_the_api(court: Court) -> None:
    _, case, _ = await _suspended(court)
    first = await court.village.by_app("moderator", scopes="admin:read admin:write")
    second = await court.village.by_app("other_moderator", scopes="admin:read admin:write")
    base = "/api/folkmoot/v1/moderation"
    made = await first.post(f"{base}/cases/{case.id}/hold", {"reason": "A court asks.", "days": "30"})
    assert (made.status, made.json["kind"], made.json["is_own"]) == (200, "hold", True)
    assert (await first.post(f"{base}/proposals/{made.json['id']}", {"agrees": "true"})).status == 403
    assert [one["id"] for one in (await second.get(f"{base}/proposals")).json] == [made.json["id"]]
    agreed = await second.post(f"{base}/proposals/{made.json['id']}", {"agrees": "true"})
    assert agreed.json["state"] == "agreed"
    [hold] = (await second.get(f"{base}/holds")).json
    assert (hold["state"], hold["ground"], hold["reason"]) == ("in_force", "people", "A court asks.")
    assert (await second.post(f"{base}/holds/{hold['id']}/release")).status == 422  # without a reason
    released = await second.post(f"{base}/holds/{hold['id']}/release", {"reason": "Asked by mistake."})
    assert (released.json["state"], released.json["end_reason"]) == ("released", "Asked by mistake.")
    deletion = await first.post(f"{base}/cases/{case.id}/deletion", {"reason": "It is his third account."})
    assert deletion.json["kind"] == "delete_account"
    assert (await second.post(f"{base}/proposals/{deletion.json['id']}", {"agrees": "false"})).json["state"] == "refused"
    narrow = await court.village.by_app("moderator", scopes="read write")
    member = await court.village.by_app("reader", scopes="admin:read admin:write")
    assert [(await one.get(f"{base}/holds")).status for one in (narrow, member)] == [403, 403]
    assert (await court.viewer("author")).is_suspended


async def test_wrong_values_are_refused_and_change_nothing(court: Court) -> None:
    _, case, _ = await _suspended(court)
    app = await court.village.by_app("moderator", scopes="admin:read admin:write")
    base = "/api/folkmoot/v1/moderation"
    for path, form, status in (
        (f"cases/{case.id}/hold", {"reason": "x" * 2001}, 422), (f"cases/{case.id}/hold", {"reason": " \u200b"}, 422),
        (f"cases/{case.id}/hold", {"reason": "A court.", "days": "0"}, 422),
        (f"cases/{case.id}/hold", {"reason": "A court.", "days": "9" * 30}, 422),
        ("cases/1/hold", {"reason": "A court."}, 404), ("cases/1/deletion", {"reason": "A court."}, 404),
        ("cases/1/reverse", {"reason": "A court."}, 404), ("proposals/1", {"agrees": "true"}, 404),
        ("holds/1/release", {"reason": "A court."}, 404),
    ):
        answer = await app.post(f"{base}/{path}", form)
        assert answer.status in (status, 400), (path, form, answer.status, answer.text)
    browser = await court.village.by_browser("moderator")
    token = form_token((await browser.get(f"/moderate/cases/{case.id}/more")).text)
    for path in ("cases/1/more", "proposals/1"):
        assert (await browser.get(f"/moderate/{path}")).status == 404, path
    for path in ("cases/1/hold", "cases/1/deletion", "cases/1/reverse", "holds/1/release", "proposals/1"):
        answer = await browser.post(f"/moderate/{path}", {"form_token": token, "reason": "A", "why": "A", "what": "A"})
        assert answer.status == 404, path
    async with court.database.read() as conn:
        assert not await conn.fetchval("SELECT count(*) FROM proposals")
