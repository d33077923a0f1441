"""What every GET endpoint of the client API and every page of a member costs at 20 items: statements and processor time; and the
most frequent ones against the same bytes served statically by our own server.

Statements and processor time are counted without a network: the requests go to the application in this process, which uses the
database of a running network. The processor time is that of this process and of PostgreSQL, so other load on the machine disturbs it
much less than a duration. `--small`: few requests of each address, nothing is written.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from multiprocessing import get_context

import msgspec

from benchmarks.harness import (
    Load,
    Row,
    database_of,
    drive,
    get,
    memory_of,
    network,
    processor_time,
    report,
    run,
    server_pids,
    tree_of,
    wait_for,
)
from benchmarks.home import serve
from folkmoot import app
from folkmoot.api.routes import ROUTES as API
from folkmoot.base.db import Database
from folkmoot.commands.options import settings_of
from folkmoot.config import Settings
from folkmoot.http.routing import Access, Route
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.actions import start_session
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.web.routes import ROUTES as WEB
from tests.network_up import NetworkUp, free_port
from tests.village import Visitor, follow, settle, work, write

ITEMS = 20
AUTHORS = 40
POSTS = 400
MOST_MS = 5.0
_IS_SMALL = "--small" in sys.argv
_WARM, _COUNTED = (6, 4) if _IS_SMALL else (10, 25)  # requests of each address; the first ones plan statements and fill caches
_SECONDS, _ROUNDS, _CONNECTIONS = (0.2, 1, 16) if _IS_SMALL else (1.0, 3, 16)
_TEXT = "Na návsi dnes v šest otevíráme opravenou kašnu, voda teče po třiceti letech. #kašna https://example.org/nase-vec/kasna "
_LEFT_OUT = ("/streaming", "/live/", "/oauth/", "/api/oembed", "/export", "/.well-known", "/nodeinfo")
_QUERIES = {
    "/api/v1/accounts/lookup": "acct=author_01", "/api/v1/accounts/search": "q=author", "/api/v2/search": "q=kasna",
    "/api/v1/profile/search": "q=author", "/search": "q=kašna",
}
_FREQUENT = {  # of the table of issue 12: name, address, whether by a member
    "home, 20 posts": ("/api/v1/timelines/home", True),
    "public timeline": ("/api/v1/timelines/public", True),
    "an account's posts": ("/api/v1/accounts/{account}/statuses", True),
    "one post": ("/api/v1/statuses/{status}", True),
    "thread of 20 replies": ("/api/v1/statuses/{status}/context", True),
    "account look-up": ("/api/v1/accounts/lookup?acct=author_01", True),
    "notifications": ("/api/v1/notifications", True),
    "instance": ("/api/v2/instance", False),
    "page of one post, no account": ("/@author_00/{status}", False),
    "page of a profile, no account": ("/@author_01", False),
    "explore, no account": ("/explore", False),
}


_NOTHING_NEW = {  # what apps ask every minute
    "home since the newest": "/api/v1/timelines/home?since_id={newest}",
    "home after the newest": "/api/v1/timelines/home?min_id={newest}",
    "notifications since the newest": "/api/v1/notifications?since_id={notifications}",
    "groups of notifications since the newest": "/api/v2/notifications?since_id={notifications}",
}


def _settings(up: NetworkUp) -> Settings:
    """Those of the network, with its limits."""
    settings = settings_of(up.data)
    return msgspec.structs.replace(settings, limits=msgspec.structs.replace(settings.limits, multiplier=100_000))


class Town:
    """The ids in a filled network, and a reader who follows everybody."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.token = self.session = ""

    async def fill(self, up: NetworkUp, database: Database) -> "Town":
        settings = _settings(up)
        reader = await settle(database, "reader")
        authors = [await settle(database, f"author_{number:02d}") for number in range(AUTHORS)]
        for author in authors:
            await follow(database, reader, author)
            await follow(database, author, reader)
        own = (await write(database, reader, f"{_TEXT} moje")).post
        posts = [(await write(database, authors[number % AUTHORS], f"{_TEXT}{number}")).post for number in range(POSTS)]
        root = posts[POSTS - AUTHORS]
        for author in authors[:ITEMS]:
            await write(database, author, f"@reader {_TEXT} odpověď", reply_to_id=root.id)
            await write(database, author, "@reader jen mezi námi", visibility=Visibility.DIRECT)
        async with database.write() as tx:
            registered = await register_app(tx, "bench", ["urn:ietf:wg:oauth:2.0:oob"], "read write follow push")
            self.token = await issue_token(tx, registered.id, reader.id, "read write follow push")
            others = [await issue_token(tx, registered.id, author.id, "read write follow") for author in authors[:ITEMS]]
            self.session = await start_session(tx, await logins.get_login(tx, reader.id), "bench", "127.0.0.1")
        front = app.create_front(settings, database)
        member = Visitor(front, token=self.token)
        for post in posts[-ITEMS:]:
            for act in ("favourite", "bookmark", "reblog"):
                await member.post(f"/api/v1/statuses/{post.id}/{act}")
        for token in others:
            await Visitor(front, token=token).post(f"/api/v1/statuses/{own.id}/favourite")
            await Visitor(front, token=token).post(f"/api/v1/statuses/{own.id}/reblog")
        listed = (await member.post("/api/v1/lists", {"title": "náves"})).json["id"]
        await member.post(f"/api/v1/lists/{listed}/accounts", {"account_ids[]": [str(author.id) for author in authors]})
        await work(database, settings)
        await fold_counters(database)
        await member.get("/api/v1/timelines/home")
        await work(database, settings)
        notice = (await member.get("/api/v1/notifications")).json[0]["id"]
        self.ids = {"statuses": str(root.id), "status": str(root.id), "posts": str(root.id), "accounts": str(authors[1].id),
                    "account": str(authors[1].id), "lists": listed, "list": listed, "notifications": notice}
        return self

    def address(self, route: Route) -> str | None:
        """The address of a route in this network; None if it needs what the network does not have."""
        if any(part in route.path for part in _LEFT_OUT):
            return None
        segments = route.path.split("/")
        for at, segment in enumerate(segments):
            if segment in ("{name}", "@{name}"):
                segments[at] = segment.replace("{name}", "author_00" if segments[-1] == "{id}" else "author_01")
            elif segment in ("{hashtag}", "{tag}"):
                segments[at] = "kasna"
            elif segment == "{id}":
                known = self.ids.get(segments[at - 1], self.ids["status"] if segments[at - 1].startswith("@") else "")
                segments[at] = known
            elif segment.startswith("{"):
                return None
        path = "/".join(segments)
        query = _QUERIES.get(route.path, "")
        return path + (f"?{query}" if query else "")


async def _cost(
    database: Database, visitor: Visitor, address: str, postgres: Iterable[int], warm: int = _WARM, counted: int = _COUNTED
) -> tuple[int, int, float]:
    """(status, statements, milliseconds of processor time) of a request."""
    answer = await visitor.get(address)
    if answer.status not in (200, 206):
        return answer.status, 0, 0.0
    for _ in range(warm):
        await visitor.get(address)
    database.statements = 0
    began = time.process_time() + sum(map(processor_time, postgres))
    statuses = {(await visitor.get(address)).status for _ in range(counted)}
    spent = time.process_time() + sum(map(processor_time, postgres)) - began
    assert statuses == {answer.status}, (address, statuses)
    return answer.status, round(database.statements / counted), 1000 * spent / counted


def _limited(address: str, items: int) -> str:
    return f"{address}{'&' if '?' in address else '?'}limit={items}"


async def _list_costs(up: NetworkUp, town: Town) -> list[Row]:
    """Two rows for each endpoint and page; at the end what was left out, and whose statements grow with the page."""
    rows: list[Row] = []
    growing: list[str] = []
    left_out = 0
    async with database_of(up) as database:
        front = app.create_front(_settings(up), database)
        member, browser = Visitor(front, token=town.token), Visitor(front, session=town.session)
        await member.get("/api/v1/timelines/home")
        postgres = [pid for pid in tree_of(up.process.pid) if pid not in server_pids(up.process.pid)]
        for visitor, routes in ((member, API), (browser, WEB)):
            for route in routes:
                if route.method != "GET" or route.access not in (Access.PUBLIC, Access.MEMBER):
                    continue
                address = town.address(route)
                wanted = _limited(address, ITEMS) if address and visitor is member else address
                status, statements, cost = await _cost(database, visitor, wanted, postgres) if wanted else (0, 0, 0.0)
                if status not in (200, 206):
                    left_out += 1
                    continue
                rows += [Row(f"{route.path}: processor time", cost, "ms", f"<= {MOST_MS:g}", cost <= MOST_MS),
                         Row(f"{route.path}: statements", statements, "")]
                if visitor is member:
                    few_status, few, _ = await _cost(database, visitor, _limited(address or "", 5), (), 2, 2)
                    growing += [route.path] if few_status == status and few < statements else []
        newest = {noun: (await member.get(f"/api/v1/{path}")).json[0]["id"]
                  for noun, path in (("newest", "timelines/home"), ("notifications", "notifications"))}
        for name, pattern in _NOTHING_NEW.items():
            _, statements, cost = await _cost(database, member, pattern.format(**newest), postgres)
            rows += [Row(f"{name}: processor time", cost, "ms"), Row(f"{name}: statements", statements, "", "1", statements == 1)]
    print("grow with the page:", ", ".join(growing) or "none")
    return [*rows, Row("endpoints and pages that were not measured", left_out, ""),
            Row("endpoints whose statements grow with the page", len(growing), "", "0", not growing)]


async def _body_of(port: int, request: bytes) -> bytes:
    """The body, after some requests that fill the caches."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    body = b""
    for _ in range(30):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r")[0]))
        await asyncio.sleep(0.02)
    writer.close()
    return body


async def _compare(up: NetworkUp, town: Town) -> list[Row]:
    """The frequent requests against the same bytes, in alternating rounds."""
    rows: list[Row] = []
    for name, (pattern, is_by_member) in _FREQUENT.items():
        request = get(pattern.format(**town.ids), town.token if is_by_member else "")
        body, port = await _body_of(up.port, request), free_port()
        server = get_context("spawn").Process(target=serve, args=(port, body), daemon=True)
        server.start()
        await wait_for(port)
        ours: list[Load] = []
        plain: list[Load] = []
        for _ in range(_ROUNDS):
            plain.append(await _drive(port, get("/"), [server.pid or 0]))
            ours.append(await _drive(up.port, request, server_pids(up.process.pid)))
        server.terminate()
        failures = sum(load.failures for load in ours)
        ratio = statistics.median(one.cost / other.cost for one, other in zip(plain, ours, strict=True))
        print(f"{name}: {ratio:.2f} of the same bytes", flush=True)
        rows += [
            Row(f"{name}: web process, relative to the same bytes served statically", ratio, "ratio"),
            Row(f"{name}: processor time of the web process", statistics.median(load.cost for load in ours), "us"),
            Row(f"{name}: requests per second", max(load.rate for load in ours), "1/s"),
            Row(f"{name}: answers that were not 200", failures, "", "0", not failures),
        ]
    memory = sum(memory_of(up.process.pid).values())
    return [*rows, Row("memory after the load, with PostgreSQL", memory, "MiB", "<= 400", memory <= 400)]


async def _drive(port: int, request: bytes, pids: Sequence[int]) -> Load:
    return await drive(port, lambda _number: request, connections=_CONNECTIONS, seconds=_SECONDS, pids=pids)


async def _measure(up: NetworkUp) -> list[Row]:
    async with database_of(up) as database:
        town = await Town().fill(up, database)
    return [*await _compare(up, town), *await _list_costs(up, town)]


def main() -> None:
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000", FOLKMOOT_SERVER_PROCESSES=str(os.cpu_count() or 1)) as up:
        report("api", run(_measure(up)), is_kept=not _IS_SMALL)


if __name__ == "__main__":
    main()
