"""The wire shapes of the room of moderators. They name no account that a case is about: a letter stands for each."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api.account_shapes import Day, Id, Moment, Shape, Url

Lane = Literal["demand", "threat", "other"]
ProfilePart = Literal["earlier", "reported", "decided", "present"]
Part = Literal["before", "earlier", "reported", "decided", "present", "after", "recent"]
Letter = Annotated[str, Meta(description="Stands for an account; empty for the author.")]
RuleNumber = Annotated[str, Meta(description="As in `/api/v1/instance/rules`.")]


class ModeratedCase(Shape, kw_only=True):
    """`rule`: the suspected one; null on appeal. `held_until`: until when you hold it; null if you do not."""

    id: Id
    subject: Literal["post", "account"]
    state: Literal["open", "decided", "withdrawn"]
    lane: Lane
    rule: RuleNumber | None
    is_appeal: bool
    is_confirmed: Annotated[bool, Meta(description="False while only an unverified notice speaks of it.")]
    opened_at: Moment
    due_at: Moment
    held_until: Moment | None
    is_held_by_other: bool
    is_assigned_to_you: bool


class CaseVerdict(Shape, kw_only=True):
    """Nobody learns who decided. `undo_until`: until when its decider can undo it."""

    id: Id
    case_id: Id
    action: str
    measures: list[str]
    rule: RuleNumber
    until: Moment | None
    made_at: Moment
    undo_until: Moment


class CasePicture(Shape, kw_only=True):
    """Blur it until somebody asks for it. One that is hidden loads only in a browser in which the holder of the case is logged in."""

    url: Url
    description: str


class CaseQuote(Shape, kw_only=True):
    """What a version quotes. `letter`: of its author; empty for the author of the version."""

    letter: Letter
    text: str
    cover: str


class CaseText(Shape, kw_only=True):
    """A version of a post, with letters instead of names. `part`: before and after are its thread; of the post itself `present` is how it
    stands now, `reported` and `decided` are how it stood then."""

    part: Part
    letter: Letter
    text: str
    cover: str
    answers: list[str]
    pictures: list[CasePicture]
    quote: CaseQuote | None
    language: str | None
    created_at: Moment
    edited_at: Moment | None


class CaseProfile(Shape, kw_only=True):
    """A version of a reported profile. Its name is part of the question."""

    part: ProfilePart
    username: str
    display_name: str
    bio: str
    fields: list[list[str]]
    pictures: list[CasePicture]


class CaseAuthor(Shape, kw_only=True):
    """What is known of the author, without a name. `strikes`: how many breaches still count; `kept`: posts that were looked at and kept."""

    here_since: Day
    posts: int
    breaches: list[CaseVerdict]
    strikes: int
    kept: int


class CaseSignal(Shape, kw_only=True):
    """`reasons`: the words that weighed most. `cues`: what the sentence does, in fixed words such as person, future, weapon; then the
    frames in which such words are often harmless, such as frame_quote, or no_frame."""

    detector: str
    version: str
    rule: RuleNumber
    is_hiding: bool
    reasons: list[str]
    cues: list[str]
    created_at: Moment


class ReportReason(Shape, kw_only=True):
    """A rule, or a category of the client API. `reporters`: how many gave it."""

    rule: RuleNumber | None
    category: str
    reporters: int


class ReportsOfWeek(Shape, kw_only=True):
    """How many people reported in the week that begins on this Monday."""

    start: Day
    reporters: int


class CaseReports(Shape, kw_only=True):
    """`usually_right` and `usually_wrong`: of the reporters whose earlier reports were decided. Of more than ten thousand reports the
    newest are counted by reason and week."""

    reporters: int
    usually_right: int
    usually_wrong: int
    reasons: list[ReportReason]
    weeks: list[ReportsOfWeek]
    comments: list[str]


class CaseNotice(Shape, kw_only=True):
    """A demand from outside, without its sender."""

    urgency: Literal["order", "contact", "other"]
    is_verified: bool
    is_address_confirmed: bool
    reason: str
    received_at: Moment
    due_at: Moment


class CasePrecedent(Shape, kw_only=True):
    text: str
    verdict: CaseVerdict


class Colleague(Shape, kw_only=True):
    id: Id
    username: str
    display_name: str


class CaseNote(Shape, kw_only=True):
    id: Id
    author: Colleague | None
    text: str
    written_at: Moment


class CaseStep(Shape, kw_only=True):
    """An entry of the journal; of the draws of a jury only the first, so that nobody learns when a juror was replaced."""

    kind: str
    at: Moment


class CaseJury(Shape, kw_only=True):
    """How far the jury of a case is: `answered` of `asked` seats; while it sits, as of the last full quarter of an hour, so that nobody
    can watch when somebody answers. `reason`: why moderators decide instead, or null. Who sits is shown to nobody."""

    state: Literal["sitting", "decided", "staff", "closed"]
    reason: str | None
    asked: int
    answered: int


class CaseDetails(Shape, kw_only=True):
    """`version`: send it with the decision, which is refused if the author has changed something meanwhile. `alike`: how many other posts
    have exactly these words. `actions`: what can be decided. `others`: open cases about other posts of the author."""

    case: ModeratedCase
    version: str
    actions: list[str]
    texts: list[CaseText]
    profiles: list[CaseProfile]
    is_deleted: bool
    is_hidden: bool
    author: CaseAuthor
    signals: list[CaseSignal]
    reports: CaseReports
    notices: list[CaseNotice]
    appeals: Annotated[list[str], Meta(description="The reasons of those who appealed.")]
    precedents: list[CasePrecedent]
    notes: list[CaseNote]
    steps: list[CaseStep]
    verdict: CaseVerdict | None
    alike: int
    others: int
    deciders: Annotated[list[Colleague], Meta(description="To whom it can be handed over.")]
    jury: CaseJury | None


class OtherCase(Shape, kw_only=True):
    """An open case about another post of the same author. `choice`: send it in `together` with the decision."""

    case: ModeratedCase
    choice: str
    text: CaseText


class ModerationDesk(Shape, kw_only=True):
    """`limit`: of cases per day. `pause`: why a break is offered. `queue`: the next cases; nobody is shown how many there are."""

    decided_today: int
    limit: int
    is_enough: bool
    pause: Literal["long", "grave"] | None
    assigned: list[ModeratedCase]
    queue: list[ModeratedCase]
    undoable: CaseVerdict | None


class NextCase(Shape, kw_only=True):
    """Null if nothing waits, or if it is enough for today."""

    case: ModeratedCase | None


class ModeratorPreferences(Shape, kw_only=True):
    avoided: Annotated[list[RuleNumber], Meta(description="The rules whose cases are left to others.")]
    daily_limit: int | None


class ReadySentence(Shape, kw_only=True):
    """Blanks in braces, such as `{what}`, have to be filled in before it can be sent."""

    id: Id
    title: str
    text: str


class PeriodFigures(Shape, kw_only=True):
    """`lane`: null for all together. `decided`: without what was undone. `median` and `slowest`: seconds from opening to decision of half
    and of nine tenths of these. `appeals`: decisions on appeal, of which `overturned` changed the first one."""

    start: Day
    lane: Lane | None
    opened: int
    decided: int
    in_time: int
    undone: int
    appeals: int
    overturned: int
    median: float | None
    slowest: float | None


class OpenLane(Shape, kw_only=True):
    """`late`: at least 80 percent of the time to decide has passed, but not all."""

    lane: Lane
    open: int
    late: int
    overdue: int
    oldest_at: Moment
    next_due_at: Moment


class QueueStatistics(Shape, kw_only=True):
    """`open`: null for moderators, who are not shown a backlog. Days are those of UTC; a week begins on Monday."""

    figures: list[PeriodFigures]
    open: list[OpenLane] | None


Precision = Annotated[
    list[float] | None, Meta(description="The share of the decided ones that broke a rule, and its 95 % interval; null without any."),
]


class RuleConditions(Shape, kw_only=True):
    """`conditions`: as `moot rules` reads them."""

    of: Literal["all", "any", "none"]
    conditions: list[str]


class AutomaticRule(Shape, kw_only=True):
    """A rule that looks for spam, floods and the like. `title` and `text` (what the author is told) by language."""

    name: str
    version: str
    about: Literal["post", "author"]
    title: dict[str, str]
    text: dict[str, str]
    clause: Annotated[str, Meta(description="Key or number of a rule of the network, a reason of reports, or `as removed`.")]
    probability: float
    measures: Annotated[list[str], Meta(description="Until people decide: `label`, `limit`, `hold`.")]
    groups: list[RuleConditions]
    cases: int
    decided: int
    violations: int
    precision: Precision


class CaseOfRule(Shape, kw_only=True):
    """`reasons`: what met the rule, as `condition=value`. `action`: what was decided; null while it is open, and while an appeal is
    heard."""

    case_id: Id
    subject: Literal["post", "account"]
    is_open: bool
    action: str | None
    reasons: list[str]
    raised_at: Moment


class AutomaticRuleDetails(Shape, kw_only=True):
    """`rule`: as it is in force, or as it read last. `newest`: its newest cases."""

    rule: AutomaticRule
    is_in_force: bool
    newest: list[CaseOfRule]


class TriedRule(Shape, kw_only=True):
    """`met`: posts, counted up to 10,000, of so many `authors`. `decided`: those about which people have decided, in other ways."""

    rule: AutomaticRule
    met: int
    authors: int
    decided: int
    violations: int
    precision: Precision


class RuleTrial(Shape, kw_only=True):
    """Rules that are applied to new posts without any effect."""

    version: str
    started_at: Moment
    ends_at: Moment
    rules: list[TriedRule]
