"""The position up to which the new server must have followed before the two are compared."""

import asyncpg

from folkmoot.portability.logical.queries import get_position


async def test_the_position_contains_commits_that_were_not_flushed(dsn: str) -> None:
    """The worker of the queue commits without waiting for the disk."""
    worker, mover = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        for _ in range(20):
            await worker.execute("SET synchronous_commit = off; UPDATE host_state SET epoch = epoch")
            end = await worker.fetchval("SELECT pg_current_wal_insert_lsn()::text")
            position = await get_position(mover)
            assert await mover.fetchval("SELECT $1::text::pg_lsn >= $2::text::pg_lsn", position, end)
    finally:
        await worker.close()
        await mover.close()
