"""What restrictions do to a post. The truth are the restrictions, in `moderation`; here it comes into force."""

from folkmoot.base.db import WriteTx
from folkmoot.network.posts.model import PostEffect

WITHDRAWN_TOPIC = "posts.withdrawn"  # live: ids of posts that open pages should not show any longer


async def set_effect(tx: WriteTx, post_id: int, effect: PostEffect, label: str | None) -> bool:
    """Puts an effect in force, from the next read on, with the clause that a label names; whether that changed anything.

    Open pages hear of what is hidden.
    """
    changed = await tx.execute(
        "UPDATE posts SET effect = $2, label = $3, version = version + 1"
        " WHERE id = $1 AND (effect <> $2 OR label IS DISTINCT FROM $3)",
        post_id, effect, label,
    )
    if changed and effect >= PostEffect.HIDDEN:
        tx.publish(WITHDRAWN_TOPIC, post_id)
    return bool(changed)
