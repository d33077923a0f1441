"""Pages of reports, without a script, after a block, a deletion or an edit."""

import re

import pytest

from folkmoot.network.accounts.actions import ProfileDraft, set_pictures, update_profile
from folkmoot.network.media.actions import clear_replaced, upload_picture
from folkmoot.network.media.model import Purpose
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import describe_picture, edit_post
from folkmoot.network.posts.model import PollDraft, PostDraft, PostView, Visibility
from folkmoot.network.relations.actions import block
from tests.api.test_accounts import picture
from tests.moderation.court import Court
from tests.village import LIMITS
from tests.web.test_case_page import main_of
from tests.web.test_pages import send


async def _block(court: Court) -> None:
    async with court.database.write() as tx:
        await block(tx, court.village.people["author"], court.village.people["reporter"].id)


async def _delete(court: Court, view: PostView) -> None:
    author = await court.village.by_browser("author")
    page = f"/posts/{view.post.id}/delete"
    assert "those who decide keep it until they have decided" in (await author.get(page)).text
    assert (await send(author, page, page)).status == 303
    await court.village.work()


async def _edit(court: Court, view: PostView, text: str, **draft: object) -> None:
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], view.post.id, PostDraft(text=text, **draft), LIMITS)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["block", "delete"])
async def test_a_post_that_one_cannot_see_any_longer_is_reported_by_its_form(court: Court, what: str) -> None:
    view = await court.village.write("author", "@reporter počkáme na tebe", visibility=Visibility.DIRECT)
    reporter = await court.village.by_browser("reporter")
    form = f"/reports/new?post={view.post.id}"
    assert "počkáme na tebe" in (await reporter.get(form)).text
    await (_block(court) if what == "block" else _delete(court, view))
    page = (await reporter.get(form)).text
    assert "You can no longer see it, but those who decide can." in page
    assert "počkáme na tebe" not in page
    refused = await send(reporter, form, "/reports", post=view.post.id, comment="Mám strach.")
    assert refused.status == 422
    assert "Mám strach." in refused.text
    answer = await send(reporter, form, "/reports", post=view.post.id, rule="2", comment="Mám strach.")
    assert answer.status == 303
    page = (await reporter.get(answer.headers["location"])).text
    assert "A post that you can no longer see." in page
    assert "počkáme na tebe" not in page
    case, = await court.queue()
    assert "počkáme na tebe" in await main_of(court, case)


async def test_the_form_of_an_account_offers_posts_that_named_the_member_and_are_out_of_sight(court: Court) -> None:
    village = court.village
    seen = await village.write("author", "@reporter ahoj")
    deleted = await village.write("author", "@reporter počkáme na tebe")
    other = await village.write("author", "@reader jen ty", visibility=Visibility.DIRECT)
    await _delete(court, deleted)
    reporter = await village.by_browser("reporter")
    form = f"/reports/new?account={village.people['author'].id}"
    assert re.findall(r'name="unseen\[\]" value="(\d+)"', (await reporter.get(form)).text) == [str(deleted.post.id)]
    await _block(court)
    assert re.findall(r'name="unseen\[\]" value="(\d+)"', (await reporter.get(form)).text) == [str(deleted.post.id), str(seen.post.id)]
    form_text = (await (await village.by_browser("other_reporter")).get(form)).text
    assert 'name="unseen[]"' not in form_text
    fields = {"account": village.people["author"].id, "unseen[]": [deleted.post.id, other.post.id]}
    refused = await send(reporter, form, "/reports", **fields)
    assert re.search(rf'value="{deleted.post.id}" checked', refused.text)
    answer = await send(reporter, form, "/reports", rule="2", **fields)
    assert answer.status == 303
    assert [case.subject_id for case in await court.queue()] == [deleted.post.id]  # not the one that was never shown


async def test_the_author_reads_that_a_deleted_post_is_kept(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await _delete(court, view)
    author = await court.village.by_browser("author")
    assert "You have deleted a post that is under review." in (await author.get("/notifications")).text
    reporter = await court.village.by_browser("reporter")
    assert "Its author has deleted it. People will still look at it." in (await reporter.get("/reports")).text
    case, = await court.queue()
    await court.decide("moderator", case, "remove")
    assert "It broke a rule. Its author has deleted it." in (await reporter.get("/reports")).text
    statements = (await author.get("/statements")).text
    assert "A post that you have deleted broke a rule" in statements
    where = re.search(r"/statements/\d+", statements)
    assert where
    assert "You have deleted the post yourself" in (await author.get(where[0])).text


async def test_apps_are_not_confused_by_the_notice_about_a_kept_post(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await _delete(court, view)
    app = await court.village.by_app("author")
    assert "kept" in dict(await court.told("author"))
    for path in ("/api/v1/notifications", "/api/v2/notifications"):
        answer = await app.get(path)
        assert answer.status == 200
        assert "kept" not in answer.text


async def test_a_case_shows_what_was_reported_beside_what_stands(court: Court) -> None:
    village, store = court.village, media_store(court.village.settings)
    author = village.people["author"]
    uploads = [await upload_picture(court.database, store, author, picture(), description=words) for words in ("tyče", "hrušky")]
    view = await village.write("author", "Přijďte všichni", cover="Výzva k boji", media_ids=(uploads[0].id,))
    await court.report("reporter", view, clauses=("violence",))
    await _edit(court, view, "Přijďte na kávu", cover="Pozvánka", media_ids=(uploads[1].id,))
    case, = await court.queue()
    page = await main_of(court, case)
    reported, stands = page.split("As it stands now")
    assert "As it was reported, " in reported
    for words in ("Přijďte všichni", "Výzva k boji", "tyče", uploads[0].key):
        assert words in reported, words
        assert words not in stands, words
    for words in ("Přijďte na kávu", "Pozvánka", "hrušky", uploads[1].key):
        assert words in stands, words
    moderator = await village.by_browser("moderator")
    assert (await moderator.get(f"/media/{uploads[0].key}.small.png")).status == 200
    assert (await (await village.by_browser("reader")).get(f"/media/{uploads[0].key}.small.png")).status == 404


async def test_an_unchanged_post_is_shown_once(court: Court) -> None:
    view = await court.village.write("author", "Přijďte všichni")
    for name in ("reporter", "other_reporter"):
        await court.report(name, view, clauses=("violence",))
    case, = await court.queue()
    page = await main_of(court, case)
    assert page.count("Přijďte všichni") == 1
    for words in ("As it stands now", "As it was reported", "An earlier version"):
        assert words not in page


async def test_a_changed_poll_and_a_changed_description_are_shown(court: Court) -> None:
    village = court.village
    polled = await village.write("author", "Kam?", poll=PollDraft(titles=("na něj", "na pivo"), expires_in=3600))
    store, author = media_store(village.settings), village.people["author"]
    upload = await upload_picture(court.database, store, author, picture(), description="dnes večer na něj")
    pictured = await village.write("author", "Tady", media_ids=(upload.id,))
    for view in (polled, pictured):
        await court.report("reporter", view, clauses=("violence",))
    await _edit(court, polled, "Kam?", poll=PollDraft(titles=("na víno", "na pivo"), expires_in=3600))
    async with court.database.write() as tx:
        await describe_picture(tx, village.people["author"], upload.id, description="náves")
    for case in await court.queue():
        reported, stands = (await main_of(court, case)).split("As it stands now")
        before, after = ("na něj", "na víno") if case.subject_id == polled.post.id else ("dnes večer na něj", "náves")
        assert before in reported
        assert before not in stands
        assert after in stands


async def test_an_edit_between_reading_and_reporting_hides_nothing(court: Court) -> None:
    view = await court.village.write("author", "Přijďte všichni na něj")
    await _edit(court, view, "Přijďte na kávu")
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    earlier, stands = (await main_of(court, case)).split("As it stands now")
    assert "An earlier version" in earlier
    assert "Přijďte všichni na něj" in earlier
    assert "Přijďte na kávu" in stands


async def test_many_harmless_edits_do_not_bury_what_was_reported(court: Court) -> None:
    view = await court.village.write("author", "Přijďte všichni na něj")
    await court.report("reporter", view, clauses=("violence",))
    for number in range(6):
        await _edit(court, view, f"Přijďte na kávu {number}")
    case, = await court.queue()
    page = await main_of(court, case)
    folded = page[page.index('<details class="subject">'):page.index("</details>", page.index('<details class="subject">'))]
    assert "5 earlier versions" in folded
    assert "Přijďte všichni na něj" in page.replace(folded, "")


async def test_a_decision_refers_to_the_version_on_the_page(court: Court) -> None:
    village = court.village
    upload = await upload_picture(court.database, media_store(village.settings), village.people["author"], picture(), description="tyče")
    view = await village.write("author", "Přijďte", media_ids=(upload.id,))
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    moderator = await village.by_browser("moderator")
    where = f"/moderate/cases/{case.id}"
    page = (await moderator.get(where)).text
    fields = dict(re.findall(r'name="(form_token|seen_edited_at|seen_words)" value="([^"]*)"', page))
    async with court.database.write() as tx:
        await describe_picture(tx, village.people["author"], upload.id, description="hrušky")
    refused = await moderator.post(f"{where}/decide", {**fields, "action": "remove", "clause": "2", "days": "7"})
    assert refused.status == 409
    assert "The author has edited this post in the meantime." in refused.text


async def test_a_statement_quotes_what_was_reported_and_what_stands(court: Court) -> None:
    view = await court.village.write("author", "Přijďte všichni na něj")
    await court.report("reporter", view, clauses=("violence",))
    await _edit(court, view, "Přijďte na kávu")
    case, = await court.queue()
    async with court.database.read() as conn:
        edited_at = await conn.fetchval("SELECT edited_at FROM posts WHERE id = $1", view.post.id)
    await court.decide("moderator", case, "remove", seen_edited_at=edited_at)
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT quote FROM statements") == "Přijďte všichni na něj\n\nPřijďte na kávu"


async def test_a_reported_profile_is_shown_as_it_was_and_as_it_stands(court: Court) -> None:
    village, store = court.village, media_store(court.village.settings)
    author = village.people["author"]
    avatars = [await upload_picture(court.database, store, author, picture(), purpose=Purpose.AVATAR) for _ in range(2)]
    async with court.database.write() as tx:
        account = await update_profile(tx, author, ProfileDraft(display_name="Starosta", bio="Volte mě"), LIMITS.base_url)
        account = await set_pictures(tx, account, avatar_key=avatars[0].key, header_key=None)
    await court.report("reporter", clauses=("identity",))
    async with court.database.write() as tx:
        account = await update_profile(tx, account, ProfileDraft(display_name="Autor", bio="Mám rád hrušky"), LIMITS.base_url)
        await set_pictures(tx, account, avatar_key=avatars[1].key, header_key=None)
    await clear_replaced(court.database, store, author.id)
    case, = await court.queue()
    reported, stands = (await main_of(court, case)).split("As it stands now")
    for words in ("As it was reported", "Starosta", "Volte mě", avatars[0].key):
        assert words in reported, words
        assert words not in stands, words
    for words in ("Autor", "Mám rád hrušky", avatars[1].key):
        assert words in stands, words
    old = f"/media/{avatars[0].key}.small.png"
    assert (await (await village.by_browser("moderator")).get(old)).status == 200
    for name in ("author", "reader"):
        assert (await (await village.by_browser(name)).get(old)).status == 404
    await court.decide("moderator", case, "keep", clause="identity")
