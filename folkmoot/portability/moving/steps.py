"""The move, step by step. The table at the end is the whole of it; `driver.py` goes through it from the top.

Each step has a probe (is it done?), an action, and an undo. A probe only looks at what is known of the two hosts, so that
no question is asked while writes are held. Actions and undos can be repeated. The first step that is not done is next:
after a crash, that is where the same command goes on.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY
from folkmoot.portability.moving.model import (
    CaughtUp,
    Fence,
    FenceOrder,
    FollowOrder,
    HoldOrder,
    HostCondition,
    MoveProblem,
    Options,
    Order,
    PromoteOrder,
    Promotion,
    State,
    position,
)
from folkmoot.portability.moving.plan import obstacles
from folkmoot.portability.moving.sides import Side
from folkmoot.portability.moving.table import Step
from folkmoot.portability.names.repointing import PublicNames, Repointing

_HOLD_TRIES = 3
_FORWARD_SECONDS = 30.0


class HasPromoted(Exception):
    """The new host took over although the driver believed that the step had failed: there is nothing to undo."""


@dataclass
class Move:
    """What the driver knows: the two hosts, their last conditions, and the answers so far."""

    id: str
    old: Side
    new: Side
    at_old: HostCondition
    at_new: HostCondition
    options: Options
    skew: float = 0.0  # at least so many seconds the clock of the new host is ahead
    is_planned: bool = False
    is_steady: bool = False
    is_held: bool = False
    is_forwarding: bool = False
    has_forwarded: bool = False  # whether an answer was seen that the old host had from the new one
    fence: Fence | None = None
    caught_up: CaughtUp | None = None
    promotion: Promotion | None = None
    names: PublicNames | None = None
    repointing: Repointing | None = None
    held_at: float = 0.0  # on the clock of this process
    pause: float | None = None  # seconds
    began_at: str = ""  # the position in the log of the old host
    took: dict[str, float] = field(default_factory=dict)  # seconds of each step

    @property
    def order(self) -> Order:
        return Order(self.id)

    @property
    def is_fenced(self) -> bool:
        """Whether the old host has stopped writing for good. What comes before is then of no interest."""
        return self.is_promoted or self.at_old.role == FENCED

    @property
    def is_promoted(self) -> bool:
        return self.at_new.role == PRIMARY

    async def look(self) -> None:
        """Asks both hosts for their condition."""
        self.at_old, self.at_new = await asyncio.gather(self.old.condition(self.order), self.new.condition(self.order))


# 1, 2, 3: nothing is changed.

def is_planned(move: Move) -> bool:
    return move.is_fenced or move.is_planned


async def check(move: Move) -> None:
    for obstacle in obstacles(move.at_old, move.at_new, move.skew):
        raise MoveProblem(obstacle)
    move.is_planned = True


def is_paired(move: Move) -> bool:
    old, new = move.at_old, move.at_new
    return move.is_fenced or bool(old.database and new.database and old.database.system == new.database.system)


async def refuse_unpaired(_move: Move) -> None:
    raise MoveProblem("The new host has no copy of this network. On this host run: moot host add")


def is_streaming(move: Move) -> bool:
    return move.is_fenced or bool(move.at_new.database and move.at_new.database.is_streaming)


async def await_stream(move: Move) -> None:
    """The standby reconnects by itself, so it gets some time."""
    deadline = clock.monotonic() + move.options.wait
    while not is_streaming(move):
        if clock.monotonic() > deadline:
            raise MoveProblem("The new host does not receive the log of this one. On the new host run: moot standby")
        await asyncio.sleep(0.5)
        await move.look()


# 4: the new host has everything, except what is written now.

def is_synced(move: Move) -> bool:
    return move.is_fenced or move.is_steady


async def synchronise(move: Move) -> None:
    await asyncio.gather(move.old.warm_up(move.order), move.new.warm_up(move.order))
    deadline = clock.monotonic() + move.options.wait + move.options.steady
    steady_since = clock.monotonic()
    while True:
        if not await _follows_closely(move):
            steady_since = clock.monotonic()
        if clock.monotonic() - steady_since >= move.options.steady:
            break
        if clock.monotonic() > deadline:
            raise MoveProblem("The new host is too far behind this one. Wait until less is written, or find out why: moot status")
        await asyncio.sleep(min(0.5, move.options.steady / 10))
    await asyncio.gather(move.old.warm_up(move.order), move.new.warm_up(move.order))
    move.is_steady = True


async def _follows_closely(move: Move) -> bool:
    """Whether the standby replays in time what the primary has on its disk now."""
    await move.look()
    if not (move.at_old.database and move.at_new.database):
        return False
    goal, began = position(move.at_old.database.position), clock.monotonic()
    while position(move.at_new.database.position) < goal:
        if clock.monotonic() - began > move.options.lag:
            return False
        await asyncio.sleep(0.05)
        move.at_new = await move.new.condition(move.order)
        if move.at_new.database is None:
            return False
    return True


# 5, 6, 7, 8: the pause. Each costs one round trip at most.

def is_held(move: Move) -> bool:
    return move.is_fenced or move.is_held


async def hold(move: Move) -> None:
    """Requests to write wait from now on. If a long transaction does not end, writing goes on, and we try again."""
    order = HoldOrder(move.id, move.options.hold, move.options.drain)
    for left in reversed(range(_HOLD_TRIES)):
        move.held_at = clock.monotonic()
        try:
            await move.old.hold(order)
            break
        except Problem:
            if not left:
                raise
            await asyncio.sleep(1)
    move.is_held = True


async def release(move: Move) -> None:
    move.is_held = False
    await move.old.release(move.order)


def has_fence(move: Move) -> bool:
    return move.is_promoted or move.fence is not None


async def fence(move: Move) -> None:
    move.held_at = move.held_at or clock.monotonic()
    move.fence = await move.old.fence(FenceOrder(move.id, move.at_new.host))


async def unfence(move: Move) -> None:
    """The old host may write again only if the new one decides never to complete this move. It may have completed it already."""
    decision = await move.new.refuse(move.order)
    if not decision.is_refused:
        raise HasPromoted
    move.fence = None
    move.at_old = await move.old.unfence(decision)


def has_caught_up(move: Move) -> bool:
    return move.is_promoted or move.caught_up is not None


async def catch_up(move: Move) -> None:
    assert move.fence is not None
    move.caught_up = await move.new.catch_up(move.fence)


def is_open(move: Move) -> bool:
    """Whether the new host has written: its first write is the record of this move."""
    database = move.at_new.database
    return move.is_promoted and bool(database and not database.is_replaying and database.last_move == move.id)


async def promote(move: Move) -> None:
    move.promotion = await move.new.promote(PromoteOrder(move.id, move.fence))
    if move.held_at:
        move.pause = clock.monotonic() - move.held_at
    move.at_new = await move.new.condition(move.order)


# 9, 10, 11, 12: the new host writes; nothing is undone any more.

def is_forwarding(move: Move) -> bool:
    return move.is_forwarding or move.at_old.role == STANDBY


async def forward(move: Move) -> None:
    """The requests that waited at the old host are let go. It is fenced, so it passes them on to the new one.

    Done when it has passed one on, or if it has no web processes (or an older release, which does not say).
    """
    await move.old.release(move.order)
    deadline = clock.monotonic() + _FORWARD_SECONDS
    while True:
        move.at_old = await move.old.condition(move.order)
        if move.at_old.is_forwarding is not False or not move.at_old.is_web_running:
            break
        if clock.monotonic() > deadline:
            raise MoveProblem("The old host does not pass requests on to the new one. Its log may say why.")
        await asyncio.sleep(0.05)
    move.has_forwarded = bool(move.at_old.is_forwarding)
    move.is_forwarding = True


def is_repointed(move: Move) -> bool:
    return move.names is None or move.repointing is not None


async def repoint(move: Move) -> None:
    """Until a name leads to the new host, the old one passes requests on: what is left is reported, and stops nothing."""
    assert move.names is not None
    move.repointing = await move.names.repoint(move.at_new.host, move.at_new.epoch, move.at_new.addresses)


def is_reversed(move: Move) -> bool:
    """Of a logical move nothing is left to do: the old host cannot follow by the log. It is made a standby with moot standby --again."""
    database, new = move.at_old.database, move.at_new.database
    if database and new and database.system != new.system:
        return True
    return move.at_old.role == STANDBY and bool(database and database.is_streaming)


async def reverse(move: Move) -> None:
    """The old host becomes the standby of the new one; the way back is then the same command."""
    await move.new.warm_up(move.order)  # after a checkpoint its files say that it is on another timeline
    await move.old.follow(FollowOrder(move.id, move.at_new.epoch))
    deadline = clock.monotonic() + move.options.reverse
    while not is_reversed(move):
        if clock.monotonic() > deadline:
            if why := move.at_old.rejoining:  # it copies a large database anew
                raise MoveProblem("The old host does not follow the new one yet: %(why)s. It goes on by itself.", why=why)
            raise MoveProblem("The old host does not follow the new one. On the old host run: moot standby --again")
        await asyncio.sleep(0.2)
        with suppress(Problem):  # the old host may be restarting
            await move.look()


STEPS: tuple[Step[Move], ...] = (
    Step(State.PREFLIGHT, "checking both hosts", is_planned, check),
    Step(State.PAIRED, "comparing the two copies", is_paired, refuse_unpaired),
    Step(State.SEEDING, "waiting for the standby", is_streaming, await_stream),
    Step(State.SYNCED, "warming up the new host", is_synced, synchronise),
    Step(State.HOLDING, "holding writes", is_held, hold, undo=release, is_urgent=True),
    Step(State.FENCED, "fencing the old host", has_fence, fence, undo=unfence, is_urgent=True),
    Step(State.CAUGHT_UP, "receiving the last writes", has_caught_up, catch_up, is_urgent=True),
    Step(State.PROMOTED, "promoting the new host", is_open, promote, is_urgent=True),  # no return from here on
    Step(State.FORWARDING, "passing requests on", is_forwarding, forward),
    Step(State.REPOINTED, "changing names", is_repointed, repoint),
    Step(State.REVERSED, "making the old host the standby", is_reversed, reverse),
)
