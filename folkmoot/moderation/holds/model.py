"""What a legal hold is. No input or output.

A hold on a case about a post keeps that post and its copies; on a case about an account, everything of this account that there is a
case about.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.states import Lifecycle

MOST_DAYS = 730
USUAL_DAYS = 184


class Ground(StrEnum):
    """Who has placed it. Stored."""

    PEOPLE = "people"  # two moderators
    REMOVAL_ORDER = "removal_order"  # nobody: what an authority had removed is kept for six months (Regulation 2021/784 Art. 6)


PRESERVED_AFTER_ORDER = timedelta(days=184)  # six months, whichever


class State(StrEnum):
    IN_FORCE = "in_force"
    RELEASED = "released"
    EXPIRED = "expired"


LIFECYCLE = Lifecycle("hold", {
    State.IN_FORCE: (State.RELEASED, State.EXPIRED), State.RELEASED: (), State.EXPIRED: (),
})


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """`proposed_by_id` and `agreed_by_id`: the two people, None for a hold that a law has placed."""

    id: int
    case_id: int
    ground: Ground
    reason: str
    state: State
    placed_at: datetime
    until: datetime
    proposal_id: int | None = None
    ended_at: datetime | None = None
    ended_by_id: int | None = None
    end_reason: str = ""
    proposed_by_id: int | None = None
    agreed_by_id: int | None = None
