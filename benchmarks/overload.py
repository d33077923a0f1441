"""Ten times what fits, for a minute: who is answered, how fast, what is refused, and how soon everything is as before.

First it finds out how many requests fit, with as many clients as keep all cores busy. Then requests arrive at a rate of ten times that,
whether or not earlier ones have been answered: once nearly all from visitors (a flood), once from everybody in the usual proportions.
Afterwards each post whose creation was acknowledged is looked for in the database. `--small`: a few seconds each, nothing is written.

The load generator runs on the same cores as the network. What it could not send, because all its connections waited for answers, is
a row of its own.
"""

import asyncio
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from benchmarks.harness import Row, database_of, get, network, report, run
from benchmarks.open_load import OpenLoad, percentile
from folkmoot.base.queue.queries import measure_queue
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.village import follow, settle, write

TIMES = 10
SECONDS, SMALL_SECONDS = 60.0, 8.0
MEMBERS, AUTHORS, POSTS = 60, 40, 400
USUAL = {"staff": 0.02, "members": 0.58, "writes": 0.05, "visitors": 0.35}  # shares of each class
_MEASURED, _CLIENTS = 6.0, 24  # how it is found out what fits
_CONNECTIONS = {"staff": 40, "members": 500, "writes": 200, "visitors": 1000}  # the most of each class
_PROBED, _PROBES = 1.0, 20  # afterwards: reads of members in each second
_OFTEN = 2.0  # afterwards, a read may take so many times as long as before
_TEXT = "Na návsi dnes v šest otevíráme opravenou kašnu, voda teče po třiceti letech. #kašna https://example.org/kasna "


class Town:
    """The requests of each class."""

    def __init__(self) -> None:
        self._numbers = Counter[str]()
        self._reads: dict[str, list[bytes]] = {}
        self._writers: list[str] = []

    async def fill(self, up: NetworkUp) -> "Town":
        async with database_of(up) as database:
            authors = [await settle(database, f"author_{number:02d}") for number in range(AUTHORS)]
            members = [await settle(database, f"member_{number:02d}") for number in range(MEMBERS)]
            staff = await settle(database, "staff", Role.MODERATOR)
            for member in [*members, staff]:
                for author in authors[::4]:
                    await follow(database, member, author)
            posts = [(await write(database, authors[number * 7 % AUTHORS], f"{_TEXT}{number}")).post for number in range(POSTS)]
            async with database.write() as tx:
                app = await register_app(tx, "bench", ["urn:ietf:wg:oauth:2.0:oob"], "read write follow")
                tokens = [await issue_token(tx, app.id, one.id, "read write follow") for one in [*members, staff]]
        some_post = f"/@author_{(POSTS - 3) * 7 % AUTHORS:02d}/{posts[-3].id}"
        paths = ["/api/v1/timelines/home", "/api/v1/timelines/home", "/api/v1/notifications", f"/api/v1/statuses/{posts[5].id}/context"]
        self._writers = tokens[:-1]
        self._reads = {
            "staff": [get(path, tokens[-1]) for path in paths],
            "members": [get(path, token) for token in tokens[:-1] for path in paths],
            "visitors": [
                get(path) for path in ("/explore", "/@author_03", some_post, "/api/v1/timelines/public", "/about")
            ],
        }
        return self

    def next(self, kind: str) -> bytes:
        number = self._numbers[kind] = self._numbers[kind] + 1
        if kind != "writes":
            return self._reads[kind][number % len(self._reads[kind])]
        body, token = f"status=povodeň {number}".encode(), self._writers[number % len(self._writers)]
        return (
            f"POST /api/v1/statuses HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def load(self, port: int) -> OpenLoad:
        return OpenLoad(port, self.next, _CONNECTIONS, keeps="writes")


async def _what_fits(town: Town, port: int) -> float:
    """Requests per second in the usual proportions, by clients that send the next one after each answer."""
    kinds = [kind for kind, share in USUAL.items() for _ in range(round(100 * share))]
    count, end = 0, time.perf_counter() + _MEASURED

    async def one(number: int) -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        while time.perf_counter() < end:
            number += 37
            writer.write(town.next(kinds[number % len(kinds)]))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r")[0]))
            count += head.startswith(b"http/1.1 200")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*map(one, range(_CLIENTS)))
    return count / (time.perf_counter() - began)


async def _probe(town: Town, port: int) -> tuple[float, bool]:
    """(median seconds of reads by members for a second, whether all were answered with 200)."""
    load = town.load(port)
    await load.run({"members": _PROBES}, _PROBED)
    outcome = load.outcomes["members"]
    return statistics.median(outcome.answered or [float("inf")]), set(outcome.statuses) == {200} and not outcome.broken


async def _recovery(town: Town, port: int, before: float, is_idle: Callable[[], Awaitable[bool]]) -> float:
    """Seconds until reads are answered as before and no job waits for more than a second."""
    began = time.perf_counter()
    while time.perf_counter() - began < 120:
        at = time.perf_counter() - began
        median, is_whole = await _probe(town, port)
        if is_whole and median <= max(_OFTEN * before, 0.02) and await is_idle():
            return at
    return float("inf")


async def _is_idle(up: NetworkUp) -> bool:
    async with database_of(up) as database, database.read() as conn:
        return (await measure_queue(conn)).oldest < 1.0


async def _lost(up: NetworkUp, ids: list[int]) -> int:
    async with database_of(up) as database, database.read() as conn:
        found = await conn.fetchval("SELECT count(*) FROM posts WHERE id = ANY($1)", ids)
    return len(ids) - int(found)


def _rows(name: str, load: OpenLoad, seconds: float, *, is_flood: bool) -> list[Row]:
    members, staff, writes = (load.outcomes[kind] for kind in ("members", "staff", "writes"))
    every = load.outcomes.values()
    others = sum(count for one in every for status, count in one.statuses.items() if status not in (200, 429, 503))
    silent, broken = sum(one.without_retry_after for one in every), sum(one.broken for one in every)
    sent, unsent = sum(one.sent for one in every), sum(one.unsent for one in every)
    rows = [
        Row(f"{name}: requests that arrived", (sent + unsent) / seconds, "1/s"),
        Row(f"{name}: of them not sent, because all connections waited", 100 * unsent / max(1, sent + unsent), "%"),
        Row(f"{name}: by how much the load generator was late, p99", 1000 * percentile(load.late, 0.99), "ms"),
        Row(f"{name}: answered with 200", sum(one.statuses[200] for one in every) / seconds, "1/s"),
        Row(f"{name}: refused with 429 or 503", 100 * sum(one.statuses[429] + one.statuses[503] for one in every) / max(1, sent), "%"),
        Row(f"{name}: other statuses", others, "", "0", not others),
        Row(f"{name}: refused without Retry-After", silent, "", "0", not silent),
        Row(f"{name}: connections that broke or got no answer", broken, "", "0", not broken),
        Row(f"{name}: refusal, p99", 1000 * percentile([second for one in every for second in one.refused], 0.99), "ms"),
    ]
    for kind, one in (("reads of members", members), ("reads of staff", staff)):
        slow = percentile(one.answered, 0.99)
        rows += [
            Row(f"{name}: {kind}, median", 1000 * percentile(one.answered, 0.5), "ms"),
            Row(f"{name}: {kind}, p99", 1000 * slow, "ms", "<= 2000", slow <= 2),
        ]
    share, created = 100 * members.share(200), writes.share(200)
    rows += [
        Row(f"{name}: reads of members that were answered", share, "%", *((">= 99", share >= 99) if is_flood else ("", None))),
        Row(f"{name}: reads of staff that were answered", 100 * staff.share(200), "%", ">= 99", staff.share(200) >= 0.99),
        Row(f"{name}: posts that were created", 100 * created, "%", *((">= 99", created >= 0.99) if is_flood else ("", None))),
        Row(f"{name}: creating a post, p99", 1000 * percentile(writes.answered, 0.99), "ms"),
        Row(f"{name}: pages of visitors that were answered", load.outcomes["visitors"].statuses[200] / seconds, "1/s"),
    ]
    return rows


async def _measure(up: NetworkUp, seconds: float) -> list[Row]:
    town = await Town().fill(up)
    await _what_fits(town, up.port)  # fills caches and homes
    fits = await _what_fits(town, up.port)
    before = statistics.median([(await _probe(town, up.port))[0] for _ in range(5)])
    rows = [Row("what fits, in the usual proportions", fits, "1/s"), Row("a read of a member before, median", 1000 * before, "ms")]
    signed_in = {kind: 0.4 * fits * share for kind, share in USUAL.items() if kind != "visitors"}
    floods = {
        "flood of visitors": {**signed_in, "visitors": TIMES * fits - sum(signed_in.values())},
        "ten times everybody": {kind: TIMES * fits * share for kind, share in USUAL.items()},
    }
    for name, rates in floods.items():
        load = town.load(up.port)
        await load.run(rates, seconds)
        again = await _recovery(town, up.port, before, partial(_is_idle, up))
        lost = await _lost(up, load.outcomes["writes"].stored)
        rows += [
            *_rows(name, load, seconds, is_flood=name.startswith("flood")),
            Row(f"{name}: acknowledged posts that are not in the database", lost, "", "0", not lost),
            Row(f"{name}: everything as before after", again, "s", "<= 30", again <= 30),
        ]
    return rows


def main() -> None:
    is_small = "--small" in sys.argv
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000", FOLKMOOT_SERVER_PROCESSES=str(os.cpu_count() or 1)) as up:
        report("overload", run(_measure(up, SMALL_SECONDS if is_small else SECONDS)), is_kept=not is_small)


if __name__ == "__main__":
    main()
