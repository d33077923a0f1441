"""Collects keys that arrive together, or while a call runs, so that the next call handles many: fewer statements on a busy network.

Nobody waits for more keys. The jobs that a worker claims at once reach each subscriber together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable, WritesPaused

K = TypeVar("K", bound=Hashable)

_MOST = 64


class Gathering(Generic[K]):
    """`handle` gets up to 64 keys at once; it may return a dict with something for each of them. A key that is added again while it
    waits is handled once. If a call fails, its keys are handled one at a time, so that one of them does not fail the others."""

    def __init__(self, handle: Callable[[Database, list[K]], Awaitable[object]]) -> None:
        self._handle = handle
        self._waiting: dict[Database, dict[K, list[asyncio.Future[Any]]]] = {}
        self._runs: dict[Database, asyncio.Task[None]] = {}

    async def add(self, database: Database, key: K) -> Any:
        """Waits until the key has been handled; returns what there is for it. Raises its error."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()  # its own, so that a caller who is cancelled takes nothing from the others
        self._waiting.setdefault(database, {}).setdefault(key, []).append(done)
        run = self._runs.get(database)
        if run is None or run.done():
            self._runs[database] = loop.create_task(self._handle_waiting(database), name="gathering")
        return await done

    async def _handle_waiting(self, database: Database) -> None:
        waiting = self._waiting[database]
        while waiting:
            await self._handle_batch(database, {key: waiting.pop(key) for key in list(waiting)[:_MOST]})
        del self._waiting[database], self._runs[database]

    async def _handle_batch(self, database: Database, batch: dict[K, list[asyncio.Future[Any]]]) -> None:
        try:
            found = await self._handle(database, list(batch))
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, Unavailable | WritesPaused):
                for key, callers in batch.items():
                    await self._handle_batch(database, {key: callers})
                return
            for done in _still_waiting(batch.values()):
                done.set_exception(error)
        else:
            for key, callers in batch.items():
                for done in _still_waiting([callers]):
                    done.set_result(found.get(key) if isinstance(found, dict) else None)


def _still_waiting(callers: Iterable[list[asyncio.Future[Any]]]) -> list[asyncio.Future[Any]]:
    """Without those that were cancelled meanwhile."""
    return [done for some in callers for done in some if not done.done()]
