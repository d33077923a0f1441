"""What a proposal is, and its lifecycle. No input or output."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.states import Lifecycle

EXPIRES_AFTER = timedelta(hours=24)
LONGEST_REASON = 2000


class Kind(StrEnum):
    """What two people decide. Stored."""

    REPEAT = "repeat"  # a verdict about many posts with the same words
    DELETE_ACCOUNT = "delete_account"  # of which a verdict has suspended the account
    HOLD = "hold"  # on what a case is about


class State(StrEnum):
    PROPOSED = "proposed"
    AGREED = "agreed"
    REFUSED = "refused"
    DROPPED = "dropped"  # its verdict does not stand any more
    EXPIRED = "expired"  # nobody answered within a day


LIFECYCLE = Lifecycle("proposal", {
    State.PROPOSED: (State.AGREED, State.REFUSED, State.DROPPED, State.EXPIRED),
    State.AGREED: (), State.REFUSED: (), State.DROPPED: (), State.EXPIRED: (),
})


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """`verdict_id`: of the repetition or the deletion. `count`: how many posts it is about. `until`: the end of a hold."""

    id: int
    kind: Kind
    case_id: int
    state: State
    proposed_by_id: int
    proposed_at: datetime
    expires_at: datetime
    verdict_id: int | None = None
    count: int = 1
    reason: str = ""
    until: datetime | None = None
    closed_by_id: int | None = None
    closed_at: datetime | None = None

    def is_waiting(self, now: datetime) -> bool:
        return self.state is State.PROPOSED and now < self.expires_at
