"""Two coroutines side by side, until one of them ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until_one_ends(here: Coroutine[Any, Any, None], beside: Coroutine[Any, Any, None]) -> None:
    """Runs both, cancels the other one when one ends, and raises what ended it.

    `here` runs in the current task: each of thousands of open streams would pay 2 KB for one more.
    """
    loop = asyncio.get_running_loop()
    other, is_here = asyncio.create_task(beside), True
    limit = asyncio.timeout(None)

    def end(_: object) -> None:
        if is_here:
            limit.reschedule(loop.time())

    try:
        async with limit:
            other.add_done_callback(end)
            try:
                await here
            finally:
                is_here = False
    except TimeoutError:
        if not limit.expired():
            raise
        other.result()
    finally:
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
