"""The SQL that selects which open streams receive a post: for all listeners and posts in one statement."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from folkmoot.base.db import ReadConn
from folkmoot.network.posts.events import Withdrawn
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries.quoting import may_quote_sql
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.timelines.model import Entry, Feed, Stream, StreamedPost
from folkmoot.network.timelines.rules import home_sql, list_sql, public_sql, tagged_sql

# The condition of each feed on a post `p` by `a`, for a reader who may follow the author (`f`).
_PUBLIC = public_sql("p", "a", "l.reader_id")
_CONDITIONS = {
    Feed.HOME: f"p.account_id = l.reader_id OR f.account_id IS NOT NULL AND {home_sql('p', 's', 'f', 'l.reader_id')}"
               f" OR {tagged_sql('p', 'a', 'l.reader_id')}",
    Feed.PUBLIC: f"p.reply_to_id IS NULL AND {_PUBLIC}",
    Feed.LOCAL: f"p.reply_to_id IS NULL AND p.domain = '' AND {_PUBLIC}",
    Feed.HASHTAG: f"p.hashtags <> '{{}}' AND {_PUBLIC}",
    Feed.LIST: f"f.account_id IS NOT NULL AND {list_sql('p', 's', 'f', 'l.reader_id', 'l.list_id')}",
}
_RECIPIENTS = f"""
    SELECT p.hashtags, p.media_count, p.visibility, l.reader_id, l.feed, l.list_id,
        p.id, a.version, s.id, s.version, sa.version, coalesce(c.replies, 0), coalesce(c.boosts, 0), coalesce(c.favourites, 0),
        coalesce(c.quotes, 0), coalesce(m.bits, 0) | {may_quote_sql("s", "l.reader_id")}, m.choices, true
    FROM posts AS p
    JOIN accounts AS a ON a.id = p.account_id
    JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id)
    JOIN accounts AS sa ON sa.id = s.account_id
    CROSS JOIN unnest($2::bigint[], $3::text[], $4::bigint[]) AS l (reader_id, feed, list_id)
    LEFT JOIN follows AS f ON f.account_id = l.reader_id AND f.target_id = p.account_id
    LEFT JOIN post_counts AS c ON c.post_id = s.id
    LEFT JOIN marks AS m ON m.account_id = l.reader_id AND m.post_id = s.id
    WHERE p.id = ANY ($1::bigint[])
      AND CASE l.feed {" ".join(f"WHEN '{feed}' THEN {condition}" for feed, condition in _CONDITIONS.items())} ELSE false END
      AND {visible_sql("s", "sa", "l.reader_id")} AND (p.boost_of_id IS NULL OR {visible_sql("p", "a", "l.reader_id")})
    ORDER BY p.id
"""


async def list_recipients_unscoped(
    conn: ReadConn, post_ids: Sequence[int], wanted: Collection[Stream]
) -> dict[Stream, list[StreamedPost]]:
    """For each stream: the posts to send, oldest first, with the reader's marks."""
    readers, feeds, list_ids = zip(*wanted, strict=True)
    rows = await conn.fetch(_RECIPIENTS, list(post_ids), readers, [feed.value for feed in feeds], list_ids)
    received: defaultdict[Stream, list[StreamedPost]] = defaultdict(list)
    for row in rows:
        is_direct = row["visibility"] == Visibility.DIRECT
        post = StreamedPost(Entry(*row[6:]), tuple(row["hashtags"]), row["media_count"] > 0, is_direct)
        received[row["reader_id"], Feed(row["feed"]), row["list_id"]].append(post)
    return received


async def list_withdrawal_recipients_unscoped(
    conn: ReadConn, withdrawn: Sequence[Withdrawn], reader_ids: Collection[int | None]
) -> dict[int | None, list[int]]:
    """For each reader: the withdrawn posts to send, whose rows may be deleted already, to those who could see them.

    Those who follow the author or are mentioned come first, because the post is probably on their screen.
    """
    mentioned = [(one.post_id, id_) for one in withdrawn for id_ in one.mentioned_ids]
    rows = await conn.fetch(
        """
        SELECT w.post_id, l.reader_id
        FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::boolean[]) AS w (post_id, account_id, is_open, is_direct)
        CROSS JOIN unnest($5::bigint[]) AS l (reader_id)
        CROSS JOIN LATERAL (
            SELECT coalesce(w.account_id = l.reader_id
                OR NOT w.is_direct AND EXISTS (
                    SELECT FROM follows WHERE follows.account_id = l.reader_id AND follows.target_id = w.account_id)
                OR EXISTS (SELECT FROM mentions WHERE mentions.account_id = l.reader_id AND mentions.post_id = w.post_id)
                OR EXISTS (
                    SELECT FROM unnest($6::bigint[], $7::bigint[]) AS m (post_id, account_id)
                    WHERE m.post_id = w.post_id AND m.account_id = l.reader_id), false) AS is_near OFFSET 0) AS n
        WHERE (w.is_open OR n.is_near)
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = w.account_id AND blocks.target_id = l.reader_id)
        ORDER BY n.is_near DESC
        """,
        [one.post_id for one in withdrawn], [one.account_id for one in withdrawn], [one.is_open for one in withdrawn],
        [one.is_direct for one in withdrawn], list(reader_ids), [post_id for post_id, _ in mentioned], [id_ for _, id_ in mentioned],
    )
    received: defaultdict[int | None, list[int]] = defaultdict(list)
    for row in rows:
        received[row["reader_id"]].append(row["post_id"])
    return received
