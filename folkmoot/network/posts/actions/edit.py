"""Editing a post. Earlier versions stay in its history."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.media.actions import describe_picture
from folkmoot.network.media.queries import attach_pictures, detach_pictures
from folkmoot.network.posts import composing
from folkmoot.network.posts.composing import PostLimits
from folkmoot.network.posts.events import PostEdited
from folkmoot.network.posts.model import Post, PostDraft, PostView
from folkmoot.network.posts.policy import can_edit_post
from folkmoot.network.posts.queries import get_fresh_view, get_post_view
from folkmoot.network.posts.queries.history import insert_edit
from folkmoot.network.posts.queries.material import read_material
from folkmoot.network.posts.queries.polls import delete_poll, insert_poll, update_hides_totals
from folkmoot.network.posts.queries.writing import list_mentioned, lock_own_post, update_post


class PictureChange(NamedTuple):
    """A new alt text or focus for a picture of the post; None leaves them."""

    id: int
    description: str | None
    focus: tuple[float, float] | None


async def edit_post(
    tx: WriteTx, author: Account, post_id: int, draft: PostDraft, limits: PostLimits, changes: Sequence[PictureChange] = ()
) -> PostView:
    """Changes text, cover, language, pictures, poll or who may quote the post; the visibility stays. A poll with other answers is
    a new poll: the votes are lost, and its time begins. With the same answers it keeps its votes and its end (decision 0052).

    Tells post.edited. Raises NotFound for a post of another account, and for a change of a picture that the draft does
    not show; Invalid; Forbidden.
    """
    require_can_write(author)
    if not await lock_own_post(tx, author.id, post_id):  # of two concurrent edits, the second sees the result of the first
        raise NotFound
    before = (await get_post_view(tx, post_id, author.id)).post
    if not can_edit_post(author, before):
        raise NotFound
    draft = composing.check_draft(draft, limits, before)
    if not {change.id for change in changes} <= set(draft.media_ids):
        raise NotFound
    for change in changes:
        await describe_picture(tx, author, change.id, description=change.description, focus=change.focus)
    # An edit never changes which post is answered or quoted.
    draft = msgspec.structs.replace(draft, reply_to_id=None, quoted_id=None)
    material = await read_material(tx, author, draft, limits.domain, post_id=post_id)
    mentioned_before = await list_mentioned(tx, post_id)
    after = composing.recompose(before, draft, material, limits, clock.now())
    if material.unknown and not mentioned_before:
        composing.require_audience(after, material)

    if not before.edited_at:
        await insert_edit(tx, before)
    await detach_pictures(tx, post_id, draft.media_ids)
    await attach_pictures(tx, post_id, draft.media_ids)
    await _store_poll(tx, before, after)
    await update_post(tx, after)
    await insert_edit(tx, after)

    mentioned = await list_mentioned(tx, post_id)
    newly_mentioned = tuple(id_ for id_ in mentioned if id_ not in mentioned_before)
    tx.tell(PostEdited(**after.facts(mentioned), newly_mentioned_ids=newly_mentioned))
    return await get_fresh_view(tx, post_id, author.id)


async def _store_poll(tx: WriteTx, before: Post, after: Post) -> None:
    is_same = before.poll and after.poll and before.poll.id == after.poll.id
    if before.poll and not is_same:
        await delete_poll(tx, before.poll.id, after.id)
    if after.poll and is_same:
        await update_hides_totals(tx, after.poll)
    elif after.poll:
        await insert_poll(tx, after)
