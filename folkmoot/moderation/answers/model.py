"""What an evidence package contains. No input or output.

`docs/reference/evidence-package.md` describes it. Ids are texts, because many programs read numbers of JSON without precision.
"""

from datetime import datetime

import msgspec

FORMAT = 1
ANCHOR_JOB = "answers.anchor"


class NoticePart(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    reference: str | None
    received_at: datetime
    due_at: datetime
    answered_at: datetime | None
    reason: str
    addresses: list[str]


class PicturePart(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    description: str


class VersionPart(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a post or profile. `reported_at`: when it was reported first; `decided_at`: when it was decided about."""

    written_at: datetime
    reported_at: datetime | None
    decided_at: datetime | None
    text: str
    cover: str
    poll: list[str]
    pictures: list[PicturePart]


class DecisionPart(msgspec.Struct, frozen=True, kw_only=True):
    verdict: str
    action: str
    clause: str
    rule: str
    policy: str
    explanation: str
    made_at: datetime
    settled_at: datetime | None


class RestrictionPart(msgspec.Struct, frozen=True, kw_only=True):
    """`is_interim`: imposed before people decided, by a detector or at the deadline."""

    kind: str
    clause: str
    imposed_at: datetime
    until: datetime | None
    lifted_at: datetime | None
    is_interim: bool


class CasePart(msgspec.Struct, frozen=True, kw_only=True):
    case: str
    subject: str
    subject_id: str
    address: str
    author: str
    state: str
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    versions: list[VersionPart]
    decision: DecisionPart | None
    restrictions: list[RestrictionPart]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The file case.json."""

    format: int = FORMAT
    network: str
    address: str
    made_at: datetime
    notice: NoticePart | None
    cases: list[CasePart]


class ProvenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the journal. `row` is None for an entry that names a person: then only its place in the chain is proven.
    Hashes are hexadecimal. `path` leads from `hash` to the root of the anchor, `index` is its place among the entries there."""

    position: int
    previous: str
    hash: str
    anchor: int
    index: int
    path: list[str]
    row: "EntryRow | None"


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    microseconds: int
    kind: str
    case_id: int | None
    actor_id: int | None
    facts: str
    lane: int | None
    number: int | None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The file journal.json. `anchors`: lines of the public list (/journal/heads), with their signatures."""

    entries: list[ProvenEntry]
    anchors: list[str]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The file manifest.json. `files`: SHA-256 by name; `signature`: by the network's key, over the lines `NAME SHA256`."""

    format: int = FORMAT
    key: str
    files: dict[str, str]
    signature: str


def signed_text(files: dict[str, str]) -> str:
    """The text that the signature of a package is for."""
    return "folkmoot evidence 1\n" + "".join(f"{name} {digest}\n" for name, digest in sorted(files.items()))


class AnchorAnswer(msgspec.Struct, frozen=True):
    """The payload of the job that makes the proof of an answer possible."""

    notice_id: int
