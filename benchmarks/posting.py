"""Posts accepted per second by POST /api/v1/statuses over a minute. The load generator uses the same cores."""

import asyncio
import json
import time

from benchmarks.harness import Load, Row, database_of, drive, network, report, run
from folkmoot.base.queue.queries import measure_queue
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.queries import count_network
from tests.network_up import NetworkUp
from tests.village import follow, settle

SECONDS = 60.0
CONNECTIONS = 16
AUTHORS = 64


async def fill(up: NetworkUp) -> list[str]:
    """Creates authors who each follow five others; returns their tokens."""
    async with database_of(up) as database:
        authors = [await settle(database, f"author_{number:02d}") for number in range(AUTHORS)]
        for number, author in enumerate(authors):
            for step in range(1, 6):
                await follow(database, author, authors[(number + step) % AUTHORS])
        async with database.write() as tx:
            app = await register_app(tx, "bench", ["urn:ietf:wg:oauth:2.0:oob"], "read write")
            return [await issue_token(tx, app.id, author.id, "read write") for author in authors]


async def _measure(up: NetworkUp, tokens: list[str]) -> tuple[Load, float, int]:
    def post(number: int) -> bytes:
        body = json.dumps({"status": f"Příspěvek číslo {number}: dnes v šest na návsi, kdo má čas. #zkouška"}).encode()
        return (f"POST /api/v1/statuses HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {tokens[number % AUTHORS]}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body

    oldest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal oldest
        async with database_of(up) as database:
            while not done.is_set():
                async with database.read() as conn:
                    oldest = max(oldest, (await measure_queue(conn)).oldest)
                await asyncio.sleep(0.5)

    watcher = asyncio.create_task(watch())
    load = await drive(up.port, post, connections=CONNECTIONS, seconds=SECONDS)
    done.set()
    await watcher
    deadline = time.monotonic() + 30
    async with database_of(up) as database:
        while time.monotonic() < deadline:
            async with database.read() as conn:
                if not (await measure_queue(conn)).waiting:
                    break
            await asyncio.sleep(0.5)
        await asyncio.sleep(2)
        async with database.read() as conn:
            _, _, posts = await count_network(conn)
    return load, oldest, posts


def main() -> None:
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000") as up:
        tokens = run(fill(up))
        load, oldest, posts = run(_measure(up, tokens))
    report("posting", [
        Row("posts accepted per second over a minute", load.rate, "1/s", "450", load.rate >= 450),
        Row("post, median", load.percentile(0.5), "ms"),
        Row(f"post, p95 at {CONNECTIONS} connections", load.percentile(0.95), "ms"),
        Row("oldest job in the queue", oldest, "s", "<= 2", oldest <= 2),
        Row("answers that were not 200", load.failures, "", "0", not load.failures),
        Row("posts that were accepted and are not counted", load.answers - load.failures - posts, "", "0",
            load.answers - load.failures == posts),
    ])


if __name__ == "__main__":
    main()
