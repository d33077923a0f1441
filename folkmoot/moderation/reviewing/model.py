"""An item as a juror sees it, what became of it, and how much a juror does in a day. No input or output.

The work is a strain, so its amount is limited, and a break is offered after hard items. Only the juror sees these numbers.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.moderation.cases.model import THREAT_SEVERITY
from folkmoot.moderation.juries.model import AnySeat
from folkmoot.moderation.jury.model import MOST_ITEMS_A_DAY, Answer
from folkmoot.moderation.workspace.case_view import AnonymousPost
from folkmoot.network.posts.versions import PostVersion

GOLD_EVERY = 10  # items: one of so many is a gold question, on average
PAIR_EVERY = 4  # gold questions: one of so many is half of a counterfactual pair, while there are such
MOST_GAP = 40  # cases between two gold questions
MOST_USES = 20  # of one case as a gold question, so that nobody can pass its answer on to many
SETTLED_FOR = timedelta(days=14)  # before a case becomes a gold question
OFFERED_FOR = timedelta(days=180)  # a case, at most
DAY = timedelta(days=1)
LONGEST_DAY = timedelta(hours=2)  # of work
BREAK = timedelta(minutes=5)  # without an answer
HARD_ITEMS = 10  # after which a break is offered
AGREED = 2  # jurors who label an item of the sample alike
ASKED_FOR = timedelta(days=3)  # jurors about an item, after its day; then moderators label it
INVITED_FOR = timedelta(hours=12)  # to an item of the sample
SEATS_KEPT = timedelta(days=28)  # of the sample, since the draw: its labels are needed for longer, who gave them is not


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """`before`: the conversation that the post is part of, oldest first. `likely`: keys of the rules that are shown at once, in an order
    of this juror's own. `seen_key`: which version of the words it is."""

    id: int
    version: PostVersion
    before: list[AnonymousPost]
    likely: list[str]
    seen_key: str


class SampleSeat(AnySeat, frozen=True, kw_only=True):
    """A place at a post of the daily sample. `suspected`: key of the rule that is shown among the first."""

    item_id: int
    suspected: str

    @property
    def said(self) -> str | None:
        """The broken clause, "" for none, None for "can't say"."""
        return None if self.answer is Answer.UNSURE else self.clause


class LabelSample(msgspec.Struct, frozen=True):
    """The payload of the job that labels an item of the sample once its jurors agree, and asks one more if they do not."""

    item_id: int


class Worked(msgspec.Struct, frozen=True):
    """An answer of a juror: its time, and the severity of the suspected clause."""

    at: datetime
    severity: float

    @property
    def is_hard(self) -> bool:
        return self.severity >= THREAT_SEVERITY


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What a juror has done in a day. `sitting`: items since the last break."""

    done: int
    sitting: int
    worked: timedelta
    wants_break: bool

    @property
    def is_enough(self) -> bool:
        return self.done >= MOST_ITEMS_A_DAY or self.worked >= LONGEST_DAY


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an item that a juror answered. `answer`, `decided`: the broken clause, "" for none, None for "can't say".
    `is_gold`: the answer was known before. `text`: empty if it is deleted; `why`: an explanation in the language of the item."""

    item_id: int
    answered_at: datetime
    text: str
    language: str
    answer: str | None
    decided: str
    is_gold: bool
    why: str = ""

    @property
    def is_agreed(self) -> bool | None:
        """Whether both found a breach, or both none; None for "can't say"."""
        return None if self.answer is None else bool(self.answer) == bool(self.decided)


def label_of(answers: Sequence[str | None]) -> tuple[bool, tuple[str, ...] | None]:
    """Whether the answers of jurors to an item of the sample suffice, and the label: the broken clauses, () for none, None if it cannot
    be said. Two who say the same suffice; after three answers, two different rules too, of which both count. A fourth always does."""
    for said, number in Counter(answers).items():
        if number >= AGREED:
            return True, None if said is None else (said,) if said else ()
    broken = tuple(sorted({said for said in answers if said}))
    return (True, broken) if len(answers) > AGREED and len(broken) > 1 else (False, None)


def pace_of(day: Iterable[Worked], now: datetime) -> Pace:
    """`day`: the answers of a day, oldest first. A break is offered after every tenth hard item without one."""
    done, worked = 0, timedelta(0)
    sitting: list[Worked] = []
    for one in day:
        done += 1
        if sitting and one.at - sitting[-1].at < BREAK:
            worked += one.at - sitting[-1].at
        else:
            sitting = []
        sitting.append(one)
    if not sitting or now - sitting[-1].at >= BREAK:
        return Pace(done=done, sitting=0, worked=worked, wants_break=False)
    hard = sum(one.is_hard for one in sitting)
    return Pace(done=done, sitting=len(sitting), worked=worked, wants_break=sitting[-1].is_hard and hard % HARD_ITEMS == 0)
