"""The home timeline of the API, compared with the same bytes served statically by the same server.

The ratio compares processor time of the web process per page, because load generator, PostgreSQL and server share the
cores of the machine. Pages per second are reported too.
"""

import asyncio
import multiprocessing
import os
import statistics
import time
from typing import Any

from benchmarks.harness import Load, Row, database_of, drive, get, network, report, run, server_pids, wait_for
from folkmoot.commands.supervisor import WEB_NICENESS
from folkmoot.http.front import Front
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Router
from folkmoot.http.server import Server
from tests.network_up import NetworkUp, free_port, moot
from tests.village import follow, settle, write

SECONDS = 4.0
ROUNDS = 5
CONNECTIONS = 16
_TEXT = ("Na návsi dnes v šest otevíráme opravenou kašnu, voda teče po třiceti letech. Přijďte, bude polévka a Tonda vzal harmoniku."
         " Kdo má doma lavičku, ať ji vezme s sebou. #kašna https://example.org/nase-vec/kasna ")


async def _fill(up: NetworkUp) -> str:
    """Creates a reader who follows 40 authors with 400 posts; returns the token of the reader."""
    async with database_of(up) as database:
        reader = await settle(database, "reader")
        authors = [await settle(database, f"author_{number:02d}") for number in range(40)]
        for author in authors:
            await follow(database, reader, author)
        for number in range(400):
            await write(database, authors[number * 7 % 40], f"{_TEXT}{number}")
    return moot("token", "create", "reader", data=up.data).stdout.strip()


def serve(port: int, body: bytes) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await front(scope, receive, send)

    reply = Reply(body)
    front = Front(api=reply, pages=reply, health=reply, api_router=Router([]), is_secure=False)
    os.nice(WEB_NICENESS)  # as the processes it is compared with
    Server(application, "127.0.0.1", port, []).run()


async def _measure(up: NetworkUp, token: str) -> tuple[list[Load], list[Load], int]:
    path = "/api/v1/timelines/home"
    reader, writer = await asyncio.open_connection("127.0.0.1", up.port, limit=2**20)
    for _ in range(30):  # until the home is built and its posts are cached
        writer.write(get(path, token))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r")[0])
        body = await reader.readexactly(length)
        await asyncio.sleep(0.05)
    writer.close()
    port = free_port()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port, body), daemon=True)
    server.start()
    await wait_for(port)
    homes, plains = [], []
    for _ in range(ROUNDS):  # alternating, so that other load on the machine affects both
        plains.append(await drive(port, lambda _number: get("/"), connections=CONNECTIONS, seconds=SECONDS, pids=[server.pid or 0]))
        homes.append(await drive(
            up.port, lambda _number: get(path, token), connections=CONNECTIONS, seconds=SECONDS, pids=server_pids(up.process.pid),
        ))
    server.terminate()
    return homes, plains, len(body)


def main() -> None:
    with network(FOLKMOOT_SERVER_PROCESSES="1", FOLKMOOT_LIMITS_MULTIPLIER="100000") as up:
        token = run(_fill(up))
        time.sleep(2)
        homes, plains, size = run(_measure(up, token))
    ratio = statistics.median(plain.cost / home.cost for home, plain in zip(homes, plains, strict=True))
    best = max(homes, key=lambda load: load.rate)
    report("home", [
        Row("home page, relative to the same bytes served statically (median of rounds)", ratio, "ratio", "0.33", ratio >= 0.33),
        Row("processor time of a home page", statistics.median(home.cost for home in homes), "us"),
        Row("processor time of the same bytes statically", statistics.median(plain.cost for plain in plains), "us"),
        Row("home pages per second, everything on these cores", best.rate, "1/s"),
        Row("the same bytes statically", max(plain.rate for plain in plains), "1/s"),
        Row("size of the page", size / 1000, "kB"),
        Row("home page, median", best.percentile(0.5), "ms"),
        Row(f"home page, p99 at {CONNECTIONS} connections", best.percentile(0.99), "ms"),
        Row("answers that were not 200", sum(load.failures for load in homes), "", "0", not sum(load.failures for load in homes)),
    ])


if __name__ == "__main__":
    main()
