"""What is remembered of posts: a hash of each text, and the hosts that posts have named."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.rules.material import Material
from folkmoot.network.posts.model import PostEffect

_BATCH = 5000  # traces that are deleted in one statement


async def remember(tx: WriteTx, materials: Sequence[Material]) -> None:
    """Stores the texts and hosts of posts in one statement. A post that was deleted meanwhile leaves no trace; hosts are inserted in
    one order, against deadlocks."""
    hosts = sorted({(host, one.at) for one in materials for host in one.hosts})
    await tx.execute(
        """
        WITH traced AS (
            INSERT INTO post_traces (post_id, text_key)
            SELECT p.id, w.key FROM unnest($1::bigint[], $2::bigint[]) AS w (id, key) JOIN posts AS p ON p.id = w.id
            WHERE w.key IS NOT NULL ORDER BY p.id FOR KEY SHARE OF p
            ON CONFLICT (post_id) DO UPDATE SET text_key = excluded.text_key WHERE post_traces.text_key <> excluded.text_key
        ), shortened AS (
            DELETE FROM post_traces AS t USING unnest($1::bigint[], $2::bigint[]) AS w (id, key) WHERE t.post_id = w.id AND w.key IS NULL
        )
        INSERT INTO seen_hosts AS s (host, first_seen_at)
        SELECT host, min(at) FROM unnest($3::text[], $4::timestamptz[]) AS u (host, at) GROUP BY host ORDER BY host
        ON CONFLICT (host) DO UPDATE SET first_seen_at = excluded.first_seen_at WHERE excluded.first_seen_at < s.first_seen_at
        """,
        [one.post_id for one in materials], [one.text_key for one in materials], [host for host, _ in hosts], [at for _, at in hosts],
    )


async def list_post_ids_before(conn: ReadConn, below: int, above: int, limit: int) -> list[int]:
    """The newest posts with an id between these, for reading backwards through all posts. Index: the primary key."""
    rows = await conn.fetch(
        "SELECT id FROM posts WHERE id < $1 AND id > $2 AND boost_of_id IS NULL ORDER BY id DESC LIMIT $3", below, above, limit
    )
    return [row["id"] for row in rows]


async def delete_traces(tx: WriteTx, below: int) -> int:
    """Deletes traces of posts with lower ids, a part at a time; returns how many. Those of removed posts stay."""
    return await tx.execute(
        f"""
        DELETE FROM post_traces WHERE post_id IN (
            SELECT t.post_id FROM post_traces AS t JOIN posts AS p ON p.id = t.post_id
            WHERE t.post_id < $1 AND p.effect < {PostEffect.REMOVED:d} ORDER BY t.post_id LIMIT {_BATCH}
        )
        """,
        below,
    )


async def find_oldest_trace(conn: ReadConn) -> int | None:
    """The oldest post whose text is remembered, without removed ones; None without any."""
    value = await conn.fetchval(
        "SELECT t.post_id FROM post_traces AS t JOIN posts AS p ON p.id = t.post_id"
        f" WHERE p.effect < {PostEffect.REMOVED:d} ORDER BY t.post_id LIMIT 1"
    )
    return int(value) if value else None
