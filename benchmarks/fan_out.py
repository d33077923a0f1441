"""A post by an author with 10,000 followers: how long the author waits, and when it is in all homes."""

import asyncio
import json
import time

from benchmarks.harness import Load, Row, database_of, drive, network, report, run
from folkmoot.base.db import Database
from folkmoot.network.sessions.apps import issue_token, register_app
from tests.network_up import NetworkUp
from tests.village import settle

FOLLOWERS = 10_000
POSTS = 400


async def _fill(up: NetworkUp) -> str:
    """Creates the author, and followers with warm homes. Writes rows directly, because sign-up is not measured."""
    async with database_of(up) as database:
        author = await settle(database, "author")
        async with database.write() as tx:
            await tx.execute(
                """
                WITH made AS (
                    INSERT INTO accounts (id, username, username_key, created_at)
                    SELECT n::bigint << 22, 'follower_' || n, 'follower_' || n, now() FROM generate_series(1, $2::int) AS n RETURNING id
                ), counted AS (
                    INSERT INTO account_counts (account_id, following) SELECT id, 1 FROM made
                ), follow AS (
                    INSERT INTO follows (account_id, target_id, id) SELECT id, $1, id FROM made
                ), home AS (
                    INSERT INTO homes (account_id, built_at, floor_id) SELECT id, now(), 0 FROM made
                )
                INSERT INTO followers (account_id, follower_id, id) SELECT $1, id, id FROM made
                """,
                author.id, FOLLOWERS,
            )
            await tx.execute("UPDATE account_counts SET followers = $2 WHERE account_id = $1", author.id, FOLLOWERS)
            app = await register_app(tx, "bench", ["urn:ietf:wg:oauth:2.0:oob"], "read write")
            token = await issue_token(tx, app.id, author.id, "read write")
        async with database.write() as tx:
            await tx.execute("ANALYZE")
    return token


async def _measure(up: NetworkUp, token: str) -> tuple[Load, float, float]:
    """(the posts, seconds until all of them are in all homes, seconds until one more is)."""

    def post(number: int) -> bytes:
        body = json.dumps({"status": f"Všem deseti tisícům: {number}"}).encode()
        return (f"POST /api/v1/statuses HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body

    async with database_of(up) as database:
        started = time.monotonic()
        load = await drive(up.port, post, connections=1, seconds=300, most=POSTS)
        await _arrived(database, POSTS)
        all_seconds = time.monotonic() - started
        await asyncio.sleep(1)
        started = time.monotonic()
        await drive(up.port, post, connections=1, seconds=60, most=1)
        await _arrived(database, POSTS + 1)
    return load, all_seconds, time.monotonic() - started


async def _arrived(database: Database, posts: int) -> None:
    started = time.monotonic()
    while time.monotonic() - started < 600:
        async with database.read() as conn:
            if await conn.fetchval("SELECT count(*) FROM home_entries") >= posts * FOLLOWERS:
                return
        await asyncio.sleep(0.1)
    raise SystemExit(f"{posts} posts have not arrived in {FOLLOWERS} homes in ten minutes")


def main() -> None:
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000") as up:
        token = run(_fill(up))
        load, all_seconds, reached = run(_measure(up, token))
    p95 = load.percentile(0.95)
    report("fan_out", [
        Row("post by an author with 10,000 followers, median", load.percentile(0.5), "ms"),
        Row("post by an author with 10,000 followers, p95", p95, "ms", "<= 50", p95 <= 50),
        Row("until one is in 10,000 homes", reached, "s"),
        Row(f"entries of homes per second, {POSTS} posts in a row", POSTS * FOLLOWERS / all_seconds, "1/s"),
        Row("answers that were not 200", load.failures, "", "0", not load.failures),
    ])


if __name__ == "__main__":
    main()
