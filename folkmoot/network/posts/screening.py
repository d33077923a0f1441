"""What is asked before a post appears. `app.py` plugs a screener in; without one, every post may appear.

A screener sees the words only. It must be fast: it runs while its author waits. What takes longer happens after
publishing, on the event post.created.
"""

from collections.abc import Awaitable, Callable

from folkmoot.network.posts.model import PostDraft

Screener = Callable[[PostDraft], Awaitable[str | None]]
"""Gives None to let a draft pass, or the sentence that its author is told."""


async def let_pass(_draft: PostDraft) -> str | None:
    return None
