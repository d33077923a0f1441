"""Following, muting, blocking. A relation is changed only by the side that owns it."""

import re
from collections.abc import Sequence

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Forbidden, Invalid, NotFound
from folkmoot.base.text import clean
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.counters import Counter, add_deltas
from folkmoot.network.relations import queries
from folkmoot.network.relations.model import (
    AccountBlocked,
    AccountMuted,
    FollowEnded,
    FollowRequested,
    FollowStarted,
    Relation,
)

LONGEST_NOTE = 2000


async def follow(
    tx: WriteTx, viewer: Account, target_id: int, *, shows_boosts: bool = True, notifies: bool = False,
    languages: Sequence[str] | None = None,
) -> Relation:
    """Follows, or asks a locked account to be let in; of a follow that is there it changes the options.

    Tells follow.started or follow.requested. Raises NotFound, Forbidden where a block stands between the two.
    """
    if viewer.effect >= AccountEffect.FROZEN:
        raise Forbidden("Your account is frozen. You can read, but not write.")
    if languages and not all(re.fullmatch(r"[a-zA-Z]{2,3}(-[a-zA-Z]{2,4})?", language) for language in languages):
        raise Invalid(FieldError("languages", "invalid", "This is not a language that we know."))
    target = await _other(tx, viewer, target_id)
    relation = await queries.get_relation(tx, viewer.id, target_id)
    if relation.is_blocked_by or relation.blocks:
        raise Forbidden("You cannot follow this account.")

    row_id = ids.make_id(ids.shard_of(viewer.id))
    if target.is_locked and not relation.follows:
        is_new = await queries.insert_request(tx, target_id, viewer.id, row_id, shows_boosts=shows_boosts, notifies=notifies)
        if is_new:
            tx.tell(FollowRequested(account_id=viewer.id, target_id=target_id))
    else:
        await _start(tx, viewer.id, target_id, row_id, shows_boosts, notifies, languages)
    return await queries.get_relation(tx, viewer.id, target_id)


async def unfollow(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Ends a follow, or takes a request back. Tells follow.ended if there was a follow."""
    await _other(tx, viewer, target_id)
    await queries.delete_request(tx, target_id, viewer.id)
    await _end(tx, viewer.id, target_id)
    return await queries.get_relation(tx, viewer.id, target_id)


async def accept_follower(tx: WriteTx, viewer: Account, requester_id: int) -> Relation:
    """Lets somebody in who asked. Tells follow.started. Raises NotFound without a request."""
    request = await queries.delete_request(tx, viewer.id, requester_id)
    if request is None:
        raise NotFound
    await _start(tx, requester_id, viewer.id, ids.make_id(ids.shard_of(requester_id)), *request, None)
    return await queries.get_relation(tx, viewer.id, requester_id)


async def reject_follower(tx: WriteTx, viewer: Account, requester_id: int) -> Relation:
    """Turns a request down; nobody is told. Raises NotFound without a request."""
    if await queries.delete_request(tx, viewer.id, requester_id) is None:
        raise NotFound
    return await queries.get_relation(tx, viewer.id, requester_id)


async def remove_follower(tx: WriteTx, viewer: Account, follower_id: int) -> Relation:
    """Ends somebody's follow of the viewer. Tells follow.ended if there was one."""
    await _other(tx, viewer, follower_id)
    await _end(tx, follower_id, viewer.id)
    return await queries.get_relation(tx, viewer.id, follower_id)


async def mute(tx: WriteTx, viewer: Account, target_id: int, *, hides_notifications: bool = True, seconds: int = 0) -> Relation:
    """Hides somebody's posts from the viewer's timelines, for a time or for ever. Tells account.muted."""
    await _other(tx, viewer, target_id)
    if not 0 <= seconds <= 10 * 365 * 86400:
        raise Invalid(FieldError("duration", "inclusion", "A mute lasts at most ten years."))
    row_id = ids.make_id(ids.shard_of(viewer.id))
    await queries.upsert_mute(tx, viewer.id, target_id, row_id, hides_notifications=hides_notifications, seconds=seconds)
    tx.tell(AccountMuted(account_id=viewer.id, target_id=target_id))
    return await queries.get_relation(tx, viewer.id, target_id)


async def unmute(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    await _other(tx, viewer, target_id)
    await queries.delete_mute(tx, viewer.id, target_id)
    return await queries.get_relation(tx, viewer.id, target_id)


async def block(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Neither meets the other any more: follows and requests end both ways. Tells account.blocked, follow.ended."""
    await _other(tx, viewer, target_id)
    row_id = ids.make_id(ids.shard_of(viewer.id))
    if await queries.insert_block(tx, viewer.id, target_id, row_id):
        for one, other in ((viewer.id, target_id), (target_id, viewer.id)):
            await queries.delete_request(tx, one, other)
            await _end(tx, one, other)
        tx.tell(AccountBlocked(account_id=viewer.id, target_id=target_id))
    return await queries.get_relation(tx, viewer.id, target_id)


async def unblock(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    await _other(tx, viewer, target_id)
    await queries.delete_block(tx, viewer.id, target_id)
    return await queries.get_relation(tx, viewer.id, target_id)


async def write_note(tx: WriteTx, viewer: Account, target_id: int, text: str) -> Relation:
    """A private note about somebody, which only the viewer sees. Raises Invalid when it is too long."""
    await _other(tx, viewer, target_id)
    text = clean(text)
    if len(text) > LONGEST_NOTE:
        raise Invalid(FieldError("comment", "too_long", "This text has at most %(limit)d characters.", {"limit": LONGEST_NOTE}))
    await queries.upsert_note(tx, viewer.id, target_id, text)
    return await queries.get_relation(tx, viewer.id, target_id)


async def _other(tx: WriteTx, viewer: Account, target_id: int) -> Account:
    if target_id == viewer.id:
        raise Forbidden("This is you.")
    target = await get_account(tx, target_id)
    if target.effect >= AccountEffect.SUSPENDED:
        raise NotFound
    return target


async def _start(
    tx: WriteTx, account_id: int, target_id: int, row_id: int, shows_boosts: bool, notifies: bool, languages: Sequence[str] | None
) -> None:
    is_new = await queries.insert_follow(
        tx, account_id, target_id, row_id, shows_boosts=shows_boosts, notifies=notifies, languages=languages
    )
    if is_new:
        await add_deltas(tx, [(account_id, Counter.ACCOUNT_FOLLOWING, 1), (target_id, Counter.ACCOUNT_FOLLOWERS, 1)])
        tx.tell(FollowStarted(account_id=account_id, target_id=target_id))


async def _end(tx: WriteTx, account_id: int, target_id: int) -> None:
    if await queries.delete_follow(tx, account_id, target_id):
        await add_deltas(tx, [(account_id, Counter.ACCOUNT_FOLLOWING, -1), (target_id, Counter.ACCOUNT_FOLLOWERS, -1)])
        tx.tell(FollowEnded(account_id=account_id, target_id=target_id))
