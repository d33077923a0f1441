"""What a failover is made of: its states, what the old host says, and the estimate of what is lost. No input or output."""

from datetime import datetime
from enum import StrEnum

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.host import Role
from folkmoot.portability.moving.model import Fork, Proof

EPOCHS_AHEAD = 3  # a move in progress may have offered the next epoch, and its undoing takes the one after that


class FailoverState(StrEnum):
    """The states of a failover, in order. Nothing is undone from PROMOTE on."""

    WATCHING = "watching"
    SUSPECT = "suspect"  # three greetings in a row were not answered
    ALARM = "alarm"  # the log of the primary does not arrive either
    FENCE = "fence"
    PROMOTE = "promote"
    VERIFY = "verify"
    RUNNING_SOLO = "running solo"


class FailoverProblem(Problem):
    """A failover is refused, or one of its steps failed."""

    code = "failover"


def sentence(problem: Problem) -> str:
    """The sentence of a problem, with its parameters."""
    return problem.message % problem.params if problem.params else problem.message


class Standing(msgspec.Struct, frozen=True):
    """Where a host stands: its role, and the highest epoch that it knows of."""

    role: Role
    epoch: int
    highest: int


class StopOrder(msgspec.Struct, frozen=True):
    """Stop writing for good, in favour of the host `to`, which takes over with the failover `id`."""

    id: str
    to: str


class Stopped(msgspec.Struct, frozen=True):
    """The statement of host `by`: it writes nothing any more. `position`: the end of its log, "" if its database does not run."""

    id: str
    by: str
    position: str


class ForkQuestion(msgspec.Struct, frozen=True):
    """What did the host that took over in `epoch` have of mine?"""

    by: str  # the id of the asking host


class ForkAnswer(msgspec.Struct, frozen=True):
    """`unfinished`: the transactions before `fork.next` that had not ended. Both are those of the last failover against the asking host.

    `has_log`: the log since the fork is still kept, so `pg_rewind` is enough.
    """

    id: str
    epoch: int
    proof: Proof
    fork: Fork | None
    unfinished: list[int]
    has_log: bool


class LossFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a standby knows about its primary's last moments. Times are of this host, except `last_write_at`."""

    received: int  # the end of the log that has arrived, in bytes since its beginning
    known: int  # the end of the primary's log, as it last said; 0: unknown
    last_write_at: datetime | None  # of the last write that has arrived
    silent_seconds: float  # since the primary was last known to have confirmed everything
    posts_per_second: float
    bytes_per_second: float


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate: `least` is known to be missing; `most` follows from the time since the primary was last heard."""

    last_write_at: datetime | None
    seconds: float
    least_bytes: int
    most_bytes: int
    most_posts: int


NO_LOSS = Loss(last_write_at=None, seconds=0.0, least_bytes=0, most_bytes=0, most_posts=0)


def estimate(facts: LossFacts) -> Loss:
    """The most that can be lost, if the primary wrote on at its usual rate until now."""
    least = max(0, facts.known - facts.received)
    return Loss(
        last_write_at=facts.last_write_at, seconds=round(facts.silent_seconds, 1), least_bytes=least,
        most_bytes=least + round(facts.silent_seconds * facts.bytes_per_second),
        most_posts=round(facts.silent_seconds * facts.posts_per_second),
    )


def next_epoch(own: str, peer: str, highest: int) -> int:
    """The epoch of a failover. Even for one host of a pair and odd for the other, so both cannot choose the same one."""
    epoch = highest + EPOCHS_AHEAD
    return epoch + (epoch + (own > peer)) % 2
