"""Waiting in tests. The deadline is generous: it ends a test that would wait for ever, and a busy machine never meets it."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

SECONDS = 60.0


def wait_until(condition: Callable[[], Any], what: str = "") -> Any:
    """Waits until the condition holds; returns what it returned."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, what or "waited in vain"
        time.sleep(0.02)
    return found


async def until(condition: Callable[[], Any]) -> Any:
    """The same in a coroutine; the condition may be a coroutine function."""
    async with asyncio.timeout(SECONDS):
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)
