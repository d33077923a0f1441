"""Ends what an interrupted move left open, without anybody's help: runs on each host, in the agent.

Nothing is guessed: a fenced host writes again only if the other one has refused for good, and a host that has accepted to
take over does so.
"""

import asyncio
import logging
from contextlib import suppress

from folkmoot.base import clock
from folkmoot.base.driver_errors import LOST
from folkmoot.base.errors import Problem
from folkmoot.portability.host import FENCED, PRIMARY, HostState
from folkmoot.portability.moving.driver import undo
from folkmoot.portability.moving.model import MoveProblem, Options, Order, PromoteOrder
from folkmoot.portability.moving.sides import OwnHost, Side

_log = logging.getLogger(__name__)
_EVERY = 1.0
_PATIENCE = 2 * Options().hold  # a driver that still works has ended the pause long before


async def settle(own: OwnHost, other: Side) -> None:
    """One attempt. Raises Problem if the other host does not answer, or this one is not ready."""
    state = own.this.state
    if state.role == FENCED and state.move:
        with suppress(MoveProblem):  # the other host has taken over
            await undo(own, other)
    elif state.role == PRIMARY and state.move:
        here = await own.condition(Order(state.move))
        if here.database and here.database.is_replaying:
            await own.promote(PromoteOrder(state.move, None))


class Settling:
    """Settles from time to time, once a state has lasted for longer than any move leaves it so."""

    def __init__(self, own: OwnHost, other: Side) -> None:
        self._own = own
        self._other = other
        self._state: HostState | None = None
        self._since = 0.0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            state = self._own.this.state
            if state != self._state:
                self._state, self._since = state, clock.monotonic()
            if clock.monotonic() - self._since > _PATIENCE:
                try:
                    await settle(self._own, self._other)
                except (Problem, *LOST) as error:
                    _log.debug("nothing was settled: %s", error)
