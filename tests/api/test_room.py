"""The room of moderators through the client API: the same actions and checks as its pages."""

from typing import Any

import msgspec
import pytest

from folkmoot.api import moderation_shapes as shapes
from folkmoot.api.moderation import ROUTES
from folkmoot.moderation.cases.model import Case, State
from folkmoot.network.posts.actions import edit_post
from folkmoot.network.posts.model import PollDraft, PostDraft, Visibility
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import LIMITS, Visitor

BASE = "/api/folkmoot/v1/moderation"
SCOPES = "admin:read admin:write"


@pytest.fixture
async def court(village: Any) -> Court:
    return await Court(village).open()


@pytest.fixture
async def desk(village: Any) -> Desk:
    return Desk(village)


async def _reported(court: Court, text: str = "Přijďte si pro ránu.", **draft: Any) -> Case:
    view = await court.village.write("author", text, **draft)
    await court.report("reporter", view, clauses=("violence",), comment="Tohle napsal @author.")
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _app(court: Court, name: str = "moderator") -> Visitor:
    return await court.village.by_app(name, SCOPES)


async def _details(app: Visitor, case: Case) -> shapes.CaseDetails:
    answer = await app.get(f"{BASE}/cases/{case.id}")
    assert answer.status == 200, answer.text
    return msgspec.json.decode(answer.body, type=shapes.CaseDetails)


async def test_a_case_is_taken_read_decided_and_undone(court: Court) -> None:
    case = await _reported(court)
    app = await _app(court)
    desk = msgspec.json.decode((await app.get(f"{BASE}/desk")).body, type=shapes.ModerationDesk)
    assert [(one.id, one.lane, one.rule, one.held_until) for one in desk.queue] == [(str(case.id), "threat", "2", None)]
    assert (desk.decided_today, desk.limit, desk.is_enough, desk.undoable) == (0, 40, False, None)
    taken = msgspec.json.decode((await app.post(f"{BASE}/next")).body, type=shapes.NextCase).case
    assert taken
    assert taken.id == str(case.id)
    assert taken.held_until
    details = await _details(app, case)
    assert [(one.part, one.text) for one in details.texts] == [("present", "Přijďte si pro ránu.")]
    assert details.reports.comments == ["Tohle napsal @…."]
    form = {"version": details.version, "action": "remove", "rule": "2", "explanation": "Zve na rvačku."}
    answer = await app.send("POST", f"{BASE}/cases/{case.id}/decide", as_json=form)
    verdict = msgspec.json.decode(answer.body, type=shapes.CaseVerdict)
    assert (verdict.action, verdict.rule, verdict.measures) == ("remove", "2", ["remove"])
    assert (await app.post(f"{BASE}/next")).json == {"case": None}
    assert (await app.get(f"{BASE}/desk")).json["undoable"]["id"] == verdict.id
    assert (await (await _app(court, "other_moderator")).post(f"{BASE}/verdicts/{verdict.id}/undo")).status == 403
    assert (await app.post(f"{BASE}/verdicts/{verdict.id}/undo")).json["state"] == "open"
    assert (await court.case(case.id)).state is State.OPEN


async def test_a_decision_about_an_older_version_or_without_the_claim_is_refused(court: Court) -> None:
    case = await _reported(court)
    first, second = await _app(court), await _app(court, "other_moderator")
    version = (await _details(first, case)).version
    form = {"version": version, "action": "remove", "rule": "2"}
    assert (await first.post(f"{BASE}/cases/{case.id}/decide", form)).status == 409  # not claimed
    assert (await first.post(f"{BASE}/cases/{case.id}/claim")).status == 200
    for path, sent in (("claim", None), ("decide", form)):
        assert (await second.post(f"{BASE}/cases/{case.id}/{path}", sent)).status == 409
    assert (await second.get(f"{BASE}/cases/{case.id}")).json["case"]["is_held_by_other"]
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], case.subject_id, PostDraft(text="Přijďte na kafe."), LIMITS)
    assert (await first.post(f"{BASE}/cases/{case.id}/decide", form)).status == 409
    for wrong, status in (
        ({"version": "x@y"}, 400), ({"action": "nothing"}, 400), ({"rule": "99"}, 422), ({"days": "0", "action": "hide"}, 422),
    ):
        sent = {**form, "version": (await _details(first, case)).version, **wrong}
        assert (await first.post(f"{BASE}/cases/{case.id}/decide", sent)).status == status, wrong
    assert (await court.case(case.id)).state is State.OPEN
    assert (await first.post(f"{BASE}/cases/{case.id}/release")).json["held_until"] is None
    assert (await second.post(f"{BASE}/cases/{case.id}/claim")).status == 200


async def test_no_name_is_in_a_case(court: Court, desk: Desk) -> None:
    village = court.village
    question = await village.write("reader", "Kdo přijde v pátek?")
    view = await village.write(
        "author", "@reader přijďte", reply_to_id=question.post.id, poll=PollDraft(titles=("@author má pravdu", "ne"), expires_in=600))
    await village.write("other_reporter", "@author to myslíš vážně?", reply_to_id=view.post.id)
    await court.report("reporter", view, clauses=("violence",), comment="Píše to @author.")
    await desk.receive(view, reason="@author calls for a brawl.", name="Alena Nováková", email="alena@example.org")
    case, = await court.queue()
    answer = await (await _app(court)).get(f"{BASE}/cases/{case.id}")
    details = msgspec.json.decode(answer.body, type=shapes.CaseDetails)
    assert [(one.part, one.letter) for one in details.texts] == [("before", "A"), ("present", ""), ("after", "B")]
    assert details.texts[1].answers == ["@… má pravdu", "ne"]
    assert [(one.urgency, one.is_verified) for one in details.notices] == [("other", False)]
    text = answer.text.partition('"deciders"')[0]
    for name in ("@author", "@reader", "reporter\"", "Author", "Reader", "Alena", str(village.people["author"].id)):
        assert name not in text, name


async def test_whoever_is_concerned_reads_nothing(court: Court) -> None:
    await court.village.follow("moderator", "author")
    case = await _reported(court)
    app = await _app(court)
    for method, path in (("GET", ""), ("GET", "/others"), ("POST", "/claim"), ("POST", "/notes")):
        answer = await app.send(method, f"{BASE}/cases/{case.id}{path}", {"text": "Znám ho."} if method == "POST" else None)
        assert answer.status == 403, path
        assert "ránu" not in answer.text
    assert (await app.get(f"{BASE}/desk")).json["queue"] == []


async def test_reading_what_not_everybody_may_read_is_recorded(court: Court) -> None:
    await court.village.follow("reporter", "author")
    case = await _reported(court, visibility=Visibility.FOLLOWERS)
    await _details(await _app(court), case)
    assert "case.read" in await court.journal(case)


async def test_notes_and_handing_over(court: Court) -> None:
    case = await _reported(court)
    app, other = await _app(court), await _app(court, "other_moderator")
    assert (await app.post(f"{BASE}/cases/{case.id}/notes", {"text": "Viz minulý týden."})).json["text"] == "Viz minulý týden."
    assert (await app.post(f"{BASE}/cases/{case.id}/notes", {"text": " "})).json is None
    details = await _details(other, case)
    assert [(note.author and note.author.username, note.text) for note in details.notes] == [("moderator", "Viz minulý týden.")]
    to = next(one.id for one in details.deciders if one.username == "other_moderator")
    assert (await app.post(f"{BASE}/cases/{case.id}/assign", {"account_id": to})).status == 200
    assert (await other.get(f"{BASE}/desk")).json["assigned"][0]["is_assigned_to_you"]
    wrong = str(court.village.people["reader"].id)
    assert (await app.post(f"{BASE}/cases/{case.id}/assign", {"account_id": wrong})).status == 422
    assert not (await other.post(f"{BASE}/cases/{case.id}/assign")).json["is_assigned_to_you"]


async def test_preferences_are_replaced(court: Court) -> None:
    app = await _app(court)
    answer = await app.send("PUT", f"{BASE}/preferences", as_json={"avoided": ["2"], "daily_limit": 5})
    assert answer.json == {"avoided": ["2"], "daily_limit": 5}
    assert (await app.get(f"{BASE}/preferences")).json == answer.json
    await _reported(court)
    assert (await app.get(f"{BASE}/desk")).json["queue"] == []
    assert (await app.send("PUT", f"{BASE}/preferences", as_json={})).json == {"avoided": [], "daily_limit": None}
    assert len((await app.get(f"{BASE}/desk")).json["queue"]) == 1
    for wrong in ({"avoided": ["99"]}, {"daily_limit": 0}):
        assert (await app.send("PUT", f"{BASE}/preferences", as_json=wrong)).status == 422


async def test_ready_sentences(court: Court) -> None:
    app = await _app(court)
    created = (await app.post(f"{BASE}/templates", {"title": "Rvačka", "text": "Zve na {co}."})).json
    assert (await app.get(f"{BASE}/templates")).json == [created]
    assert (await app.post(f"{BASE}/templates", {"title": "", "text": "x"})).status in (400, 422)
    case = await _reported(court)
    await app.post(f"{BASE}/cases/{case.id}/claim")
    form = {"version": (await _details(app, case)).version, "action": "remove", "rule": "2", "explanation": created["text"]}
    assert (await app.post(f"{BASE}/cases/{case.id}/decide", form)).status == 422  # a blank is not filled in
    assert (await app.send("DELETE", f"{BASE}/templates/{created['id']}")).status == 200
    assert (await app.send("DELETE", f"{BASE}/templates/{created['id']}")).status == 404


async def test_posts_of_one_author_are_decided_together(court: Court) -> None:
    one, two = await _reported(court), await _reported(court, "Tobě taky ránu.")
    app = await _app(court)
    await app.post(f"{BASE}/cases/{one.id}/claim")
    details = await _details(app, one)
    assert details.others == 1
    other, = msgspec.json.decode((await app.get(f"{BASE}/cases/{one.id}/others")).body, type=list[shapes.OtherCase])
    assert (other.case.id, other.text.text) == (str(two.id), "Tobě taky ránu.")
    form = {"version": details.version, "action": "remove", "rule": "2", "together": [other.choice]}
    assert (await app.send("POST", f"{BASE}/cases/{one.id}/decide", as_json={**form, "alike": True})).status == 422
    assert (await app.send("POST", f"{BASE}/cases/{one.id}/decide", as_json=form)).status == 200
    assert [(await court.case(case.id)).state for case in (one, two)] == [State.DECIDED] * 2


async def test_every_endpoint_needs_the_role_and_its_scope(court: Court) -> None:
    member, small = await _app(court, "reader"), await court.village.by_app("moderator", "read write")
    for route in ROUTES:
        path = route.path.replace("{id}", "1")
        for visitor in (member, small):
            assert (await visitor.send(route.method, path)).status == 403, (route.method, path)
        assert (await court.village.nobody().send(route.method, path)).status == 401
