"""Versions of posts, the copies of deleted posts, and which posts a member may report."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.posts.model import Picture, Post, Visibility
from folkmoot.network.posts.queries.history import Edit, list_edits
from folkmoot.network.posts.versions import DeletedPost, PostVersion, QuotedWords, Reportable
from folkmoot.network.posts.visibility import mentioned_in_sight_sql, visible_sql, was_shown_sql

_PICTURES = f"SELECT {', '.join(Picture.__struct_fields__)} FROM media WHERE id = ANY ($1::bigint[])"  # also detached ones
_MOST_VERSIONS = 30  # of one post; the newest ones
_UNSEEN_FOR = timedelta(days=90)  # a member is offered no older ones to report
_LONGEST_THREAD = 40  # ancestors whose authors and mentioned accounts take part

# Authors and mentioned accounts of the thread above a post, everybody who answered, boosted, favourited or quoted it, and whom it quotes.
_PARTICIPANTS = f"""
    WITH RECURSIVE above (id, reply_to_id, account_id, height) AS (
        SELECT id, reply_to_id, account_id, 0 FROM posts WHERE id = p.id
        UNION ALL
        SELECT q.id, q.reply_to_id, q.account_id, height + 1 FROM above JOIN posts AS q ON q.id = above.reply_to_id
        WHERE height < {_LONGEST_THREAD}
    )
    SELECT account_id FROM above UNION SELECT m.account_id FROM above JOIN mentions AS m ON m.post_id = above.id
    UNION SELECT account_id FROM favourites WHERE post_id = p.id
    UNION SELECT account_id FROM posts WHERE boost_of_id = p.id UNION SELECT account_id FROM posts WHERE reply_to_id = p.id
    UNION SELECT account_id FROM quotes WHERE quoted_id = p.id
    UNION SELECT quoted_account_id FROM quotes WHERE post_id = p.id AND quoted_account_id IS NOT NULL
    UNION SELECT p.reply_to_account_id WHERE p.reply_to_account_id IS NOT NULL
"""


async def list_versions(conn: ReadConn, post: Post) -> tuple[PostVersion, ...]:
    """The versions of a post, oldest first, the present one last, with the words that it quotes. One statement for an edited post,
    two with pictures; one more for a quote. The caller has checked the visibility of the post."""
    present = msgspec.structs.replace(PostVersion.of(post), quoted=await _find_quoted(conn, post))
    if post.edited_at is None:
        return (present,)
    edits = (await list_edits(conn, post.id))[-_MOST_VERSIONS:-1]  # the last one is the present one
    media_ids = {id_ for edit in edits for id_, _ in edit.pictures}
    rows = await conn.fetch(_PICTURES, list(media_ids)) if media_ids else []
    pictures = {row["id"]: Picture(**dict(row)) for row in rows}
    return (*(_version(edit, present, pictures) for edit in edits), present)


async def _find_quoted(conn: ReadConn, post: Post) -> QuotedWords | None:
    """The quoted words, also hidden ones: they are context for those who decide."""
    if post.quoted_id is None:
        return None
    row = await conn.fetchrow(
        "SELECT p.id AS post_id, p.account_id, p.text, p.cover,"
        " a.username || CASE a.domain WHEN '' THEN '' ELSE '@' || a.domain END AS acct"
        " FROM posts AS p JOIN accounts AS a ON a.id = p.account_id WHERE p.id = $1",
        post.quoted_id,
    )
    return QuotedWords(**dict(row)) if row else None


def _version(edit: Edit, present: PostVersion, pictures: dict[int, Picture]) -> PostVersion:
    shown = [msgspec.structs.replace(pictures[id_], description=words) for id_, words in edit.pictures if id_ in pictures]
    return msgspec.structs.replace(
        present, text=edit.text, cover=edit.cover, is_sensitive=edit.is_sensitive, poll_titles=edit.poll_titles or (),
        pictures=tuple(shown), edited_at=edit.created_at if edit.created_at > present.created_at else None,
    )


async def insert_deleted(tx: WriteTx, post_id: int, versions: Sequence[PostVersion], now: datetime) -> None:
    """Stores the copy of a post that is about to be deleted."""
    await tx.execute(
        f"""
        INSERT INTO deleted_posts (post_id, account_id, visibility, reply_to_id, shown_to, participant_ids, versions, created_at,
            edited_at, deleted_at)
        SELECT p.id, p.account_id, p.visibility, p.reply_to_id,
            ARRAY(SELECT m.account_id FROM mentions AS m WHERE m.post_id = p.id AND {mentioned_in_sight_sql("p", "m")}),
            ARRAY({_PARTICIPANTS}), $2, p.created_at, p.edited_at, $3
        FROM posts AS p WHERE p.id = $1
        """,
        post_id, msgspec.json.encode(versions).decode(), now,
    )


async def find_deleted_unscoped(conn: ReadConn, post_id: int) -> DeletedPost | None:
    row = await conn.fetchrow(
        "SELECT post_id, account_id, visibility, participant_ids, versions, deleted_at FROM deleted_posts WHERE post_id = $1", post_id
    )
    if row is None:
        return None
    versions = msgspec.json.decode(row["versions"], type=tuple[PostVersion, ...])
    return DeletedPost(
        post_id=row["post_id"], account_id=row["account_id"], visibility=Visibility(row["visibility"]),
        participant_ids=tuple(row["participant_ids"]), versions=versions, deleted_at=row["deleted_at"],
    )


async def delete_deleted(tx: WriteTx, before: datetime) -> None:
    await tx.execute("DELETE FROM deleted_posts WHERE deleted_at < $1", before)


# $1: ids of posts and boosts, $2: the viewer.
_REPORTABLE = f"""
    SELECT s.id AS post_id, s.account_id, s.edited_at, s.created_at, wanted.place
    FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
    JOIN posts AS p ON p.id = wanted.id JOIN accounts AS a ON a.id = p.account_id
    JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id) JOIN accounts AS sa ON sa.id = s.account_id
    WHERE {was_shown_sql("p", "a", "$2::bigint")} AND (p.boost_of_id IS NULL OR {was_shown_sql("s", "sa", "$2::bigint")})
    UNION ALL
    SELECT p.post_id, p.account_id, p.edited_at, p.created_at, wanted.place
    FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
    JOIN deleted_posts AS p ON p.post_id = wanted.id JOIN accounts AS a ON a.id = p.account_id
    WHERE {was_shown_sql("p", "a", "$2::bigint", is_mentioned="$2 = ANY (p.shown_to)")}
    ORDER BY place
"""


async def list_reportable(conn: ReadConn, post_ids: Sequence[int], viewer_id: int) -> list[Reportable]:
    """The posts among these that the viewer may report, in the order of `post_ids`: others are left out, whether they exist or not."""
    rows = await conn.fetch(_REPORTABLE, list(post_ids), viewer_id)
    return [Reportable(**{name: value for name, value in row.items() if name != "place"}) for row in rows]


# $1: the author, $2: the viewer, $4: the lowest id. Uses the primary key of mentions.
_UNSEEN = f"""
    SELECT * FROM (
        SELECT p.id AS post_id, p.account_id, p.edited_at, p.created_at
        FROM mentions AS m JOIN posts AS p ON p.id = m.post_id JOIN accounts AS a ON a.id = p.account_id
        WHERE m.account_id = $2 AND m.post_id > $4 AND p.account_id = $1 AND {mentioned_in_sight_sql("p", "m")}
            AND NOT {visible_sql("p", "a", "$2::bigint")}
        UNION ALL
        SELECT post_id, account_id, edited_at, created_at FROM deleted_posts WHERE account_id = $1 AND $2 = ANY (shown_to)
    ) AS unseen ORDER BY post_id DESC LIMIT $3
"""


async def list_unseen_mentions(conn: ReadConn, author_id: int, viewer_id: int, limit: int = 5) -> list[Reportable]:
    """The newest posts of an author that named the viewer, and that the viewer was shown and cannot see any longer."""
    lowest = ids.make_id(0, clock.now() - _UNSEEN_FOR)
    return [Reportable(**dict(row)) for row in await conn.fetch(_UNSEEN, author_id, viewer_id, limit, lowest)]
