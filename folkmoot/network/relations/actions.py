"""Following, muting, blocking. A relation is changed only by the account that owns it.

Every action between two accounts first locks that pair and both accounts: concurrent actions of the two run one after
the other, in any order (decision 0045).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, FieldError, Forbidden, Invalid, NotFound
from folkmoot.base.languages import language_of
from folkmoot.base.text import clean, count_characters
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.accounts.queries import get_account, lock_accounts_shared
from folkmoot.network.counters import Counter, add_deltas
from folkmoot.network.relations import queries
from folkmoot.network.relations.model import (
    AccountBlocked,
    AccountMuted,
    AccountUnblocked,
    AccountUnmuted,
    FollowChanged,
    FollowEnded,
    FollowOptions,
    FollowRequested,
    FollowRequestEnded,
    FollowStarted,
    Relation,
)

LONGEST_NOTE = 2000
REMEMBERED_FOR = timedelta(days=90)  # an ended follow, so that the follower can still report what was shown to them
LONGEST_MUTE = 10 * 365 * 86400  # seconds


class _Pair(NamedTuple):
    """The acting account and the other one, as read under the lock."""

    viewer: Account
    other: Account


async def follow(
    tx: WriteTx, viewer: Account, target_id: int, *, shows_boosts: bool | None = None, notifies: bool | None = None,
    languages: Sequence[str] | None = None,
) -> Relation:
    """Follows an account, or sends a request to a locked one; changes the options of an existing follow or request.

    An option that is None stays as it is; an empty list of languages means all, unknown ones are left out. Tells
    follow.started, follow.requested or follow.changed. Raises NotFound; Forbidden if either account blocks the other or its network.
    """
    if languages is not None:
        languages = list(dict.fromkeys(filter(None, map(language_of, languages))))
    pair = await _lock(tx, viewer, target_id)
    require_can_write(pair.viewer)
    relation = await queries.get_relation(tx, viewer.id, target_id)
    if relation.is_blocked_by or relation.blocks or relation.blocks_domain or (
        pair.viewer.domain and await queries.is_domain_blocked(tx, target_id, pair.viewer.domain)
    ):
        raise Forbidden("You cannot follow this account.")

    before = FollowOptions.of(relation)
    options = before.changed(shows_boosts, notifies, languages)
    if relation.follows:
        if options != before:
            await queries.update_follow(tx, viewer.id, target_id, options)
            tx.tell(FollowChanged(**_sides(pair.viewer, pair.other)))
    elif pair.other.is_locked:
        if await queries.upsert_request(tx, target_id, viewer.id, _row_id(viewer.id), options):
            tx.tell(FollowRequested(**_sides(pair.viewer, pair.other)))
    else:
        await queries.delete_request(tx, target_id, viewer.id)  # sent while the account was locked
        await _start(tx, pair.viewer, pair.other, options)
    return await queries.get_relation(tx, viewer.id, target_id)


async def unfollow(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Ends a follow, or withdraws a request. Tells follow.ended or follow.request_ended, if there was one."""
    pair = await _lock(tx, viewer, target_id, ends=True)
    await _end_request(tx, pair.viewer, pair.other, ended_by=viewer)
    await _end(tx, pair.viewer, pair.other, ended_by=viewer)
    return await queries.get_relation(tx, viewer.id, target_id)


async def accept_follower(tx: WriteTx, viewer: Account, requester_id: int) -> Relation:
    """Accepts a follow request. Tells follow.started. Raises NotFound if there is no request."""
    pair = await _lock(tx, viewer, requester_id)
    options = await queries.delete_request(tx, viewer.id, requester_id)
    if options is None:
        raise NotFound
    await _start(tx, pair.other, pair.viewer, options)
    return await queries.get_relation(tx, viewer.id, requester_id)


async def accept_if_unlocked(tx: WriteTx, account_id: int, requester_id: int) -> bool:
    """Accepts a follow request, if it still waits, because the account was unlocked; returns False if it is locked again.

    Tells follow.started. Raises NotFound, Forbidden for a suspended account.
    """
    pair = await _lock(tx, await get_account(tx, account_id), requester_id)
    if pair.viewer.is_locked:
        return False
    options = await queries.delete_request(tx, account_id, requester_id)
    if options is not None:
        await _start(tx, pair.other, pair.viewer, options)
    return True


async def reject_follower(tx: WriteTx, viewer: Account, requester_id: int) -> Relation:
    """Rejects a follow request. Tells follow.request_ended. Raises NotFound if there is no request."""
    pair = await _lock(tx, viewer, requester_id, ends=True)
    if not await _end_request(tx, pair.other, pair.viewer, ended_by=viewer):
        raise NotFound
    return await queries.get_relation(tx, viewer.id, requester_id)


async def remove_follower(tx: WriteTx, viewer: Account, follower_id: int) -> Relation:
    """Ends an account's follow of the viewer. Tells follow.ended if there was one."""
    pair = await _lock(tx, viewer, follower_id, ends=True)
    await _end(tx, pair.other, pair.viewer, ended_by=viewer)
    return await queries.get_relation(tx, viewer.id, follower_id)


async def mute(tx: WriteTx, viewer: Account, target_id: int, *, hides_notifications: bool = True, seconds: int = 0) -> Relation:
    """Hides an account's posts from the viewer's timelines, for `seconds` or, with 0, without end. Tells account.muted."""
    if not 0 <= seconds <= LONGEST_MUTE:
        raise Invalid(FieldError("duration", "inclusion", "A mute lasts at most ten years."))
    pair = await _lock(tx, viewer, target_id)
    await queries.upsert_mute(tx, viewer.id, target_id, _row_id(viewer.id), hides_notifications=hides_notifications, seconds=seconds)
    tx.tell(AccountMuted(**_sides(pair.viewer, pair.other)))
    return await queries.get_relation(tx, viewer.id, target_id)


async def unmute(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Ends a mute. Tells account.unmuted if there was one."""
    pair = await _lock(tx, viewer, target_id, ends=True)
    if await queries.delete_mute(tx, viewer.id, target_id):
        tx.tell(AccountUnmuted(**_sides(pair.viewer, pair.other)))
    return await queries.get_relation(tx, viewer.id, target_id)


async def block(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Blocks an account; follows and requests end in both directions.

    Tells account.blocked, follow.ended and follow.request_ended.
    """
    pair = await _lock(tx, viewer, target_id)
    if await queries.insert_block(tx, viewer.id, target_id, _row_id(viewer.id)):
        await _end_all(tx, pair)
        tx.tell(AccountBlocked(**_sides(pair.viewer, pair.other)))
    return await queries.get_relation(tx, viewer.id, target_id)


async def unblock(tx: WriteTx, viewer: Account, target_id: int) -> Relation:
    """Ends a block; follows are not restored. Tells account.unblocked if there was one."""
    pair = await _lock(tx, viewer, target_id, ends=True)
    if await queries.delete_block(tx, viewer.id, target_id):
        tx.tell(AccountUnblocked(**_sides(pair.viewer, pair.other)))
    return await queries.get_relation(tx, viewer.id, target_id)


async def end_connections(tx: WriteTx, viewer: Account, other_id: int) -> None:
    """Ends follows and requests of two accounts in both directions. Tells follow.ended and follow.request_ended. Raises NotFound if the
    other one is deleted."""
    await _end_all(tx, await _lock(tx, viewer, other_id, ends=True))


async def end_some_follows(tx: WriteTx, account_id: int, most: int) -> bool:
    """Ends follows by and of an account that leaves. Nothing is counted, because the account is hidden. Tells follow.ended.
    Returns False when none are left."""
    ended = await queries.delete_some_follows(tx, account_id, most)
    tx.tell(*(FollowEnded(account_id=follower_id, target_id=target_id, ended_by_id=account_id) for follower_id, target_id in ended))
    return bool(ended)


async def write_note(tx: WriteTx, viewer: Account, target_id: int, text: str) -> Relation:
    """Stores a private note about an account, which only the viewer sees. Raises Invalid when it is too long."""
    text = clean(text)
    if count_characters(text) > LONGEST_NOTE:
        raise Invalid(FieldError("comment", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_NOTE}))
    await _lock(tx, viewer, target_id, ends=not text)
    await queries.upsert_note(tx, viewer.id, target_id, text)
    return await queries.get_relation(tx, viewer.id, target_id)


async def forget_ended_follows(database: Database) -> None:
    """Forgets who followed whom long ago. A timed job."""
    async with database.write() as tx:
        await queries.delete_ended_follows(tx, clock.now() - REMEMBERED_FOR)


async def _lock(tx: WriteTx, viewer: Account, other_id: int, *, ends: bool = False) -> _Pair:
    """Locks both accounts until the transaction ends. `ends`: the action ends a relation.

    Raises NotFound if the other one is deleted or, unless a relation is ended, suspended; Forbidden if the viewer is suspended.
    """
    if other_id == viewer.id:
        raise Forbidden("This is you.")
    await queries.lock_pair(tx, viewer.id, other_id)
    accounts = await lock_accounts_shared(tx, [viewer.id, other_id])
    if len(accounts) < 2 or (accounts[other_id].effect >= AccountEffect.SUSPENDED and not ends):
        raise NotFound
    if accounts[viewer.id].effect >= AccountEffect.SUSPENDED:
        raise Forbidden(log_text="the viewer was just suspended")
    return _Pair(accounts[viewer.id], accounts[other_id])


async def _start(tx: WriteTx, follower: Account, target: Account, options: FollowOptions) -> None:
    if await queries.insert_follow(tx, follower.id, target.id, _row_id(follower.id), options):
        await _count(tx, follower, target, 1)
        tx.tell(FollowStarted(**_sides(follower, target)))


async def _end(tx: WriteTx, follower: Account, target: Account, *, ended_by: Account) -> None:
    if await queries.delete_follow(tx, follower.id, target.id):
        await _count(tx, follower, target, -1)
        tx.tell(FollowEnded(**_sides(follower, target), ended_by_id=ended_by.id))


async def _end_all(tx: WriteTx, pair: _Pair) -> None:
    for follower, target in (pair, reversed(pair)):
        await _end_request(tx, follower, target, ended_by=pair.viewer)
        await _end(tx, follower, target, ended_by=pair.viewer)


async def _end_request(tx: WriteTx, requester: Account, target: Account, *, ended_by: Account) -> bool:
    if await queries.delete_request(tx, target.id, requester.id) is None:
        return False
    tx.tell(FollowRequestEnded(**_sides(requester, target), ended_by_id=ended_by.id))
    return True


async def _count(tx: WriteTx, follower: Account, target: Account, delta: int) -> None:
    """Follows of suspended accounts are not counted."""
    if max(follower.effect, target.effect) < AccountEffect.SUSPENDED:
        await add_deltas(tx, [(follower.id, Counter.ACCOUNT_FOLLOWING, delta), (target.id, Counter.ACCOUNT_FOLLOWERS, delta)])


def _sides(account: Account, target: Account) -> dict[str, Any]:
    """The fields of both accounts that each event of a relation has."""
    return {
        "account_id": account.id, "target_id": target.id, "account_domain": account.domain, "target_domain": target.domain,
        "target_is_locked": target.is_locked,
    }


def _row_id(owner_id: int) -> int:
    return ids.make_id(ids.shard_of(owner_id))
