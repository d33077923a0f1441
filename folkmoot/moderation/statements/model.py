"""What a statement of reasons is. No input or output.

It holds facts; the sentences are made of them when it is read, in the reader's language. DSA Art. 17(3) says what must
be in it: what is restricted and until when, the facts, who noticed, whether a machine noticed or decided, the rule,
and how to object.
"""

from datetime import datetime
from enum import StrEnum

import msgspec


class Source(StrEnum):
    """Who noticed (DSA Art. 17(3)(b)). Stored."""

    REPORT = "report"
    DETECTOR = "detector"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """`quote` holds the author's own words as they were. `is_interim`: a machine decided, until people do."""

    id: int
    account_id: int
    restriction_id: int
    case_id: int
    kind: str
    clause: str
    policy: str
    quote: str
    explanation: str
    source: Source
    is_interim: bool
    posted_at: datetime | None
    until: datetime | None
    issued_at: datetime
    told_at: datetime | None
    lifted_at: datetime | None = None
    verdict_id: int | None = None

    @property
    def is_in_force(self) -> bool:
        return self.lifted_at is None


class Quoted(msgspec.Struct, frozen=True):
    """The words that a statement is about, and when they were written."""

    text: str = ""
    posted_at: datetime | None = None
