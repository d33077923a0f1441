"""The pages of hash lists: a moderator recognises what was removed, sees why a copy waits, and takes entries off again."""

from folkmoot.moderation.hash_lists.actions import REMOVED_HERE
from tests.moderation.court import Court
from tests.web.test_pages import form_token

_TEXT = "Kupte si levně následovníky, stačí napsat"


async def test_a_moderator_recognises_copies_of_what_was_removed(court: Court) -> None:
    view = await court.village.write("author", _TEXT)
    await court.report("reporter", view, clauses=("spam",))
    case, = await court.queue()
    page = f"/moderate/cases/{case.id}"
    moderator = await court.village.by_browser("moderator")
    assert "There is no list yet" in (await moderator.get("/moderate/hashes")).text
    assert "/recognise" not in (await moderator.get(page)).text
    assert (await moderator.post(f"{page}/recognise", {"form_token": form_token((await moderator.get(page)).text)})).status == 403
    await court.decide("moderator", case, "remove", clause="spam")
    shown = (await moderator.get(page)).text
    assert f'formaction="{page}/recognise"' in shown
    answer = await moderator.post(f"{page}/recognise", {"form_token": form_token(shown)})
    assert answer.headers["location"] == f"/moderate/hashes/{REMOVED_HERE}"
    listed = (await moderator.get(answer.headers["location"])).text
    assert "1 entry." in listed
    assert '<span class="tag">1</span>' in (await moderator.get("/moderate/hashes")).text

    app = await court.village.by_app("author")
    assert (await app.post("/api/v1/statuses", {"status": _TEXT.upper()})).status == 200
    await court.village.work()
    waiting, = await court.queue()
    why = (await moderator.get(f"/moderate/cases/{waiting.id}")).text
    assert "It has exactly the words of a text on the list" in why

    value = listed.partition('name="value" value="')[2].partition('"')[0]
    gone = await moderator.post(
        f"/moderate/hashes/{REMOVED_HERE}/remove", {"form_token": form_token(listed), "kind": "text", "value": value}
    )
    assert gone.status == 303
    assert "The list is empty." in (await moderator.get(gone.headers["location"])).text


async def test_members_and_barred_moderators_reach_nothing_of_it(court: Court) -> None:
    view = await court.village.write("author", _TEXT)
    await court.report("reporter", view, clauses=("spam",))
    case, = await court.queue()
    await court.decide("moderator", case, "remove", clause="spam")
    member = await court.village.by_browser("reader")
    assert (await member.get("/moderate/hashes")).status in (403, 404)
    await court.village.follow("other_moderator", "author")
    barred = await court.village.by_browser("other_moderator")
    token = form_token((await barred.get("/posts/new")).text)
    assert (await barred.post(f"/moderate/cases/{case.id}/recognise", {"form_token": token})).status == 403
    assert "There is no list yet" in (await barred.get("/moderate/hashes")).text
