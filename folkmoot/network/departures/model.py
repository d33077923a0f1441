"""What a departure is. No input or output.

    waiting ──(half an hour)──▶ removing ──▶ the account is deleted, and the departure with it
       └──(the member stays)──▶ the departure is deleted
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from folkmoot.base.states import Lifecycle
from folkmoot.network.sessions.model import STAY_LASTS

TIME_TO_REGRET = STAY_LASTS
REMOVE_JOB = "departures.remove"


class State(StrEnum):
    WAITING = "waiting"  # hidden; the member can still stay
    REMOVING = "removing"  # nothing stops it any more


LIFECYCLE = Lifecycle("departure", {State.WAITING: (State.REMOVING,), State.REMOVING: ()})


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """`is_due`: the time to change one's mind is over, by the clock of the database."""

    account_id: int
    state: State
    asked_at: datetime
    due_at: datetime
    is_due: bool


class Leaving(msgspec.Struct, frozen=True):
    """The payload of the job that removes an account. A departure that was stopped, or asked for again, is another one."""

    account_id: int
    asked_at: datetime
