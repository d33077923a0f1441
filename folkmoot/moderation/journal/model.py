"""The types of the journal. No input or output.

An entry states what happened, when, in which case and by whom, with a few facts: ids and fixed words, never a text that a
member wrote. Its hash covers its position, all of these, and the previous hash.

When it is inserted, an entry gets the next number of its lane (migration 0017): a missing number is an entry that was removed
(decision 0046).
"""

import hashlib
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

FIRST_HASH = bytes(32)  # the previous hash of the first entry


class Step(StrEnum):
    """The kinds of entries. Stored."""

    REPORT_FILED = "report.filed"
    SIGNAL_RAISED = "signal.raised"
    CASE_OPENED = "case.opened"
    CASE_CONFIRMED = "case.confirmed"  # after an unverified notice: by a report, a signal or a verified notice
    CASE_DEADLINE_MOVED = "case.deadline_moved"  # to an earlier time
    CASE_CLAIMED = "case.claimed"
    CASE_RELEASED = "case.released"
    CASE_NOTED = "case.noted"  # a moderator wrote a note for the others
    CASE_ASSIGNED = "case.assigned"
    CASE_READ = "case.read"  # by a moderator, about something that not everybody may read
    CASE_WITHDRAWN = "case.withdrawn"
    CASE_DEADLINE_NEARED = "case.deadline_neared"
    VERDICT_REACHED = "verdict.reached"
    VERDICT_UNDONE = "verdict.undone"
    PROPOSAL_MADE = "proposal.made"  # of something that needs two people
    PROPOSAL_CLOSED = "proposal.closed"  # by a second moderator, or after a day
    HOLD_PLACED = "hold.placed"
    HOLD_ENDED = "hold.ended"
    POST_CLEARED = "post.cleared"  # a removed post was deleted for good
    ACCOUNT_CLEARED = "account.cleared"  # the deletion of an account has begun, as it was decided
    VERDICT_SETTLED = "verdict.settled"
    RESTRICTION_IMPOSED = "restriction.imposed"
    HIDING_WITHHELD = "hiding.withheld"  # a program would have hidden the post, but has hidden many of its author lately
    RESTRICTION_LIFTED = "restriction.lifted"
    STATEMENT_ISSUED = "statement.issued"
    APPEAL_LODGED = "appeal.lodged"
    APPEAL_CLOSED = "appeal.closed"
    CONTACT_REGISTERED = "contact.registered"
    CONTACT_ENDED = "contact.ended"
    NOTICE_RECEIVED = "notice.received"
    NOTICE_CONFIRMED = "notice.confirmed"  # its sender is verified, or has confirmed the address
    NOTICE_JOINED = "notice.joined"  # a case
    NOTICE_DEADLINE_NEARED = "notice.deadline_neared"
    NOTICE_READ = "notice.read"  # by a person who needed name, address or words of its sender
    NOTICE_ANSWERED = "notice.answered"
    FIGURES_PUBLISHED = "figures.published"  # of a day or month, with a hash of them
    HASH_LIST_CHANGED = "hash_list.changed"
    POLICY_PUBLISHED = "policy.published"
    MONTH_PUBLISHED = "transparency.month_published"  # with the hash of its figures
    NOTE_WRITTEN = "transparency.note_written"  # by the operator, about a month
    NOTE_WITHDRAWN = "transparency.note_withdrawn"
    RULES_PUBLISHED = "rules.published"  # and in force from then on
    RULES_SWITCHED = "rules.switched"  # to a version that was stored before
    RULES_TRIAL_STARTED = "rules.trial_started"
    RULES_TRIAL_ENDED = "rules.trial_ended"  # before its time, or because its version is in force
    DETECTOR_SWITCHED = "detector.switched"
    DETECTOR_PAUSED = "detector.paused"  # new posts were not examined, or the reader was not asked, for over a minute; when it is over
    GOLD_PUBLISHED = "gold.published"  # questions for the training of jurors
    JUROR_EXCLUDED = "juror.excluded"  # without the member: nobody learns who is a juror
    JUROR_READMITTED = "juror.readmitted"
    JURY_DRAWN = "jury.drawn"  # seats by number and camp, never by account
    JURY_COUNTED = "jury.counted"  # the answers by seat, everything that the result depends on, and the result
    JURY_RESTARTED = "jury.restarted"  # the words were changed
    JURY_PASSED = "jury.passed"  # moderators decide, and why
    RING_OPENED = "ring.opened"  # an operator read whose answers look arranged; without the members
    SAMPLE_REVIEWED = "sample.reviewed"  # a post that nobody has reported
    TREND_HELD_BACK = "trend.held_back"  # a hashtag or a link, named by its hash
    TREND_LET_IN = "trend.let_in"
    MEMBER_READ = "member.read"  # e-mail or addresses of members, by an operator
    SIGN_UP_APPROVED = "sign_up.approved"
    SIGN_UP_REFUSED = "sign_up.refused"
    BARRIER_CHANGED = "barrier.changed"  # who is kept from signing up or reading: added, changed or removed by an operator
    END_ADOPTED = "journal.end_adopted"  # a host started to keep the signed end of an existing chain
    DAMAGE_ACCEPTED = "journal.damage_accepted"  # by the operator: `moot journal accept`


class SealState(StrEnum):
    """The state of the sealer. Stored. Sealing continues in the first two states and stops in the others."""

    SEALING = "sealing"
    ENTRIES_MISSING = "entries_missing"
    END_UNREADABLE = "end_unreadable"
    END_DAMAGED = "end_damaged"
    END_MISSING = "end_missing"
    CHAIN_CHANGED = "chain_changed"

    @property
    def is_stopped(self) -> bool:
        return self not in (SealState.SEALING, SealState.ENTRIES_MISSING)

    @property
    def reason(self) -> str:
        """One sentence for operators; empty without a fault."""
        return _REASONS[self]


_REASONS = {
    SealState.SEALING: "",
    SealState.ENTRIES_MISSING: "entries of the moderation journal were removed before they were sealed",
    SealState.END_UNREADABLE: "the moderation journal is not sealed: the file journal.end cannot be read",
    SealState.END_DAMAGED: "the moderation journal is not sealed: the file journal.end is damaged, or belongs to another network",
    SealState.END_MISSING: "the moderation journal is not sealed: the file journal.end is missing",
    SealState.CHAIN_CHANGED: "the moderation journal is not sealed: its chain does not contain the end in the file journal.end",
}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `facts` is JSON, byte for byte as it was hashed; `position` and `hash` are None until it is sealed. `lane` and
    `number` are None in entries from before migration 0017."""

    id: int
    at: datetime
    kind: str
    case_id: int | None
    actor_id: int | None
    facts: str
    lane: int | None = None
    number: int | None = None
    position: int | None = None
    hash: bytes | None = None


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """Missing numbers of a lane, although later ones were assigned: entries that were removed."""

    lane: int
    first: int
    last: int


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the chain at some time; `signature` is the network's, over position and hash."""

    position: int
    hash: bytes
    signature: str

    @property
    def signed_text(self) -> str:
        return signed_text(self.position, self.hash)


def signed_text(position: int, digest: bytes) -> str:
    return f"{position}:{digest.hex()}"


def chain_hash(before: bytes, position: int, entry: Entry, *, with_lane: bool = True) -> bytes:
    """The hash of an entry at its position: SHA-256 over the previous hash and a canonical form of the row."""
    microseconds = (entry.at - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
    row = [position, entry.id, microseconds, entry.kind, entry.case_id, entry.actor_id, entry.facts]
    if with_lane and entry.lane is not None:
        row += [entry.lane, entry.number]
    return hashlib.sha256(before + msgspec.json.encode(row)).digest()


def has_valid_hash(before: bytes, entry: Entry) -> bool:
    """Whether a sealed entry is unchanged. Releases before migration 0017 sealed without the lane."""
    assert entry.position is not None
    return entry.hash in (chain_hash(before, entry.position, entry), chain_hash(before, entry.position, entry, with_lane=False))
