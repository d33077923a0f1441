"""The check before a post is published. `Context.make` takes a screener; the default accepts every post.

A screener sees the draft only. It must be fast, because the author waits for it. Slower checks run after publishing, on
the event post.created.
"""

from collections.abc import Awaitable, Callable

from folkmoot.network.posts.model import PostDraft

Screener = Callable[[PostDraft], Awaitable[str | None]]
"""Returns None to accept a draft, or the message for its author."""


async def let_pass(_draft: PostDraft) -> str | None:
    return None
