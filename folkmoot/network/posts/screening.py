"""The check before a post is published. `app.py` plugs in the one of moderation; the default lets every post pass.

A screener is called in the transaction of the post, after it was stored and before anybody can see it. It must be fast,
because the author waits for it. Slower checks run after publishing, on the event post.created.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from folkmoot.base.db import WriteTx


@dataclass(frozen=True)
class Screener:
    """`may_hold_sql`: SQL, whether any post could be held now; asked by the statement that stores a post, since most networks hold
    nothing. `hold` takes the id of the new post, and returns whether it was held, so that only its author sees it."""

    may_hold_sql: str
    hold: Callable[[WriteTx, int], Awaitable[bool]]


async def _hold_nothing(_tx: WriteTx, _post_id: int) -> bool:
    return False


let_pass = Screener("false", _hold_nothing)
