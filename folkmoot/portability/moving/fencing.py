"""The part of the old host: hold its writes, fence itself, and write again only if the new host has refused to take over.

The order of the durable changes is the proof that only one host writes (decision 0065). This host first writes `fenced`
into `host.json`, then raises the epoch in its database inside the hold, and only then states where its writing ended.
"""

import asyncio
from contextlib import AsyncExitStack

from folkmoot.base import clock, write_gate
from folkmoot.base.write_gate import Hold
from folkmoot.portability.host import FENCED, PRIMARY, HostState
from folkmoot.portability.moving import queries
from folkmoot.portability.moving.journal import REFUSED
from folkmoot.portability.moving.model import (
    Decision,
    Fence,
    FenceOrder,
    Held,
    HoldOrder,
    HostCondition,
    MoveProblem,
    Order,
    State,
)
from folkmoot.portability.moving.this_host import ThisHost

_SHORT_HOLD = HoldOrder("", 5.0, 3.0)
OPERATOR = "operator"  # who can state, instead of the new host, that it will not take over


class Fencing:
    """Answers the orders to the host that writes, or wrote."""

    def __init__(self, this: ThisHost) -> None:
        self._this = this
        self._hold: Hold | None = None
        self._held = AsyncExitStack()
        self._turn = asyncio.Lock()

    async def hold(self, order: HoldOrder) -> Held:
        """Holds all writes. The database ends the hold at its time limit, whatever becomes of this process."""
        async with self._turn:
            await self._end_hold()
            if self._this.state.role not in (PRIMARY, FENCED):
                raise MoveProblem("This host is not the primary, so it has no writes to hold.")
            return await self._start_hold(order)

    async def release(self, order: Order) -> HostCondition:
        async with self._turn:
            await self._end_hold()
        return await self._this.condition()

    async def fence(self, order: FenceOrder) -> Fence:
        """Ends writing at this host and states where it ended. Repeated, it says the same with a later position."""
        async with self._turn:
            if self._hold is None or self._this.state.role == FENCED:  # repeated after a crash: an older hold may have ended
                await self._end_hold()
                await self._start_hold(_SHORT_HOLD)
            assert self._hold is not None
            await self._hold.limit()  # a hold that has ended must not lead to a fence
            epoch = self._become_fenced(order).epoch + 1
            position = await self._hold.raise_epoch(epoch)
        async with self._this.session() as session:
            last = await queries.read_last_writes(session)
        return Fence(order.move, self._this.id, order.to, epoch, position, clock.now(), last)

    async def unfence(self, decision: Decision) -> HostCondition:
        """Writes again, in an epoch that nobody was offered. `decision` is that of the host that could have taken over.

        Raises MoveProblem if that host has not refused.
        """
        with self._this.journal.deciding():
            state = self._this.state
            if not decision.is_refused or (state.role == FENCED and decision.by not in (state.to, OPERATOR)):
                raise MoveProblem("The other host has not refused the move, so this host cannot write again.")
            if state.seen > state.epoch:
                raise MoveProblem("The other host was promoted meanwhile, so this host cannot write again. Run: moot standby --again")
            if not self._this.journal.has_refused(decision.move):  # a late order to fence is refused too
                self._this.journal.append(decision.move, State.FENCED, "decision", REFUSED, by=decision.by)
        if state.role == FENCED and state.move == decision.move:
            async with self._this.session() as session:
                await queries.update_epoch(session, state.epoch + 2)
            with self._this.journal.deciding():
                if self._this.state == state:
                    self._this.change_state(role=PRIMARY, epoch=state.epoch + 2, to="", move="")
        return await self.release(Order(decision.move))

    async def unfence_by_message(self, decision: Decision) -> HostCondition:
        """The other host may state its own decision only. What an operator states is typed on this host."""
        if decision.by == OPERATOR:
            raise MoveProblem("Only an operator of this host can state that the other one is off. Run there: moot move --undo")
        return await self.unfence(decision)

    def _become_fenced(self, order: FenceOrder) -> HostState:
        with self._this.journal.deciding():
            state = self._this.state
            if self._this.journal.has_refused(order.move):
                raise MoveProblem("This move was given up. Start a new one: moot move")
            if state.role == FENCED and (state.move, state.to) == (order.move, order.to):
                return state
            if state.role != PRIMARY:
                raise MoveProblem("This host is not the primary any more, so it cannot hand over.")
            return self._this.change_state(role=FENCED, to=order.to, move=order.move)

    async def _start_hold(self, order: HoldOrder) -> Held:
        began = clock.monotonic()
        self._hold = await self._held.enter_async_context(write_gate.hold(self._this.dsn, order.seconds, drain=order.drain))
        return Held(clock.monotonic() - began)

    async def _end_hold(self) -> None:
        self._hold = None
        await self._held.aclose()
