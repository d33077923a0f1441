"""What else moderators do besides deciding, through the client API: samples, received notices, contacts, hash lists and copies."""

from typing import Any

import msgspec
import pytest

from folkmoot.api.known_content import ListOfHashes, ListWithEntries, PostsAlike
from folkmoot.api.received_notices import ReceivedNoticeDetails, VerifiedContact, WaitingNotice
from folkmoot.api.routes import ROUTES as API
from folkmoot.api.samples import NextSampledPost
from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.learning.actions import keep_samples
from folkmoot.moderation.learning.model import Sample
from folkmoot.moderation.notices.model import Door
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from folkmoot.network.posts.actions import edit_post
from folkmoot.network.posts.model import PostDraft, PostView
from folkmoot.web.routes import ROUTES as WEB
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import LIMITS, Visitor

BASE = "/api/folkmoot/v1/moderation"
_SPAM = "Kupte si levně následovníky, stačí napsat"


@pytest.fixture
async def court(village: Any) -> Court:
    return await Court(village).open()


@pytest.fixture
async def desk(village: Any) -> Desk:
    return Desk(village)


async def _app(court: Court, name: str = "moderator") -> Visitor:
    return await court.village.by_app(name, "admin:read admin:write")


async def _draw(court: Court, view: PostView) -> None:
    now = clock.now()
    async with court.database.write() as tx:
        await keep_samples(tx, [Sample(post_id=view.post.id, edited_at=None, score=0.5, is_unsure=True, drawn_at=now)], now)


async def test_a_sampled_post_is_read_without_its_author_and_answered_once(court: Court) -> None:
    app = await _app(court)
    empty = msgspec.json.decode((await app.get(f"{BASE}/samples/next")).body, type=NextSampledPost)
    assert (empty.post, empty.waiting) == (None, 0)
    await _draw(court, await court.village.write("author", "Přijď si pro ránu, @reader."))
    found = msgspec.json.decode((await app.get(f"{BASE}/samples/next")).body, type=NextSampledPost)
    assert found.post
    assert (found.post.text, found.waiting) == ("Přijď si pro ránu, @A.", 1)
    path = f"{BASE}/samples/{found.post.id}"
    for wrong in ({"answer": "maybe", "version": found.post.version}, {"answer": "threat", "version": "x@y"}):
        assert (await app.post(path, wrong)).status == 400
    answer = await app.post(path, {"answer": "threat", "version": found.post.version})
    case, = await court.queue()
    assert answer.json == {"case_id": str(case.id)}
    again = await (await _app(court, "other_moderator")).post(path, {"answer": "harmless", "version": found.post.version})
    assert again.status == 409


async def test_an_edited_and_a_hidden_sample_wait_no_longer(court: Court) -> None:
    app, view = await _app(court), await court.village.write("author", "Přijď na kafe.")
    await _draw(court, view)
    version = (await app.get(f"{BASE}/samples/next")).json["post"]["version"]
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], view.post.id, PostDraft(text="Přijď na čaj."), LIMITS)
    assert (await app.post(f"{BASE}/samples/{view.post.id}", {"answer": "harmless", "version": version})).status == 409
    other, hidden = await court.village.write("author", "Ahoj."), await court.village.write("author", _SPAM)
    await _draw(court, other)
    await _draw(court, hidden)
    await court.report("reporter", hidden, clauses=("spam",))
    await court.decide("other_moderator", (await court.queue())[0], "remove", clause="spam")
    found = (await app.get(f"{BASE}/samples/next")).json
    assert (found["post"]["text"], found["waiting"]) == ("Ahoj.", 1)


async def _notice(app: Visitor, notice_id: int) -> ReceivedNoticeDetails:
    return msgspec.json.decode((await app.get(f"{BASE}/notices/{notice_id}")).body, type=ReceivedNoticeDetails)


async def test_a_notice_is_read_and_joined_to_what_it_is_about(court: Court, desk: Desk) -> None:
    view = await court.village.write("author", "Přijď si pro ránu.")
    notice = await desk.receive("https://elsewhere.example/1", door=Door.MAIL, raw="Přijď".encode())
    app = await _app(court)
    waiting, = msgspec.json.decode((await app.get(f"{BASE}/notices")).body, type=list[WaitingNotice])
    assert (waiting.id, waiting.state, waiting.door, waiting.contact) == (str(notice.id), "unread", "mail", None)
    assert "alena@example.org" not in (await app.get(f"{BASE}/notices")).text
    details = await _notice(app, notice.id)
    assert (details.name, details.email, details.mail, details.is_sender_shown) == ("Alena", "alena@example.org", "Přijď", True)
    assert [(one.found, one.case_id) for one in details.places] == [("foreign", None)]
    assert "notice.read" in await desk.journal()
    assert (await app.post(f"{BASE}/notices/{notice.id}/addresses", {"addresses[]": "https://nobody.example/x"})).status == 422
    answer = await app.post(f"{BASE}/notices/{notice.id}/addresses", {"addresses[]": desk.address(view)})
    case, = await court.queue()
    places = msgspec.json.decode(answer.body, type=ReceivedNoticeDetails).places
    assert [(one.found, one.case_id) for one in places] == [("foreign", None), ("found", str(case.id))]
    assert (await app.post(f"{BASE}/notices/{notice.id}/answer", {"answer": "Nic tu není."})).status == 409


async def test_a_notice_about_nothing_here_is_answered_in_words(court: Court, desk: Desk) -> None:
    notice, app = await desk.receive(door=Door.MAIL), await _app(court)
    path = f"{BASE}/notices/{notice.id}/answer"
    assert (await app.post(path, {"answer": " "})).status == 422
    answered = msgspec.json.decode((await app.post(path, {"answer": "To není u nás."})).body, type=ReceivedNoticeDetails)
    assert (answered.notice.state, answered.answer) == ("answered", "To není u nás.")
    assert (await app.get(f"{BASE}/notices")).json == []
    assert (await app.get(f"{BASE}/notices/{notice.id + 1}")).status == 404


async def test_an_operator_registers_a_contact_and_a_moderator_vouches_for_it(court: Court, desk: Desk) -> None:
    app = await _app(court)
    assert (await app.get(f"{BASE}/contacts")).status == 403
    async with court.database.write() as tx:
        await tx.execute("UPDATE logins SET role = 'operator' WHERE account_id = $1", court.village.people["other_moderator"].id)
    operator = await _app(court, "other_moderator")
    form = {"kind": "authority", "name": "Policie", "senders[]": "policie.example", "country": "CZ"}
    assert (await operator.post(f"{BASE}/contacts", {**form, "senders[]": "x"})).status == 422
    made = msgspec.json.decode((await operator.post(f"{BASE}/contacts", form)).body, type=VerifiedContact)
    assert (made.kind, made.senders, made.country) == ("authority", ["policie.example"], "CZ")
    assert [one["id"] for one in (await operator.get(f"{BASE}/contacts")).json] == [made.id]
    notice = await desk.receive(await court.village.write("author", "Přijď si pro ránu."))
    vouched = (await app.post(f"{BASE}/notices/{notice.id}/vouch", {"contact_id": made.id})).json["notice"]
    assert (vouched["contact"], vouched["urgency"]) == ("Policie", "order")
    assert (await app.post(f"{BASE}/notices/{notice.id}/vouch", {"contact_id": made.id})).status == 409
    assert (await app.send("DELETE", f"{BASE}/contacts/{made.id}")).status == 403
    assert (await operator.send("DELETE", f"{BASE}/contacts/{made.id}")).status == 200
    assert (await operator.send("DELETE", f"{BASE}/contacts/{made.id}")).status == 404
    assert (await operator.get(f"{BASE}/contacts")).json == []


async def _decided(court: Court, action: str, **more: Any) -> Case:
    view = await court.village.write("author", _SPAM)
    await court.report("reporter", view, clauses=("spam",))
    case = next(one for one in await court.queue() if one.subject_id == view.post.id)
    await court.decide("moderator", case, action, clause="" if action == "keep" else "spam", **more)
    return case


async def test_copies_of_a_removed_post_are_listed_and_recognised(court: Court) -> None:
    view = await court.village.write("author", _SPAM)
    await court.village.write("reader", _SPAM)
    await court.report("reporter", view, clauses=("spam",))
    case, = await court.queue()
    app = await _app(court)
    alike = msgspec.json.decode((await app.get(f"{BASE}/cases/{case.id}/alike")).body, type=PostsAlike)
    assert (alike.text, alike.count, [one.letter for one in alike.posts]) == (_SPAM, 1, ["A"])
    assert (await app.post(f"{BASE}/cases/{case.id}/recognise")).status == 403  # not decided yet
    await court.decide("moderator", case, "remove", clause="spam")
    assert (await app.post(f"{BASE}/cases/{case.id}/recognise")).json == {"added": 1}
    assert (await app.post(f"{BASE}/cases/{case.id}/recognise")).json == {"added": 0}
    listed, = msgspec.json.decode((await app.get(f"{BASE}/hash_lists")).body, type=list[ListOfHashes])
    assert (listed.name, listed.effect, listed.entries) == ("removed-here", "hold", 1)
    path = f"{BASE}/hash_lists/removed-here"
    entry, = msgspec.json.decode((await app.get(path)).body, type=ListWithEntries).entries
    assert (entry.kind, entry.rule) == ("text", "7")
    gone = {"kind": entry.kind, "value": entry.value}
    assert (await app.send("DELETE", f"{path}/entries", as_json={**gone, "value": "0"})).status == 404
    assert (await app.send("DELETE", f"{path}/entries", as_json=gone)).status == 200
    assert (await app.get(path)).json["entries"] == []
    assert (await app.get(f"{BASE}/hash_lists/nothing")).status == 404


@pytest.mark.parametrize(("action", "status"), [
    ("keep", 403), ("warn", 403), ("label", 403), ("limit", 403), ("hide", 200), ("freeze", 200), ("suspend", 200),
])
async def test_copies_are_recognised_only_of_what_was_taken_away(court: Court, action: str, status: int) -> None:
    case = await _decided(court, action)
    assert (await (await _app(court)).post(f"{BASE}/cases/{case.id}/recognise")).status == status


async def test_copies_of_a_post_whose_removal_was_overturned_are_not_recognised(court: Court) -> None:
    case = await _decided(court, "remove")
    async with court.database.write() as tx:
        verdict = (await list_verdicts_of_cases(tx, [case.id]))[case.id]
        await lodge_appeal(tx, (await court.viewer("author")).account, verdict.id)
    appealed, = [one for one in await court.queue() if one.is_appeal]
    await court.decide("other_moderator", appealed, "keep")
    assert (await (await _app(court)).post(f"{BASE}/cases/{case.id}/recognise")).status == 403


async def test_concerned_moderators_get_no_copies(court: Court) -> None:
    case = await _decided(court, "remove")
    await court.village.follow("other_moderator", "author")
    barred = await _app(court, "other_moderator")
    assert (await barred.get(f"{BASE}/cases/{case.id}/alike")).status == 403
    assert (await barred.post(f"{BASE}/cases/{case.id}/recognise")).status == 403


@pytest.mark.parametrize("path", ["samples/next", "measure/next", "notices", "contacts", "hash_lists", "hash_lists/removed-here"])
async def test_members_reach_none_of_it(court: Court, path: str) -> None:
    assert (await (await _app(court, "reader")).get(f"{BASE}/{path}")).status == 403


# Pages below `/moderate` whose endpoint below `BASE` has another method or address.
_ENDPOINTS = {
    "GET ": "GET /desk", "GET /next": "POST /next", "POST /templates/{id}/delete": "DELETE /templates/{id}",
    "POST /contacts/{id}/end": "DELETE /contacts/{id}", "GET /hashes": "GET /hash_lists", "GET /hashes/{list}": "GET /hash_lists/{list}",
    "POST /hashes/{list}/remove": "DELETE /hash_lists/{list}/entries",
    "GET /samples": "GET /samples/next", "GET /measure": "GET /measure/next",
    "POST /preferences": "PUT /preferences", "GET /cases/{id}/together": "GET /cases/{id}/others",
    "GET /statistics/csv": "GET /statistics", "GET /statistics/json": "GET /statistics",
    "POST /cases/{id}/work": "POST /cases/{id}/notes",  # one form with several buttons: a note, and handing over
    "GET /cases/{id}/more": "GET /cases/{id}",  # the forms of what is rare
}
# Of operators: who may join, and where backups are. The endpoints of the others are those of Mastodon's admin API.
_NOT_MODERATION = ("/moderate/sign_ups", "/moderate/copies", "/moderate/barriers", "/moderate/members")


def test_every_page_of_moderators_has_an_endpoint() -> None:
    endpoints = {f"{route.method} {route.path.removeprefix(BASE)}" for route in API if route.path.startswith(BASE)}
    pages = {
        f"{route.method} {route.path.removeprefix('/moderate')}"
        for route in WEB if route.path.startswith("/moderate") and not route.path.startswith(_NOT_MODERATION)
    }
    assert len(pages) > 30
    assert not {page for page in pages if _ENDPOINTS.get(page, page) not in endpoints}
