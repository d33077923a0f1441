"""Quotes on the pages: writing one without JavaScript, what each state shows, the page of quotes, revoking, and the choices."""

import re

import pytest

from folkmoot.network.posts.actions import set_effect
from folkmoot.network.posts.model import PostEffect, PostView, QuotePolicy, Visibility
from folkmoot.network.relations import actions as relations
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

WORDS = "slova-k-citovani"


async def _settled(village: Village, **draft: object) -> tuple[PostView, PostView]:
    """Somebody's post, and a quote of it."""
    await village.settle("author", "quoter", "viewer")
    quoted = await village.write("author", WORDS, **draft)
    quoting = await village.write("quoter", "viz", quoted_id=quoted.post.id)
    await village.work()
    return quoted, quoting


async def _send(visitor: Visitor, page: str, address: str, **form: object) -> Answer:
    return await visitor.post(address, {"form_token": form_token((await visitor.get(page)).text), **form})


async def test_a_quote_is_written_from_the_menu_of_a_post(village: Village) -> None:
    quoted, _ = await _settled(village)
    viewer = await village.by_browser("viewer")
    where = f"/posts/new?quote={quoted.post.id}"
    assert where in (await viewer.get(f"/@author/{quoted.post.id}")).text
    form = (await viewer.get(where)).text
    assert WORDS in form
    assert f'name="quote" value="{quoted.post.id}"' in form
    sent = {"text": "moje slova", "purpose": "quote", "quote": quoted.post.id, "visibility": "0", "quote_policy": "2"}
    answer = await _send(viewer, where, "/posts", has_tools="true", **sent)
    assert answer.status == 303
    page = await viewer.get(answer.headers["location"])
    assert re.search(rf'moje slova.*<blockquote class="quoted quote" data-quoted="{quoted.post.id}">.*{WORDS}', page.text, re.S)
    api = (await (await village.by_app("viewer")).get("/api/v1/timelines/public")).json
    assert api[0]["quote_approval"]["automatic"] == []


async def test_a_refused_form_keeps_the_quote(village: Village) -> None:
    quoted, _ = await _settled(village)
    viewer = await village.by_browser("viewer")
    where = f"/posts/new?quote={quoted.post.id}"
    answer = await _send(viewer, where, "/posts", text="x" * 501, purpose="quote", quote=quoted.post.id, visibility="0", quote_policy="1")
    assert answer.status == 422
    assert WORDS in answer.text
    assert '<option value="1" selected>' in answer.text
    async with village.database.write() as tx:
        await set_effect(tx, quoted.post.id, PostEffect.HIDDEN, None)
    answer = await _send(viewer, "/posts/new", "/posts", text="moje slova", purpose="quote", quote=quoted.post.id, visibility="0")
    assert answer.status == 422
    assert "moje slova" in answer.text
    assert WORDS not in answer.text
    assert "no longer there for you to quote" in answer.text
    assert 'name="quote"' not in answer.text


async def test_only_those_who_may_quote_are_offered_it(village: Village) -> None:
    await village.settle("author", "viewer")
    quoted = await village.write("author", quote_policy=QuotePolicy.NOBODY)
    private = await village.write("author", visibility=Visibility.FOLLOWERS)
    author, viewer = await village.by_browser("author"), await village.by_browser("viewer")
    where = f"/posts/new?quote={quoted.post.id}"
    assert where in (await author.get(f"/@author/{quoted.post.id}")).text
    assert where not in (await viewer.get(f"/@author/{quoted.post.id}")).text
    assert (await viewer.get(where)).status == 403
    own = await author.get(f"/posts/new?quote={private.post.id}")
    assert re.search(r'id="visibility-2"[^>]*checked', own.text)


@pytest.mark.parametrize("viewer", ["viewer", "quoter", None])
async def test_what_may_not_be_shown_is_nowhere_on_the_pages(village: Village, viewer: str | None) -> None:
    quoted, quoting = await _settled(village)
    visitor = await village.by_browser(viewer) if viewer else village.nobody()
    pages = ["/explore", f"/@quoter/{quoting.post.id}", "/@quoter", f"/posts/{quoting.post.id}/history", "/search?q=viz"]
    for effect, sentence in (
        (PostEffect.NONE, WORDS), (PostEffect.HIDDEN, "is not for everybody to see"), (PostEffect.NONE, WORDS),
        (PostEffect.REMOVED, "is not for everybody to see"),
    ):
        async with village.database.write() as tx:
            await set_effect(tx, quoted.post.id, effect, None)
        for page in pages[:3]:
            text = (await visitor.get(page)).text
            if page == "/explore" and effect is PostEffect.NONE:
                assert text.count(WORDS) == 2
            assert sentence in text, page
        for page in pages:
            assert effect is PostEffect.NONE or WORDS not in (await visitor.get(page)).text, page


async def test_the_other_states_have_their_sentences(village: Village) -> None:
    quoted, quoting = await _settled(village)
    viewer, address = await village.by_browser("viewer"), f"/@quoter/{quoting.post.id}"
    author, other = village.people["author"], village.people["viewer"]
    async with village.database.write() as tx:
        await relations.mute(tx, other, author.id)
    text = (await viewer.get(address)).text
    assert re.search(r"<details><summary[^>]*>.*whom you have muted.*</summary>.*" + WORDS, text, re.S)
    async with village.database.write() as tx:
        await relations.block(tx, other, author.id)
    assert "whom you have blocked" in (await viewer.get(address)).text
    async with village.database.write() as tx:
        await relations.unblock(tx, other, author.id)
        await relations.unmute(tx, other, author.id)
    by_author = await village.by_browser("author")
    assert (await _send(by_author, "/", f"/posts/{quoted.post.id}/delete")).status == 303
    text = (await viewer.get(address)).text
    assert "has been deleted" in text
    assert WORDS not in text


async def test_an_author_takes_their_words_out(village: Village) -> None:
    quoted, quoting = await _settled(village)
    author, viewer = await village.by_browser("author"), await village.by_browser("viewer")
    ask = f"/posts/{quoted.post.id}/quotes/{quoting.post.id}/revoke"
    assert ask in (await author.get(f"/posts/{quoted.post.id}/quotes")).text
    assert ask not in (await viewer.get(f"/posts/{quoted.post.id}/quotes")).text
    assert f"/posts/{quoting.post.id}" in (await viewer.get(f"/posts/{quoted.post.id}/quotes")).text
    assert (await viewer.get(ask)).status == (await _send(viewer, "/", ask)).status == 404
    assert WORDS in (await author.get(ask)).text
    assert (await _send(author, ask, ask)).headers["location"] == f"/posts/{quoted.post.id}/quotes"
    for visitor in (author, viewer, village.nobody()):
        text = (await visitor.get(f"/@quoter/{quoting.post.id}")).text
        assert "taken their words out" in text
        assert WORDS not in text
    assert "Nobody has quoted it yet" in (await author.get(f"/posts/{quoted.post.id}/quotes")).text


async def test_who_may_quote_is_chosen_for_a_post_and_for_all(village: Village) -> None:
    quoted, _ = await _settled(village)
    author, viewer = await village.by_browser("author"), await village.by_browser("viewer")
    address = f"/posts/{quoted.post.id}/quoting"
    assert address in (await author.get(f"/@author/{quoted.post.id}")).text
    assert (await viewer.get(address)).status == (await _send(viewer, "/", address, quote_policy="0")).status == 404
    assert (await _send(author, address, address, quote_policy="7")).status == 422
    assert (await _send(author, address, address, quote_policy="1")).status == 303
    assert re.search(r'id="quote_policy-1"[^>]*checked', (await author.get(address)).text)
    assert (await viewer.get(f"/posts/new?quote={quoted.post.id}")).status == 403
    settings = "/settings/appearance"
    assert (await _send(author, settings, settings, quote_policy="3")).status == 422
    assert (await _send(author, settings, settings, quote_policy="2")).status == 303
    assert re.search(r'id="quote_policy-2"[^>]*checked', (await author.get(settings)).text)
    assert '<option value="2" selected>' in (await author.get("/posts/new")).text.partition('name="quote_policy"')[2]
    await _send(author, "/posts/new", "/posts", text="odpověď ze stránky", purpose="post", visibility="0")  # a form without the choice
    assert (await (await village.by_app("author")).get("/api/v1/timelines/public")).json[0]["quote_approval"]["automatic"] == []


async def test_notices_of_quotes(village: Village) -> None:
    quoted, quoting = await _settled(village)
    author = await village.by_browser("author")
    for address in ("/notifications", "/notifications?show=mentions"):
        page = (await author.get(address)).text
        assert "Quotes you:" in page
        assert f'id="p{quoting.post.id}"' in page
    await _send(author, "/", f"/posts/{quoted.post.id}/edit", text="nová slova", has_tools="true")
    await village.work()
    assert "A post that you quote was edited:" in (await (await village.by_browser("quoter")).get("/notifications")).text


@pytest.mark.usefixtures("known_viewers")
async def test_pages_take_a_fixed_number_of_statements(village: Village) -> None:
    quoted, _ = await _settled(village)
    viewer = await village.by_browser("viewer")

    pages = ("/explore", "/@quoter", f"/posts/{quoted.post.id}/quotes")

    async def statements(page: str) -> int:
        for _ in range(2):  # the second time all fragments are in memory
            before = village.database.statements
            assert (await viewer.get(page)).status == 200
        return village.database.statements - before

    found = []
    for _ in range(2):
        found.append([await statements(page) for page in pages])
        for _ in range(3):
            await village.write("quoter", "viz", quoted_id=quoted.post.id)
    assert found[0] == found[1]
