"""Reads that are asked for at the same moment share a statement: for ten readers it costs half of what ten statements cost the
database, and a third of what they cost this process (decision 0140).

Whoever asks while fewer than AT_ONCE calls run is answered by an own one, without delay. Who asks meanwhile shares the next call. It
starts when one of them ends, or after PATIENCE seconds: always after all who share it have asked, so each of them sees what was
committed before. Nothing is kept. `gathering.py` does the same for jobs, one call after the other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from folkmoot.base.errors import Unavailable

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
AT_ONCE = 2
PATIENCE = 0.02  # seconds: one slow answer does not hold up everybody else
_MOST = 16  # keys of a call


class SharedReads(Generic[K, R]):
    """`read` gets up to 16 keys and answers each of them; it opens its own connection. If it fails for several keys, each is read
    alone, so that one of them does not fail the others."""

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, R]]]) -> None:
        self._read = read
        self._running = 0
        self._waiting: dict[K, list[asyncio.Future[R]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> R:
        """What there is for this key. Raises the errors of `read`."""
        if self._running >= AT_ONCE:
            return await self._share(key)
        self._running += 1
        try:
            return (await self._read([key]))[key]
        finally:
            self._end()

    async def _share(self, key: K) -> R:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()  # its own, so that a caller who is cancelled takes nothing from the others
        self._waiting.setdefault(key, []).append(done)
        if self._timer is None:
            self._timer = loop.call_later(PATIENCE, self._start)
        return await done

    def _end(self) -> None:
        self._running -= 1
        if self._waiting and self._running < AT_ONCE:
            self._start()

    def _start(self) -> None:
        """Starts a call for those who wait."""
        loop = asyncio.get_running_loop()
        if self._timer:
            self._timer.cancel()
        batch = {key: self._waiting.pop(key) for key in list(self._waiting)[:_MOST]}
        self._timer = loop.call_later(PATIENCE, self._start) if self._waiting else None
        self._running += 1
        call = loop.create_task(self._answer(batch), name="shared read")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _answer(self, batch: Mapping[K, list[asyncio.Future[R]]]) -> None:
        try:
            await self._read_for(batch)
        finally:
            for done in _still_waiting(batch.values()):  # this call was cancelled
                done.cancel()
            self._end()

    async def _read_for(self, batch: Mapping[K, list[asyncio.Future[R]]]) -> None:
        try:
            found = await self._read(list(batch))
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, Unavailable):
                for key, callers in batch.items():
                    await self._read_for({key: callers})
                return
            for done in _still_waiting(batch.values()):
                done.set_exception(error)
            return
        for key, callers in batch.items():
            for done in _still_waiting([callers]):
                done.set_result(found[key])


def _still_waiting(callers: Iterable[list[asyncio.Future[R]]]) -> list[asyncio.Future[R]]:
    """Without those that were cancelled meanwhile."""
    return [done for some in callers for done in some if not done.done()]
