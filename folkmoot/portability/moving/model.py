"""What two hosts say to each other during a move: conditions, orders and answers. No input or output.

Everything that a promotion depends on is in `Fence`: the old host makes it once it can no longer write, and the new host
takes it as proof.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.host import Role


class Proof(StrEnum):
    """Why a new host may take over. All but the first: a failover, after which writes of the old host may be missing."""

    HANDED_OVER = "handed over"  # a planned move: everything that the old host wrote has arrived
    FENCED = "fenced"  # the old host has answered that it writes no more
    SYNCHRONOUS = "synchronous"  # the old host cannot acknowledge a write without this one (decision 0077)
    OFF = "off"  # the operator has stated that the old host does not run
    NONE = "none"  # the operator accepts that both hosts may write for a while, and that one side is lost


class State(StrEnum):
    """The states of a move, in order. Before PROMOTED everything can be undone, after it nothing."""

    PREFLIGHT = "preflight"
    PAIRED = "paired"
    SEEDING = "seeding"
    SYNCED = "synced"
    HOLDING = "holding"
    FENCED = "fenced"
    CAUGHT_UP = "caught up"
    PROMOTED = "promoted"
    FORWARDING = "forwarding"
    REPOINTED = "repointed"
    REVERSED = "reversed"
    DONE = "done"


class DatabaseCondition(msgspec.Struct, frozen=True, kw_only=True):
    """The database of a host. `position`: in the log, what is safe on the disk of a primary, or what a standby has replayed."""

    is_replaying: bool
    is_streaming: bool  # whether a standby receives the log of its primary now
    epoch: int
    position: str
    schema: int
    major: int
    system: str  # of one network all copies of the database have the same
    last_move: str  # the id of the last move whose first write is in this database; "" if there was none
    is_logical: bool = False  # a standby that receives rows instead of the log; `system` and `position` are those of its primary


class HostCondition(msgspec.Struct, frozen=True, kw_only=True):
    """A host, as it sees itself."""

    host: str  # its id
    role: Role
    epoch: int
    to: str
    move: str
    database: DatabaseCondition | None  # None: it does not answer
    schema: int  # that the code knows
    machine: str  # the architecture of the processor
    free_bytes: int
    now: datetime
    is_web_running: bool
    is_forwarding: bool | None = None  # of a fenced host: whether it passes requests on to the one that writes now
    rejoining: str = ""  # a sentence about how far this host is on its way to become a standby
    addresses: list[str] = []  # public ones, for DNS


class Order(msgspec.Struct, frozen=True):
    """An order that needs no more than the id of the move."""

    move: str


class HoldOrder(msgspec.Struct, frozen=True):
    """Hold all writes, for at most `seconds`; wait at most `drain` seconds for running transactions."""

    move: str
    seconds: float
    drain: float


class Held(msgspec.Struct, frozen=True):
    """Writes are held; running ones ended after `drained` seconds."""

    drained: float


class FenceOrder(msgspec.Struct, frozen=True):
    """Stop writing for good, in favour of the host `to`."""

    move: str
    to: str


class LastWrites(msgspec.Struct, frozen=True):
    """Digests of the last events and the last posts: equal on two hosts that have the same writes. `posts`: how many were compared."""

    last_event: int
    digest: str
    posts: int = 0
    posts_digest: str = ""  # of a host with an older release: ""

    def agrees_with(self, other: "LastWrites") -> bool:
        if (self.last_event, self.digest) != (other.last_event, other.digest):
            return False
        return not (self.posts_digest and other.posts_digest) or (self.posts, self.posts_digest) == (other.posts, other.posts_digest)


class Fence(msgspec.Struct, frozen=True):
    """The statement of host `by`: in no epoch below `epoch` anything is written after `position`, and `to` may take `epoch`."""

    move: str
    by: str
    to: str
    epoch: int
    position: str
    at: datetime  # no id of a later moment was given by the old host
    last: LastWrites
    proof: Proof = Proof.HANDED_OVER

    @property
    def is_failover(self) -> bool:
        """The new host takes over from where it is: `position` and `last` are its own."""
        return self.proof is not Proof.HANDED_OVER


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log of a host that took over by a failover left that of the old one.

    It has the transactions before `next`, except those from `oldest` on that had not ended. All other transactions of the old
    host are lost.
    """

    position: str
    oldest: int
    next: int


class CaughtUp(msgspec.Struct, frozen=True):
    """The standby has replayed everything that the fenced host wrote."""

    position: str
    last: LastWrites


class PromoteOrder(msgspec.Struct, frozen=True):
    """Take over. Without `fence`: go on with a promotion that this host has accepted before."""

    move: str
    fence: Fence | None


class Promotion(msgspec.Struct, frozen=True):
    """The new host writes: its first write is in the database."""

    move: str
    epoch: int
    at: datetime
    seconds: float  # from the order to the first write


class Decision(msgspec.Struct, frozen=True):
    """The answer of host `by` to the order never to complete `move`. Not refused: it has accepted before, and will complete it."""

    move: str
    by: str
    is_refused: bool


class FollowOrder(msgspec.Struct, frozen=True):
    """Become the standby of the primary with this epoch."""

    move: str
    epoch: int


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Time limits of a move, in seconds."""

    hold: float = 10.0  # after which writes go on at the old host
    drain: float = 3.0  # for running transactions, part of `hold`
    steady: float = 60.0  # for which the standby must follow closely
    lag: float = 1.0  # of a standby that follows closely
    wait: float = 120.0  # for a standby that does not
    reverse: float = 300.0  # for the old host to follow the new one


MOST_SKEW = timedelta(seconds=1)  # between the clocks: a promotion waits for it, so that ids keep their order


class MoveProblem(Problem):
    """The move cannot start, or one of its steps failed."""

    code = "move"


def position(text: str) -> int:
    """A position in the log of PostgreSQL as a number."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)
