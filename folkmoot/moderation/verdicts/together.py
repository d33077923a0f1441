"""Decides open cases about several posts of one author together: one reason, but a verdict and a statement for each post.

This is how cases are merged. A case has one subject (decision 0030), so that each post can be appealed about, restored and counted by
itself; what is merged is the work (decision 0097).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid, Plural
from folkmoot.moderation.cases.model import Case, State, Subject
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import is_concerned, lock_case
from folkmoot.moderation.verdicts.actions import decide_case, reach_verdict
from folkmoot.moderation.verdicts.model import Decider, Decision, Verdict
from folkmoot.network.sessions.model import Viewer

MOST_OTHERS = 20
_TOO_MANY = Plural("At most %(limit)d case can be decided together.", "At most %(limit)d cases can be decided together.", "limit")


class Joined(msgspec.Struct, frozen=True):
    """Another case of the same author, and which version of its post the moderator has read."""

    case_id: int
    seen_words: str | None
    seen_edited_at: datetime | None


def can_be_joined(case: Case) -> bool:
    """Whether a case can be decided together with others: it is about a post, and no appeal."""
    return case.subject is Subject.POST and not case.is_appeal


async def decide_together(tx: WriteTx, moderator: Viewer, case_id: int, decision: Decision, joined: Sequence[Joined]) -> Verdict:
    """Decides a case as `decide_case` does, and the joined ones in the same way: all of them or none. They can be undone together.

    Raises Invalid for too many, and for a case of another author; Concerned; Conflict if one of them is decided, held by somebody else, or
    its text was changed since it was shown.
    """
    if len(joined) > MOST_OTHERS:
        raise Invalid(FieldError("with", "too_many", _TOO_MANY, {"limit": MOST_OTHERS}))
    by_id = {one.case_id: one for one in joined if one.case_id != case_id}
    cases = {id_: await lock_case(tx, id_) for id_ in sorted([case_id, *by_id])}  # in one order: two moderators cannot block each other
    verdict = await decide_case(tx, moderator, case_id, decision)
    for id_, seen in by_id.items():
        case = cases[id_]
        if case.account_id != cases[case_id].account_id or not (can_be_joined(case) and can_be_joined(cases[case_id])):
            raise Invalid(FieldError("with", "inclusion", "Only posts of one author can be decided together."))
        if await is_concerned(tx, moderator.id, id_):
            raise Concerned
        own = case.seat_of(moderator.id, clock.now())
        if case.state is not State.OPEN or (case.is_held(clock.now()) and own is None):
            raise Conflict("Somebody else has taken one of the other cases. Please look at them again.")
        await reach_verdict(
            tx, Decider.person(moderator.id), case,
            msgspec.structs.replace(decision, seen_words=seen.seen_words, seen_edited_at=seen.seen_edited_at),
            *([own] if own else []), batch_id=verdict.id,
        )
    return verdict
