"""The old host becomes the standby of the new one, so that the way back is the same command."""

import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from folkmoot.base.errors import Unavailable
from folkmoot.portability.host import FENCED
from folkmoot.portability.moving import queries
from folkmoot.portability.moving.model import FollowOrder, HostCondition, MoveProblem
from folkmoot.portability.moving.rejoin import RejoinOrder, find_order, order_rejoin
from folkmoot.portability.moving.this_host import ThisHost

# Asks the other host to make a slot for this one; returns the folder of the socket that leads to its PostgreSQL.
Prepare = Callable[[], Awaitable[Path]]


class Following:
    """Answers the order to the host that was the primary."""

    def __init__(self, this: ThisHost, prepare: Prepare) -> None:
        self._this = this
        self._prepare = prepare

    async def follow(self, order: FollowOrder) -> HostCondition:
        """Stops PostgreSQL; whoever starts it again makes it a standby first. Raises MoveProblem if this host is not fenced."""
        state = self._this.state
        if state.role == FENCED:
            if not state.move:
                raise MoveProblem("This host did not hand over: the other one was promoted without it. Run here: moot standby --again")
            if order.epoch <= state.epoch:
                raise MoveProblem("The other host has no later epoch, so this host does not follow it.")
            if not self._is_ordered(order.epoch):
                order_rejoin(self._this.directory, RejoinOrder(order.epoch, str(await self._prepare())))
            with suppress(Unavailable):  # then the server does not run, or is a standby already
                async with self._this.session() as session:
                    await queries.drop_idle_slots(session)  # a standby would keep its log for them forever
                self._stop_server()
        return await self._this.condition()

    def _is_ordered(self, epoch: int) -> bool:
        """Whether an earlier message was the same. Its work may have begun, so it must not begin again."""
        before = find_order(self._this.directory)
        return before is not None and before.epoch == epoch

    def _stop_server(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            pid = int((self._this.directory.path / "postgres" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGINT)
