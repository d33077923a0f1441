"""What a transparency report counts. No input or output.

Each struct is a group of rows with the same properties, and their number. Nothing in them names anybody.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from folkmoot.base import ids


class Span(NamedTuple):
    """From the beginning of the first day to the end of the last one, UTC."""

    first: date
    last: date

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.first, time(), UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.last, time(), UTC) + timedelta(days=1)

    @property
    def ids(self) -> tuple[int, int]:
        """The ids of this span: from the first one to below the second one."""
        return ids.first_id(self.begins_at), ids.first_id(self.ends_at)

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"


class Measures(NamedTuple):
    """Restrictions whose author got a statement. `answers_complaint`: imposed because somebody had objected to keeping it."""

    clause: str
    policy: str
    kind: str
    source: str
    notifier: str
    is_interim: bool
    is_after_deadline: bool
    answers_complaint: bool
    number: int


class Notices(NamedTuple):
    """Notices from outside. `kind`: of the registered contact, empty for anybody else; `items`: addresses that they name."""

    clause: str
    kind: str
    country: str
    number: int
    items: int


class Reports(NamedTuple):
    """Reports of members."""

    clauses: tuple[str, ...]
    category: str
    family: str | None
    number: int
    items: int


class Response(NamedTuple):
    """How long it took from a notice or report to the first restriction, where people found a breach."""

    is_notice: bool
    kind: str
    country: str
    clause: str
    policy: str
    hours: float


class Complaint(NamedTuple):
    """An appeal. `hours` is None until it is decided. `notifier`: the kind of the contact that objects; None for a member."""

    side: str
    state: str
    action: str
    measures: tuple[str, ...]
    notifier: str | None
    hours: float | None


class Outcomes(NamedTuple):
    """Posts about which people decided. `hiding`: the detectors that had hidden them before."""

    is_breach: bool
    hiding: tuple[str, ...]
    number: int


class Figures(NamedTuple):
    """Everything that a report is made from."""

    span: Span
    service: str
    measures: list[Measures]
    notices: list[Notices]
    reports: list[Reports]
    responses: list[Response]
    complaints: list[Complaint]
    outcomes: list[Outcomes]
    deciders: int
    recipients: int | None
