"""Drives a failover on the host that takes over: fence, promote, verify. Run again, it goes on where it stopped.

Nothing is promoted without a fence, unless the operator accepts that the old host may still write. What is refused says what
would be lost, and the command that goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.failover.loss import estimate_loss, sentence_of
from folkmoot.portability.failover.model import NO_LOSS, FailoverProblem, FailoverState, Loss, StopOrder, Stopped, sentence
from folkmoot.portability.failover.taking_over import accept, last_failover
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.moving.model import Fence, HostCondition, Order, PromoteOrder, Proof
from folkmoot.portability.moving.queries import has_replayed
from folkmoot.portability.moving.sides import OwnHost
from folkmoot.portability.moving.table import Step
from folkmoot.portability.names.witness import Seen
from folkmoot.portability.synchronous import is_bound

_POLL_SECONDS = 0.02
_NAMES_SECONDS = 3.0
_CATCH_UP_SECONDS = 3.0  # for the last writes of an old host that has answered the fence


class OldHost(Protocol):
    """The other host, as far as it answers."""

    async def condition(self, order: Order) -> HostCondition: ...
    async def stop(self, order: StopOrder) -> Stopped: ...


@dataclass(frozen=True, kw_only=True)
class Statements:
    """What the operator states. `life_sign`: a sentence about a sign of life of the other host a moment ago, or ""."""

    is_other_off: bool = False
    accepts_loss: bool = False
    life_sign: str = ""


async def no_names() -> Seen:
    """For a network without public names."""
    return Seen()


@dataclass
class Failover:
    """What the driver knows."""

    own: OwnHost
    other: OldHost
    peer: str  # the id of the other host, "" if the pairing was ended
    statements: Statements
    ask_names: Callable[[], Awaitable[Seen]] = no_names
    seen: Seen = field(default_factory=Seen)
    id: str = ""
    here: HostCondition | None = None
    there: HostCondition | None = None
    why_silent: str = ""
    is_synchronous: bool = False  # whether the other host cannot acknowledge a write without this one
    loss: Loss | None = None
    fence: Fence | None = None
    took: dict[str, float] = field(default_factory=dict)
    first_write_after: float | None = None  # seconds from the start to the first write of this host
    is_verified: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether an earlier run has passed the point of no return."""
        return self.fence is not None


def _is_open(failover: Failover) -> bool:
    """Whether this host has written in its new epoch."""
    assert failover.here
    database = failover.here.database
    return bool(database and not database.is_replaying and database.last_move == failover.own.this.state.move)


async def look(failover: Failover) -> None:
    """Asks both hosts and the public names; takes over a newer roster. Raises Problem if there is nothing to do here."""
    nobody = Order("")
    failover.here = await failover.own.condition(nobody)
    state = failover.own.this.state
    if state.role == PRIMARY:
        last = last_failover(failover.own.this)
        if last is None or last.move != state.move or _is_open(failover):
            raise FailoverProblem("This host is the primary already. Run: moot status")
        failover.fence, failover.id = last, last.move
        return
    failover.id = f"f{clock.token(6)}"
    if failover.here.database is None:
        raise FailoverProblem("The database of this host does not answer, so it cannot take over. Start it: moot up")
    if failover.here.database.is_logical:
        raise FailoverProblem(
            "This host receives rows and not the log of its primary, so it is ready for a move but cannot take over alone: it lacks the"
            " positions of the sequences. If the primary is lost, restore the copy: moot restore"
        )
    if state.role == STANDBY:
        failover.is_synchronous = is_bound(failover.own.this.directory.path, failover.peer, state.epoch)
        failover.loss = NO_LOSS if failover.is_synchronous else await estimate_loss(failover.own.this)
    failover.seen, failover.there = await asyncio.gather(_look_at_names(failover), _ask_other(failover))


async def _ask_other(failover: Failover) -> HostCondition | None:
    try:
        return await failover.other.condition(Order(""))
    except Problem as problem:
        failover.why_silent = sentence(problem)
        return None


async def _look_at_names(failover: Failover) -> Seen:
    """A name that does not answer proves nothing, and is not waited for."""
    try:
        async with asyncio.timeout(_NAMES_SECONDS):
            return await failover.ask_names()
    except (Problem, OSError):  # OSError: also TimeoutError
        return Seen()


def obstacle(failover: Failover) -> str:
    """Why this failover is refused, in one sentence with the command that goes on; "" if nothing speaks against it."""
    there, said = failover.there, failover.statements
    if failover.goes_on:
        return ""
    if why := _superseded(failover):
        return why
    if there is not None:
        if there.role == STANDBY:
            return "The other host is a standby, so no failover is needed: this host writes again by itself. Run: moot status"
        state = failover.own.this.state
        if there.role == PRIMARY and there.epoch > (state.epoch if state.role == FENCED else state.highest):
            return "The other host is the primary of a later epoch. Make this one its standby: moot standby --again"
        if there.role == PRIMARY and there.database and there.is_web_running and not said.accepts_loss:
            return "The other host answers and writes, so a move loses nothing. Run: moot move. If it fails: moot failover --accept-loss"
        return ""
    if said.accepts_loss or failover.is_synchronous:
        return ""
    if said.is_other_off and not said.life_sign:
        return ""
    if said.is_other_off:
        return f"The other host is not off: {said.life_sign}. End its power first, then run the same command again."
    lost = f" Estimated loss: {sentence_of(failover.loss)}." if failover.loss else ""
    return (
        f"The other host does not answer ({failover.why_silent.rstrip('.')}), so it is not known whether it still writes.{lost} If you know"
        " that it is switched off: moot failover --other-host-is-off. To go on although it may write, and lose that: moot failover"
        " --accept-loss"
    )


def _superseded(failover: Failover) -> str:
    """Another host has taken over already, or the operator has removed this one. Whatever is stated, nothing is promoted then."""
    if Rosters(failover.own.this.directory).excludes(failover.own.this.id):
        return (
            "The operator has removed this host from the network: the roster does not name it. If that is wrong, sign a new one, with the"
            " recovery key: moot host sign"
        )
    if successor := failover.seen.successor:
        return (
            f"Under the public name, another host answers as the {successor.role} of epoch {successor.epoch}, and this one knows of epoch"
            f" {failover.own.this.state.highest}. Look where the names lead: moot names list. If that host is not yours any more: moot host"
            " remove NAME"
        )
    return ""


async def fence(failover: Failover) -> None:
    """The fence, then the point of no return. Raises FailoverProblem without one."""
    if why := obstacle(failover):
        raise FailoverProblem(why.replace("%", "%%"))
    this, said = failover.own.this, failover.statements
    assert failover.here
    assert failover.here.database
    proof = Proof.SYNCHRONOUS if failover.is_synchronous else Proof.NONE
    if proof is Proof.NONE and said.is_other_off and failover.there is None and not said.life_sign:
        proof = Proof.OFF
    if failover.there is not None:
        try:
            stopped = await failover.other.stop(StopOrder(failover.id, this.id))
            proof = Proof.FENCED
            if failover.here.role == STANDBY and stopped.position:
                await _catch_up(failover, stopped.position)
        except Problem as problem:
            if not said.accepts_loss and not failover.is_synchronous:
                raise FailoverProblem(
                    "The other host answers, but was not fenced: %(why)s If it is switched off now: moot failover --other-host-is-off. To"
                    " go on although it may write: moot failover --accept-loss", why=sentence(problem),
                ) from problem
    failover.fence = accept(
        this, failover.id, failover.peer, proof, failover.here.database.epoch, failover.here.database.position,
        stated="the operator states that the other host is off" if proof is Proof.OFF else "",
        loss=sentence_of(failover.loss) if failover.loss else "",
    )


async def promote(failover: Failover) -> None:
    await failover.own.promote(PromoteOrder(failover.id, None))


async def verify(failover: Failover) -> None:
    """The first write is in the database."""
    failover.here = await failover.own.condition(Order(failover.id))
    failover.is_verified = _is_open(failover)
    if not failover.is_verified:
        raise FailoverProblem("This host is the primary now, but has not written yet. Run the same command again: moot failover")


STEPS: tuple[Step[Failover], ...] = (
    Step(FailoverState.FENCE, "fencing the old host", lambda failover: failover.goes_on, fence),  # no return after it
    Step(FailoverState.PROMOTE, "promoting this host", _is_open, promote),
    Step(FailoverState.VERIFY, "verifying the first write", lambda failover: failover.is_verified, verify),
)


async def drive(
    failover: Failover, on_step: Callable[[Step[Failover]], None] = lambda _step: None, steps: Sequence[Step[Failover]] = STEPS,
) -> None:
    """After `look`. Raises FailoverProblem, which says what to do next."""
    began, journal = clock.monotonic(), failover.own.this.journal
    for step in steps:
        if step.is_done(failover):
            continue
        on_step(step)
        started = clock.monotonic()
        journal.append(failover.id, step.state, "action", "started")
        try:
            await step.act(failover)
        except Problem as problem:
            journal.append(failover.id, step.state, "action", "failed", why=sentence(problem))
            raise
        failover.took[step.state] = round(clock.monotonic() - started, 4)
        if step.state is FailoverState.PROMOTE:
            failover.first_write_after = clock.monotonic() - began
        journal.append(failover.id, step.state, "action", "done", seconds=failover.took[step.state])
    journal.append(failover.id, FailoverState.RUNNING_SOLO, "action", "done")


async def _catch_up(failover: Failover, position: str) -> None:
    """Waits for the last writes of the old host, if they still arrive."""
    deadline = clock.monotonic() + _CATCH_UP_SECONDS
    async with failover.own.this.session() as session:
        while not await has_replayed(session, position) and clock.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
