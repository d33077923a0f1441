"""Changing a post: the earlier version stays in its history."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import msgspec

from folkmoot.base import clock, formatting
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.media.actions import describe_picture
from folkmoot.network.posts.actions.create import (
    PostLimits,
    cleaned,
    draft_errors,
    insert_poll,
    mentioned_people,
    new_poll,
    rendered,
    search_words_of,
)
from folkmoot.network.posts.model import Mention, Picture, Poll, Post, PostDraft, PostEdited, PostView
from folkmoot.network.posts.policy import can_edit_post, require_can_write
from folkmoot.network.posts.queries import get_fresh_view, get_post_view


class PictureChange(NamedTuple):
    """Another alt text or focus for a picture of the post; what is None stays."""

    id: int
    description: str | None
    focus: tuple[float, float] | None


async def edit_post(
    tx: WriteTx, author: Account, post_id: int, draft: PostDraft, limits: PostLimits, changes: Sequence[PictureChange] = ()
) -> PostView:
    """Changes text, cover, language, pictures or poll; who may see it stays. A changed poll starts anew.

    Tells post.edited. Raises NotFound for a post that is not one's own, and for a change of a picture that the draft
    does not show; Invalid.
    """
    require_can_write(author)
    # Two edits at once: the second waits here, and then sees what the first has made.
    await tx.fetchval("SELECT id FROM posts WHERE id = $1 AND account_id = $2 FOR UPDATE", post_id, author.id)
    before = (await get_post_view(tx, post_id, author.id)).post
    if not can_edit_post(author, before):
        raise NotFound
    draft = cleaned(draft)
    errors = draft_errors(draft, limits)
    if errors:
        raise Invalid(*errors)
    if not {change.id for change in changes} <= set(draft.media_ids):
        raise NotFound
    people = await mentioned_people(tx, author, draft.text)
    for change in changes:
        await describe_picture(tx, author, change.id, description=change.description, focus=change.focus)
    pictures = await _arranged(tx, before, draft.media_ids)

    now = clock.now()
    after = msgspec.structs.replace(
        before, text=draft.text, html=rendered(draft.text, people, limits.base_url), cover=draft.cover,
        is_sensitive=draft.is_sensitive or bool(draft.cover),
        language=before.language if draft.language is None else draft.language or None,
        mentions=tuple(Mention(account.id, account.username, account.domain) for account in people),
        hashtags=tuple(map(formatting.hashtag_key, formatting.hashtags_of(draft.text))),
        pictures=pictures, poll=_poll(before, draft), version=before.version + 1, edited_at=now,
    )
    if not before.edited_at:
        await _remember(tx, before)
    await _store(tx, before, after, people)
    await _remember(tx, after)

    tx.tell(PostEdited(post_id=post_id, account_id=author.id))
    return await get_fresh_view(tx, post_id, author.id)


def _poll(before: Post, draft: PostDraft) -> Poll | None:
    """The poll as it was if its answers are the same; else a new one."""
    if not draft.poll:
        return None
    old = before.poll
    if old and old.titles == draft.poll.titles and old.is_multiple == draft.poll.is_multiple:
        return msgspec.structs.replace(old, expires_at=clock.now() + timedelta(seconds=draft.poll.expires_in))
    return new_poll(before.author, draft.poll, clock.now())


async def _arranged(tx: WriteTx, before: Post, media_ids: Sequence[int]) -> tuple[Picture, ...]:
    """Attaches, orders and lets go of pictures. One that is let go can be attached again until it is cleared away."""
    rows = await tx.fetch(
        "SELECT id, key, kind, mime, description, focus_x, focus_y, blurhash, width, height, preview_width, preview_height"
        " FROM media WHERE id = ANY ($1::bigint[]) AND account_id = $2 AND (post_id IS NULL OR post_id = $3)"
        " AND purpose = 'attachment' FOR UPDATE",
        list(media_ids), before.author.id, before.id,
    )
    found = {row["id"]: Picture(**dict(row)) for row in rows}
    if len(found) != len(media_ids):
        raise Invalid(FieldError("media_ids", "invalid", "One of the pictures is not there, or belongs to another post."))
    await tx.execute("UPDATE media SET post_id = NULL WHERE post_id = $1 AND id <> ALL ($2::bigint[])", before.id, list(media_ids))
    await tx.execute(
        "UPDATE media SET post_id = $1, position = array_position($2::bigint[], id) WHERE id = ANY ($2::bigint[])",
        before.id, list(media_ids),
    )
    return tuple(found[id_] for id_ in media_ids)


async def _remember(tx: WriteTx, post: Post) -> None:
    await tx.execute(
        "INSERT INTO post_edits (post_id, version, text, html, cover, is_sensitive, media, poll_titles, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        post.id, post.version, post.text, post.html, post.cover, post.is_sensitive,
        msgspec.json.encode([{"id": picture.id, "description": picture.description} for picture in post.pictures]).decode(),
        list(post.poll.titles) if post.poll else None, post.edited_at or post.created_at,
    )


async def _store(tx: WriteTx, before: Post, after: Post, people: Sequence[Account]) -> None:
    if before.poll and (not after.poll or after.poll.id != before.poll.id):
        await tx.execute("DELETE FROM polls WHERE id = $1", before.poll.id)
        await tx.execute("UPDATE marks SET bits = bits & ~32, choices = NULL WHERE post_id = $1 AND bits & 32 > 0", after.id)
    if after.poll and (not before.poll or after.poll.id != before.poll.id):
        await insert_poll(tx, after)
    elif after.poll:
        await tx.execute("UPDATE polls SET expires_at = $2 WHERE id = $1", after.poll.id, after.poll.expires_at)
    await tx.execute(
        """
        UPDATE posts SET text = $2, html = $3, cover = $4, is_sensitive = $5, language = $6, mentions = $7, hashtags = $8,
            media_count = $9, poll_id = $10, search = array_to_tsvector($11), version = $12, edited_at = $13
        WHERE id = $1
        """,
        after.id, after.text, after.html, after.cover, after.is_sensitive, after.language,
        msgspec.json.encode(after.mentions).decode(), list(after.hashtags), len(after.pictures),
        after.poll.id if after.poll else None, search_words_of(after), after.version, after.edited_at,
    )
    # Whoever was mentioned once may go on reading; nobody is taken out of a conversation by an edit.
    await tx.execute(
        "INSERT INTO mentions (account_id, post_id) SELECT unnest($1::bigint[]), $2 ON CONFLICT DO NOTHING",
        [account.id for account in people], after.id,
    )
    await tx.execute("DELETE FROM post_hashtags WHERE post_id = $1", after.id)
    await tx.execute(
        "INSERT INTO hashtags (key, name) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
        list(after.hashtags), formatting.hashtags_of(after.text),
    )
    await tx.execute("INSERT INTO post_hashtags (key, post_id) SELECT unnest($1::text[]), $2", list(after.hashtags), after.id)
