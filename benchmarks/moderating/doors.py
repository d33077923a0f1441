"""How soon a decision takes effect at every entry point of a running network: pages, client API, search, streams, files of pictures.

A member posts a picture, another reports it, a moderator removes it on the page of the case. The time runs from sending the
decision. Each door is asked again and again by a client of its own; the two streams tell by themselves.
"""

import asyncio
import functools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.harness import Row, database_of, network
from benchmarks.moderating.browser import Browser
from folkmoot.base.db import Database
from folkmoot.network.accounts.model import Account
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.model import Role
from tests.api.test_accounts import picture
from tests.network_up import NetworkUp
from tests.village import follow, settle

POSTS = 10
_PAUSE = 0.01  # seconds between two questions
_PATIENCE = 120.0  # seconds
# Different words each time: the rules of the network hold repetitions of what was removed.
_SUBJECTS = (
    "Dnes v šest otevíráme opravenou kašnu", "Kdo mi půjčí žebřík na sobotu", "V knihovně čtou dětem pohádky", "Hledám spolujízdu do města",
    "Upekla jsem buchty, kdo má chuť", "Na louce kvetou první petrklíče", "Prodám kolo po dceři", "Večer promítáme u hasičů film",
    "Našla se černá kočka s obojkem", "Zítra vypnou vodu v dolní ulici",
)
Door = Callable[[], Awaitable[None]]  # returns when it no longer shows the post


class _Cast:
    """The accounts of the benchmark, with their clients."""

    def __init__(self, up: NetworkUp, database: Database) -> None:
        self.up = up
        self.database = database

    async def settle(self) -> None:
        async with self.database.write() as tx:
            app = await register_app(tx, "bench", ["urn:ietf:wg:oauth:2.0:oob"], "read write")
        people = {name: await settle(self.database, name, role) for name, role in
                  (("author", Role.MEMBER), ("reader", Role.MEMBER), ("reporter", Role.MEMBER), ("moderator", Role.MODERATOR))}
        self.author, self.reader, self.moderator = people["author"], people["reader"], people["moderator"]
        await follow(self.database, self.reader, self.author)
        async with self.database.write() as tx:
            self.tokens = {name: await issue_token(tx, app.id, account.id, "read write") for name, account in people.items()}

    def by_app(self, name: str) -> Browser:
        return Browser(self.up.port, token=self.tokens[name])

    async def by_browser(self, account: Account) -> Browser:
        return await Browser.of(self.up.port, self.database, account)


async def measure() -> list[Row]:
    slowest: dict[str, float] = {}
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000") as up:
        async with database_of(up) as database:
            cast = _Cast(up, database)
            await cast.settle()
            for number in range(POSTS):
                for name, seconds in (await _remove_one(cast, number)).items():
                    slowest[name] = max(slowest.get(name, 0), seconds)
    return [Row(f"doors: {name}, slowest of {POSTS}", seconds, "s", "<= 2", seconds <= 2) for name, seconds in slowest.items()]


async def _remove_one(cast: _Cast, number: int) -> dict[str, float]:
    """Posts, waits until every door shows it, removes it; returns the seconds until each door showed it no more."""
    author = cast.by_app("author")
    word = f"zvonkohra{number:04d}"
    media = (await author.upload("/api/v2/media", picture(color=f"#{number * 123457 % 2**24:06x}"))).json
    text = f"{_SUBJECTS[number % len(_SUBJECTS)]} {word} #kasna"
    post = (await author.post_json("/api/v1/statuses", {"status": text, "media_ids": [media["id"]], "language": "cs"})).json
    home = await cast.by_browser(cast.reader)
    streams = [await cast.by_app("reader").listen("/api/v1/streaming/user"), await home.listen("/live/home")]
    doors = await _doors(cast, post, word)
    for name, shows in doors.items():
        await _until(functools.partial(shows), True, name)
    await cast.by_app("reporter").post_json(
        "/api/v1/reports", {"account_id": post["account"]["id"], "status_ids": [post["id"]], "category": "violation", "rule_ids": ["2"]})
    moderator = await cast.by_browser(cast.moderator)
    where = (await moderator.get("/moderate/next?more=1")).headers["location"]
    page = await moderator.get(where)
    decision = {"action": "remove", "clause": "2", "explanation": "", "days": "7"}
    decision |= {name: page.field(name) for name in ("seen_edited_at", "seen_words")}
    told = [asyncio.create_task(_heard(stream, event, post["id"])) for stream, event in zip(
        streams, (b"event: delete", b"event: withdrawn"), strict=True)]
    began = time.perf_counter()
    answer = await moderator.post(f"{where.partition('?')[0]}/decide", decision)
    assert answer.status == 303, answer.body
    found = dict(zip(doors, await asyncio.gather(*(_gone(shows, name, began) for name, shows in doors.items())), strict=True))
    for name, task in zip(("stream of an app", "open page"), told, strict=True):
        found[name] = await task - began
    return found


async def _doors(cast: _Cast, post: dict[str, Any], word: str) -> dict[str, Callable[[], Awaitable[bool]]]:
    """What shows the post, by name. A door with a client of its own, so that none waits for another."""
    nobody, reader = functools.partial(Browser, cast.up.port), functools.partial(cast.by_app, "reader")
    picture_path = "/media/" + post["media_attachments"][0]["url"].partition("/media/")[2]

    def answers(browser: Browser, path: str) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            return (await browser.get(path)).status == 200

        return ask

    def contains(browser: Browser, path: str) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            return word in json.dumps((await browser.get(path)).body.decode(), ensure_ascii=False)

        return ask

    return {
        "page of the post": answers(nobody(), f"/@author/{post['id']}"),
        "page of the author": contains(nobody(), "/@author"),
        "page of the reader's home": contains(await cast.by_browser(cast.reader), "/"),
        "post in the API": answers(reader(), f"/api/v1/statuses/{post['id']}"),
        "home in the API": contains(reader(), "/api/v1/timelines/home"),
        "public timeline in the API": contains(nobody(), "/api/v1/timelines/public"),
        "hashtag in the API": contains(nobody(), "/api/v1/timelines/tag/kasna"),
        "search in the API": contains(reader(), f"/api/v2/search?type=statuses&q={word}"),
        "file of the picture": answers(nobody(), picture_path),
    }


async def _until(shows: Callable[[], Awaitable[bool]], wanted: bool, name: str) -> None:
    deadline = time.perf_counter() + _PATIENCE
    while await shows() is not wanted:
        if time.perf_counter() > deadline:
            raise AssertionError(f"{name}: still {'hidden' if wanted else 'shown'} after {_PATIENCE:.0f} seconds")
        await asyncio.sleep(_PAUSE)


async def _gone(shows: Callable[[], Awaitable[bool]], name: str, began: float) -> float:
    await _until(shows, False, name)
    return time.perf_counter() - began


async def _heard(stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], event: bytes, post_id: str) -> float:
    """The moment at which a stream says that the post is gone."""
    reader, writer = stream
    async with asyncio.timeout(_PATIENCE):
        while event not in (line := await reader.readline()):
            assert line, "the stream has ended"
        moment = time.perf_counter()
        line = await reader.readline()
    assert post_id.encode() in line, line
    writer.close()
    return moment
