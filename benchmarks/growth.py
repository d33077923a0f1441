"""What pages cost in a network with 100 times as many posts: home, notifications, a long thread, search, a profile, a hashtag.

Two networks run side by side, a small and a large one, and their pages are requested in turn, so that other load on the machine meets
both. Requests go to the application in this process, one after another; the time of one is what a server takes from the request to the
answer. Its processor time is that of this process and of PostgreSQL. `--posts N`: the size of the large one; with less than 2,000,000
nothing is written.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from benchmarks.big_network import Filled, fill
from benchmarks.harness import Row, database_of, network, processor_time, report, run, server_pids, tree_of
from benchmarks.open_load import percentile
from folkmoot import app
from folkmoot.base.db import Database
from folkmoot.commands.options import settings_of
from folkmoot.network.sessions.apps import issue_token, register_app
from tests.network_up import NetworkUp
from tests.village import Visitor

SMALL, LARGE = 20_000, 2_000_000
MOST_MS, MOST_RATIO = 100.0, 1.3
READERS = 40
_ROUNDS = 25  # of all pages; each has homes of all readers
_WARM = 7  # rounds before: sessions prepare each statement, and plan it five times
_HOME = "home"


@dataclass
class Town:
    """A filled network and its readers. `times` and `costs`: milliseconds of the requests of each page."""

    name: str
    visitors: list[Visitor]
    star: Visitor
    pages: dict[str, str]
    postgres: list[int]
    times: dict[str, list[float]] = field(default_factory=dict)
    costs: dict[str, list[float]] = field(default_factory=dict)

    async def ask(self, page: str, visitor: Visitor, address: str, *, is_counted: bool) -> None:
        spent = sum(map(processor_time, self.postgres))
        own, began = time.process_time(), time.perf_counter()
        answer = await visitor.get(address)
        taken, cost = time.perf_counter() - began, time.process_time() - own
        cost += sum(map(processor_time, self.postgres)) - spent
        assert answer.status == 200, (address, answer.status, answer.body[:200])
        if is_counted:
            self.times.setdefault(page, []).append(1000 * taken)
            self.costs.setdefault(page, []).append(1000 * cost)

    def of(self, page: str, share: float, *, is_cost: bool = False) -> float:
        return percentile((self.costs if is_cost else self.times)[page], share)


def _pages(filled: Filled) -> dict[str, str]:
    def search(text: str) -> str:
        return f"/api/v2/search?q={quote(text)}"

    words = filled.words
    return {
        "notifications": "/api/v1/notifications",
        "mentions among notifications": "/api/v1/notifications?types[]=mention",
        "groups of notifications": "/api/v2/notifications",
        "thread of 500 replies": f"/api/v1/statuses/{filled.root}/context",
        "search, rare word": search(words.rare),
        "search, common word": search(words.common),
        "search, two words": search(words.both),
        "search, word with diacritics": search(words.accented),
        "search, name of an account": search("soused17"),
        "search, beginning of all names": search("soused"),
        "profile": f"/api/v1/accounts/{filled.star}/statuses",
        "profile, pinned": f"/api/v1/accounts/{filled.star}/statuses?pinned=true",
        "profile, pictures": f"/api/v1/accounts/{filled.star}/statuses?only_media=true",
        "hashtag, common": "/api/v1/timelines/tag/kasna",
        "hashtag, two of them": "/api/v1/timelines/tag/kasna?any[]=vesnice3",
        "hashtag, rare": "/api/v1/timelines/tag/vesnice199",
        "public timeline": "/api/v1/timelines/public",
    }


async def _town(up: NetworkUp, database: Database, name: str, filled: Filled) -> Town:
    settings = settings_of(up.data)
    settings = msgspec.structs.replace(settings, limits=msgspec.structs.replace(settings.limits, multiplier=100_000))
    front = app.create_front(settings, database)
    async with database.write() as tx:
        registered = await register_app(tx, "bench", ["urn:ietf:wg:oauth:2.0:oob"], "read")
        star = await issue_token(tx, registered.id, filled.star, "read")
        tokens = [await issue_token(tx, registered.id, reader, "read") for reader in filled.readers[:READERS]]
    postgres = [pid for pid in tree_of(up.process.pid) if pid not in server_pids(up.process.pid)]
    return Town(name, [Visitor(front, token=token) for token in tokens], Visitor(front, token=star), _pages(filled), postgres)


async def _measure(towns: Sequence[Town], rounds: int, refresh: Callable[[], None]) -> None:
    for number in range(-_WARM, rounds):
        if number == 0:
            refresh()
        for at in range(len(towns[0].visitors)):
            for town in towns:
                await town.ask(_HOME, town.visitors[at], "/api/v1/timelines/home", is_counted=number >= 0)
        for page in towns[0].pages:
            for town in towns:
                await town.ask(page, town.star, town.pages[page], is_counted=number >= 0)


def _rows(small: Town, large: Town) -> list[Row]:
    rows: list[Row] = []
    for town in (small, large):
        rows += [Row(f"home, p99, {town.name} posts", town.of(_HOME, 0.99), "ms"),
                 Row(f"home, p99 of processor time, {town.name} posts", town.of(_HOME, 0.99, is_cost=True), "ms")]
    for what, is_cost in (("", False), (" of processor time", True)):
        ratio = large.of(_HOME, 0.99, is_cost=is_cost) / small.of(_HOME, 0.99, is_cost=is_cost)
        rows.append(Row(f"home, p99{what}: large against small", ratio, "ratio", f"<= {MOST_RATIO:g}", ratio <= MOST_RATIO))
    for page in small.pages:
        slow = large.of(page, 0.95)
        rows += [Row(f"{page}, p95, {small.name} posts", small.of(page, 0.95), "ms"),
                 Row(f"{page}, p95, {large.name} posts", slow, "ms", f"<= {MOST_MS:g}", slow <= MOST_MS),
                 Row(f"{page}, median of processor time, {small.name} posts", small.of(page, 0.5, is_cost=True), "ms"),
                 Row(f"{page}, median of processor time, {large.name} posts", large.of(page, 0.5, is_cost=True), "ms")]
    return rows


async def _run(ups: Sequence[NetworkUp], sizes: Sequence[int]) -> list[Row]:
    filled: list[Filled] = []
    for up, size in zip(ups, sizes, strict=True):
        began = time.monotonic()
        filled.append(await fill(up, size))
        print(f"{size:,} posts in {time.monotonic() - began:.0f} s", flush=True)
    async with database_of(ups[0]) as one, database_of(ups[1]) as other:
        towns = [await _town(up, database, f"{size:,}", what)
                 for up, database, size, what in zip(ups, (one, other), sizes, filled, strict=True)]

        def refresh() -> None:
            """Sessions of PostgreSQL that were opened meanwhile."""
            for up, town in zip(ups, towns, strict=True):
                town.postgres = [pid for pid in tree_of(up.process.pid) if pid not in server_pids(up.process.pid)]

        await _measure(towns, _ROUNDS, refresh)
    return _rows(*towns)


def main() -> None:
    arguments: list[Any] = sys.argv[1:]
    size = int(arguments[arguments.index("--posts") + 1]) if "--posts" in arguments else LARGE
    environment = {"FOLKMOOT_LIMITS_MULTIPLIER": "100000", "FOLKMOOT_SERVER_PROCESSES": "1"}
    with network(**environment) as small, network(**environment) as large:
        report("growth", run(_run((small, large), (min(SMALL, size), size))), is_kept=size >= LARGE)


if __name__ == "__main__":
    main()
