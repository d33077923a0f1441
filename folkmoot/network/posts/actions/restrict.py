"""What restrictions do to a post. The truth are the restrictions, in `moderation`; here it comes into force."""

from folkmoot.base.db import WriteTx
from folkmoot.network.posts.model import PostEffect, Visibility

WITHDRAWN_TOPIC = "posts.withdrawn"  # live: ids of posts that open pages should not show any longer


async def set_effect(tx: WriteTx, post_id: int, effect: PostEffect, label: str | None) -> bool:
    """Puts an effect in force, from the next read on, with the clause that a label names; whether that changed anything.

    Open pages hear of what is hidden, if it was for everybody: an id tells when and, in a way, whose.
    """
    visibility = await tx.fetchval(
        "UPDATE posts SET effect = $2, label = $3, version = version + 1"
        " WHERE id = $1 AND (effect <> $2 OR label IS DISTINCT FROM $3) RETURNING visibility",
        post_id, effect, label,
    )
    if visibility is not None and visibility <= Visibility.UNLISTED and effect >= PostEffect.HIDDEN:
        tx.publish(WITHDRAWN_TOPIC, post_id)
    return visibility is not None


async def withdraw_posts_of(tx: WriteTx, account_id: int) -> None:
    """Open pages let go of the newest public posts of an account that is suspended. Leans on posts_account."""
    rows = await tx.fetch(
        "SELECT id FROM posts WHERE account_id = $1 AND visibility <= $2 ORDER BY id DESC LIMIT 40", account_id, Visibility.UNLISTED
    )
    for row in rows:
        tx.publish(WITHDRAWN_TOPIC, row["id"])
