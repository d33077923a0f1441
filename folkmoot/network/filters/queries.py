"""All SQL of filters. Every statement names the owner, so that nobody reaches the filter of another member."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.filters.model import Filter, FilterAction, FilterContext, FilteredPost, Keyword

_FILTER = """
    SELECT f.id, f.title, f.contexts, f.action, f.expires_at,
        (SELECT json_agg(json_build_object('id', k.id, 'text', k.keyword, 'is_whole_word', k.is_whole_word) ORDER BY k.id)::text
         FROM filter_keywords AS k WHERE k.filter_id = f.id) AS keywords,
        (SELECT json_agg(json_build_object('id', p.id, 'post_id', p.post_id) ORDER BY p.id)::text
         FROM filter_posts AS p WHERE p.filter_id = f.id) AS posts
    FROM filters AS f
"""


def _filter_from(row: Row) -> Filter:
    return Filter(
        id=row["id"], title=row["title"], contexts=tuple(map(FilterContext, row["contexts"])), action=FilterAction(row["action"]),
        expires_at=row["expires_at"], keywords=msgspec.json.decode(row["keywords"] or "[]", type=tuple[Keyword, ...]),
        posts=msgspec.json.decode(row["posts"] or "[]", type=tuple[FilteredPost, ...]),
    )


async def list_filters(conn: ReadConn, owner_id: int, page: Page | None = None) -> list[Filter]:
    """The member's filters with their keywords and posts, the newest first. Uses the index filters_account."""
    page = page or Page(limit=2**31 - 1)
    rows = await conn.fetch(
        f"{_FILTER} WHERE f.account_id = $1 AND f.id < $2 AND f.id > $3 ORDER BY f.id {page.order} LIMIT $4",
        owner_id, page.below, page.above, page.limit,
    )
    return page.newest_first([_filter_from(row) for row in rows])


async def get_filter(conn: ReadConn, owner_id: int, filter_id: int) -> Filter:
    row = await conn.fetchrow(f"{_FILTER} WHERE f.account_id = $1 AND f.id = $2", owner_id, filter_id)
    if row is None:
        raise NotFound
    return _filter_from(row)


async def get_filter_of_keyword(conn: ReadConn, owner_id: int, keyword_id: int) -> Filter:
    row = await conn.fetchrow(
        f"{_FILTER} JOIN filter_keywords AS own ON own.filter_id = f.id WHERE f.account_id = $1 AND own.id = $2", owner_id, keyword_id
    )
    if row is None:
        raise NotFound
    return _filter_from(row)


async def get_filter_of_filtered(conn: ReadConn, owner_id: int, filtered_id: int) -> Filter:
    """The filter that a filtered post (its id in `filter_posts`) belongs to."""
    row = await conn.fetchrow(
        f"{_FILTER} JOIN filter_posts AS own ON own.filter_id = f.id WHERE f.account_id = $1 AND own.id = $2", owner_id, filtered_id
    )
    if row is None:
        raise NotFound
    return _filter_from(row)


async def find_version(conn: ReadConn, owner_id: int) -> int:
    """The version of the member's filters; 0 for a member who never had one."""
    return int(await conn.fetchval("SELECT version FROM filter_sets WHERE account_id = $1", owner_id) or 0)


async def update_version(tx: WriteTx, owner_id: int, version: int) -> int:
    """Sets the version of the member's filters, higher than any before. Until the transaction ends, other changes of them wait."""
    return int(await tx.fetchval(
        "INSERT INTO filter_sets (account_id, version) VALUES ($1, $2)"
        " ON CONFLICT (account_id) DO UPDATE SET version = greatest(filter_sets.version + 1, excluded.version) RETURNING version",
        owner_id, version,
    ))


async def insert_filter(tx: WriteTx, owner_id: int, new: Filter) -> None:
    await tx.execute(
        "INSERT INTO filters (id, account_id, title, contexts, action, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        new.id, owner_id, new.title, list(new.contexts), new.action, new.expires_at,
    )


async def update_filter(tx: WriteTx, owner_id: int, changed: Filter) -> None:
    await tx.execute(
        "UPDATE filters SET title = $3, contexts = $4, action = $5, expires_at = $6 WHERE id = $1 AND account_id = $2",
        changed.id, owner_id, changed.title, list(changed.contexts), changed.action, changed.expires_at,
    )


async def delete_filter(tx: WriteTx, owner_id: int, filter_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM filters WHERE id = $1 AND account_id = $2", filter_id, owner_id))


async def upsert_keywords(tx: WriteTx, filter_id: int, keywords: Sequence[Keyword]) -> None:
    """Inserts or changes keywords of a filter whose owner was checked."""
    await tx.execute(
        "INSERT INTO filter_keywords (id, filter_id, keyword, is_whole_word)"
        " SELECT one.id, $1, one.keyword, one.is_whole_word"
        " FROM unnest($2::bigint[], $3::text[], $4::boolean[]) AS one (id, keyword, is_whole_word)"
        " ON CONFLICT (id) DO UPDATE SET keyword = excluded.keyword, is_whole_word = excluded.is_whole_word"
        " WHERE filter_keywords.filter_id = $1",
        filter_id, [one.id for one in keywords], [one.text for one in keywords], [one.is_whole_word for one in keywords],
    )


async def delete_keywords(tx: WriteTx, filter_id: int, keyword_ids: Sequence[int]) -> None:
    await tx.execute("DELETE FROM filter_keywords WHERE filter_id = $1 AND id = ANY ($2::bigint[])", filter_id, list(keyword_ids))


async def insert_post(tx: WriteTx, filter_id: int, filtered: FilteredPost) -> None:
    await tx.execute("INSERT INTO filter_posts (id, filter_id, post_id) VALUES ($1, $2, $3)", filtered.id, filter_id, filtered.post_id)


async def delete_post(tx: WriteTx, filter_id: int, filtered_id: int) -> None:
    await tx.execute("DELETE FROM filter_posts WHERE filter_id = $1 AND id = $2", filter_id, filtered_id)


async def delete_expired(tx: WriteTx, before: datetime, most: int) -> int:
    """Deletes filters that expired before a moment. Uses the index filters_expired."""
    return await tx.execute(
        "DELETE FROM filters WHERE id IN (SELECT id FROM filters WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)", before, most
    )


async def delete_lost_posts(tx: WriteTx, after: int, most: int) -> int | None:
    """Looks at filtered posts in the order of their ids, deletes those whose post is gone; returns where to continue, None at the end."""
    return await tx.fetchval(  # type: ignore[no-any-return]
        """
        WITH batch AS (SELECT id, post_id FROM filter_posts WHERE id > $1 ORDER BY id LIMIT $2),
        gone AS (
            DELETE FROM filter_posts USING batch
            WHERE filter_posts.id = batch.id AND NOT EXISTS (SELECT FROM posts WHERE posts.id = batch.post_id)
        )
        SELECT max(id) FROM batch
        """,
        after, most,
    )
