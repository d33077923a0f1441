"""What a report is. No input or output."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.moderation.clauses.model import Clause, Family, Policy

LONGEST_COMMENT = 1000
MOST_POSTS = 20


class Category(StrEnum):
    """The reason, as in the client API. Stored."""

    SPAM = "spam"
    LEGAL = "legal"
    VIOLATION = "violation"
    OTHER = "other"


# What a category stands for when its report names no clause: the clause with this key or, in a policy without it, the one that
# stands for the family.
CLAUSE_OF = {Category.SPAM: "spam", Category.LEGAL: "law", Category.VIOLATION: "harassment", Category.OTHER: "harassment"}
_STANDS_FOR = {
    Category.SPAM: Family.MISLEADING, Category.LEGAL: Family.RULES, Category.VIOLATION: Family.HARASSMENT,
    Category.OTHER: Family.HARASSMENT,
}


def clause_of_category(category: Category, policy: Policy) -> Clause:
    return policy.find(CLAUSE_OF[category]) or policy.of_family(_STANDS_FOR[category])


def family_of(category: Category, named: Sequence[Clause]) -> Family | None:
    """The family of a report that was filed through the client API: that of the gravest clause named, else of the category."""
    gravest = max(named, key=lambda clause: clause.severity, default=None)
    if gravest:
        return next(iter(gravest.families), None)
    return _STANDS_FOR[category] if category in (Category.SPAM, Category.LEGAL) else None


class ReportDraft(msgspec.Struct, frozen=True, kw_only=True):
    """The input of a report. Without posts, it is about the account itself. `clauses` are keys."""

    account_id: int
    post_ids: tuple[int, ...] = ()
    category: str = Category.OTHER
    clauses: tuple[str, ...] = ()
    family: Family | None = None  # None: derived from clauses and category
    comment: str = ""
    forwards: bool = False


class Place(NamedTuple):
    """How many other open cases there were in the lane when a report was filed: of its reporter, and of the new accounts that signed up
    on the same day."""

    own: int
    of_day: int


NO_PLACE = Place(0, 0)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    reporter_id: int
    account_id: int
    post_ids: tuple[int, ...]
    category: Category
    clauses: tuple[str, ...]
    comment: str
    forwards: bool
    created_at: datetime
    family: Family | None = None

    @property
    def grounds(self) -> set[str]:
        """The clauses that it names, or that its category names: spam and legal are rules too, the other categories are not."""
        if not self.clauses and self.category in (Category.SPAM, Category.LEGAL):
            return {CLAUSE_OF[self.category]}
        return set(self.clauses)

    @property
    def words(self) -> str:
        """The comment without case and spacing, to tell the same words from new ones."""
        return " ".join(self.comment.casefold().split())


class OutcomeMail(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail about outcomes says: how many reports have one since the last mail, and the newest of them."""

    account_id: int
    reports: int
    report_id: int


class ReportCounts(NamedTuple):
    """`reasons`: (clause or None, category, reporters); `weeks`: (Monday, reporters), oldest first."""

    reasons: list[tuple[str | None, Category, int]]
    weeks: list[tuple[date, int]]


def adds_to(report: Report, earlier: Sequence[Report]) -> bool:
    """Whether a report says something that earlier reports by the same member in the same case do not: words, or grounds."""
    if not earlier:
        return True
    has_new_words = bool(report.words) and report.words not in {one.words for one in earlier}
    return has_new_words or not report.grounds <= set().union(*(one.grounds for one in earlier))


class ReportedCase(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one case that a report joined, as shown to its reporter. `action` is None until the verdict is settled."""

    case_id: int
    is_about_post: bool
    subject_id: int
    state: str
    due_at: datetime
    action: str | None = None
    clause: str | None = None
    verdict_id: int | None = None
    settled_at: datetime | None = None
    is_overturned: bool = False
    is_deleted: bool = False  # its author has deleted the post


class CaseOfReport(msgspec.Struct, frozen=True, kw_only=True):
    """One case that a report joined, for moderators. `holder_id`: who holds it, or was asked to decide it; `decided_by_id`: the person who
    has decided it (None: nobody yet, or a jury). `is_public`: everybody may read what it is about."""

    case_id: int
    is_about_post: bool
    subject_id: int
    is_open: bool
    holder_id: int | None
    verdict_id: int | None
    decided_by_id: int | None
    decided_at: datetime | None
    is_public: bool


class ReportFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which reports a moderator is shown; None selects all. `is_resolved`: no case of it is open. `account_id`: the reported account."""

    is_resolved: bool | None = None
    account_id: int | None = None


class AnonymousReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report as shown to deciders: its content, and how often this reporter was right. Without the reporter's name: `reporter`
    is a number within the case."""

    report_id: int
    reporter: int
    category: Category
    clauses: tuple[str, ...]
    comment: str
    created_at: datetime
    right: int
    decided: int


class TellOutcome(msgspec.Struct, frozen=True):
    """The payload of the job that notifies further reporters of a case with many."""

    case_id: int


class WeighAgain(msgspec.Struct, frozen=True):
    """The payload of the job that weighs reporters of a settled case with many: those of its reports after the report `after`."""

    case_id: int
    after: int
