"""The check before a post is published. `app.py` plugs in the one of moderation; the default lets every post pass.

A screener is called in the transaction of the post, after it was stored and before anybody can see it. It must be fast,
because the author waits for it. Slower checks run after publishing, on the event post.created.
"""

from collections.abc import Awaitable, Callable

from folkmoot.base.db import WriteTx

Screener = Callable[[WriteTx, int], Awaitable[bool]]
"""Takes the id of the new post. Returns whether it was held, so that only its author sees it."""


async def let_pass(_tx: WriteTx, _post_id: int) -> bool:
    return False
