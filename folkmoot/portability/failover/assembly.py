"""Puts together what the agent and `moot failover` need: messages, tasks, and the old host as it answers."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from folkmoot.portability.failover.alarm import Watching
from folkmoot.portability.failover.coming_back import Reviewing
from folkmoot.portability.failover.model import ForkQuestion, StopOrder, Stopped
from folkmoot.portability.failover.standing import Returning
from folkmoot.portability.failover.stopping import stop_writing
from folkmoot.portability.failover.taking_over import FORK, Forks
from folkmoot.portability.hosts.messages import Ask, Handler
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.moving.model import HostCondition, Order
from folkmoot.portability.moving.this_host import ThisHost

STOP = "failover.stop"
_ASK_SECONDS, _STOP_SECONDS = 2.0, 15.0


class AnsweringHost:
    """The old host, asked through the channel: an `OldHost` of the driver."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def condition(self, order: Order) -> HostCondition:
        return await self._ask("move.condition", order, HostCondition, seconds=_ASK_SECONDS)

    async def stop(self, order: StopOrder) -> Stopped:
        return await self._ask(STOP, order, Stopped, seconds=_STOP_SECONDS)


def handlers_of(this: ThisHost) -> list[Handler]:
    """The messages of failovers that this host answers."""
    turn = asyncio.Lock()

    async def stop(order: StopOrder) -> Stopped:
        async with turn:
            return await stop_writing(this, order)

    return [Handler(STOP, StopOrder, stop), Handler(FORK, ForkQuestion, Forks(this).answer)]


def work_of(this: ThisHost, ask: Ask) -> list[Coroutine[Any, Any, None]]:
    """What the agent does all the time."""

    def peer() -> str:
        found = Peers(this.directory).one()
        return found.id if found else ""

    return [Returning(this, ask, peer).run(), Watching(this).run(), Reviewing(this, ask).run()]
