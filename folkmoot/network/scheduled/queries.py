"""All SQL of scheduled posts. Times are compared by the clock of the application, as in the check of a new one."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.posts.model import PostDraft
from folkmoot.network.scheduled.model import Failure, ScheduledPost

_SCHEDULED = "s.id, s.account_id, s.due_at, s.draft, s.idempotency_key, s.tries, s.failure, s.created_at"


def _scheduled_from(row: Row) -> ScheduledPost:
    return ScheduledPost(
        id=row["id"], account_id=row["account_id"], due_at=row["due_at"], draft=msgspec.json.decode(row["draft"], type=PostDraft),
        idempotency_key=row["idempotency_key"], tries=row["tries"], failure=Failure(row["failure"]) if row["failure"] else None,
        created_at=row["created_at"],
    )


def _encoded(draft: PostDraft) -> str:
    return msgspec.json.encode(draft).decode()


async def list_scheduled(conn: ReadConn, account_id: int, page: Page) -> list[ScheduledPost]:
    """A page, the latest written first. Uses the index scheduled_posts_account."""
    rows = await conn.fetch(
        f"SELECT {_SCHEDULED} FROM scheduled_posts AS s WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id {page.order} LIMIT $4",
        account_id, page.below, page.above, page.limit,
    )
    return [_scheduled_from(row) for row in page.newest_first(rows)]


async def list_all_scheduled(conn: ReadConn, account_id: int) -> list[ScheduledPost]:
    """All of a member: those that could not be published, then the others by their time."""
    rows = await conn.fetch(
        f"SELECT {_SCHEDULED} FROM scheduled_posts AS s WHERE account_id = $1 ORDER BY failure IS NULL, due_at, id", account_id
    )
    return [_scheduled_from(row) for row in rows]


async def get_scheduled(conn: ReadConn, account_id: int, scheduled_id: int) -> ScheduledPost:
    """Raises NotFound, also for one of another member."""
    row = await conn.fetchrow(
        f"SELECT {_SCHEDULED} FROM scheduled_posts AS s WHERE id = $1 AND account_id = $2", scheduled_id, account_id
    )
    if row is None:
        raise NotFound
    return _scheduled_from(row)


async def lock_scheduled(tx: WriteTx, account_id: int, scheduled_id: int) -> ScheduledPost:
    """The same, locked: a change, a deletion and the publication wait for each other."""
    row = await tx.fetchrow(
        f"SELECT {_SCHEDULED} FROM scheduled_posts AS s WHERE id = $1 AND account_id = $2 FOR UPDATE", scheduled_id, account_id
    )
    if row is None:
        raise NotFound
    return _scheduled_from(row)


async def lock_next_due(tx: WriteTx, now: datetime, but: Sequence[int]) -> tuple[ScheduledPost, bool] | None:
    """The next one that is due, locked, and whether its author can log in; without those in `but` and those that another
    transaction has locked. Uses the index scheduled_posts_due."""
    row = await tx.fetchrow(
        f"""
        SELECT {_SCHEDULED}, EXISTS (
            SELECT FROM logins AS l WHERE l.account_id = s.account_id AND l.disabled_at IS NULL) AS can_log_in
        FROM scheduled_posts AS s WHERE due_at <= $1 AND failure IS NULL AND id <> ALL ($2::bigint[])
        ORDER BY due_at, id LIMIT 1 FOR UPDATE OF s SKIP LOCKED
        """,
        now, list(but),
    )
    return (_scheduled_from(row), row["can_log_in"]) if row else None


async def find_by_key(tx: WriteTx, account_id: int, key: str, since: datetime) -> ScheduledPost | None:
    """The one that was created with this idempotency key."""
    row = await tx.fetchrow(
        f"SELECT {_SCHEDULED} FROM scheduled_posts AS s WHERE account_id = $1 AND idempotency_key = $2 AND created_at > $3 LIMIT 1",
        account_id, key, since,
    )
    return _scheduled_from(row) if row else None


async def lock_owner(tx: WriteTx, account_id: int) -> None:
    """Makes changes of one member's scheduled posts wait for each other, so that they cannot pass a limit together."""
    await tx.fetchval("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id)


async def count_scheduled(conn: ReadConn, account_id: int, begins_at: datetime, ends_at: datetime, but: int) -> tuple[int, int]:
    """(all, those that are due in a span of time) of a member, without one."""
    row = await conn.fetchrow(
        "SELECT count(*) AS everything, count(*) FILTER (WHERE due_at >= $2 AND due_at < $3) AS within"
        " FROM scheduled_posts WHERE account_id = $1 AND id <> $4",
        account_id, begins_at, ends_at, but,
    )
    assert row is not None
    return row["everything"], row["within"]


async def insert_scheduled(tx: WriteTx, scheduled: ScheduledPost) -> None:
    await tx.execute(
        "INSERT INTO scheduled_posts (id, account_id, due_at, draft, idempotency_key, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        scheduled.id, scheduled.account_id, scheduled.due_at, _encoded(scheduled.draft), scheduled.idempotency_key, scheduled.created_at,
    )


async def update_scheduled(tx: WriteTx, scheduled_id: int, due_at: datetime, draft: PostDraft) -> None:
    """Stores a new time and text; an earlier failure is forgotten."""
    await tx.execute(
        "UPDATE scheduled_posts SET due_at = $2, draft = $3, failure = NULL, tries = 0 WHERE id = $1", scheduled_id, due_at, _encoded(draft)
    )


async def update_failure(tx: WriteTx, scheduled: ScheduledPost, failure: Failure) -> bool:
    """Returns False if its author has changed or deleted it meanwhile."""
    return bool(await tx.execute(
        "UPDATE scheduled_posts SET failure = $3 WHERE id = $1 AND due_at = $2 AND failure IS NULL", scheduled.id, scheduled.due_at, failure
    ))


async def add_try(tx: WriteTx, scheduled: ScheduledPost) -> None:
    await tx.execute("UPDATE scheduled_posts SET tries = tries + 1 WHERE id = $1 AND due_at = $2", scheduled.id, scheduled.due_at)


async def delete_scheduled(tx: WriteTx, scheduled_id: int) -> None:
    await tx.execute("DELETE FROM scheduled_posts WHERE id = $1", scheduled_id)
