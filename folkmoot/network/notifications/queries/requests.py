"""Requests: the filtered notifications of each sender, and the senders that a member lets through."""

from collections.abc import Sequence

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import account_from, columns, list_accounts
from folkmoot.network.notifications.model import MOST_FILTERED, MOST_REQUESTS, Kind, NotificationRequest, PendingCounts
from folkmoot.network.notifications.queries.reading import IS_SHOWN
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries import list_post_views

# $1: the viewer. Requests without a notification that the viewer may see now are neither listed nor counted.
_OF_REQUEST = f"FROM filtered_notifications AS n WHERE n.account_id = $1 AND n.from_id = r.sender_id AND {IS_SHOWN}"
WAITING = f"""
    SELECT FROM notification_requests AS r WHERE r.account_id = $1 AND r.allowed_at IS NULL AND EXISTS (SELECT {_OF_REQUEST})
"""


async def list_requests(conn: ReadConn, viewer_id: int, page: Page, *, only_id: int | None = None) -> list[NotificationRequest]:
    """A page of the viewer's requests, the newest first: four statements. Uses the index of the request ids."""
    rows = page.newest_first(await conn.fetch(
        f"""
        SELECT r.id, r.sender_id, of_request.* FROM notification_requests AS r
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, min(created_at) AS first_at, max(created_at) AS newest_at,
                (array_agg(post_id ORDER BY kind = '{Kind.MENTION}' DESC, id DESC) FILTER (WHERE post_id IS NOT NULL))[1] AS last_post_id
            FROM (SELECT n.id, n.kind, n.post_id, n.created_at {_OF_REQUEST} ORDER BY n.id DESC LIMIT {MOST_REQUESTS}) AS newest
        ) AS of_request
        WHERE r.account_id = $1 AND r.id < $2 AND r.id > $3 AND r.allowed_at IS NULL AND of_request.count > 0
          AND ($5::bigint IS NULL OR r.id = $5)
        ORDER BY r.id {page.order} LIMIT $4
        """,
        viewer_id, page.below, page.above, page.limit, only_id,
    ))
    senders = await list_accounts(conn, [row["sender_id"] for row in rows])
    views = await list_post_views(conn, list({row["last_post_id"] for row in rows if row["last_post_id"]}), viewer_id)
    posts = {view.post.id: view for view in views}
    return [
        NotificationRequest(
            id=row["id"], sender=senders[row["sender_id"]], count=row["count"], first_at=row["first_at"], newest_at=row["newest_at"],
            last_post=posts.get(row["last_post_id"]),
        )
        for row in rows
        if row["sender_id"] in senders
    ]


async def get_request(conn: ReadConn, viewer_id: int, request_id: int) -> NotificationRequest:
    """Raises NotFound, also for a request that was accepted."""
    found = await list_requests(conn, viewer_id, Page(limit=1), only_id=request_id)
    if not found:
        raise NotFound
    return found[0]


async def count_pending(conn: ReadConn, viewer_id: int) -> PendingCounts:
    """What waits in requests, in one statement."""
    row = await conn.fetchrow(
        f"""
        SELECT (SELECT count(*) FROM ({WAITING} LIMIT {MOST_REQUESTS}) AS waiting) AS requests,
            (SELECT count(*) FROM (SELECT FROM filtered_notifications AS n WHERE n.account_id = $1 AND {IS_SHOWN}
                LIMIT {MOST_FILTERED}) AS waiting) AS notifications
        """,
        viewer_id,
    )
    assert row is not None
    return PendingCounts(**dict(row))


async def list_waiting_senders(conn: ReadConn, viewer_id: int, request_ids: Sequence[int]) -> list[int]:
    """The senders of these requests of the viewer that wait, in the order in which they are locked."""
    rows = await conn.fetch(
        "SELECT sender_id FROM notification_requests WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND allowed_at IS NULL"
        " ORDER BY sender_id",
        viewer_id, list(request_ids),
    )
    return [row["sender_id"] for row in rows]


async def has_request(conn: ReadConn, account_id: int, sender_id: int) -> bool:
    """Whether a request of this sender waits."""
    return bool(await conn.fetchval(
        "SELECT true FROM notification_requests WHERE account_id = $1 AND sender_id = $2 AND allowed_at IS NULL", account_id, sender_id
    ))


async def allow_senders(tx: WriteTx, viewer_id: int, sender_ids: Sequence[int]) -> None:
    """Locks the requests and marks them as accepted. A job that filters at this moment waits, and then filters nothing."""
    await tx.execute(
        """
        WITH locked AS (
            SELECT sender_id FROM notification_requests WHERE account_id = $1 AND sender_id = ANY ($2::bigint[])
            ORDER BY sender_id FOR UPDATE
        )
        UPDATE notification_requests AS r SET allowed_at = coalesce(r.allowed_at, $3) FROM locked
        WHERE r.account_id = $1 AND r.sender_id = locked.sender_id
        """,
        viewer_id, list(sender_ids), clock.now(),
    )


async def merge_filtered(tx: WriteTx, viewer_id: int, sender_ids: Sequence[int]) -> list[int]:
    """Moves filtered notifications of these senders to the others. Returns the direct posts that they are about. A statement of its
    own, after `allow_senders`, so that it finds what was filtered before."""
    rows = await tx.fetch(
        f"""
        WITH gone AS (
            DELETE FROM filtered_notifications WHERE account_id = $1 AND from_id = ANY ($2::bigint[])
            RETURNING account_id, id, kind, from_id, post_id, created_at
        ), merged AS (
            INSERT INTO notifications (account_id, id, kind, from_id, post_id, created_at) SELECT * FROM gone
            ON CONFLICT ON CONSTRAINT notifications_once DO NOTHING
        )
        SELECT p.id FROM gone JOIN posts AS p ON p.id = gone.post_id
        WHERE gone.kind = '{Kind.MENTION}' AND p.visibility = {Visibility.DIRECT:d} ORDER BY p.id
        """,
        viewer_id, list(sender_ids),
    )
    return [row["id"] for row in rows]


async def delete_requests(tx: WriteTx, viewer_id: int, request_ids: Sequence[int]) -> int:
    """Deletes requests that wait, with their notifications. Locks them in the order in which others do."""
    return await tx.execute(
        """
        WITH locked AS (
            SELECT sender_id FROM notification_requests WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND allowed_at IS NULL
            ORDER BY sender_id FOR UPDATE
        )
        DELETE FROM notification_requests AS r USING locked WHERE r.account_id = $1 AND r.sender_id = locked.sender_id
        """,
        viewer_id, list(request_ids),
    )


async def delete_empty_request(tx: WriteTx, account_id: int, sender_id: int) -> None:
    """Deletes a request that waits for nothing any more. The lock makes a job that filters wait."""
    waiting = await tx.fetchrow(
        "SELECT id FROM notification_requests WHERE account_id = $1 AND sender_id = $2 AND allowed_at IS NULL FOR UPDATE",
        account_id, sender_id,
    )
    if waiting:
        await tx.execute(
            "DELETE FROM notification_requests WHERE account_id = $1 AND sender_id = $2 AND NOT EXISTS ("
            "SELECT FROM filtered_notifications WHERE account_id = $1 AND from_id = $2)",
            account_id, sender_id,
        )


async def delete_empty_requests_unscoped(tx: WriteTx, most: int) -> int:
    """Deletes requests that wait for nothing any more, because the posts were deleted. Two statements, so that nothing is deleted that a
    job filters at this moment; requests that one has locked are left out."""
    rows = await tx.fetch(
        """
        SELECT account_id, sender_id FROM notification_requests AS r WHERE allowed_at IS NULL AND NOT EXISTS (
            SELECT FROM filtered_notifications AS f WHERE f.account_id = r.account_id AND f.from_id = r.sender_id)
        LIMIT $1 FOR UPDATE SKIP LOCKED
        """,
        most,
    )
    return await tx.execute(
        """
        DELETE FROM notification_requests AS r USING unnest($1::bigint[], $2::bigint[]) AS empty (account_id, sender_id)
        WHERE r.account_id = empty.account_id AND r.sender_id = empty.sender_id AND NOT EXISTS (
            SELECT FROM filtered_notifications AS f WHERE f.account_id = r.account_id AND f.from_id = r.sender_id)
        """,
        [row["account_id"] for row in rows], [row["sender_id"] for row in rows],
    )


async def delete_some_requests(tx: WriteTx, account_id: int, most: int) -> bool:
    """Deletes requests to and from an account that leaves; returns False when none are left."""
    return bool(await tx.execute(
        "DELETE FROM notification_requests AS r USING ("
        " (SELECT account_id, sender_id FROM notification_requests WHERE account_id = $1 LIMIT $2)"
        " UNION (SELECT account_id, sender_id FROM notification_requests WHERE sender_id = $1 LIMIT $2)) AS batch"
        " WHERE r.account_id = batch.account_id AND r.sender_id = batch.sender_id",
        account_id, most,
    ))


async def list_allowed(conn: ReadConn, viewer_id: int, page: Page) -> list[tuple[int, Account]]:
    """(row id, account) of the senders that the viewer lets through, the newest first, suspended ones too."""
    rows = await conn.fetch(
        f"""
        SELECT r.id AS row_id, {columns()} FROM notification_requests AS r
        JOIN accounts AS a ON a.id = r.sender_id LEFT JOIN account_counts AS ac ON ac.account_id = a.id
        WHERE r.account_id = $1 AND r.allowed_at IS NOT NULL AND r.id < $2 AND r.id > $3 ORDER BY r.id {page.order} LIMIT $4
        """,
        viewer_id, page.below, page.above, page.limit,
    )
    return page.newest_first([(row["row_id"], account_from(row)) for row in rows])


async def delete_allowed(tx: WriteTx, viewer_id: int, sender_id: int) -> bool:
    return bool(await tx.execute(
        "DELETE FROM notification_requests WHERE account_id = $1 AND sender_id = $2 AND allowed_at IS NOT NULL", viewer_id, sender_id
    ))
