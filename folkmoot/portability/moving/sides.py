"""The two hosts as the driver of a move sees them: one is this host, the other answers messages. Both do the same.

`handlers_of` lists the messages that a host answers. Their names, contents and answers are those of the methods of
`OtherHost`.
"""

from typing import Protocol

from folkmoot.portability.hosts.messages import Ask, Handler
from folkmoot.portability.moving.fencing import Fencing
from folkmoot.portability.moving.following import Following, Prepare
from folkmoot.portability.moving.model import (
    CaughtUp,
    Decision,
    Fence,
    FenceOrder,
    FollowOrder,
    Held,
    HoldOrder,
    HostCondition,
    Order,
    PromoteOrder,
    Promotion,
)
from folkmoot.portability.moving.promotion import Share, Taking, share_nothing
from folkmoot.portability.moving.this_host import ThisHost

_SHORT, _LONG = 5.0, 90.0  # seconds
_PROMOTION = 15.0  # then the driver asks what became of it


class Side(Protocol):
    """A host of a move."""

    async def condition(self, order: Order) -> HostCondition: ...
    async def warm_up(self, order: Order) -> HostCondition: ...
    async def hold(self, order: HoldOrder) -> Held: ...
    async def release(self, order: Order) -> HostCondition: ...
    async def fence(self, order: FenceOrder) -> Fence: ...
    async def unfence(self, decision: Decision) -> HostCondition: ...
    async def catch_up(self, fence: Fence) -> CaughtUp: ...
    async def promote(self, order: PromoteOrder) -> Promotion: ...
    async def refuse(self, order: Order) -> Decision: ...
    async def follow(self, order: FollowOrder) -> HostCondition: ...


class OwnHost:
    """This host. Each method is an order that the other host may send too."""

    def __init__(self, this: ThisHost, prepare: Prepare, share: Share = share_nothing) -> None:
        self.this = this
        fencing, taking, following = Fencing(this), Taking(this, share), Following(this, prepare)
        self.hold, self.release, self.fence, self.unfence = fencing.hold, fencing.release, fencing.fence, fencing.unfence
        self.fence_against, self.unfence_by_message = this.fence_against, fencing.unfence_by_message
        self.warm_up, self.catch_up, self.promote, self.refuse = taking.warm_up, taking.catch_up, taking.promote, taking.refuse
        self.follow = following.follow

    async def condition(self, _order: Order) -> HostCondition:
        return await self.this.condition()


class OtherHost:
    """The other host. Time limits are those of the whole order, so that a dead link is noticed."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def condition(self, order: Order) -> HostCondition:
        return await self._ask("move.condition", order, HostCondition, seconds=_SHORT)

    async def warm_up(self, order: Order) -> HostCondition:
        return await self._ask("move.warm_up", order, HostCondition, seconds=_LONG)

    async def hold(self, order: HoldOrder) -> Held:
        return await self._ask("move.hold", order, Held, seconds=order.drain + _SHORT)

    async def release(self, order: Order) -> HostCondition:
        return await self._ask("move.release", order, HostCondition, seconds=_SHORT)

    async def fence(self, order: FenceOrder) -> Fence:
        return await self._ask("move.fence", order, Fence, seconds=_SHORT)

    async def unfence(self, decision: Decision) -> HostCondition:
        return await self._ask("move.unfence", decision, HostCondition, seconds=_SHORT)

    async def catch_up(self, fence: Fence) -> CaughtUp:
        return await self._ask("move.catch_up", fence, CaughtUp, seconds=_SHORT)

    async def promote(self, order: PromoteOrder) -> Promotion:
        return await self._ask("move.promote", order, Promotion, seconds=_PROMOTION)

    async def refuse(self, order: Order) -> Decision:
        return await self._ask("move.refuse", order, Decision, seconds=_SHORT)

    async def follow(self, order: FollowOrder) -> HostCondition:
        return await self._ask("move.follow", order, HostCondition, seconds=_LONG)


def handlers_of(own: OwnHost) -> list[Handler]:
    """The messages of moves that this host answers."""
    return [
        Handler("move.condition", Order, own.condition),
        Handler("move.warm_up", Order, own.warm_up),
        Handler("move.hold", HoldOrder, own.hold),
        Handler("move.release", Order, own.release),
        Handler("move.fence", FenceOrder, own.fence),
        Handler("move.unfence", Decision, own.unfence_by_message),
        Handler("move.catch_up", Fence, own.catch_up),
        Handler("move.promote", PromoteOrder, own.promote),
        Handler("move.refuse", Order, own.refuse),
        Handler("move.follow", FollowOrder, own.follow),
    ]
