"""All SQL that changes posts. One statement per function; `actions/` decides when.

A change carries its counter deltas in its own statement, so that they cannot be forgotten and cost no round trip.
"""

from datetime import datetime, timedelta

import msgspec

from folkmoot.base.db import Row, WriteTx
from folkmoot.network.counters import Counter
from folkmoot.network.posts.model import Mark, Post, Visibility

KEPT_KEYS = timedelta(hours=1)

# $15 the idempotency key or NULL, $16 the moment before which a key is forgotten.
_INSERT = f"""
    WITH claimed AS (
        INSERT INTO idempotency_keys (account_id, key, post_id, created_at) SELECT $2, $15, $1, $14 WHERE $15 IS NOT NULL
        ON CONFLICT (account_id, key) DO UPDATE SET post_id = excluded.post_id, created_at = excluded.created_at
            WHERE idempotency_keys.created_at < $16
        RETURNING post_id
    ), made AS (
        INSERT INTO posts (id, account_id, visibility, reply_to_id, reply_to_account_id, conversation_id, text, html, cover,
                           is_sensitive, language, mentions, hashtags, created_at, media_count, poll_id, app_id, effect, search)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $17, $18, $19, $20,
               CASE WHEN $3 < {Visibility.DIRECT:d} THEN to_tsvector('simple', $21) END
        WHERE $15::text IS NULL OR EXISTS (SELECT FROM claimed)
        ON CONFLICT (id) DO NOTHING RETURNING id
    ), counted AS (
        INSERT INTO counter_deltas (subject_id, counter, delta)
        SELECT $2, {Counter.ACCOUNT_POSTS:d}, 1 FROM made WHERE $3 < {Visibility.DIRECT:d}
        UNION ALL SELECT $4, {Counter.POST_REPLIES:d}, 1 FROM made WHERE $4 IS NOT NULL AND $3 < {Visibility.FOLLOWERS:d}
    ){{more}}
    SELECT (SELECT id FROM made), EXISTS (SELECT FROM claimed), apps.name, apps.website
    FROM (SELECT) AS always LEFT JOIN apps ON apps.id = $19
"""
# Only what a post has is part of its statement: a plain one pays for nothing else.
_HASHTAGS = """, named AS (
        INSERT INTO hashtags (key, name) SELECT key, name FROM unnest($13::text[], {p}::text[]) AS t (key, name), made
        ORDER BY key ON CONFLICT DO NOTHING
    ), tagged AS (INSERT INTO post_hashtags (key, post_id) SELECT unnest($13::text[]), id FROM made)"""
_MENTIONS = """, mentioned AS (
        INSERT INTO mentions (account_id, post_id) SELECT unnest({p}::bigint[]), id FROM made)"""
_MEDIA = """, attached AS (
        UPDATE media SET post_id = made.id, position = t.place
        FROM made, unnest({p}::bigint[]) WITH ORDINALITY AS t (id, place) WHERE media.id = t.id)"""
_POLL = """, asked AS (
        INSERT INTO polls (id, post_id, account_id, titles, votes, is_multiple, hides_totals, expires_at)
        SELECT $18, id, $2, {p}, array_fill(0, ARRAY[cardinality({p}::text[])]), {p1}, {p2}, {p3} FROM made)"""
_BASE_PARAMETERS = 21


class Inserted(msgspec.Struct, frozen=True):
    """What became of an insert: made, or the id was taken, or the key was used before (neither made nor claimed)."""

    is_made: bool
    is_claimed: bool
    app_name: str | None
    app_website: str | None


async def insert_post(
    tx: WriteTx, post: Post, *, search: str, hashtag_names: list[str], reached_ids: list[int],
    app_id: int | None, idempotency_key: str | None,
) -> Inserted:  # fmt: skip
    """Writes a post with all that belongs to it, unless its id or its idempotency key is taken."""
    more, args = "", [
        post.id, post.author.id, post.visibility, post.reply_to_id, post.reply_to_account_id, post.conversation_id,
        post.text, post.html, post.cover, post.is_sensitive, post.language, _json(post.mentions), list(post.hashtags),
        post.created_at, idempotency_key, post.created_at - KEPT_KEYS, len(post.pictures),
        post.poll.id if post.poll else None, app_id, post.effect, search,
    ]  # fmt: skip
    parts: list[tuple[str, list[object]]] = []
    if hashtag_names:
        parts.append((_HASHTAGS, [hashtag_names]))
    if reached_ids:
        parts.append((_MENTIONS, [reached_ids]))
    if post.pictures:
        parts.append((_MEDIA, [[picture.id for picture in post.pictures]]))
    if post.poll:
        poll = post.poll
        parts.append((_POLL, [list(poll.titles), poll.is_multiple, poll.hides_totals, poll.expires_at]))
    for sql, values in parts:
        p = len(args) + 1
        more += sql.format(p=f"${p}", p1=f"${p + 1}", p2=f"${p + 2}", p3=f"${p + 3}")
        args += values
    row = await tx.fetchrow(_INSERT.format(more=more), *args)
    assert row is not None
    return Inserted(row[0] is not None, row[1], row[2], row[3])


async def delete_idempotency_key(tx: WriteTx, account_id: int, key: str) -> None:
    await tx.execute("DELETE FROM idempotency_keys WHERE account_id = $1 AND key = $2", account_id, key)


async def delete_old_idempotency_keys(tx: WriteTx, before: datetime) -> None:
    await tx.execute("DELETE FROM idempotency_keys WHERE created_at < $1", before)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode() if value else "[]"


async def insert_boost(tx: WriteTx, boost: Post, origin: Post) -> bool:
    """False when the id is taken, or the account boosts this post already."""
    return bool(await tx.fetchval(
        f"""
        WITH made AS (
            INSERT INTO posts (id, account_id, visibility, boost_of_id, boost_of_account_id, conversation_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $1, $6) ON CONFLICT DO NOTHING RETURNING id
        ), marked AS (
            INSERT INTO marks (account_id, post_id, bits) SELECT $2, $4, {Mark.BOOST:d} FROM made
            ON CONFLICT (account_id, post_id) DO UPDATE SET bits = marks.bits | excluded.bits
        ), counted AS (
            INSERT INTO counter_deltas (subject_id, counter, delta)
            SELECT $2, {Counter.ACCOUNT_POSTS:d}, 1 FROM made
            UNION ALL SELECT $4, {Counter.POST_BOOSTS:d}, 1 FROM made
        )
        SELECT true FROM made
        """,
        boost.id, boost.author.id, boost.visibility, origin.id, origin.author.id, boost.created_at,
    ))  # fmt: skip


async def insert_favourite(tx: WriteTx, account_id: int, id_: int, post_id: int) -> bool:
    """False when the id is taken, or the post is a favourite already."""
    return bool(await tx.fetchval(
        f"""
        WITH made AS (
            INSERT INTO favourites (account_id, id, post_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING post_id
        ), marked AS (
            INSERT INTO marks (account_id, post_id, bits) SELECT $1, $3, {Mark.FAVOURITE:d} FROM made
            ON CONFLICT (account_id, post_id) DO UPDATE SET bits = marks.bits | excluded.bits
        ), counted AS (
            INSERT INTO counter_deltas (subject_id, counter, delta) SELECT $3, {Counter.POST_FAVOURITES:d}, 1 FROM made
        )
        SELECT true FROM made
        """,
        account_id, id_, post_id,
    ))  # fmt: skip


async def delete_favourite(tx: WriteTx, account_id: int, post_id: int) -> bool:
    return bool(await tx.fetchval(
        f"""
        WITH gone AS (
            DELETE FROM favourites WHERE account_id = $1 AND post_id = $2 RETURNING post_id
        ), {_UNMARKED.format(bit=Mark.FAVOURITE.value)}, counted AS (
            INSERT INTO counter_deltas (subject_id, counter, delta) SELECT $2, {Counter.POST_FAVOURITES:d}, -1 FROM gone
        )
        SELECT true FROM gone
        """,
        account_id, post_id,
    ))  # fmt: skip


# Takes one bit from the mark of account $1 on post $2; a mark without bits goes.
_UNMARKED = """emptied AS (
            DELETE FROM marks WHERE account_id = $1 AND post_id = $2 AND bits = {bit}
        ), unmarked AS (
            UPDATE marks SET bits = bits & ~{bit}
            WHERE account_id = $1 AND post_id = $2 AND bits <> {bit} AND bits & {bit} > 0
        )"""


async def insert_bookmark(tx: WriteTx, account_id: int, id_: int, post_id: int) -> bool:
    """False when the id is taken, or the post is bookmarked already."""
    return bool(await tx.fetchval(
        f"""
        WITH made AS (
            INSERT INTO bookmarks (account_id, id, post_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING post_id
        ), marked AS (
            INSERT INTO marks (account_id, post_id, bits) SELECT $1, $3, {Mark.BOOKMARK:d} FROM made
            ON CONFLICT (account_id, post_id) DO UPDATE SET bits = marks.bits | excluded.bits
        )
        SELECT true FROM made
        """,
        account_id, id_, post_id,
    ))  # fmt: skip


async def delete_bookmark(tx: WriteTx, account_id: int, post_id: int) -> None:
    await tx.execute(
        f"""
        WITH gone AS (DELETE FROM bookmarks WHERE account_id = $1 AND post_id = $2),
        {_UNMARKED.format(bit=Mark.BOOKMARK.value)}
        SELECT
        """,
        account_id, post_id,
    )  # fmt: skip


async def add_mark(tx: WriteTx, account_id: int, post_id: int, mark: Mark, choices: list[int] | None = None) -> None:
    await tx.execute(
        """
        INSERT INTO marks (account_id, post_id, bits, choices) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id, post_id) DO UPDATE
        SET bits = marks.bits | excluded.bits, choices = coalesce(excluded.choices, marks.choices)
        """,
        account_id, post_id, mark, choices,
    )  # fmt: skip


async def remove_mark(tx: WriteTx, account_id: int, post_id: int, mark: Mark) -> None:
    await tx.execute(f"WITH {_UNMARKED.format(bit=mark.value)} SELECT", account_id, post_id)


async def delete_post_rows(tx: WriteTx, post_id: int) -> list[Row]:
    """Deletes a post and its boosts with everything that hangs on them; returns (id, account_id) of each.

    Cascades take marks, favourites, bookmarks, mentions, hashtags, edits, polls, counts and notifications. Answers
    stay and answer nothing; pictures must be gone before.
    """
    return list(await tx.fetch(
        f"""
        WITH gone AS (
            DELETE FROM posts WHERE id = $1 OR boost_of_id = $1
            RETURNING id, account_id, visibility, reply_to_id, boost_of_id, conversation_id
        ), orphaned AS (
            UPDATE posts SET reply_to_id = NULL WHERE reply_to_id = $1
        ), forgotten AS (
            DELETE FROM idempotency_keys USING gone
            WHERE idempotency_keys.account_id = gone.account_id AND idempotency_keys.post_id = gone.id
        ), uncounted AS (
            DELETE FROM counter_deltas USING gone WHERE subject_id = gone.id
        ), unmarked AS (
            UPDATE marks SET bits = bits & ~{Mark.BOOST:d} FROM gone
            WHERE gone.boost_of_id <> $1 AND marks.account_id = gone.account_id AND marks.post_id = gone.boost_of_id
        ), counted AS (
            INSERT INTO counter_deltas (subject_id, counter, delta)
            SELECT account_id, {Counter.ACCOUNT_POSTS:d}, -1 FROM gone WHERE visibility < {Visibility.DIRECT:d}
            UNION ALL SELECT reply_to_id, {Counter.POST_REPLIES:d}, -1 FROM gone
                      WHERE reply_to_id IS NOT NULL AND visibility < {Visibility.FOLLOWERS:d}
            UNION ALL SELECT boost_of_id, {Counter.POST_BOOSTS:d}, -1 FROM gone WHERE boost_of_id <> $1
        )
        SELECT id, account_id, conversation_id FROM gone ORDER BY id
        """,
        post_id,
    ))  # fmt: skip


async def rename_conversation(tx: WriteTx, conversation_id: int) -> int | None:
    """After a thread's first post is gone its oldest remaining post names it, and carries the mutes of the thread.

    Call before the deletion, with the id of the first post. Returns the new name, None where nothing remains.
    """
    heir: int | None = await tx.fetchval(
        f"""
        WITH heir AS (
            SELECT id FROM posts WHERE conversation_id = $1 AND id <> $1 ORDER BY id LIMIT 1
        ), renamed AS (
            UPDATE posts SET conversation_id = heir.id FROM heir WHERE conversation_id = $1
        ), muted AS (
            INSERT INTO marks (account_id, post_id, bits)
            SELECT account_id, heir.id, {Mark.MUTED:d} FROM marks, heir WHERE post_id = $1 AND bits & {Mark.MUTED:d} > 0
            ON CONFLICT (account_id, post_id) DO UPDATE SET bits = marks.bits | excluded.bits
        )
        SELECT id FROM heir
        """,
        conversation_id,
    )
    return heir
