"""What restrictions do to a post. The truth are the restrictions, in `moderation`; here it comes into force."""

from folkmoot.base.db import WriteTx
from folkmoot.network.posts.model import PostEffect, Visibility, Withdrawn

WITHDRAWN_TOPIC = "posts.withdrawn"  # live: a `Withdrawn`


async def set_effect(tx: WriteTx, post_id: int, effect: PostEffect, label: str | None) -> bool:
    """Puts an effect in force, from the next read on, with the clause that a label names; whether that changed anything.

    Open pages hear of what is hidden.
    """
    row = await tx.fetchrow(
        "UPDATE posts SET effect = $2, label = $3, version = version + 1"
        " WHERE id = $1 AND (effect <> $2 OR label IS DISTINCT FROM $3) RETURNING account_id, visibility",
        post_id, effect, label,
    )
    if row and effect >= PostEffect.HIDDEN:
        tx.publish(WITHDRAWN_TOPIC, Withdrawn(post_id, row["account_id"], row["visibility"] <= Visibility.UNLISTED))
    return row is not None


async def withdraw_posts_of(tx: WriteTx, account_id: int) -> None:
    """Open pages let go of the newest posts of an account that is suspended. Leans on posts_account."""
    rows = await tx.fetch("SELECT id, visibility FROM posts WHERE account_id = $1 ORDER BY id DESC LIMIT 40", account_id)
    for row in rows:
        tx.publish(WITHDRAWN_TOPIC, Withdrawn(row["id"], account_id, row["visibility"] <= Visibility.UNLISTED))
