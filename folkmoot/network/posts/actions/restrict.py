"""What restrictions do to posts and to the posts of an account.

The truth are the restrictions, in `moderation`; here they come into force, and the counts follow.
"""

from folkmoot.base.db import WriteTx
from folkmoot.network.accounts import actions as accounts
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import lock_account
from folkmoot.network.posts.model import PostEffect, Visibility, Withdrawn
from folkmoot.network.posts.queries.counting import count_account, count_posts, lock_effects, share_effects
from folkmoot.network.posts.queries.removing import get_effect, list_newest, lock_posts, update_effect
from folkmoot.network.relations.queries import count_follows

WITHDRAWN_TOPIC = "posts.withdrawn"  # live: a `Withdrawn`
_MOST_WITHDRAWN = 40


async def set_effect(tx: WriteTx, post_id: int, effect: PostEffect, label: str | None) -> bool:
    """Puts an effect in force, from the next read on, with the clause that a label names; whether that changed anything.

    Open pages hear of what is hidden.
    """
    await share_effects(tx)
    await lock_posts(tx, [post_id])
    before = await get_effect(tx, post_id)
    if before is None:
        return False
    counts_change = (before >= PostEffect.HIDDEN) != (effect >= PostEffect.HIDDEN)
    if counts_change:
        await count_posts(tx, [post_id], -1)
    row = await update_effect(tx, post_id, effect, label)
    if counts_change:
        await count_posts(tx, [post_id], 1)
    if row and effect >= PostEffect.HIDDEN:
        tx.publish(WITHDRAWN_TOPIC, Withdrawn(post_id, row["account_id"], row["visibility"] <= Visibility.UNLISTED))
    return row is not None


async def set_account_effect(tx: WriteTx, account_id: int, effect: AccountEffect) -> bool:
    """Puts the effect of restrictions on an account in force; whether that changed anything. Tells account.changed.

    What a suspended account wrote, boosted and favourited is in no number, and whom it follows has one follower less.
    Open pages let go of its newest posts.
    """
    await lock_effects(tx)
    before = (await lock_account(tx, account_id)).effect
    counts_change = (before >= AccountEffect.SUSPENDED) != (effect >= AccountEffect.SUSPENDED)
    if counts_change:
        await _count(tx, account_id, -1)
    is_changed = await accounts.set_effect(tx, account_id, effect)
    if counts_change:
        await _count(tx, account_id, 1)
    if is_changed and effect >= AccountEffect.SUSPENDED:
        for row in await list_newest(tx, account_id, _MOST_WITHDRAWN):
            tx.publish(WITHDRAWN_TOPIC, Withdrawn(row["id"], account_id, row["visibility"] <= Visibility.UNLISTED))
    return is_changed


async def _count(tx: WriteTx, account_id: int, sign: int) -> None:
    await count_account(tx, account_id, sign)
    await count_follows(tx, account_id, sign)
