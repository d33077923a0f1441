"""The part of the new host: accepts to take over, which is the point of no return, and answers later what it had of the old one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.portability.failover import queries
from folkmoot.portability.failover.model import FailoverProblem, ForkAnswer, ForkQuestion, next_epoch
from folkmoot.portability.host import PRIMARY, RETURNING
from folkmoot.portability.moving.journal import ACCEPTED
from folkmoot.portability.moving.model import Fence, LastWrites, Proof, State, position
from folkmoot.portability.moving.parting import find_fork
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.postgres_settings import slot_of

FORK = "failover.fork"


def accept(this: ThisHost, id: str, by: str, proof: Proof, database_epoch: int, position: str, **facts: Any) -> Fence:
    """The journal has the proof, then `host.json` says that this host is the primary. Can be repeated. `by`: the old host."""
    with this.journal.deciding():
        state = this.state
        if state.role == PRIMARY:
            if state.move == id:
                return msgspec.convert(this.journal.accepted(id), Fence)
            raise FailoverProblem("This host is the primary already. Run: moot status")
        if this.journal.has_refused(id):
            raise FailoverProblem("This failover was given up, because the other host asked meanwhile. Start a new one: moot failover")
        epoch = next_epoch(this.id, by, max(state.highest, database_epoch))
        fence = Fence(id, by, this.id, epoch, position, clock.now(), LastWrites(0, ""), proof)
        this.journal.append(id, State.PROMOTED, "decision", ACCEPTED, fence=msgspec.to_builtins(fence), **facts)
        this.change_state(role=PRIMARY, epoch=epoch, to="", move=id)
        return fence


def last_failover(this: ThisHost, by: str = "") -> Fence | None:
    """The last failover of this host, against `by` if given; None if it became the primary by a move since, or never."""
    found = None
    for line in this.journal.lines():
        if line.what == "decision" and line.outcome == ACCEPTED:
            fence = msgspec.convert(line.facts["fence"], Fence)
            if not by or fence.by == by:
                found = fence
    return found if found and found.is_failover else None


def log_left_at(this: ThisHost, peer: Callable[[], str]) -> Callable[[], int]:
    """Asks for the position at which this host has left the log of its peer by its last failover; 0 without one. Reads the journal
    once for each change of the role."""
    known: tuple[object, int] = ("", 0)

    def ask() -> int:
        nonlocal known
        if known[0] != (key := (this.state.move, peer())):
            last = last_failover(this, key[1])
            fork = find_fork(this.journal, last.move) if last else None
            known = key, position(fork.position) if fork else 0
        return known[1]

    return ask


@dataclass(frozen=True)
class Forks:
    """Answers what this host had of the old one."""

    this: ThisHost

    async def answer(self, question: ForkQuestion) -> ForkAnswer:
        """Of the last time that this host took over from the asking one. Raises FailoverProblem if this host is not the primary."""
        state = self.this.state
        if state.role == RETURNING:
            raise FailoverProblem(
                "The other host waits until this one confirms that it is the primary. Start the network here: moot up. When moot status"
                " says on the other host that it is the primary, stop the network here, then run: moot standby --again"
            )
        if state.role != PRIMARY:
            raise FailoverProblem("The other host is not the primary either. Run on both: moot status")
        fence = last_failover(self.this, question.by)
        if fence is None:
            return ForkAnswer(state.move, state.epoch, Proof.HANDED_OVER, None, [], False)
        fork = find_fork(self.this.journal, fence.move)
        async with self.this.session() as session:
            unfinished = await queries.list_unfinished(session, fork) if fork else []
            has_log = fork is not None and await queries.has_log_since(session, slot_of(question.by), fork.position)
        return ForkAnswer(fence.move, state.epoch, fence.proof, fork, unfinished, has_log)
