"""What a report is. No input or output."""

from datetime import datetime
from enum import StrEnum

import msgspec

LONGEST_COMMENT = 1000
MOST_POSTS = 20


class Category(StrEnum):
    """The reason, as in the client API. Stored."""

    SPAM = "spam"
    LEGAL = "legal"
    VIOLATION = "violation"
    OTHER = "other"


# The clause that a category stands for, when its report names none.
CLAUSE_OF = {Category.SPAM: "spam", Category.LEGAL: "law", Category.VIOLATION: "harassment", Category.OTHER: "harassment"}


class ReportDraft(msgspec.Struct, frozen=True, kw_only=True):
    """The input of a report. Without posts, it is about the account itself. `clauses` are keys."""

    account_id: int
    post_ids: tuple[int, ...] = ()
    category: str = Category.OTHER
    clauses: tuple[str, ...] = ()
    comment: str = ""
    forwards: bool = False


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


class ReportedCase(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one case that a report joined, as shown to its reporter. `action` is None until the verdict is settled."""

    case_id: int
    is_about_post: bool
    state: str
    due_at: datetime
    action: str | None = None
    clause: str | None = None
    verdict_id: int | None = None
    is_overturned: bool = False


class AnonymousReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report as shown to deciders: its content, and how often this reporter was right. Without the reporter's name."""

    report_id: int
    category: Category
    clauses: tuple[str, ...]
    comment: str
    created_at: datetime
    right: int
    decided: int
