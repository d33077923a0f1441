"""Applies the effects of restrictions to posts and to the posts of an account, and updates the counts.

The restrictions themselves are stored by `moderation`.
"""

from collections.abc import Awaitable, Callable, Sequence

from folkmoot.base.db import WriteTx
from folkmoot.network.accounts import actions as accounts
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import find_kept_effect, lock_account
from folkmoot.network.posts.events import Withdrawn
from folkmoot.network.posts.model import PostEffect
from folkmoot.network.posts.queries.counting import count_account, count_posts, lock_effects, lock_effects_shared
from folkmoot.network.posts.queries.removing import get_effect, list_newest, list_shown, lock_posts, update_effect, update_hidden
from folkmoot.network.posts.queries.writing import raise_versions_by_creator
from folkmoot.network.relations.queries import count_follows

WITHDRAWN_TOPIC = "posts.withdrawn"  # live topic; the message is a `Withdrawn`
_MOST_WITHDRAWN = 40


async def set_effect(tx: WriteTx, post_id: int, effect: PostEffect, label: str | None, *, is_limited: bool = False) -> bool:
    """Applies an effect to a post, with the clause that a label names, and limits its reach; returns whether anything changed.

    Open pages are notified of hidden posts.
    """
    await lock_effects_shared(tx)
    await lock_posts(tx, [post_id])
    before = await get_effect(tx, post_id)
    if before is None:
        return False
    counts_change = (before >= PostEffect.HIDDEN) != (effect >= PostEffect.HIDDEN)
    if counts_change:
        await count_posts(tx, [post_id], -1)
    row = await update_effect(tx, post_id, effect, label, is_limited=is_limited)
    if counts_change:
        await count_posts(tx, [post_id], 1)
    if row and effect >= PostEffect.HIDDEN:
        tx.publish(WITHDRAWN_TOPIC, Withdrawn.of(post_id, row["account_id"], row["visibility"]))
    return row is not None


async def hide_posts(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """Hides those of these posts that are not hidden or removed already, as `set_effect` does."""
    await lock_effects_shared(tx)
    await lock_posts(tx, post_ids)
    shown = await list_shown(tx, post_ids)
    await count_posts(tx, shown, -1)
    rows = await update_hidden(tx, shown)
    await count_posts(tx, shown, 1)
    for row in rows:
        tx.publish(WITHDRAWN_TOPIC, Withdrawn.of(row["id"], row["account_id"], row["visibility"]))


async def set_account_effect(tx: WriteTx, account_id: int, effect: AccountEffect, *, is_limited: bool = False) -> bool:
    """Applies the effect of restrictions to an account, and limits its reach beside a stronger effect; returns whether anything
    changed. Tells account.changed.

    Posts, boosts, favourites and follows of a suspended account are not counted. Open pages are notified of its newest
    posts when it is suspended.
    """
    return await _with_counts(tx, account_id, effect, lambda: accounts.set_effect(tx, account_id, effect, is_limited=is_limited))


async def hide_leaving_account(tx: WriteTx, account_id: int) -> bool:
    """Hides an account that is leaving, as a suspension does. Returns whether anything changed. Tells account.changed."""
    return await _with_counts(tx, account_id, AccountEffect.SUSPENDED, lambda: accounts.hide_leaving(tx, account_id))


async def show_staying_account(tx: WriteTx, account_id: int) -> bool:
    """Gives an account that was leaving the effect of its restrictions back. Returns whether anything changed. Tells
    account.changed."""
    effect = await find_kept_effect(tx, account_id)
    if effect is None:
        return False
    return await _with_counts(tx, account_id, effect, lambda: accounts.show_staying(tx, account_id))


async def _with_counts(tx: WriteTx, account_id: int, effect: AccountEffect, change: Callable[[], Awaitable[bool]]) -> bool:
    """Runs a change of an account's effect, and counts what it hides or shows."""
    await lock_effects(tx)
    before = (await lock_account(tx, account_id)).effect
    counts_change = (before >= AccountEffect.SUSPENDED) != (effect >= AccountEffect.SUSPENDED)
    if counts_change:
        await _count(tx, account_id, -1)
    is_changed = await change()
    if counts_change:
        await _count(tx, account_id, 1)
    if is_changed and counts_change:
        await raise_versions_by_creator(tx, account_id)  # cards of pages that name the account
    if is_changed and effect >= AccountEffect.SUSPENDED:
        for row in await list_newest(tx, account_id, _MOST_WITHDRAWN):
            tx.publish(WITHDRAWN_TOPIC, Withdrawn.of(row["id"], account_id, row["visibility"]))
    return is_changed


async def _count(tx: WriteTx, account_id: int, sign: int) -> None:
    await count_account(tx, account_id, sign)
    await count_follows(tx, account_id, sign)
