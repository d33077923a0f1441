"""How much one moderator decides, and which topics they leave to others. No input or output.

The work is a strain, so its amount is limited, and a break is offered after a long time without one, or after several grave cases in
a row. Both are only for the moderator concerned: nobody else sees them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.moderation.cases.model import THREAT_SEVERITY

LONGEST_SPELL = timedelta(hours=2)  # of work, after which a break is offered
PAUSE = timedelta(minutes=15)  # without a decision, that ends a spell of work
MOST_GRAVE = 5  # cases in a row, after which a break is offered
MOST_PER_DAY = 1000


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """Of one moderator. `avoided`: keys of clauses. `daily_limit`: None for that of the network."""

    avoided: tuple[str, ...] = ()
    daily_limit: int | None = None

    def limit(self, of_network: int) -> int:
        """The number of cases per day. A moderator can only lower it."""
        return of_network if self.daily_limit is None else min(self.daily_limit, of_network)


class Done(msgspec.Struct, frozen=True):
    """A decision of a moderator: its time, and how grave the case was."""

    made_at: datetime
    severity: float


class Break(StrEnum):
    """Why a break is offered."""

    LONG = "long"
    GRAVE = "grave"


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What a moderator has done today, and whether that is enough."""

    done: int
    limit: int
    pause: Break | None

    @property
    def is_enough(self) -> bool:
        return self.done >= self.limit

    @property
    def is_last(self) -> bool:
        """Whether the case that is being read is the last one of the day, so that none is fetched in advance."""
        return self.done + 1 >= self.limit


def pace_of(today: Sequence[Done], limit: int, now: datetime) -> Pace:
    """`today`: the decisions of a day, oldest first."""
    spell: list[Done] = []
    for done in today:
        if spell and done.made_at - spell[-1].made_at >= PAUSE:
            spell = []
        spell.append(done)
    pause = None
    if spell and now - spell[-1].made_at < PAUSE:
        last = spell[-MOST_GRAVE:]
        if now - spell[0].made_at >= LONGEST_SPELL:
            pause = Break.LONG
        elif len(last) == MOST_GRAVE and all(done.severity >= THREAT_SEVERITY for done in last):
            pause = Break.GRAVE
    return Pace(done=len(today), limit=limit, pause=pause)
