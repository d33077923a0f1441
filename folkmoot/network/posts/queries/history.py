"""The versions of an edited post: the earlier ones and the present one."""

from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.posts.model import Post


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a post."""

    version: int
    text: str
    html: str
    cover: str
    is_sensitive: bool
    poll_titles: tuple[str, ...] | None
    pictures: tuple[tuple[int, str], ...]  # id and description
    created_at: datetime


async def list_edits(conn: ReadConn, post_id: int) -> list[Edit]:
    """The versions of a post, oldest first; none if it was never edited. The caller has checked its visibility."""
    rows = await conn.fetch(
        "SELECT version, text, html, cover, is_sensitive, poll_titles, media, created_at FROM post_edits WHERE post_id = $1"
        " ORDER BY version",
        post_id,
    )
    return [
        Edit(pictures=tuple((picture["id"], picture["description"]) for picture in msgspec.json.decode(row["media"])),
             **{name: value for name, value in row.items() if name != "media"})
        for row in rows
    ]


async def insert_edit(tx: WriteTx, post: Post) -> None:
    """Stores `post` as a version."""
    await tx.execute(
        "INSERT INTO post_edits (post_id, version, text, html, cover, is_sensitive, media, poll_titles, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        post.id, post.version, post.text, post.html, post.cover, post.is_sensitive,
        msgspec.json.encode([{"id": picture.id, "description": picture.description} for picture in post.pictures]).decode(),
        list(post.poll.titles) if post.poll else None, post.edited_at or post.created_at,
    )
