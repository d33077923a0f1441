"""Pages of filters: creating, changing and deleting them, and what they do to the pages on which posts are shown."""

import re
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.network.filters import actions
from folkmoot.network.filters.model import FilterAction, FilterContext, FilterDraft, KeywordDraft
from folkmoot.network.notifications.model import topic
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import Post, Visibility
from tests.api.test_accounts import picture
from tests.village import Answer, Village, Visitor
from tests.waiting import until
from tests.web.test_live import OpenPage
from tests.web.test_pages import form_token

_NEW, _ALL = "/settings/filters/new", "/settings/filters"


async def _send(visitor: Visitor, page: str, path: str, **form: object) -> Answer:
    token = form_token((await visitor.get(page)).text)
    return await visitor.post(path, {"form_token": token, **form})


async def _filter(village: Village, *words: str, **more: Any) -> int:
    draft = FilterDraft(**{
        "title": "Vodní zdroje", "contexts": ["home"], "keywords": tuple(KeywordDraft(text=word) for word in words), **more
    })
    async with village.database.write() as tx:
        return (await actions.create_filter(tx, village.people["jana"], draft)).id


def _main(answer: Answer) -> str:
    assert answer.status == 200
    return answer.text.partition("<main")[2].partition("</main")[0]


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    await village.follow("jana", "karel")
    return await village.by_browser("jana")


async def test_a_filter_through_the_pages(village: Village, jana: Visitor) -> None:
    await village.write("karel", "KASNA teče.")
    await village.write("karel", "Fotbalista sedí.")
    assert 'href="/settings/filters"' in (await jana.get("/settings")).text
    everywhere = [context.value for context in FilterContext]
    refused = await _send(jana, _NEW, _ALL, title=" ", action="warn")
    assert (refused.status, "A filter needs a name." in refused.text, "Choose where" in refused.text) == (422, True, True)
    kept = {"keywords": "kašna\n\n  voda \nkašna", "parts": "fotbal", "action": "warn", "contexts[]": everywhere}
    refused = await _send(jana, _NEW, _ALL, **{**kept, "title": "x" * 300})
    assert (refused.status, "kašna\n\n  voda" in refused.text, ">fotbal</textarea>" in refused.text) == (422, True, True)
    assert (await _send(jana, _NEW, _ALL, **kept)).headers["location"] == f"{_ALL}?saved=1"
    listed = _main(await jana.get(_ALL))
    assert "3 words" in listed
    where = re.findall(r'href="(/settings/filters/\d+)"[^>]*>kašna<', listed)[0]
    home = _main(await jana.get("/"))
    assert home.count("Filtered: kašna") == 2
    form = _main(await jana.get(where))
    assert ('value="warn" checked' in form, form.count("checked"), "kašna\nvoda</textarea>" in form) == (True, 6, True)
    async with village.database.read() as conn:
        before = {row["keyword"]: row["id"] for row in await conn.fetch("SELECT id, keyword FROM filter_keywords")}
    changed = {"title": "Voda", "keywords": "kašna\npotok", "parts": "", "action": "hide", "contexts[]": ["home"], "expires_in": "3600"}
    assert (await _send(jana, where, where, **changed)).status == 303
    async with village.database.read() as conn:
        after = {row["keyword"]: row["id"] for row in await conn.fetch("SELECT id, keyword FROM filter_keywords")}
    assert (set(after), after["kašna"] == before["kašna"]) == ({"kašna", "potok"}, True)
    assert ("KASNA" in (home := _main(await jana.get("/"))), "Fotbalista" in home, "Filtered" in home) == (False, True, False)
    form = _main(await jana.get(where))
    assert ('value="hide" checked' in form, form.count("checked"), 'value="unchanged" selected' in form) == (True, 2, True)
    await _send(jana, where, where, **{**changed, "expires_in": "unchanged", "keywords": "kašna"})
    async with village.database.read() as conn:
        end = await conn.fetchval("SELECT expires_at FROM filters")
    assert timedelta(minutes=50) < end - clock.now() <= timedelta(hours=1)
    with clock.stopped_at(end + timedelta(seconds=1)):
        assert "KASNA" in _main(await jana.get("/"))
        assert "This filter is over." in _main(await jana.get(where))
    assert (await _send(jana, where, f"{where}/delete")).headers["location"] == f"{_ALL}?deleted=1"
    assert "KASNA" in _main(await jana.get("/"))
    assert (await jana.get(where)).status == 404


async def test_one_post_is_filtered_from_its_menu(village: Village, jana: Visitor) -> None:
    post = (await village.write("karel", "Zpráva dne")).post
    path = f"/posts/{post.id}/filters"
    assert f'href="{path}"' in (await jana.get("/")).text
    assert f'href="/settings/filters/new?post={post.id}"' in (await jana.get(path)).text
    created = await _send(jana, f"{_NEW}?post={post.id}", _ALL, **{"title": "Už ne", "contexts[]": ["home"], "post": post.id})
    assert created.status == 303
    assert "Filtered: Už ne" in _main(await jana.get("/"))
    other = await _filter(village)
    page = (await jana.get(path)).text
    [first] = re.findall(r'value="(\d+)" checked', page)
    assert "A post by Karel" in (await jana.get(f"{_ALL}/{first}")).text
    assert (await _send(jana, path, path, **{"filters[]": [other]})).headers["location"] == f"/@karel/{post.id}"
    assert re.findall(r'value="(\d+)" checked', (await jana.get(path)).text) == [str(other)]
    assert "Filtered: Vodní zdroje" in _main(await jana.get("/"))
    [remove] = re.findall(r'formaction="(/settings/filters/posts/\d+/remove)"', (await jana.get(f"{_ALL}/{other}")).text)
    assert (await _send(jana, path, remove)).headers["location"] == f"{_ALL}/{other}"
    assert "Filtered" not in _main(await jana.get("/"))


async def test_filters_are_private(village: Village, jana: Visitor) -> None:
    one = await _filter(village, "kašna")
    post = (await village.write("karel", "Kašna")).post
    eva = await village.by_browser("eva")
    assert (await eva.get(f"{_ALL}/{one}")).status == 404
    for path in (f"{_ALL}/{one}", f"{_ALL}/{one}/delete", f"{_ALL}/posts/{one}/remove"):
        assert (await _send(eva, _ALL, path, title="x", **{"contexts[]": ["home"]})).status == 404
    path = f"/posts/{post.id}/filters"
    assert (await _send(eva, path, path, **{"filters[]": [one]})).status == 404
    assert "Filtered" not in (await eva.get("/explore")).text
    secret = (await village.write("eva", visibility=Visibility.FOLLOWERS)).post
    assert (await jana.get(f"/posts/{secret.id}/filters")).status == 404
    assert (await village.nobody().get(_ALL)).headers["location"] == "/log_in?next=/settings/filters"


async def _scene(village: Village) -> dict[str, FilterContext | None]:
    """A filtered post on each page: by its path, the context of the page. None: nothing is filtered there."""
    root = (await village.write("jana", "Co je nového?")).post
    reply = (await village.write("karel", "@jana #kašna teče", reply_to_id=root.id)).post
    top = (await village.write("karel", "#kašna stojí")).post
    await village.write("eva", "@jana kašna", visibility=Visibility.DIRECT)
    async with village.database.write() as tx:
        await posts.bookmark_post(tx, village.people["jana"], top.id)
    browser = await village.by_browser("jana")
    made = await _send(browser, "/lists", "/lists", title="Sousedé")
    list_id = int(made.headers["location"].rpartition("/")[2])
    karel = village.people["karel"].id
    await _send(browser, f"/accounts/{karel}/lists", f"/accounts/{karel}/lists", **{"lists[]": [list_id]})
    await village.work()
    async with village.database.read() as conn:
        talk = await conn.fetchval("SELECT conversation_id FROM posts WHERE visibility = 3")
    return {
        "/": FilterContext.HOME, f"/lists/{list_id}": FilterContext.HOME, "/explore": FilterContext.PUBLIC,
        "/tags/kašna": FilterContext.PUBLIC, "/@karel": FilterContext.ACCOUNT, "/@karel/tagged/kašna": FilterContext.ACCOUNT,
        f"/@jana/{root.id}": FilterContext.THREAD, f"/messages/{talk}": FilterContext.THREAD,
        "/notifications": FilterContext.NOTIFICATIONS, f"/@karel/{reply.id}": None, "/bookmarks": None,
    }


async def test_each_page_is_filtered_in_its_context_only(village: Village, jana: Visitor) -> None:
    pages = await _scene(village)
    filters = {context: await _filter(village, "kašna", title=f"in {context}", contexts=[context]) for context in FilterContext}
    found = {path: set(re.findall(r"Filtered: in (\w+)", _main(await jana.get(path)))) for path in pages}
    assert found == {path: {context.value} if context else set() for path, context in pages.items()}
    for filter_id in filters.values():
        async with village.database.write() as tx:
            await actions.change_filter(tx, village.people["jana"], filter_id, FilterDraft(action=FilterAction.HIDE))
    shown = {path: "kašna" in re.sub(r"<[^>]*>", "", _main(await jana.get(path))).replace("#kašna ·", "") for path in pages}
    expected = {path: context is None for path, context in pages.items()}
    assert {**shown, "/tags/kašna": False, "/@karel/tagged/kašna": False} == expected  # these have the word in their heads
    for path in ("/tags/kašna", "/@karel/tagged/kašna"):
        assert 'class="post' not in _main(await jana.get(path))


async def test_a_blurred_post_keeps_its_text(village: Village, jana: Visitor) -> None:
    await _filter(village, "kašna", action=FilterAction.BLUR)
    await village.write("karel", "Kašna bez obrázku")
    home = _main(await jana.get("/"))
    assert ("Kašna bez obrázku" in home, "Filtered" in home) == (True, False)
    karel = await village.by_app("karel")
    media = (await karel.upload("/api/v2/media", "file", picture(), description="Kašna v zimě")).json
    await karel.post("/api/v1/statuses", {"status": "S obrázkem", "media_ids[]": [media["id"]]})
    await village.work()
    before, _, cover = _main(await jana.get("/")).partition('<details class="cover">')
    assert "S obrázkem" in before
    assert ("Filtered: Vodní zdroje" in cover, 'alt="Kašna v zimě"' in cover) == (True, True)


@pytest.mark.usefixtures("known_viewers")
async def test_hidden_notices_are_not_counted(village: Village, jana: Visitor) -> None:
    for text in ("@jana kašna", "@jana ahoj", "@jana zase kašna"):
        await village.write("karel", text)
    await village.work()
    badge = re.compile(r'data-waiting="notices"[^>]*>.*?<span data-count>(\d+)</span>', re.S)

    async def count() -> set[str]:
        return set(badge.findall((await jana.get("/settings")).text))

    assert await count() == {"3"}
    await _filter(village, "kašna", contexts=["notifications"])
    assert await count() == {"3"}
    hiding = await _filter(village, "kašna", contexts=["notifications"], action=FilterAction.HIDE)
    assert await count() == {"1"}
    before = village.database.statements
    await jana.get("/settings")
    assert village.database.statements - before == 2  # what waits, and which unread notices are about which posts
    async with village.database.write() as tx:
        await actions.delete_filter(tx, village.people["jana"], hiding)
    assert await count() == {"3"}
    before = village.database.statements
    await jana.get("/settings")
    assert village.database.statements - before == 1


async def test_replies_to_a_hidden_reply_stay(village: Village, jana: Visitor) -> None:
    def ids(main: str) -> list[str]:
        return re.findall(r'id="p(\d+)"', main)

    async def reply(name: str, text: str, to: Post) -> Post:
        return (await village.write(name, text, reply_to_id=to.id)).post

    root = (await village.write("eva", "Začátek")).post
    hidden = await reply("karel", "kašna", root)
    below = await reply("eva", "dobře", hidden)
    await _filter(village, "kašna", contexts=["thread"], action=FilterAction.HIDE)
    assert ids(_main(await jana.get(f"/@eva/{root.id}"))) == [str(root.id), str(below.id)]
    assert ids(_main(await jana.get(f"/@eva/{below.id}"))) == [str(root.id), str(below.id)]
    assert ids(_main(await jana.get(f"/@karel/{hidden.id}"))) == [str(root.id), str(hidden.id), str(below.id)]


async def test_an_open_page_does_not_count_what_it_would_hide(village: Village, jana: Visitor) -> None:
    await _filter(village, "kašna", contexts=["home", "notifications"], action=FilterAction.HIDE)
    await village.follow("eva", "karel")
    page, other = OpenPage(village, jana), OpenPage(village, await village.by_browser("eva"))
    for one in (page, other):
        await one.receives(": here")
    for text in ("Kašna teče, @jana", "@jana, přijdeš?"):
        await village.write("karel", text)
        await village.work()
    await page.receives('event: posts\ndata: {"count":1,')
    await page.receives('event: waiting\ndata: {"notices":1,')
    await _filter(village, "zvon", action=FilterAction.HIDE)  # a change is heard while the page is open
    for text in ("Zvon mlčí", "Dobrou noc"):
        await village.write("karel", text)
        await village.work()
    await other.receives('event: posts\ndata: {"count":4,')  # all posts are announced
    for _ in range(2):  # the events of a page are in order: after the second one, everything before it was sent
        before = page.received.count("event: waiting")
        village.database.live.publish(topic(village.people["jana"].id), 0)
        await until(lambda: page.received.count("event: waiting") > before)  # noqa: B023
    assert re.findall(r'"count":(\d+)', page.received)[-1] == "2"
    assert '"notices":2' not in page.received
    await page.close()
    await other.close()


@pytest.mark.parametrize("action", [FilterAction.WARN, FilterAction.HIDE])
async def test_a_filtered_post_is_folded_where_it_is_quoted(village: Village, jana: Visitor, action: FilterAction) -> None:
    quoted = await village.write("eva", "Kasna teče.")
    await village.write("karel", "Podívejte", quoted_id=quoted.post.id)
    await village.work()
    assert "<details><summary" not in _main(await jana.get("/"))
    await _filter(village, "kasna", action=action)
    page = _main(await jana.get("/"))
    assert re.search(r"Podívejte.*<blockquote[^>]*>\s*<details><summary.*Filtered: .*Vodní zdroje.*</summary>.*Kasna teče", page, re.S)
