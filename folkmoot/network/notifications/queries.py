"""All SQL of notifications and markers."""

from collections.abc import Sequence

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.notifications.model import Kind, Marker, Notification
from folkmoot.network.posts.model import Mark
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.posts.visibility import visible_sql

# Whom one may tell of something: people with a log-in here, not oneself (but of one's own poll), nobody who avoids the
# sender or has muted the conversation, and of a post only who may see it. $1 the people, $2 kind, $3 sender, $4 post (may be NULL), $5 ids.
_INSERT = f"""
    INSERT INTO notifications (account_id, id, kind, from_id, post_id, created_at)
    SELECT told.account_id, told.id, $2, $3, $4, $6
    FROM unnest($1::bigint[], $5::bigint[]) AS told (account_id, id)
    JOIN logins ON logins.account_id = told.account_id
    LEFT JOIN posts AS p ON p.id = $4 LEFT JOIN accounts AS a ON a.id = p.account_id
    WHERE (told.account_id <> $3 OR $2 = '{Kind.POLL}')
      AND ($4::bigint IS NULL OR p.id IS NOT NULL AND {visible_sql("p", "a", "told.account_id")})
      AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = told.account_id AND mutes.target_id = $3
                      AND mutes.hides_notifications AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
      AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = told.account_id AND blocks.target_id = $3)
      AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $3 AND blocks.target_id = told.account_id)
      AND NOT EXISTS (SELECT FROM marks WHERE marks.account_id = told.account_id AND marks.post_id = p.conversation_id
                      AND marks.bits & {Mark.MUTED:d} > 0)
    ON CONFLICT (account_id, kind, from_id, post_id) DO NOTHING -- the same id by chance fails, and the job runs again
    RETURNING account_id, id
"""


async def insert_notifications(
    tx: WriteTx, account_ids: Sequence[int], kind: Kind, sender_id: int, post_id: int | None
) -> list[tuple[int, int]]:
    """Tells those among `account_ids` who may and want to know. Returns (account id, notification id) of the new ones."""
    now = clock.now()
    rows = await tx.fetch(
        _INSERT, list(account_ids), kind, sender_id, post_id, [ids.make_id(ids.shard_of(id_), now) for id_ in account_ids], now
    )
    return [(row["account_id"], row["id"]) for row in rows]


async def list_notifications(
    conn: ReadConn, viewer_id: int, page: Page, *, kinds: Sequence[str] | None = None, without: Sequence[str] = (),
    sender_id: int | None = None,
) -> list[Notification]:
    """A page of the viewer's notifications, newest first: four statements. Leans on the primary key."""
    rows = await conn.fetch(
        f"""
        SELECT id, kind, from_id, post_id, created_at FROM notifications AS n
        WHERE account_id = $1 AND id < $2 AND id > $3
          AND ($5::text[] IS NULL OR kind = ANY ($5)) AND kind <> ALL ($6::text[]) AND ($7::bigint IS NULL OR from_id = $7)
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1 AND blocks.target_id = n.from_id)
          AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = $1 AND mutes.target_id = n.from_id
                          AND mutes.hides_notifications AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
        ORDER BY id {page.order} LIMIT $4
        """,
        viewer_id, page.below, page.above, page.limit, list(kinds) if kinds is not None else None, list(without), sender_id,
    )
    rows = page.newest_first(rows)
    senders = await list_accounts(conn, [row["from_id"] for row in rows])
    views = await list_post_views(conn, list({row["post_id"] for row in rows if row["post_id"]}), viewer_id)
    posts = {view.post.id: view for view in views}
    return [
        Notification(
            id=row["id"], kind=Kind(row["kind"]), sender=senders[row["from_id"]],
            post=posts[row["post_id"]] if row["post_id"] else None, created_at=row["created_at"],
        )
        for row in rows
        if row["from_id"] in senders and (row["post_id"] is None or row["post_id"] in posts)
    ]


async def get_notification(conn: ReadConn, viewer_id: int, notification_id: int) -> Notification:
    found = await list_notifications(conn, viewer_id, Page(limit=1, max_id=notification_id + 1, since_id=notification_id - 1))
    if not found:
        raise NotFound
    return found[0]


async def count_unread(conn: ReadConn, viewer_id: int, *, most: int = 100) -> int:
    """How many notifications came after the marker, at most `most`."""
    return int(await conn.fetchval(
        """
        SELECT count(*) FROM (
            SELECT FROM notifications WHERE account_id = $1 AND id > coalesce(
                (SELECT last_read_id FROM markers WHERE account_id = $1 AND timeline = 'notifications'), 0)
            LIMIT $2) AS unread
        """,
        viewer_id, most,
    ))


async def delete_notifications(tx: WriteTx, account_id: int, only: int | None = None) -> int:
    return await tx.execute(
        "DELETE FROM notifications WHERE account_id = $1 AND ($2::bigint IS NULL OR id = $2)", account_id, only
    )


async def list_markers(conn: ReadConn, account_id: int, timelines: Sequence[str]) -> list[Marker]:
    rows = await conn.fetch(
        "SELECT timeline, last_read_id, version, updated_at FROM markers WHERE account_id = $1 AND timeline = ANY ($2::text[])",
        account_id, list(timelines),
    )
    return [Marker(**dict(row)) for row in rows]


async def upsert_marker(tx: WriteTx, account_id: int, timeline: str, last_read_id: int) -> Marker:
    row = await tx.fetchrow(
        """
        INSERT INTO markers (account_id, timeline, last_read_id, updated_at) VALUES ($1, $2, $3, now())
        ON CONFLICT (account_id, timeline) DO UPDATE
            SET last_read_id = excluded.last_read_id, version = markers.version + 1, updated_at = now()
        RETURNING timeline, last_read_id, version, updated_at
        """,
        account_id, timeline, last_read_id,
    )
    assert row is not None
    return Marker(**dict(row))


async def list_voters_unscoped(conn: ReadConn, poll_id: int) -> list[int]:
    rows = await conn.fetch("SELECT account_id FROM poll_votes WHERE poll_id = $1", poll_id)
    return [row["account_id"] for row in rows]


async def list_boosters_unscoped(conn: ReadConn, post_id: int) -> list[int]:
    rows = await conn.fetch("SELECT account_id FROM posts WHERE boost_of_id = $1", post_id)
    return [row["account_id"] for row in rows]


async def list_listening_followers_unscoped(conn: ReadConn, account_id: int) -> list[int]:
    """Who wants to hear of every post of an account."""
    rows = await conn.fetch(
        "SELECT f.account_id FROM followers AS fo JOIN follows AS f ON f.account_id = fo.follower_id AND f.target_id = fo.account_id"
        " WHERE fo.account_id = $1 AND f.notifies",
        account_id,
    )
    return [row["account_id"] for row in rows]
