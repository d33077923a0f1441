"""Cards of linked pages: what is fetched and how often, what of a page is shown and where, and what never is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.app import cards
from folkmoot.base import clock
from folkmoot.base.http_client import Answer
from folkmoot.network.cards.addresses import first_address, normal_address
from folkmoot.network.cards.pages import completed, preview_of
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import delete_post, set_effect
from folkmoot.network.posts.model import PostEffect, Visibility
from tests.linked_pages import ADDRESS, Sites, picture, sites_up
from tests.village import Village

HEAD = """<title>Noviny</title><meta property="og:title" content="Most přes řeku stojí">
<meta property="og:description" content="Po třech letech &amp; čtyřech povodních"><meta property="og:site_name" content="Noviny z kraje">
<meta name="author" content="Jana Nováková"><meta property="og:image" content="/most.jpg"><meta property="og:image:alt" content="Most">
<meta property="article:published_time" content="2026-11-01T08:00:00+01:00"><meta property="og:locale" content="cs_CZ">"""


@pytest.fixture
async def sites() -> AsyncIterator[Sites]:
    async with sites_up() as up:
        up.put(ADDRESS, HEAD)
        up.put("http://noviny.example/most.jpg", body=picture(), kind="image/jpeg")
        yield up


async def _card(village: Village, post_id: int, name: str = "author") -> Any:
    answer = await (await village.by_app(name)).get(f"/api/v1/statuses/{post_id}")
    return answer.json["card"]


async def test_a_page_is_fetched_once_a_day_and_shown_at_every_door(village: Village, sites: Sites) -> None:
    await village.settle("author", "reader")
    await village.follow("reader", "author")
    first = await village.write("author", f"Čtěte {ADDRESS}#pod-mostem, stojí to za to")
    before = await (await village.by_app("reader")).get("/api/v1/timelines/home")
    assert before.json[0]["card"] is None  # rendered without it: the version must be raised
    await sites.fetch_all(village)
    second = await village.write("author", f"A znovu: {ADDRESS}")
    await sites.fetch_all(village)
    assert sites.asked == ["noviny.example/clanek", "noviny.example/most.jpg"]

    card = await _card(village, first.post.id)
    assert card["url"] == ADDRESS
    assert (card["title"], card["description"]) == ("Most přes řeku stojí", "Po třech letech & čtyřech povodních")
    assert (card["provider_name"], card["provider_url"], card["language"]) == ("Noviny z kraje", "http://noviny.example", "cs")
    assert card["authors"] == [{"name": "Jana Nováková", "url": "", "account": None}]
    assert (card["type"], card["html"], card["embed_url"]) == ("link", "", "")
    assert card["published_at"] == "2026-11-01T07:00:00.000Z"
    assert card["image_description"] == "Most"
    assert card["blurhash"]
    assert card["width"] > card["height"] > 0
    reader = await village.by_app("reader")
    doors = [f"/api/v1/accounts/{first.post.author.id}/statuses", "/api/v1/timelines/home", "/api/v1/timelines/public"]
    for door in doors:
        assert [one["card"] for one in (await reader.get(door)).json] == [card, card], door
    assert await _card(village, second.post.id, "reader") == card
    page = (await village.nobody().get(f"/@author/{first.post.id}")).text
    assert f'href="{ADDRESS}"' in page
    assert "Most přes řeku stojí" in page
    assert "noviny.example" in page
    served = await village.nobody().get("/media/" + card["image"].partition("/media/")[2])
    assert served.status == 200
    assert served.headers["content-type"] == "image/jpeg"

    sites.put(ADDRESS, "<title>Most spadl</title>")
    with clock.stopped_at(clock.now() + timedelta(days=1, minutes=1)):
        await village.write("author", ADDRESS)
        await sites.fetch_all(village)
    assert sites.asked[2:] == ["noviny.example/clanek"]
    changed = await _card(village, first.post.id)
    assert (changed["title"], changed["image"]) == ("Most spadl", None)
    home = (await reader.get("/api/v1/timelines/home")).json  # from renderings that are kept: the versions must be raised
    assert [one["card"] for one in home if one["id"] == str(first.post.id)] == [changed]
    assert (await village.nobody().get("/media/" + card["image"].partition("/media/")[2])).status == 404


async def test_private_and_covered_posts_are_never_fetched(village: Village, sites: Sites) -> None:
    await village.settle("author")
    drafts: list[dict[str, Any]] = [{"visibility": Visibility.FOLLOWERS}, {"visibility": Visibility.DIRECT, "text": f"@author {ADDRESS}"},
                  {"cover": "Konec filmu"}, {"is_sensitive": True}]
    for draft in drafts:
        await village.write("author", **{"text": ADDRESS, **draft})
    await sites.fetch_all(village)
    assert sites.asked == []
    shown = await village.write("author", ADDRESS, visibility=Visibility.UNLISTED)
    await sites.fetch_all(village)
    assert (await _card(village, shown.post.id))["title"]


async def test_an_edit_and_a_label_take_the_card_away(village: Village, sites: Sites) -> None:
    await village.settle("author")
    app = await village.by_app("author")
    post_id = (await village.write("author", ADDRESS)).post.id
    await sites.fetch_all(village)
    assert await _card(village, post_id)
    await app.send("PUT", f"/api/v1/statuses/{post_id}", {"status": ADDRESS, "spoiler_text": "Pozor"})
    assert await _card(village, post_id) is None
    await village.work()
    await app.send("PUT", f"/api/v1/statuses/{post_id}", {"status": ADDRESS})
    await sites.fetch_all(village)
    assert (await _card(village, post_id))["title"]
    async with village.database.write() as tx:
        await set_effect(tx, post_id, PostEffect.LABEL, "violence")
    assert await _card(village, post_id) is None


async def test_nothing_of_a_hostile_page_runs_or_leads_inside(village: Village, sites: Sites) -> None:
    await village.settle("author")
    sites.put("http://zly.example/", """<meta property="og:title" content="<script>alert(1)</script>&quot;onload=x">
        <meta property="og:image" content="http://169.254.169.254/latest/meta-data"><meta property="og:description" content="<b>tučně</b>">
        <meta name="author" content="javascript:alert(1)"><link rel="alternate" type="application/json+oembed" href="http://intranet.example/">""")
    sites.private.add("intranet.example")
    sites.redirects["dum.example/"] = "http://intranet.example/tajne"
    first = await village.write("author", "http://zly.example")
    second = await village.write("author", "http://dum.example/")
    await sites.fetch_all(village)
    assert sorted(sites.asked) == ["dum.example/", "zly.example/"]
    card = await _card(village, first.post.id)
    assert card["title"] == '<script>alert(1)</script>"onload=x'  # a text, for whoever shows it
    assert (card["image"], card["html"], card["author_url"]) == (None, "", "")
    page = (await village.nobody().get(f"/@author/{first.post.id}")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;onload=x" in page
    assert "<script>alert(1)" not in page
    assert "<b>tučně" not in page
    assert await _card(village, second.post.id) is None
    await village.write("author", "Zas: http://dum.example/")
    await sites.fetch_all(village)
    assert len(sites.asked) == 2  # the failure is remembered for a day


async def test_the_picture_goes_with_the_last_post_that_shows_it(village: Village, sites: Sites) -> None:
    await village.settle("author")
    hidden, deleted = await village.write("author", ADDRESS), await village.write("author", ADDRESS)
    await sites.fetch_all(village)
    image = "/media/" + (await _card(village, hidden.post.id))["image"].partition("/media/")[2]
    async with village.database.write() as tx:
        await set_effect(tx, hidden.post.id, PostEffect.HIDDEN, None)
    assert (await village.nobody().get(image)).status == 200
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], deleted.post.id)
    assert (await village.nobody().get(image)).status == 404
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], hidden.post.id)
    store = media_store(village.settings)
    names = [name async for name in store.list_older_than(clock.now() + timedelta(hours=1))]
    assert len(names) == 1
    await cards(village.settings).forget(village.database)
    assert await store.size(names[0])  # within a day the address may come again
    with clock.stopped_at(clock.now() + timedelta(days=1, minutes=1)):
        await cards(village.settings).forget(village.database)
    assert await store.size(names[0]) is None


def _answer(body: bytes, kind: str = "text/html") -> Answer:
    return Answer(200, {"content-type": kind}, body, "https://noviny.example/a/b")


def test_a_page_is_read_in_its_own_character_set() -> None:
    text = '<html lang="cs"><meta charset="windows-1250"><title>Žluťoučký kůň</title>'
    preview = preview_of(_answer(text.encode("windows-1250")))
    assert (preview.title, preview.language) == ("Žluťoučký kůň", "cs")
    assert preview_of(_answer('<meta charset="zlib"><title>Kůň</title>'.encode())).title == "Kůň"
    assert preview_of(_answer(b"%PDF-1.7 <title>x</title>", "application/pdf")).title == ""


def test_only_the_head_is_read_and_the_first_of_two_counts() -> None:
    page = '<meta name="description" content="one"><meta name="description" content="two"><body><meta property="og:title" content="x">'
    preview = preview_of(_answer(page.encode()))
    assert (preview.title, preview.description) == ("", "one")


def test_an_oembed_document_says_what_the_head_does_not() -> None:
    preview = preview_of(_answer(b'<title>A film</title><link rel="alternate" type="application/json+oembed" href="/oembed?u=1">'))
    assert preview.oembed_url == "https://noviny.example/oembed?u=1"
    document = b'{"title":"Other","author_name":"Jan","author_url":"javascript:x","thumbnail_url":"t.jpg","html":"<iframe>"}'
    full = completed(preview, _answer(document))
    assert (full.title, full.author_name, full.author_url, full.picture_url) == (
        "A film", "Jan", "", "https://noviny.example/a/t.jpg")
    assert completed(preview, _answer(b'{"title": 7}')) == preview


_PARTS = [b"<", b"<!--", b"<a a='", b"<title>", b"<meta name=description content=", b"<![CDATA[", b"<?", b"&#", b"</"]


@pytest.mark.parametrize("part", _PARTS)
def test_hostile_pages_take_little_time(part: bytes) -> None:
    page = _answer(part * (512 * 1024 // len(part)))
    began = clock.monotonic()
    preview_of(page)
    assert clock.monotonic() - began < 3


def test_one_spelling_of_an_address() -> None:
    assert normal_address("HTTP://Čaj.example:80/šálek?a=č#x") == "http://xn--aj-dma.example/%C5%A1%C3%A1lek?a=%C4%8D"
    assert normal_address("http://example.org/%C5%A1") == "http://example.org/%C5%A1"
    assert normal_address("http://10.0.0.1/") is None
    assert normal_address("http://example.org:8080/") is None
    text = "Tady http://localhost:8420/@a/1 a http://127.0.0.1/x i https://example.org/a."
    assert first_address(text, "http://localhost:8420") == "https://example.org/a"
