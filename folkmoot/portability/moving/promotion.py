"""The part of the new host: catch up with the fenced one, take over, or refuse for good.

Of each move this host decides once, under a lock: either the journal says `refused`, or `host.json` says that it is the
primary of the next epoch. Its own `host.json` is the point of no return. Everything after it is only carried out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.portability.host import PRIMARY, STANDBY
from folkmoot.portability.logical.standby import LogicalStandby
from folkmoot.portability.moving import queries
from folkmoot.portability.moving.journal import ACCEPTED, REFUSED
from folkmoot.portability.moving.model import (
    MOST_SKEW,
    CaughtUp,
    Decision,
    Fence,
    HostCondition,
    MoveProblem,
    Order,
    PromoteOrder,
    Promotion,
    State,
)
from folkmoot.portability.moving.parting import part
from folkmoot.portability.moving.this_host import ThisHost

_POLL_SECONDS = 0.002
_REPLAY_SECONDS = 4.0  # writes are held meanwhile, so it is better to give up and try again
_PROMOTION_SECONDS = 60.0
Share = Callable[[], Awaitable[None]]  # makes secrets and settings of this standby those of its primary


async def share_nothing() -> None:
    """For two hosts that have the same secrets and settings anyway."""


class Taking:
    """Answers the orders to the host that takes over."""

    def __init__(self, this: ThisHost, share: Share = share_nothing) -> None:
        self._this = this
        self._share = share
        self._logical = LogicalStandby(this.directory)

    async def warm_up(self, _order: Order) -> HostCondition:
        """Prepares this host: what is not on its disk yet is written now, and room for its decisions is reserved. A standby takes
        over secrets and settings that were changed since it did so last."""
        self._this.journal.reserve()
        if self._this.state.role == STANDBY:
            await self._share()
        async with self._this.session() as session:
            if self._this.state.role == STANDBY:
                await self._logical.prepare(session)
            await queries.checkpoint(session)
            await queries.read_last_writes(session)
        return await self._this.condition()

    async def catch_up(self, fence: Fence) -> CaughtUp:
        """Waits until everything that the fenced host wrote is in this database too. Raises MoveProblem if it is not."""
        if fence.to != self._this.id:
            raise MoveProblem("The old host hands over to another host, not to this one.")
        async with self._this.session() as session:
            deadline = clock.monotonic() + _REPLAY_SECONDS
            while not await queries.has_replayed(session, fence.position, fence.epoch):
                if clock.monotonic() > deadline:
                    raise MoveProblem("This host did not receive the last writes of the old one.")
                await asyncio.sleep(_POLL_SECONDS)
            database = await queries.read_database(session)
            if database.epoch != fence.epoch:  # the transaction that raised it was the last one of the old host
                raise MoveProblem("The last write of the old host is not in the database of this one. Is it a standby of that host?")
            last = await queries.read_last_writes(session)
            if not last.agrees_with(fence.last):
                raise MoveProblem("The last writes of the two hosts differ, so the move was stopped.")
            await self._logical.complete(session, f"{fence.move} {fence.position}")
        return CaughtUp(database.position, last)

    async def promote(self, order: PromoteOrder) -> Promotion:
        """Takes over: this host's `host.json` first, then PostgreSQL, then the first write. Harmless if repeated.

        Raises MoveProblem if this host has refused the move, or is in no state to take over.
        """
        began = clock.monotonic()
        if order.fence is not None and self._this.state.role == STANDBY:
            await self.catch_up(order.fence)
            await self._await_time_of(order.fence)
        fence = self._accept(order)
        async with self._this.session() as session:
            if fence.is_failover:
                await part(session, self._this.journal, fence)
            await self._logical.part(session)
            await queries.order_promotion(session)
            deadline = clock.monotonic() + _PROMOTION_SECONDS
            while await queries.is_replaying(session):
                if clock.monotonic() > deadline:
                    raise MoveProblem("PostgreSQL was not promoted in time. This host is the primary: run moot move again.")
                await asyncio.sleep(_POLL_SECONDS)
            if fence.is_failover:  # in a move the old host has raised it
                await queries.update_epoch(session, fence.epoch)
                await queries.forget_old_primary(session)
            await queries.insert_move(session, fence)
        return Promotion(fence.move, fence.epoch, clock.now(), clock.monotonic() - began)

    async def refuse(self, order: Order) -> Decision:
        """Decides never to complete a move, unless this host has accepted it before. After that answer the old host writes again."""
        journal = self._this.journal
        with journal.deciding():
            accepted, state = journal.accepted(order.move), self._this.state
            if accepted and state.epoch >= accepted["epoch"]:
                return Decision(order.move, self._this.id, False)
            if state.role != STANDBY:  # by a failover; a refusal would let the old host write beside it
                raise MoveProblem("The other host was promoted meanwhile. Make this one its standby: moot standby --again")
            if not journal.has_refused(order.move):
                journal.append(order.move, State.PROMOTED, "decision", REFUSED)
            return Decision(order.move, self._this.id, True)

    def _accept(self, order: PromoteOrder) -> Fence:
        """The point of no return: the journal has the fence, then `host.json` says that this host is the primary."""
        journal = self._this.journal
        with journal.deciding():
            state = self._this.state
            if state.role == PRIMARY and state.move == order.move:
                return msgspec.convert(journal.accepted(order.move), Fence)
            if journal.has_refused(order.move):
                raise MoveProblem("This host has refused the move before. Start a new one: moot move")
            if state.role != STANDBY or order.fence is None or order.fence.epoch <= state.epoch:
                raise MoveProblem("This host is not a standby that can take over. Run: moot status")
            journal.append(order.move, State.PROMOTED, "decision", ACCEPTED, fence=msgspec.to_builtins(order.fence))
            self._this.change_state(role=PRIMARY, epoch=order.fence.epoch, to="", move=order.move)
            return order.fence

    async def _await_time_of(self, fence: Fence) -> None:
        """Waits until the clock of this host has passed the last moment of the old one, so that no id is lower than one given before."""
        behind = fence.at - clock.now()
        if behind > MOST_SKEW:
            raise MoveProblem("The clock of this host is more than a second behind that of the old one. Set it: timedatectl set-ntp true")
        if behind > timedelta(0):
            await asyncio.sleep(behind.total_seconds())
