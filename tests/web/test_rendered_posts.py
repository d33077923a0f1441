"""A post that comes from memory reads as one that is rendered now, whoever reads it and whatever has changed since."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from markupsafe import Markup

from folkmoot.base import clock
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import set_effect
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.web.kept_accounts import KeptAccounts
from folkmoot.web.rendered_posts import RenderedKey, RenderedPosts
from tests.village import Village, Visitor

_TOKENS = re.compile(r'name="form_(token|id)" value="[^"]*"')


async def _page(village: Village, visitor: Visitor, path: str, **headers: str) -> str:
    village.forget_pages()
    answer = await visitor.get(path, **headers)
    assert answer.status == 200
    return _TOKENS.sub("", answer.text)


async def test_a_post_from_memory_reads_as_one_rendered_now(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    await village.settle("author", "reader")
    await village.follow("reader", "author")
    post = (await village.write("author", "První slova #kašna", quote_policy=0)).post
    await village.write("author", "jen pro mé", visibility=Visibility.FOLLOWERS)
    await village.write("reader", "@author odpověď", reply_to_id=post.id)
    author, reader = await village.by_browser("author"), await village.by_browser("reader")
    author_app, reader_app = await village.by_app("author"), await village.by_app("reader")
    times = Counter[bool]()
    find = RenderedPosts.find

    def counted(self: RenderedPosts, key: RenderedKey | None) -> Markup | None:
        found = find(self, key)
        times[found is not None] += 1
        return found

    async def compare(what_changed: str) -> None:
        await village.work()
        await fold_counters(village.database)
        for member in (author, reader):
            await member.get("/")  # what is new is read now
            await member.get("/notifications")
        for visitor, language, paths in (
            (author, "", ("/@author", "/notifications")), (reader, "", ("/", f"/@author/{post.id}")),
            (village.nobody(), "en", ("/@author",)), (village.nobody(), "cs", ("/@author",)),
        ):
            for path in paths:
                shown = await _page(village, visitor, path, accept_language=language)
                with monkeypatch.context() as patched:
                    patched.setattr(RenderedPosts, "find", lambda _self, _key: None)
                    patched.setattr(village.front._pages._shared, "accounts", KeptAccounts())
                    assert shown == await _page(village, visitor, path, accept_language=language), (what_changed, path, language)

    monkeypatch.setattr(RenderedPosts, "find", counted)
    await compare("nothing")
    for verb in ("favourite", "bookmark", "reblog", "mute", "unbookmark"):
        await reader_app.post(f"/api/v1/statuses/{post.id}/{verb}")
        await compare(verb)
    await author_app.post(f"/api/v1/statuses/{post.id}/favourite")
    await compare("a count alone")
    await author_app.post(f"/api/v1/statuses/{post.id}/pin")
    await compare("pin")
    await author_app.send("PUT", f"/api/v1/statuses/{post.id}", {"status": "Jiná slova #kašna"})
    await compare("edit")
    await author_app.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "Anna od mlýna"})
    await compare("name of the author")
    await reader_app.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "Karel od lesa"})
    await compare("name of who has boosted it")
    async with village.database.write() as tx:
        await set_effect(tx, post.id, PostEffect.LABEL, "violence")
    await compare("label")
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await compare("day")
    assert times[True] > times[False]


def test_the_least_recently_used_posts_are_dropped() -> None:
    posts = RenderedPosts(most_bytes=2500)
    keys: list[RenderedKey] = [("en", 1, clock.now().date(), (number, 1, 1), None, 0, 0, 0, 0, 0, "", "", False) for number in range(3)]
    for key in keys[:2]:
        posts.keep(key, Markup("š" * 300))
    assert posts.find(keys[0]) == "š" * 300
    assert isinstance(posts.find(keys[0]), Markup)
    posts.keep(keys[2], Markup("č" * 300))
    assert [posts.find(key) is not None for key in keys] == [True, False, True]
    assert posts.keep(None, Markup("x")) == "x"
    assert posts.find(None) is None


async def test_lists_of_posts_from_memory_show_what_was_edited_and_not_what_was_hidden(village: Village) -> None:
    await village.settle("author", "reader")
    post = (await village.write("author", "@reader stará slova #kašna")).post
    message = (await village.write("author", "@reader stará zpráva", visibility=Visibility.DIRECT)).post
    await village.work()
    reader, reader_app = await village.by_browser("reader"), await village.by_app("reader")
    author_app = await village.by_app("author")
    for verb in ("favourite", "bookmark"):
        await reader_app.post(f"/api/v1/statuses/{post.id}/{verb}")
    public = ("/@author", "/@author/with_replies", f"/@author/{post.id}", "/@author/tagged/kašna", "/bookmarks", "/favourites",
              "/notifications", "/search?q=slova")
    private = ("/messages", f"/messages/{message.conversation_id}", "/api/v1/conversations")

    async def shows(words: str) -> set[str]:
        """The addresses of pages with these words."""
        pages = {path: await (reader_app if path.startswith("/api") else reader).get(path) for path in (*public, *private)}
        return {path for path, page in pages.items() if words in page.text}

    assert await shows("stará") == {*public, *private}
    for id_, words in ((post.id, "nová slova #kašna"), (message.id, "nová zpráva")):
        await author_app.send("PUT", f"/api/v1/statuses/{id_}", {"status": f"@reader {words}"})
    assert (await shows("stará"), await shows("nová")) == (set(), {*public, *private})
    async with village.database.write() as tx:
        for id_ in (post.id, message.id):
            await set_effect(tx, id_, PostEffect.HIDDEN, "violence")
    assert await shows("nová") == set()
