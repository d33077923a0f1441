"""Collects keys that arrive within a moment, so that one call handles many: fewer statements on a busy network, for 10 ms."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_SECONDS = 0.01
_MOST = 64


class Gathering(Generic[K]):
    """`handle` gets up to 64 keys at once. A key that is added again while it waits is handled once."""

    def __init__(self, handle: Callable[[list[K]], Awaitable[None]]) -> None:
        self._handle = handle
        self._waiting: dict[K, asyncio.Future[None]] = {}
        self._run: asyncio.Task[None] | None = None

    async def add(self, key: K) -> None:
        """Waits until the key has been handled. Raises the error of its batch."""
        loop = asyncio.get_running_loop()
        done = self._waiting.setdefault(key, loop.create_future())
        if self._run is None or self._run.done():
            self._run = loop.create_task(self._handle_waiting(), name="gathering")
        await asyncio.shield(done)

    async def _handle_waiting(self) -> None:
        await asyncio.sleep(_SECONDS)
        while self._waiting:
            batch = {key: self._waiting.pop(key) for key in list(self._waiting)[:_MOST]}
            try:
                await self._handle(list(batch))
            except Exception as error:
                for done in batch.values():
                    done.set_exception(error)
                    done.exception()  # retrieved: a caller that was cancelled meanwhile does not await it
            else:
                for done in batch.values():
                    done.set_result(None)
