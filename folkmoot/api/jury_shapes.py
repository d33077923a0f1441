"""The wire shapes of the jury. A member gets only their own record."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.moderation_shapes import CasePicture, Letter, RuleNumber

JurorState = Literal["none", "applied", "training", "juror", "paused", "excluded"]


class JuryRecord(Shape, kw_only=True):
    """`none`: never applied, or left. `obstacle`: why you cannot apply or be called at present; empty if you can."""

    state: JurorState
    since: Moment | None
    languages: list[str]
    avoided: Annotated[list[RuleNumber], Meta(description="The rules whose cases others judge.")]
    without_pictures: bool
    obstacle: str
    reason: Annotated[str, Meta(description="Of an exclusion.")]
    next_training_at: Annotated[Moment | None, Meta(description="After a training that was not passed.")]
    mails: Annotated[bool, Meta(description="Whether you are mailed when you are called, at most once a day.")]


class TrainingAnswer(Shape, kw_only=True):
    """An answered question. `answer`: a rule, `0` for none, null for "I can't say"."""

    position: int
    text: str
    language: str
    answer: RuleNumber | None
    expected: Annotated[RuleNumber, Meta(description="`0`: it breaks none.")]
    is_right: bool
    why: str


class TrainingQuestion(Shape, kw_only=True):
    """`likely`: the rules to show at once, in this order, after "none"."""

    attempt: int
    position: int
    text: str
    context: str
    language: str
    likely: list[RuleNumber]


class JuryTraining(Shape, kw_only=True):
    """`question`: the present one; null before a training, and when all are answered. `answered`: those before it, newest last."""

    length: int
    right: int
    is_passed: bool
    question: TrainingQuestion | None
    answered: list[TrainingAnswer]


class JuryText(Shape, kw_only=True):
    """A post, without time and names: `letter` stands for its author, empty for that of the post to judge. `answers`: of a poll. Blur
    `pictures` until somebody asks for them."""

    letter: Letter
    text: str
    cover: str
    answers: list[str]
    pictures: list[CasePicture]
    language: str | None


class JuryItem(Shape, kw_only=True):
    """What you judge. `conversation`: the posts above it, oldest first. `likely`: the rules to show at once, in this order, after "none".
    `seen`: which version of the words it is; send it back with the answer."""

    id: Id
    post: JuryText
    conversation: list[JuryText]
    likely: list[RuleNumber]
    seen: str


class JuryDesk(Shape, kw_only=True):
    """`item`: the open one. `waits`: whether there is one to take. `done` of `share` items of this sitting are answered. `is_enough`: for
    today, because of 40 items or two hours; then nothing is given out. `pause`: a break is due after many hard items."""

    item: JuryItem | None
    waits: bool
    done: int
    share: int
    is_enough: bool
    pause: bool


class JuryOutcome(Shape, kw_only=True):
    """What became of an item that you answered. `answer`, `decided`: a rule, `0` for none; `answer` is null for "I can't say".
    `was_known`: the answer was known before. `why`: an explanation, for some of these. `text` is empty if the words are deleted."""

    item_id: Id
    answered_at: Moment
    text: str
    language: str
    answer: RuleNumber | None
    decided: RuleNumber
    was_known: bool
    why: str


class JuryAnswered(Shape, kw_only=True):
    """`known`: if the answer was known before, what it is."""

    known: JuryOutcome | None
