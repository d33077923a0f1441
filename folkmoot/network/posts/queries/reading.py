"""Reading posts. Pages and threads take a fixed number of statements, whatever their length."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import account_from, columns, json_sql
from folkmoot.network.counters import Counter
from folkmoot.network.posts.card import Card
from folkmoot.network.posts.model import (
    Mark,
    Marks,
    Mention,
    Picture,
    Poll,
    Post,
    PostCounts,
    PostEffect,
    PostView,
    Quote,
    QuotePolicy,
    QuoteView,
    Visibility,
)
from folkmoot.network.posts.queries.quoting import blocks_author_sql, list_quote_facts, may_quote_sql
from folkmoot.network.posts.visibility import visible_sql

# SQL: the creator of a card `cd`, as JSON; NULL unless the member lists all hosts of the page, or a domain above them.
_CREATOR = f"""(
    SELECT {json_sql("cr", "crc")} FROM accounts AS cr JOIN logins AS crl ON crl.account_id = cr.id
    LEFT JOIN account_counts AS crc ON crc.account_id = cr.id
    WHERE cr.id = cd.creator_id AND cr.effect < {AccountEffect.SUSPENDED:d} AND NOT EXISTS (
        SELECT FROM unnest(cd.creator_hosts) AS host WHERE NOT EXISTS (
            SELECT FROM jsonb_array_elements_text(crl.settings -> 'attribution_domains') AS listed
            WHERE host = listed OR right(host, length(listed) + 1) = '.' || listed)))"""
# SQL: a card `cd`, with its picture `cm` (outer joined), as JSON.
CARD_SQL = f"""
    json_build_object('id', cd.id, 'url', cd.url, 'title', cd.title, 'description', cd.description,
        'author_name', cd.author_name, 'author_url', cd.author_url, 'provider_name', cd.provider_name,
        'published_at', cd.published_at, 'language', cd.language, 'creator', {_CREATOR},
        'picture', CASE WHEN cm.id IS NOT NULL THEN json_build_object(
            'key', cm.key, 'mime', cm.mime, 'description', cm.description, 'blurhash', cm.blurhash,
            'width', cm.width, 'height', cm.height) END)::text
"""
_POST = f"""
    SELECT p.id, p.visibility, p.boost_of_id, p.reply_to_id, p.reply_to_account_id, p.conversation_id, p.text, p.html, p.cover,
        p.is_sensitive, p.language, p.uri, p.mentions, p.hashtags, p.effect, p.label, p.version, p.created_at, p.edited_at,
        p.quote_policy, q.post_id AS quoting_id, q.quoted_id, q.quoted_account_id, q.revoked_at IS NOT NULL AS is_quote_revoked,
        apps.name AS app_name, apps.website AS app_website, {columns(prefix="a_")},
        answered.username || CASE answered.domain WHEN '' THEN '' ELSE '@' || answered.domain END AS reply_to_acct,
        poll.id AS poll_id, poll.titles, poll.votes, poll.voters, poll.is_multiple, poll.hides_totals, poll.expires_at,
        CASE WHEN p.media_count > 0 THEN (
            SELECT json_agg(json_build_object('id', m.id, 'key', m.key, 'kind', m.kind, 'mime', m.mime,
                'description', m.description, 'focus_x', m.focus_x, 'focus_y', m.focus_y, 'blurhash', m.blurhash,
                'width', m.width, 'height', m.height, 'preview_width', m.preview_width, 'preview_height', m.preview_height,
                'seconds', m.seconds, 'frame_rate', m.frame_rate, 'bitrate', m.bitrate)
                ORDER BY m.position)::text
            FROM media AS m WHERE m.post_id = p.id) END AS pictures,
        (SELECT {CARD_SQL} FROM post_cards AS pc JOIN cards AS cd ON cd.id = pc.card_id LEFT JOIN media AS cm ON cm.id = cd.picture_id
            WHERE pc.post_id = p.id AND cd.is_found) AS card
    FROM posts AS p
    JOIN accounts AS a ON a.id = p.account_id
    LEFT JOIN account_counts AS ac ON ac.account_id = a.id
    LEFT JOIN polls AS poll ON poll.id = p.poll_id
    LEFT JOIN apps ON apps.id = p.app_id
    LEFT JOIN quotes AS q ON q.post_id = p.id
    LEFT JOIN accounts AS answered ON answered.id = p.reply_to_account_id
"""
_SAME = ("id", "boost_of_id", "reply_to_id", "reply_to_account_id", "reply_to_acct", "conversation_id", "text", "html", "cover",
         "is_sensitive", "language", "uri", "label", "app_name", "app_website", "version", "created_at", "edited_at")

# What a view adds to a post: counts, and the marks of one viewer ($2). The array of ids stands in a sub-select, so that the planner
# does not look into it: it would plan the statement anew at each call.
_VIEWED = f"""
    SELECT p.id, p.boost_of_id, coalesce(c.replies, 0) AS replies, coalesce(c.boosts, 0) AS boosts,
        coalesce(c.favourites, 0) AS favourites, coalesce(c.quotes, 0) AS quotes,
        coalesce(m.bits, 0) | CASE WHEN muted.account_id IS NULL THEN 0 ELSE {Mark.MUTED:d} END
            | {may_quote_sql("s", "$2::bigint", blocks_author=blocks_author_sql("s", "$2"))} AS bits, m.choices
    FROM unnest((SELECT $1::bigint[])) WITH ORDINALITY AS wanted (id, place)
    JOIN posts AS p ON p.id = wanted.id
    JOIN accounts AS a ON a.id = p.account_id
    JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id)
    JOIN accounts AS sa ON sa.id = s.account_id
    LEFT JOIN post_counts AS c ON c.post_id = s.id
    LEFT JOIN marks AS m ON m.account_id = $2 AND m.post_id = s.id
    LEFT JOIN muted_conversations AS muted ON muted.account_id = $2 AND muted.conversation_id = s.conversation_id
    WHERE {visible_sql("p", "a", "$2")} AND (p.boost_of_id IS NULL OR {visible_sql("s", "sa", "$2")})
    ORDER BY wanted.place
"""


def post_from(row: Row) -> Post:
    poll = None
    if row["poll_id"]:
        poll = Poll(
            id=row["poll_id"], titles=tuple(row["titles"]), votes=tuple(row["votes"]), voters=row["voters"],
            is_multiple=row["is_multiple"], hides_totals=row["hides_totals"], expires_at=row["expires_at"],
        )
    return Post(
        **{name: row[name] for name in _SAME},
        author=account_from(row, "a_"),
        visibility=Visibility(row["visibility"]),
        mentions=msgspec.json.decode(row["mentions"], type=tuple[Mention, ...]),
        hashtags=tuple(row["hashtags"]),
        pictures=msgspec.json.decode(row["pictures"], type=tuple[Picture, ...]) if row["pictures"] else (),
        poll=poll,
        quote=Quote(row["quoted_id"], row["quoted_account_id"], row["is_quote_revoked"]) if row["quoting_id"] else None,
        card=msgspec.json.decode(row["card"], type=Card) if row["card"] else None,
        quote_policy=QuotePolicy(row["quote_policy"]),
        effect=PostEffect(row["effect"]),
    )


async def list_posts_by_ids_unscoped(conn: ReadConn, ids: Sequence[int]) -> dict[int, Post]:
    """Posts by id, in one statement, for the cache of fragments. Does not check visibility."""
    rows = await conn.fetch(f"{_POST} WHERE p.id = ANY ((SELECT $1::bigint[])::bigint[])", list(ids))
    return {row["id"]: post_from(row) for row in rows}


async def list_views_unscoped(conn: ReadConn, ids: Sequence[int]) -> list[PostView]:
    """Posts with their counts and nobody's marks, in the order of `ids`, for moderators. Does not check visibility."""
    posts = await list_posts_by_ids_unscoped(conn, ids)
    rows = await conn.fetch(
        "SELECT post_id, replies, boosts, favourites, quotes FROM post_counts WHERE post_id = ANY ($1::bigint[])", list(posts)
    )
    counts = {row["post_id"]: PostCounts(row["replies"], row["boosts"], row["favourites"], row["quotes"]) for row in rows}
    return [PostView(post=posts[id_], counts=counts.get(id_, PostCounts())) for id_ in ids if id_ in posts]


async def list_post_views(conn: ReadConn, ids: Sequence[int], viewer_id: int | None) -> list[PostView]:
    """Posts as the viewer sees them, in the order of `ids`; posts that the viewer may not see are left out.

    Two statements; two more if any of them quotes another post.
    """
    if not ids:
        return []
    facts = await conn.fetch(_VIEWED, list(ids), viewer_id)
    wanted = {id_ for row in facts for id_ in (row["id"], row["boost_of_id"]) if id_}
    posts = await list_posts_by_ids_unscoped(conn, list(wanted))
    views = [_view(row, posts) for row in facts if row["id"] in posts and (row["boost_of_id"] or row["id"]) in posts]
    quoting = {view.shown.id for view in views if view.shown.quote}
    return await _with_quotes(conn, views, quoting, viewer_id) if quoting else views


async def _with_quotes(conn: ReadConn, views: Sequence[PostView], quoting: set[int], viewer_id: int | None) -> list[PostView]:
    facts = await list_quote_facts(conn, [(post_id, viewer_id) for post_id in quoting])
    quoted_ids = {one.quoted_id for one in facts.values() if one.quoted_id}
    posts = await list_posts_by_ids_unscoped(conn, sorted(quoted_ids)) if quoted_ids else {}
    quotes = {one.post_id: QuoteView.of(one, posts.get(one.quoted_id or 0)) for one in facts.values()}
    return [msgspec.structs.replace(view, quote=quotes.get(view.shown.id)) for view in views]


def _view(row: Row, posts: dict[int, Post]) -> PostView:
    return PostView(
        post=posts[row["id"]],
        boosted=posts[row["boost_of_id"]] if row["boost_of_id"] else None,
        counts=PostCounts.seen_with(row["replies"], row["boosts"], row["favourites"], row["quotes"], row["bits"]),
        marks=Marks(row["bits"], tuple(row["choices"] or ())),
    )


async def get_post_view(conn: ReadConn, post_id: int, viewer_id: int | None) -> PostView:
    """One post. Raises NotFound, the same for a missing post and for one that the viewer may not see."""
    views = await list_post_views(conn, [post_id], viewer_id)
    if not views:
        raise NotFound
    return views[0]


async def get_fresh_view(conn: ReadConn, post_id: int, viewer_id: int) -> PostView:
    """A post after the viewer's own action: its counts include the deltas that are not folded yet."""
    view = await get_post_view(conn, post_id, viewer_id)
    totals = ", ".join(
        f"greatest(0, coalesce((SELECT {name} FROM post_counts WHERE post_id = $1), 0)"
        f" + coalesce(sum(delta) FILTER (WHERE counter = {counter:d}), 0))::int"
        for name, counter in (("replies", Counter.POST_REPLIES), ("boosts", Counter.POST_BOOSTS),
                              ("favourites", Counter.POST_FAVOURITES), ("quotes", Counter.POST_QUOTES))
    )
    row = await conn.fetchrow(f"SELECT {totals} FROM counter_deltas WHERE subject_id = $1", view.shown.id)
    return msgspec.structs.replace(view, counts=PostCounts(*row)) if row else view


async def get_view_taken_back(conn: ReadConn, post_id: int, viewer_id: int) -> PostView:
    """A post after the viewer took a mark back: without content if the viewer may not see it any more. Raises NotFound."""
    with suppress(NotFound):
        return await get_fresh_view(conn, post_id, viewer_id)
    found = await conn.fetchrow(
        "SELECT s.id AS shown_id, coalesce(m.bits, 0) AS bits FROM posts AS p JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id)"
        " LEFT JOIN marks AS m ON m.account_id = $2 AND m.post_id = s.id WHERE p.id = $1",
        post_id, viewer_id,
    )
    if found is None:
        raise NotFound
    posts = await list_posts_by_ids_unscoped(conn, [post_id, found["shown_id"]])
    withheld, marks = posts[found["shown_id"]].without_content(), Marks(found["bits"])
    if withheld.id == post_id:
        return PostView(post=withheld, marks=marks, is_withheld=True)
    return PostView(post=posts[post_id], boosted=withheld, marks=marks, is_withheld=True)


class Thread(NamedTuple):
    """A post with the posts it answers (oldest first) and its replies (in reading order)."""

    ancestors: list[PostView]
    post: PostView
    descendants: list[PostView]


def thread_of(views: Sequence[PostView], above: Sequence[int], post_id: int, below: Sequence[int]) -> Thread:
    """The conversation around a post (of a boost, around the boosted post), of the ids of `list_thread_ids` and the posts among them
    that the viewer may see. Raises NotFound."""
    found = {view.post.id: view for view in views}
    if post_id not in found:
        raise NotFound
    return Thread([found[id_] for id_ in above if id_ in found], found[post_id], [found[id_] for id_ in below if id_ in found])


async def list_thread_ids(
    conn: ReadConn, post_id: int, viewer_id: int | None, *, most: int, depth: int = 4096
) -> tuple[list[int], list[int]]:
    """The posts above a post (oldest first) and below it (in reading order), also those that the viewer may not see. Raises NotFound
    if the viewer may not see the post itself. Two statements."""
    up = await conn.fetch(
        f"""
        WITH RECURSIVE above (id, reply_to_id, height) AS (
            SELECT s.id, s.reply_to_id, 0 FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
            JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id) JOIN accounts AS sa ON sa.id = s.account_id
            WHERE p.id = $1 AND {visible_sql("p", "a", "$3")} AND (p.boost_of_id IS NULL OR {visible_sql("s", "sa", "$3")})
            UNION ALL
            SELECT p.id, p.reply_to_id, above.height + 1 FROM above JOIN posts AS p ON p.id = above.reply_to_id
            WHERE above.height < $2
        )
        SELECT id FROM above ORDER BY height DESC
        """,
        post_id, most, viewer_id,
    )
    if not up:  # before any more work: the duration must not reveal that the post exists
        raise NotFound
    down = await conn.fetch(
        """
        WITH RECURSIVE below (id, path) AS (
            SELECT $1::bigint, ARRAY[]::bigint[]
            UNION ALL
            SELECT p.id, below.path || p.id FROM below JOIN posts AS p ON p.reply_to_id = below.id
            WHERE cardinality(below.path) < $3
        )
        SELECT id FROM below WHERE cardinality(path) > 0 ORDER BY path LIMIT $2
        """,
        up[-1]["id"], most, depth,
    )
    return [row["id"] for row in up[:-1]], [row["id"] for row in down]


class Surroundings(NamedTuple):
    """The public posts around a post under moderation in its conversation."""

    before: list[Post]
    after: list[Post]


async def get_surroundings(conn: ReadConn, post_id: int, reply_to_id: int | None, *, most: int = 5) -> Surroundings:
    """The public posts next to a post in its thread, which may be deleted: then those above it. Three statements."""
    rows = await conn.fetch(
        """
        WITH RECURSIVE above (id, reply_to_id, height) AS (
            SELECT id, reply_to_id, 1 FROM posts WHERE id = $2
            UNION ALL
            SELECT p.id, p.reply_to_id, above.height + 1 FROM above JOIN posts AS p ON p.id = above.reply_to_id
            WHERE above.height < $3
        ), below AS (SELECT id FROM posts WHERE reply_to_id = $1 ORDER BY id LIMIT $3)
        SELECT id FROM above UNION ALL SELECT id FROM below
        """,
        post_id, reply_to_id, most,
    )
    around = sorted((view.post for view in await list_post_views(conn, [row["id"] for row in rows], None)), key=lambda one: one.id)
    return Surroundings([one for one in around if one.id < post_id], [one for one in around if one.id > post_id])
