"""What the journal holds. No input or output.

An entry names what happened, when, in which case and by whom, with a few facts: ids and words of ours, never a text
that somebody wrote. Its hash covers its place and all of that, and the hash before it.
"""

import hashlib
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

FIRST_HASH = bytes(32)  # what the first entry is chained to


class Step(StrEnum):
    """What can happen. Stored."""

    REPORT_FILED = "report.filed"
    SIGNAL_RAISED = "signal.raised"
    CASE_OPENED = "case.opened"
    CASE_CLAIMED = "case.claimed"
    CASE_RELEASED = "case.released"
    CASE_WITHDRAWN = "case.withdrawn"
    CASE_DEADLINE_NEARED = "case.deadline_neared"
    VERDICT_REACHED = "verdict.reached"
    VERDICT_UNDONE = "verdict.undone"
    VERDICT_SETTLED = "verdict.settled"
    RESTRICTION_IMPOSED = "restriction.imposed"
    RESTRICTION_LIFTED = "restriction.lifted"
    STATEMENT_ISSUED = "statement.issued"
    APPEAL_LODGED = "appeal.lodged"
    APPEAL_CLOSED = "appeal.closed"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `facts` is JSON, byte for byte as it was hashed; `position` and `hash` are None until it is sealed."""

    id: int
    at: datetime
    kind: str
    case_id: int | None
    actor_id: int | None
    facts: str
    position: int | None = None
    hash: bytes | None = None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the chain at some moment; `signature` is the network's own, over both."""

    position: int
    hash: bytes
    signature: str

    @property
    def signed_text(self) -> str:
        return signed_text(self.position, self.hash)


def signed_text(position: int, digest: bytes) -> str:
    return f"{position}:{digest.hex()}"


def chained(before: bytes, position: int, entry: Entry) -> bytes:
    """The hash of an entry at its place: SHA-256 over the hash before it and a canonical form of the row."""
    microseconds = (entry.at - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
    row = msgspec.json.encode([position, entry.id, microseconds, entry.kind, entry.case_id, entry.actor_id, entry.facts])
    return hashlib.sha256(before + row).digest()
