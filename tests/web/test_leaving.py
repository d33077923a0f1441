"""Taking everything along and leaving, through the pages: archive, lists, deletion, regret."""

import csv
import io
import json
import re
from datetime import timedelta
from zipfile import ZipFile

import pytest
from PIL import Image

from folkmoot.app import exporter
from folkmoot.base import clock
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.exports.archive import Archive
from folkmoot.network.filters.actions import create_filter, filter_post
from folkmoot.network.filters.model import FilterDraft, KeywordDraft
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.store import media_store
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import PollDraft, PostEffect, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.model import Role
from folkmoot.network.sessions.passwords import hash_password
from tests.moderation.court import Court
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import send

PASSWORD = "tri hrusky ve stodole"


async def _submit(browser: Visitor, path: str, **fields: str) -> Answer:
    """Fetches a page and sends its form to the same address."""
    return await send(browser, path, path, **fields)


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    async with village.database.write() as tx:
        await logins.update_password(tx, village.people["jana"].id, await hash_password(PASSWORD))
    return await village.by_browser("jana")


async def _log_in(village: Village, password: str = PASSWORD) -> tuple[Visitor, Answer]:
    browser = village.nobody()
    return browser, await _submit(browser, "/log_in", name="jana", password=password)


async def _archive(village: Village, browser: Visitor) -> ZipFile:
    assert (await _submit(browser, "/settings/export")).status == 303
    await village.work()
    link = re.search(r"/settings/export/archives/\d+", (await browser.get("/settings/export")).text)
    assert link
    answer = await browser.get(link[0])
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    return ZipFile(io.BytesIO(answer.body))


async def _live(village: Village) -> None:
    """Jana writes, marks and relates."""
    db, people = village.database, village.people
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(out, "PNG")
    picture = await upload_picture(db, media_store(village.settings), people["jana"], out.getvalue(), description="Červená")
    for one, other in (("jana", "karel"), ("karel", "jana")):
        await village.follow(one, other)
    theirs = await village.write("karel", "Cizí slova")
    await village.write("jana", "S obrázkem #kašna", media_ids=(picture.id,), quoted_id=theirs.post.id)
    await village.write("jana", "@karel potichu", visibility=Visibility.DIRECT, reply_to_id=theirs.post.id)
    await village.write("jana", "Kudy?", cover="Otázka", poll=PollDraft(titles=("tudy", "tamtudy"), expires_in=3600))
    hidden = await village.write("jana", "Skryté slovo")
    async with db.write() as tx:
        await posts.set_effect(tx, hidden.post.id, PostEffect.REMOVED, None)
        await posts.boost_post(tx, people["jana"], theirs.post.id)
        await posts.favourite_post(tx, people["jana"], theirs.post.id)
        await posts.bookmark_post(tx, people["jana"], theirs.post.id)
        await relations.mute(tx, people["jana"], people["eva"].id)
        await relations.block(tx, people["jana"], people["eva"].id)
        await relations.write_note(tx, people["jana"], people["eva"].id, "Pozor na ni")
        made = await create_filter(tx, people["jana"], FilterDraft(title="Zvony", contexts=["home"], keywords=(KeywordDraft(text="zvon"),)))
        await filter_post(tx, people["jana"], made.id, theirs.post.id)


async def test_the_archive_contains_everything_of_the_member(village: Village, jana: Visitor) -> None:
    await _live(village)
    archive = await _archive(village, jana)
    assert archive.testzip() is None
    outbox = json.loads(archive.read("outbox.json"))
    assert outbox["totalItems"] == len(outbox["orderedItems"]) == 5
    picture, direct, poll, removed, boost = outbox["orderedItems"]
    note = picture["object"]
    assert "kašna" in note["content"]
    assert note["to"] == ["https://www.w3.org/ns/activitystreams#Public"]
    assert note["attachment"][0]["name"] == "Červená"
    assert Image.open(io.BytesIO(archive.read(note["attachment"][0]["url"]))).size == (60, 40)
    assert note["quote"] == direct["object"]["inReplyTo"]  # FEP-044f
    assert note["interactionPolicy"]["canQuote"]["automaticApproval"] == note["to"]
    assert direct["object"]["interactionPolicy"]["canQuote"]["automaticApproval"] == ["http://localhost:8420/users/jana"]
    assert direct["object"]["to"] == ["http://localhost:8420/users/karel"]
    assert direct["object"]["inReplyTo"].startswith("http://localhost:8420/users/karel/statuses/")
    assert (poll["object"]["type"], poll["object"]["summary"], len(poll["object"]["oneOf"])) == ("Question", "Otázka", 2)
    assert removed["object"]["source"]["content"] == "Skryté slovo"
    assert (boost["type"], boost["object"]) == ("Announce", direct["object"]["inReplyTo"])
    for name in ("likes.json", "bookmarks.json"):
        assert json.loads(archive.read(name))["orderedItems"] == [boost["object"]]
    assert json.loads(archive.read("actor.json"))["preferredUsername"] == "jana"
    account = json.loads(archive.read("account.json"))
    assert (account["email"], account["notes"]) == ("jana@example.org", [{"account": "eva@localhost:8420", "text": "Pozor na ni"}])
    [filtered] = json.loads(archive.read("filters.json"))
    assert (filtered["title"], filtered["keywords"][0]["text"], len(filtered["posts"])) == ("Zvony", "zvon", 1)
    assert "Cizí slova" not in "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


async def test_lists_have_the_form_of_mastodon(village: Village, jana: Visitor) -> None:
    await _live(village)
    archive = await _archive(village, jana)
    expected = {
        "following_accounts.csv": [
            ["Account address", "Show boosts", "Notify on new posts", "Languages"], ["karel@localhost:8420", "true", "false", ""]],
        "followers.csv": [["Account address"], ["karel@localhost:8420"]],
        "muted_accounts.csv": [["Account address", "Hide notifications"], ["eva@localhost:8420", "true"]],
        "blocked_accounts.csv": [["eva@localhost:8420"]],
    }
    for name, rows in expected.items():
        answer = await jana.get(f"/settings/export/lists/{name}")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert list(csv.reader(io.StringIO(answer.text))) == rows
        assert archive.read(name) == answer.body
    assert (await jana.get("/settings/export/lists/passwords.csv")).status == 404


async def test_the_archive_is_for_its_owner_only(village: Village, jana: Visitor) -> None:
    await _archive(village, jana)
    async with village.database.read() as conn:
        export_id = await conn.fetchval("SELECT id FROM exports")
    for visitor in (await village.by_browser("karel"), village.nobody()):
        assert (await visitor.get(f"/settings/export/archives/{export_id}")).status in (303, 404)
    assert (await jana.get(f"/settings/export/archives/{export_id}", range="bytes=0-1")).body == b"PK"


async def test_one_archive_a_day(village: Village, jana: Visitor) -> None:
    await _archive(village, jana)
    assert 'method="post" action="/settings/export"' not in (await jana.get("/settings/export")).text
    answer = await send(jana, "/settings/delete", "/settings/export")
    assert (answer.status, 80_000 < int(answer.headers["retry-after"]) <= 86_400) == (429, True)
    async with village.database.write() as tx:
        await tx.execute("UPDATE exports SET asked_at = asked_at - interval '1 day'")
    await _archive(village, jana)
    assert len(list(village.settings.data.glob("exports/??/*"))) == 1  # the older one is replaced


async def test_an_expired_archive_is_removed(village: Village, jana: Visitor) -> None:
    await _archive(village, jana)
    async with village.database.write() as tx:
        export_id = await tx.fetchval("UPDATE exports SET expires_at = now() RETURNING id")
    assert (await jana.get(f"/settings/export/archives/{export_id}")).status == 404
    (village.settings.data / "exports" / "killed.part").write_bytes(b"half")
    with clock.stopped_at(clock.now() + timedelta(hours=4)):
        await exporter(village.settings).clear(village.database)
    assert [path for path in village.settings.data.glob("exports/**/*") if path.is_file()] == []


async def test_an_archive_that_stayed_on_another_host_is_written_again(village: Village, jana: Visitor) -> None:
    """After a move, a failover or a restore its row is here, and its file is not."""
    await _archive(village, jana)
    stayed = next(village.settings.data.glob("exports/??/*"))
    kept = stayed.rename(stayed.parent.parent / "kept").read_bytes()
    async with village.database.read() as conn:
        export_id = await conn.fetchval("SELECT id FROM exports")
    answer = await jana.get(f"/settings/export/archives/{export_id}")
    assert (answer.status, answer.headers["location"]) == (303, "/settings/export")
    page = (await jana.get("/settings/export")).text
    assert ("your archive stayed behind" in page, "archives/" in page) == (True, False)
    archives = exporter(village.settings)
    await archives.write_missing(village.database)
    await archives.write_missing(village.database)  # a second run changes nothing
    assert "We are packing it." in (await jana.get("/settings/export")).text
    await village.work()
    page = (await jana.get("/settings/export")).text
    assert ("stayed behind" in page, f"archives/{export_id}" in page) == (False, True)
    again = (await jana.get(f"/settings/export/archives/{export_id}")).body
    assert ZipFile(io.BytesIO(again)).namelist() == ZipFile(io.BytesIO(kept)).namelist()
    await archives.write_missing(village.database)
    assert "archives/" in (await jana.get("/settings/export")).text  # what is here is not written again


async def test_an_interrupted_archive_is_written_again(village: Village, jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, tries = Archive._uris, []

    async def killed_once(self: Archive, name: str):  # type: ignore[no-untyped-def]
        tries.append(name)
        if len(tries) == 1:
            raise OSError("killed")
        async for some in whole(self, name):
            yield some

    monkeypatch.setattr(Archive, "_uris", killed_once)
    assert (await _submit(jana, "/settings/export")).status == 303
    await village.work()
    assert "archives/" not in (await jana.get("/settings/export")).text
    async with village.database.write() as tx:
        await tx.execute("UPDATE jobs SET due_at = now()")
    await village.work()
    assert "archives/" in (await jana.get("/settings/export")).text
    assert list(village.settings.data.glob("exports/*.part")) == []
    assert "exports" not in (await jana.get("/notifications")).text
    assert "/settings/export" in (await jana.get("/notifications")).text


async def test_a_suspended_member_can_take_everything_and_leave(village: Village, jana: Visitor) -> None:
    await _live(village)
    async with village.database.write() as tx:
        await posts.set_account_effect(tx, village.people["jana"].id, AccountEffect.SUSPENDED)
    archive = await _archive(village, jana)
    assert len(json.loads(archive.read("outbox.json"))["orderedItems"]) == 5
    assert (await _submit(jana, "/settings/delete", password=PASSWORD, knows="true")).status == 200


@pytest.mark.parametrize("fields", [{"password": "spatne heslo", "knows": "true"}, {"password": PASSWORD}, {"knows": "true"}])
async def test_deletion_needs_the_password_and_a_tick(village: Village, jana: Visitor, fields: dict[str, str]) -> None:
    answer = await _submit(jana, "/settings/delete", **fields)
    assert answer.status == 422
    assert (await jana.get("/settings")).status == 200
    assert (await _submit(jana, "/settings/delete", password=PASSWORD, knows="true")).status == 200


async def test_the_page_and_the_mail_offer_to_stay(village: Village, jana: Visitor) -> None:
    view = await village.write("jana")
    for where in ("page", "mail"):
        browser, _ = await _log_in(village)
        answer = await _submit(browser, "/settings/delete", password=PASSWORD, knows="true")
        assert "folkmoot" not in browser.cookies
        assert (await village.nobody().get(f"/@jana/{view.post.id}")).status == 404
        assert (await browser.get("/settings")).status == 303
        await village.work()
        [mail] = village.settings.data.glob("outbox/*.eml")
        text = answer.text if where == "page" else mail.read_text()
        mail.unlink()
        link = re.search(r"/stay/[\w-]+", text)
        assert link
        stayed = await _submit(browser, link[0])
        assert stayed.headers["location"] == "/log_in?stayed=1"
        assert (await village.nobody().get(f"/@jana/{view.post.id}")).status == 200
        assert (await _submit(browser, link[0])).status == 404


async def test_logging_in_again_keeps_the_account(village: Village, jana: Visitor) -> None:
    view = await village.write("jana")
    await _submit(jana, "/settings/delete", password=PASSWORD, knows="true")
    _, wrong = await _log_in(village, "spatne heslo")
    assert wrong.status == 422
    assert (await village.nobody().get(f"/@jana/{view.post.id}")).status == 404
    browser, answer = await _log_in(village)
    assert answer.headers["location"] == "/settings/delete?stayed=1"
    assert (await browser.get("/settings/delete?stayed=1")).status == 200
    assert (await village.nobody().get(f"/@jana/{view.post.id}")).status == 200
    async with village.database.write() as tx:
        await tx.execute("UPDATE jobs SET due_at = now()")
    await village.work()
    async with village.database.read() as conn:
        assert await find_account_by_name(conn, "jana")


async def test_after_half_an_hour_there_is_no_way_back(village: Village, jana: Visitor) -> None:
    answer = await _submit(jana, "/settings/delete", password=PASSWORD, knows="true")
    link = re.search(r"/stay/[\w-]+", answer.text)
    assert link
    await village.work()  # the mail is sent
    async with village.database.write() as tx:
        await tx.execute("UPDATE departures SET due_at = now()")
        await tx.execute("UPDATE jobs SET due_at = now()")
    await village.work()
    assert (await _submit(jana, link[0])).status == 404
    _, answer = await _log_in(village)
    assert answer.status == 422


async def test_the_last_operator_is_told_why_not(village: Village, jana: Visitor) -> None:
    async with village.database.write() as tx:
        await logins.update_role(tx, village.people["jana"].id, Role.OPERATOR)
    answer = await _submit(jana, "/settings/delete", password=PASSWORD, knows="true")
    assert (answer.status, "only operator" in answer.text) == (422, True)


async def test_what_moderation_stores_of_the_member_is_in_the_archive(court: Court) -> None:
    view = await court.village.write("author", "Zítra tě najdu a zabiju.", language="cs")
    await court.report("reporter", view, comment="Mám strach.")
    await court.village.work()
    await court.decide("moderator", (await court.queue())[0], "remove", explanation="Vyhrožuje.")
    for name, file, words in (("author", "statements.json", "Vyhrožuje."), ("reporter", "reports.json", "Mám strach.")):
        archive = await _archive(court.village, await court.village.by_browser(name))
        assert [words in json.dumps(item, ensure_ascii=False) for item in json.loads(archive.read(file))] == [True]
