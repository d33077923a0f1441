"""Pages for visitors without an account: the same bytes for everybody, kept in memory, and never with what is hidden."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from folkmoot import app
from folkmoot.base.db import WriteTx
from folkmoot.http.overload import BOUNDS
from folkmoot.http.routing import Access
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import (
    create_post,
    delete_post,
    edit_post,
    favourite_post,
    set_account_effect,
    set_effect,
)
from folkmoot.network.posts.model import Post, PostDraft, PostEffect
from folkmoot.network.posts.queries import is_unchanged
from folkmoot.network.relations.actions import block
from folkmoot.web import open_pages
from folkmoot.web.routes import ROUTES
from tests.village import LIMITS, Village, Visitor

WORDS = "čmelák na návsi"
Change = Callable[[WriteTx], Awaitable[object]]


class Square(NamedTuple):
    """A post of jana, and the addresses of all pages with it: the square, a hashtag, profiles, the post, its reply and a quote."""

    post: Post
    addresses: list[str]

    @property
    def own(self) -> str:
        """The address of the post."""
        return f"/@jana/{self.post.id}"

    @property
    def quoting(self) -> str:
        return self.addresses[-1]


async def _two_processes(village: Village) -> list[Visitor]:
    """Visitors of two web processes, which share nothing but the database."""
    return [village.nobody(), Visitor(app.create_front(village.settings, village.database))]


async def _commit(village: Village, change: Change) -> None:
    async with village.database.write() as tx:
        await change(tx)


class Seconds:
    """The clock of the kept pages, which stands still."""

    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    stopped = Seconds()
    monkeypatch.setattr(open_pages, "clock", stopped)
    return stopped


@pytest.fixture
async def square(village: Village) -> Square:
    await village.settle("jana", "karel", "olga")
    post = (await village.write("jana", f"{WORDS} #louka")).post
    reply = (await village.write("karel", "Ano, viděl jsem ho", reply_to_id=post.id)).post
    quote = (await village.write("olga", "Pojďte se podívat", quoted_id=post.id)).post
    await (await village.by_app("karel")).post(f"/api/v1/statuses/{post.id}/reblog")
    await fold_counters(village.database)
    return Square(post, ["/", "/explore", "/tags/louka", "/@jana", "/@jana/with_replies", "/@karel", "/@olga", f"/@jana/{post.id}",
                         f"/@karel/{reply.id}", f"/@olga/{quote.id}"])


def _changes(village: Village, post: Post) -> dict[str, Change]:
    jana = village.people["jana"]
    return {
        "hidden": lambda tx: set_effect(tx, post.id, PostEffect.HIDDEN, None),
        "removed": lambda tx: set_effect(tx, post.id, PostEffect.REMOVED, None),
        "suspended": lambda tx: set_account_effect(tx, jana.id, AccountEffect.SUSPENDED),
        "edited": lambda tx: edit_post(tx, jana, post.id, PostDraft(text="Něco jiného #louka"), LIMITS),
        "deleted": lambda tx: delete_post(tx, jana, post.id),
    }


@pytest.mark.parametrize("name", ["hidden", "removed", "suspended", "edited", "deleted"])
async def test_what_is_hidden_is_gone_at_the_next_read_in_every_process(village: Village, square: Square, name: str) -> None:
    visitors = await _two_processes(village)
    for visitor in visitors:
        for address in square.addresses:
            assert WORDS in (await visitor.get(address)).text, address
            village.database.statements = 0
            assert WORDS in (await visitor.get(address)).text
            assert village.database.statements == 1, address  # it was kept, and checked by one statement
    await _commit(village, _changes(village, square.post)[name])
    for visitor in visitors:
        for address in square.addresses:
            assert WORDS not in (await visitor.get(address)).text, (name, address)


async def test_what_counts_and_names_change_is_shown(village: Village, square: Square, seconds: Seconds) -> None:
    karel, post = village.people["karel"], square.post
    visitor, one = village.nobody(), square.own
    for address in square.addresses:
        await visitor.get(address)
    profile = {"display_name": "Jana z Lhoty"}
    await (await village.by_app("jana")).send("PATCH", "/api/v1/accounts/update_credentials", profile)
    for address in square.addresses:
        assert "Jana z Lhoty" in (await visitor.get(address)).text, address
    await _commit(village, lambda tx: favourite_post(tx, karel, post.id))
    await _commit(village, lambda tx: create_post(tx, karel, PostDraft(text="Další odpověď", reply_to_id=post.id), LIMITS))
    await fold_counters(village.database)
    assert "liked by 1 person" not in (await visitor.get(one)).text  # counts may be two seconds old
    seconds.passed = 2.1
    assert "liked by 1 person" in (await visitor.get(one)).text
    assert "Další odpověď" in (await visitor.get(one)).text
    for address in ("/explore", "/@jana"):
        await visitor.get(address)
    await village.write("jana", "Nový příspěvek")
    for address in ("/explore", "/@jana"):
        assert "Nový příspěvek" not in (await visitor.get(address)).text
    seconds.passed += 2.1
    for address in ("/explore", "/@jana"):
        assert "Nový příspěvek" in (await visitor.get(address)).text


async def test_a_quote_ends_with_a_block_between_the_two_authors(village: Village, square: Square) -> None:
    visitor, jana, olga = village.nobody(), village.people["jana"], village.people["olga"]
    assert WORDS in (await visitor.get(square.quoting)).text
    await _commit(village, lambda tx: block(tx, olga, jana.id))
    assert WORDS not in (await visitor.get(square.quoting)).text


async def test_a_page_that_is_kept_contains_nothing_about_its_reader(village: Village, square: Square) -> None:
    one, other, english = village.nobody(), village.nobody(), village.nobody()
    english.cookies["folkmoot_language"] = "en"
    other.cookies |= {"folkmoot_visit": "canary", "folkmoot_known": "canary", "folkmoot": "canary", "folkmoot_sent": "canary"}
    for address in square.addresses:
        first = await one.get(address, accept_language="cs", user_agent="canary", referer="http://localhost:8420/canary")
        again = await other.get(address, accept_language="cs,en;q=0.5")
        assert first.body == again.body
        assert not first.cookies
        assert not again.cookies
        assert "form_token" not in first.text
        assert "canary" not in first.text + again.text + str(first.headers)
        assert first.headers["cache-control"] == "private, no-cache"
        assert '<html lang="cs"' in first.text
        assert '<html lang="en"' in (await english.get(address, accept_language="cs")).text
        assert '<html lang="cs"' in (await english.get(f"{address}?lang=cs")).text
        assert '<html lang="en"' in (await english.get(address)).text
        mine = await (await village.by_browser("karel")).get(address)
        assert "form_token" in mine.text
        assert "etag" not in mine.headers
        assert (await one.get(address, accept_language="cs")).body == first.body
    packed = await one.get(square.own, accept_language="cs", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(first.body)
    assert {route.access for route in ROUTES if route.is_open} == {Access.PUBLIC}


async def test_a_browser_that_has_the_page_gets_no_body_until_it_changes(village: Village, square: Square) -> None:
    visitor = village.nobody()
    whole = await visitor.get(square.own, accept_encoding="gzip")
    again = await visitor.get(square.own, accept_encoding="gzip", if_none_match=f'"other", {whole.headers["etag"]}')
    assert (again.status, again.body) == (304, b"")
    for name in ("content-security-policy", "cache-control", "vary", "etag"):  # browsers replace those that they have kept
        assert again.headers[name] == whole.headers[name]
    assert {"content-length", "content-encoding"}.isdisjoint(again.headers)
    await _commit(village, _changes(village, square.post)["edited"])
    assert (await visitor.get(square.own, accept_encoding="gzip", if_none_match=whole.headers["etag"])).status == 200


async def test_a_form_without_a_token_changes_the_language_only_from_our_own_page(village: Village, square: Square) -> None:
    visitor = village.nobody()
    form = dict(re.findall(r'name="(back|language)" value="([^"]+)"', (await visitor.get("/explore", accept_language="en")).text))
    assert form == {"back": "/explore", "language": "cs"}
    for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}):
        assert (await visitor.post("/language", form, **headers)).status == 403, headers
    assert (await visitor.post("/log_in", {"name": "jana"}, origin="http://localhost:8420")).status == 403
    member = await village.by_browser("jana")
    assert (await member.post("/language", form, origin="http://localhost:8420")).status == 403
    changed = await visitor.post("/language", form, origin="http://localhost:8420")
    assert (changed.status, changed.headers["location"], visitor.cookies["folkmoot_language"]) == (303, "/explore", "cs")


async def test_many_readers_at_once_cost_little_and_see_each_change(
    village: Village, square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, one, database = village.nobody(), square.own, village.database
    answers = await asyncio.gather(*(visitor.get(one) for _ in range(50)))
    assert all(WORDS in answer.text for answer in answers)
    database.statements = 0
    await asyncio.gather(*(visitor.get(one) for _ in range(50)))
    assert database.statements <= math.ceil(50 / BOUNDS["visitors"].in_work), "one for all that are in work"
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_late(*arguments: object, **options: bool) -> bool:
        found = await is_unchanged(*arguments, **options)  # type: ignore[arg-type]
        asked.set()
        await may_answer.wait()
        return found

    monkeypatch.setattr(open_pages, "is_unchanged", answer_late)
    before = asyncio.ensure_future(visitor.get(one))
    await asked.wait()
    await _commit(village, _changes(village, square.post)["hidden"])
    after = [asyncio.ensure_future(visitor.get(one)) for _ in range(10)]  # while the check of `before` has read the old state
    await asyncio.sleep(0)
    may_answer.set()
    assert WORDS in (await before).text
    assert {answer.status for answer in await asyncio.gather(*after)} == {404}


async def test_kept_pages_take_a_bounded_number_of_bytes(village: Village, square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: open_pages.OpenPages = village.front._pages._open_pages
    visitor = village.nobody()
    for address in square.addresses:
        await visitor.get(address)
    assert len(pages._pages) == len(square.addresses)
    assert pages._bytes == sum(page.bytes for page in pages._pages.values()) <= pages._most_bytes
    for number in range(3):
        await visitor.get(f"/@jana?invented={number}")  # anybody can ask for as many of these as they like
    assert len(pages._pages) == len(square.addresses)
    pages._most_bytes = pages._bytes // 2
    await visitor.get("/@jana/media")
    assert 0 < pages._bytes <= pages._most_bytes
    assert next(reversed(pages._pages))[0] == "/@jana/media"
