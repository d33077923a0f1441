"""What a notice is, its lifecycle, and its deadline. No input or output.

What a sender claims and what is known about the sender are kept apart: `urgency` follows from the claim and sets the
deadline of the notice; `confirmed_at` and `contact_id` say what was verified. Only a verified claim moves the deadline of
a case, after which its post is hidden (decision 0083).
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.errors import Plural
from folkmoot.base.events import Event
from folkmoot.base.states import Lifecycle
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.contacts.model import Kind

LONGEST_REASON = 5000
LONGEST_NAME = 200
LONGEST_REFERENCE = 200
LONGEST_ADDRESS = 2000
MOST_PLACES = 20
MOST_PLACES_OF_MAIL = 200  # nobody can tell its sender that there are too many
MOST_RAW = 64 * 1024  # bytes of a mail that are kept as they came
CHILD_SAFETY = "children"  # the clause whose notices need no name and no address (DSA Art. 16(2)(c))
UNLAWFUL = "law"  # the clause of a notice that names none
# The probability that a notice is right, before anybody has read it.
PROBABILITY_OF_CONTACT, PROBABILITY_OF_OTHER = 0.7, 1 / 3
TOO_MANY_PLACES = Plural("A notice can name at most %(limit)d address.", "A notice can name at most %(limit)d addresses.", "limit")


class Door(StrEnum):
    """How it came in. Stored."""

    FORM = "form"
    MAIL = "mail"
    API = "api"


class Urgency(StrEnum):
    """Which deadline a notice has. Stored."""

    ORDER = "order"  # a removal order of an authority (Regulation 2021/784 Art. 3(3))
    CONTACT = "contact"  # of a hosting provider or a trusted flagger (DSA Art. 22(1))
    OTHER = "other"

    @classmethod
    def of(cls, kind: Kind) -> "Urgency":
        return cls.ORDER if kind is Kind.AUTHORITY else cls.CONTACT


class State(StrEnum):
    OPEN = "open"  # its cases are being decided
    UNREAD = "unread"  # a person must find out what it is about: nothing was found at its addresses
    ANSWERED = "answered"


LIFECYCLE = Lifecycle("notice", {
    State.OPEN: (State.UNREAD, State.ANSWERED),
    State.UNREAD: (State.OPEN, State.ANSWERED),
    State.ANSWERED: (State.OPEN,),  # when something is found after all
})


class Finding(StrEnum):
    """What was found at an address. Stored."""

    FOUND = "found"
    FOREIGN = "foreign"  # not an address of this network
    UNKNOWN = "unknown"  # nothing there, or nothing that its sender can see


class Place(msgspec.Struct, frozen=True):
    """One address of a notice, as given. Stored."""

    address: str
    finding: Finding
    subject: Subject | None = None
    subject_id: int | None = None


class NoticeDraft(msgspec.Struct, frozen=True, kw_only=True):
    """The input. `claims`: whom the sender claims to be, empty for anybody else; `clause`: a key, may be empty; `raw`: a mail
    as it came; `signed_by`: domains with a valid DKIM signature, as our own mail server says."""

    door: Door
    addresses: tuple[str, ...]
    reason: str
    name: str = ""
    email: str = ""
    clause: str = ""
    claims: str = ""
    in_good_faith: bool = False
    language: str = "en"
    reference: str | None = None
    mail_key: bytes | None = None
    reply_to: str = ""
    raw: bytes | None = None
    signed_by: tuple[str, ...] = ()


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """`due_at`: when it must be answered. `mail_key`, `reply_to` and `signed_by`: of the mail that it came with. A signature of a
    domain verifies nobody (decision 0096)."""

    id: int
    number: str
    state: State
    door: Door
    urgency: Urgency
    contact_id: int | None
    reference: str | None
    name: str
    email: str
    language: str
    reason: str
    clause: str
    places: tuple[Place, ...]
    received_at: datetime
    due_at: datetime
    confirmed_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str = ""
    mail_key: bytes | None = None
    reply_to: str = ""
    signed_by: tuple[str, ...] = ()

    @property
    def is_confirmed(self) -> bool:
        return self.confirmed_at is not None

    @property
    def is_reliable(self) -> bool:
        """Whether something may be hidden on its word: the address is confirmed, and the sender is who it claims to be."""
        return self.is_confirmed and (self.urgency is Urgency.OTHER or self.contact_id is not None)

    @property
    def probability(self) -> float:
        return PROBABILITY_OF_CONTACT if self.contact_id else PROBABILITY_OF_OTHER


class Hours(msgspec.Struct, frozen=True):
    """The time to answer, from the settings."""

    order: int = 1
    contact: int = 24
    other: int = 168

    def due_at(self, urgency: Urgency, received_at: datetime) -> datetime:
        return received_at + timedelta(hours=getattr(self, urgency.value))


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one case of a notice. `action` is None until the verdict is settled."""

    case_id: int
    subject: Subject
    subject_id: int
    state: str
    due_at: datetime
    action: str | None = None
    clause: str | None = None
    verdict_id: int | None = None
    settled_at: datetime | None = None
    is_overturned: bool = False
    is_deleted: bool = False  # its author has deleted the post

    @property
    def is_about_post(self) -> bool:
        return self.subject is Subject.POST

    @property
    def is_over(self) -> bool:
        return self.action is not None or self.state == "withdrawn"


class NoticeBacklog(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of notices without an answer. `unread`: a person must find out what they are about; `unreadable`: of these, mails that
    could not be read; `overdue`: after their deadline."""

    open: int
    unread: int
    unreadable: int
    overdue: int


class NoticeReceived(Event, frozen=True, kw_only=True):
    kind = "notice.received"
    notice_id: int
    number: str
    urgency: str


class NoticeVerified(Event, frozen=True, kw_only=True):
    """The sender of a notice turned out to be a registered contact."""

    kind = "notice.verified"
    notice_id: int
    number: str


class NoticeDecidedBefore(Event, frozen=True, kw_only=True):
    """A notice has joined the case of a post that was removed before, so it may be possible to answer it at once."""

    kind = "notice.decided_before"
    notice_id: int
    number: str


class NoticeAnswered(Event, frozen=True, kw_only=True):
    kind = "notice.answered"
    notice_id: int
    number: str
