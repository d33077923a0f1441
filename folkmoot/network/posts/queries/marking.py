"""Favourites, bookmarks, boosts and pins, and the row of marks that combines them for reading."""

from typing import Literal

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.posts.model import Mark, Visibility
from folkmoot.network.relations.queries import unblocked_sql

_MARK_LOCKS, _PIN_LOCKS = 7023, 7021  # seeds of the keys of advisory locks
PostLock = Literal["KEY SHARE", "SHARE", "NO KEY UPDATE"]


async def lock_shown(tx: WriteTx, viewer_id: int, post_id: int, lock: PostLock = "KEY SHARE") -> AccountEffect | None:
    """Begins an action of the viewer on the shown post (for a boost, the boosted one); returns the viewer's effect.

    Until the transaction ends, the post is not deleted, the viewer is not suspended, and other actions of the viewer on
    this post wait. SHARE also keeps the effects of the post and of its author, which decide whether a boost counts. The
    order of the locks is: pair of viewer and post, post, accounts (decision 0045). Returns None if there is no such post.
    """
    author = ", author" if lock == "SHARE" else ""
    effect = await tx.fetchval(
        f"""
        SELECT me.effect, pg_advisory_xact_lock(hashtextextended(me.id || ':' || s.id, {_MARK_LOCKS}))
        FROM posts AS s JOIN accounts AS author ON author.id = s.account_id JOIN accounts AS me ON me.id = $1
        WHERE s.id = (SELECT coalesce(boost_of_id, id) FROM posts WHERE id = $2)
        FOR {lock} OF s FOR SHARE OF me{author}
        """,
        viewer_id, post_id,
    )
    return None if effect is None else AccountEffect(effect)


async def lock_pins(tx: WriteTx, viewer_id: int) -> None:
    """Makes all pinning and unpinning of a viewer run one after the other."""
    await tx.execute(f"SELECT pg_advisory_xact_lock(hashtextextended('pins:' || $1::bigint, {_PIN_LOCKS}))", viewer_id)


async def count_other_pins(tx: WriteTx, viewer_id: int, post_id: int) -> int:
    return int(await tx.fetchval(
        f"SELECT count(*) FROM marks WHERE account_id = $1 AND bits & {Mark.PINNED:d} > 0 AND post_id <> $2", viewer_id, post_id
    ))


async def add_mark(tx: WriteTx, viewer_id: int, post_id: int, mark: Mark) -> None:
    await tx.execute(
        "INSERT INTO marks (account_id, post_id, bits) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id, post_id) DO UPDATE SET bits = marks.bits | excluded.bits",
        viewer_id, post_id, int(mark),
    )


async def remove_mark(tx: WriteTx, viewer_id: int, post_id: int, mark: Mark) -> None:
    await tx.execute("UPDATE marks SET bits = bits & ~$3::smallint WHERE account_id = $1 AND post_id = $2", viewer_id, post_id, int(mark))


async def find_marked(tx: WriteTx, viewer_id: int, post_id: int, mark: Mark) -> int | None:
    """The id of the shown post if the viewer has set this mark on it, also if the viewer may not see it."""
    value = await tx.fetchval(
        "SELECT s.id FROM posts AS p JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id)"
        " LEFT JOIN marks AS m ON m.account_id = $1 AND m.post_id = s.id"
        " LEFT JOIN muted_conversations AS muted ON muted.account_id = $1 AND muted.conversation_id = s.conversation_id"
        f" WHERE p.id = $2 AND (m.bits & $3::smallint > 0 OR $3 = {Mark.MUTED:d} AND muted.account_id IS NOT NULL)",
        viewer_id, post_id, int(mark),
    )
    return int(value) if value else None


async def get_conversation_id(tx: WriteTx, post_id: int) -> int:
    """Raises NotFound."""
    value = await tx.fetchval("SELECT conversation_id FROM posts WHERE id = $1", post_id)
    if value is None:
        raise NotFound
    return int(value)


async def insert_mute(tx: WriteTx, viewer_id: int, conversation_id: int) -> None:
    await tx.execute(
        "INSERT INTO muted_conversations (account_id, conversation_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", viewer_id, conversation_id
    )


async def delete_mute(tx: WriteTx, viewer_id: int, conversation_id: int) -> None:
    await tx.execute("DELETE FROM muted_conversations WHERE account_id = $1 AND conversation_id = $2", viewer_id, conversation_id)


async def insert_marked(tx: WriteTx, table: str, viewer_id: int, row_id: int, post_id: int) -> bool:
    """Inserts a row of `favourites` or `bookmarks`; returns False when it exists."""
    assert table in ("favourites", "bookmarks")
    return bool(await tx.execute(
        f"INSERT INTO {table} (account_id, id, post_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", viewer_id, row_id, post_id
    ))


async def delete_marked(tx: WriteTx, table: str, viewer_id: int, post_id: int) -> bool:
    assert table in ("favourites", "bookmarks")
    return bool(await tx.execute(f"DELETE FROM {table} WHERE account_id = $1 AND post_id = $2", viewer_id, post_id))


async def get_author_id(tx: WriteTx, post_id: int) -> int:
    """The author of a post that the caller has locked."""
    return int(await tx.fetchval("SELECT account_id FROM posts WHERE id = $1", post_id))


async def find_boost_id(tx: WriteTx, viewer_id: int, post_id: int) -> int | None:
    value = await tx.fetchval("SELECT id FROM posts WHERE boost_of_id = $1 AND account_id = $2", post_id, viewer_id)
    return int(value) if value else None


async def find_own_boost(tx: WriteTx, account_id: int, boost_id: int) -> int | None:
    """The id of the boosted post, if this is a boost by the account; also if the account may not see that post."""
    value = await tx.fetchval("SELECT boost_of_id FROM posts WHERE id = $1 AND account_id = $2", boost_id, account_id)
    return int(value) if value else None


async def list_marked_ids(conn: ReadConn, table: str, viewer_id: int, page: Page) -> list[tuple[int, int]]:
    """(row id, post id) of the viewer's favourites or bookmarks; `table` is `favourites` or `bookmarks`."""
    assert table in ("favourites", "bookmarks")
    rows = await conn.fetch(
        f"SELECT id, post_id FROM {table} WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id {page.order} LIMIT $4",
        viewer_id, page.below, page.above, page.limit,
    )
    return page.newest_first([(row["id"], row["post_id"]) for row in rows])


async def list_favouriters(conn: ReadConn, post_id: int, viewer_id: int | None, page: Page) -> list[tuple[int, Account]]:
    """(row id, account) of those who favourited a post, without suspended accounts and blocks. The caller has checked the
    visibility of the post."""
    rows = await conn.fetch(
        f"SELECT f.id AS row_id, {columns()} FROM favourites AS f JOIN accounts AS a ON a.id = f.account_id"
        " LEFT JOIN account_counts AS ac ON ac.account_id = a.id"
        f" WHERE f.post_id = $1 AND f.id < $2 AND f.id > $3 AND a.effect < {AccountEffect.SUSPENDED:d}"
        f" AND {unblocked_sql('a', '$5')} ORDER BY f.id {page.order} LIMIT $4",
        post_id, page.below, page.above, page.limit, viewer_id,
    )
    return page.newest_first([(row["row_id"], account_from(row)) for row in rows])


async def list_boosters(conn: ReadConn, post_id: int, viewer_id: int | None, page: Page) -> list[tuple[int, Account]]:
    """(id of the boost, account) of those who boosted a post publicly, without suspended accounts and blocks."""
    rows = await conn.fetch(
        f"SELECT b.id AS row_id, {columns()} FROM posts AS b JOIN accounts AS a ON a.id = b.account_id"
        " LEFT JOIN account_counts AS ac ON ac.account_id = a.id"
        f" WHERE b.boost_of_id = $1 AND b.id < $2 AND b.id > $3 AND a.effect < {AccountEffect.SUSPENDED:d}"
        f" AND b.visibility <= {Visibility.UNLISTED:d} AND {unblocked_sql('a', '$5')} ORDER BY b.id {page.order} LIMIT $4",
        post_id, page.below, page.above, page.limit, viewer_id,
    )
    return page.newest_first([(row["row_id"], account_from(row)) for row in rows])
