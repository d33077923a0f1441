"""A semaphore whose waiting has a time limit, for the pools of sessions.

`asyncio.timeout` around `asyncio.Semaphore.acquire` schedules and cancels a timer for each use. Here one timer serves all that
wait: nearly always a permit comes long before the limit.
"""

import asyncio
from collections import deque

from folkmoot.base import clock


class Permits:
    """A number of permits. Those who wait get theirs in turn."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()  # with the moments at which they give up
        self._timer: asyncio.TimerHandle | None = None
        self._next_look = 0.0

    @property
    def waiting(self) -> int:
        """How many wait; those who have been cancelled or have a permit may still be among them for a moment."""
        return len(self._waiting)

    def take(self) -> bool:
        """Takes a permit if there is one and nobody waits for it."""
        if self._left and not self._waiting:
            self._left -= 1
            return True
        return False

    async def wait(self, seconds: float) -> None:
        """Waits for a permit and takes it. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        deadline = clock.monotonic() + seconds
        permit = loop.create_future()
        self._waiting.append((deadline, permit))
        self._hand_out()
        self._look_at(deadline, loop)
        try:
            await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled() and permit.exception() is None:
                self.give_back()  # it came in the moment of the cancellation
            raise

    def give_back(self) -> None:
        self._left += 1
        if self._waiting:
            self._hand_out()

    def _hand_out(self) -> None:
        while self._left and self._waiting:
            _, permit = self._waiting.popleft()
            if not permit.done():
                self._left -= 1
                permit.set_result(None)

    def _look_at(self, deadline: float, loop: asyncio.AbstractEventLoop) -> None:
        """Wakes up at this moment, unless that is planned for an earlier one already."""
        if self._timer is not None:
            if self._next_look <= deadline:
                return
            self._timer.cancel()
        self._next_look = deadline
        self._timer = loop.call_later(max(0.0, deadline - clock.monotonic()), self._give_up)

    def _give_up(self) -> None:
        """Ends the waiting of those whose time is over, and of those who were cancelled."""
        self._timer = None
        now = clock.monotonic()
        kept = deque[tuple[float, asyncio.Future[None]]]()
        for deadline, permit in self._waiting:
            if deadline > now and not permit.done():
                kept.append((deadline, permit))
            elif not permit.done():
                permit.set_exception(TimeoutError())
        self._waiting = kept
        if kept:
            self._look_at(min(deadline for deadline, _ in kept), asyncio.get_running_loop())
