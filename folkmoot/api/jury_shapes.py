"""The wire shapes of the jury. A member gets only their own record."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api.account_shapes import Moment, Shape
from folkmoot.api.moderation_shapes import RuleNumber

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
