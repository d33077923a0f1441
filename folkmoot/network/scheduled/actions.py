"""The verbs of scheduled posts. Nobody but the author is told of them until they are published, by the action that publishes any post."""

from datetime import UTC, datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, Plural
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.media.queries import release_reserved, reserve_pictures
from folkmoot.network.notifications.model import Kind
from folkmoot.network.notifications.queries import delete_from_network
from folkmoot.network.posts import composing
from folkmoot.network.posts.actions import PostLimits, compose_post, create_post
from folkmoot.network.posts.model import PostDraft, PostView, Visibility
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.posts.queries.writing import find_earlier, remember_key
from folkmoot.network.posts.screening import Screener
from folkmoot.network.scheduled import queries
from folkmoot.network.scheduled.model import LATEST, MOST_PER_DAY, MOST_SCHEDULED, SOONEST, ScheduledPost

_KEY_LASTS = timedelta(hours=1)
_TOO_MANY = Plural("You can have %(limit)d scheduled post.", "You can have %(limit)d scheduled posts.", "limit")
_TOO_MANY_THAT_DAY = Plural(
    "At most %(limit)d post can be scheduled for one day.", "At most %(limit)d posts can be scheduled for one day.", "limit"
)


async def schedule_post(tx: WriteTx, author: Account, draft: PostDraft, due_at: datetime, limits: PostLimits) -> ScheduledPost | PostView:
    """Keeps a draft, and its pictures, to be published at a time that is at least five minutes away.

    The draft is checked as if it were published now. An idempotency key that was used within the last hour returns what was made
    with it, which may have been published since. Raises Invalid, NotFound and Forbidden as `create_post` does, and Invalid for a
    wrong time and for one scheduled post too many.
    """
    require_can_write(author)
    key = draft.idempotency_key
    draft = composing.check_draft(draft, limits)
    if key and (earlier := await find_by_key(tx, author, key)):
        return earlier
    await _require_time(tx, author, due_at)
    id_ = ids.make_id(ids.shard_of(author.id))
    checked = await _checked(tx, author, draft, limits)

    scheduled = ScheduledPost(
        id=id_, account_id=author.id, due_at=due_at, draft=checked, idempotency_key=key, created_at=clock.now()
    )
    await queries.insert_scheduled(tx, scheduled)
    await reserve_pictures(tx, id_, checked.media_ids)
    return scheduled


async def find_by_key(tx: WriteTx, author: Account, key: str) -> ScheduledPost | PostView | None:
    """What was made with an idempotency key within the last hour. Concurrent requests with it wait here."""
    post_id = await find_earlier(tx, author.id, key)
    if post_id:
        return await get_post_view(tx, post_id, author.id)
    return await queries.find_by_key(tx, author.id, key, clock.now() - _KEY_LASTS)


async def reschedule_post(tx: WriteTx, author: Account, scheduled_id: int, due_at: datetime) -> ScheduledPost:
    """Changes the time. Raises NotFound for one of another member, Invalid, Forbidden."""
    require_can_write(author)
    before = await queries.lock_scheduled(tx, author.id, scheduled_id)
    await _require_time(tx, author, due_at, but=scheduled_id)

    await queries.update_scheduled(tx, scheduled_id, due_at, before.draft)
    await _withdraw_notice(tx, before)
    return msgspec.structs.replace(before, due_at=due_at, failure=None, tries=0)


async def change_scheduled(
    tx: WriteTx, author: Account, scheduled_id: int, draft: PostDraft, due_at: datetime, limits: PostLimits
) -> ScheduledPost:
    """Changes draft and time, with the same checks as for a new one. The app that it came from stays.

    Raises NotFound for one of another member and for an answered post that is gone, Invalid, Forbidden.
    """
    require_can_write(author)
    before = await queries.lock_scheduled(tx, author.id, scheduled_id)
    draft = composing.check_draft(msgspec.structs.replace(draft, app_id=before.draft.app_id), limits)
    await _require_time(tx, author, due_at, but=scheduled_id)
    await release_reserved(tx, scheduled_id, before.draft.media_ids)
    checked = await _checked(tx, author, draft, limits)

    await queries.update_scheduled(tx, scheduled_id, due_at, checked)
    await reserve_pictures(tx, scheduled_id, checked.media_ids)
    await _withdraw_notice(tx, before)
    return msgspec.structs.replace(before, draft=checked, due_at=due_at, failure=None, tries=0)


async def delete_scheduled(tx: WriteTx, author: Account, scheduled_id: int) -> None:
    """Deletes a draft; its pictures can be used again for a day. Raises NotFound."""
    await _take(tx, await queries.lock_scheduled(tx, author.id, scheduled_id))


async def publish_scheduled(
    tx: WriteTx, author: Account, scheduled: ScheduledPost, limits: PostLimits, screener: Screener
) -> PostView:
    """Publishes a locked draft now, and deletes it in the same transaction: it cannot be published twice. Raises as `create_post` does."""
    await _take(tx, scheduled)
    view = await create_post(tx, author, scheduled.draft, limits, screener=screener)
    if scheduled.idempotency_key:  # a repeated request gets the post, and writes no second one
        await remember_key(tx, author.id, scheduled.idempotency_key, view.post.id)
    return view


async def _take(tx: WriteTx, scheduled: ScheduledPost) -> None:
    await queries.delete_scheduled(tx, scheduled.id)
    await release_reserved(tx, scheduled.id, scheduled.draft.media_ids)
    await _withdraw_notice(tx, scheduled)


async def _withdraw_notice(tx: WriteTx, scheduled: ScheduledPost) -> None:
    if scheduled.failure:
        await delete_from_network(tx, scheduled.account_id, Kind.UNPUBLISHED, scheduled.id)


async def _checked(tx: WriteTx, author: Account, draft: PostDraft, limits: PostLimits) -> PostDraft:
    """The clean draft, if it could be published now, with the visibility that it would have."""
    post = await compose_post(tx, author, draft, limits, clock.now())
    return msgspec.structs.replace(draft, visibility=post.visibility, default_visibility=Visibility.PUBLIC, idempotency_key=None)


async def _require_time(tx: WriteTx, author: Account, due_at: datetime, *, but: int = 0) -> None:
    if due_at < clock.now() + SOONEST:
        raise Invalid(FieldError("due_at", "too_soon", "The time must be at least five minutes from now."))
    if due_at > clock.now() + LATEST:
        raise Invalid(FieldError("due_at", "inclusion", "The time can be at most five years from now."))
    await queries.lock_owner(tx, author.id)
    midnight = due_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    in_all, that_day = await queries.count_scheduled(tx, author.id, midnight, midnight + timedelta(days=1), but)
    if in_all >= MOST_SCHEDULED:
        raise Invalid(FieldError("due_at", "too_many", _TOO_MANY, {"limit": MOST_SCHEDULED}))
    if that_day >= MOST_PER_DAY:
        raise Invalid(FieldError("due_at", "too_many", _TOO_MANY_THAT_DAY, {"limit": MOST_PER_DAY}))
