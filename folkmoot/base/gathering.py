"""Collects keys that arrive within a moment, so that one call handles many: fewer statements on a busy network, for 20 ms."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable, WritesPaused

K = TypeVar("K", bound=Hashable)

_SECONDS = 0.02
_MOST = 64


class Gathering(Generic[K]):
    """`handle` gets up to 64 keys at once. A key that is added again while it waits is handled once. If a call fails, its keys are
    handled one at a time, so that one of them does not fail the others."""

    def __init__(self, handle: Callable[[Database, list[K]], Awaitable[object]]) -> None:
        self._handle = handle
        self._waiting: dict[Database, dict[K, asyncio.Future[None]]] = {}
        self._runs: dict[Database, asyncio.Task[None]] = {}

    async def add(self, database: Database, key: K) -> None:
        """Waits until the key has been handled. Raises its error."""
        loop = asyncio.get_running_loop()
        done = self._waiting.setdefault(database, {}).setdefault(key, loop.create_future())
        run = self._runs.get(database)
        if run is None or run.done():
            self._runs[database] = loop.create_task(self._handle_waiting(database), name="gathering")
        await asyncio.shield(done)

    async def _handle_waiting(self, database: Database) -> None:
        waiting = self._waiting[database]
        while waiting:
            if len(waiting) < _MOST:
                await asyncio.sleep(_SECONDS)
            await self._handle_batch(database, {key: waiting.pop(key) for key in list(waiting)[:_MOST]})

    async def _handle_batch(self, database: Database, batch: dict[K, asyncio.Future[None]]) -> None:
        try:
            await self._handle(database, list(batch))
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, Unavailable | WritesPaused):
                for key, done in batch.items():
                    await self._handle_batch(database, {key: done})
                return
            for done in batch.values():
                done.set_exception(error)
                done.exception()  # retrieved: a caller that was cancelled meanwhile does not await it
        else:
            for done in batch.values():
                done.set_result(None)
