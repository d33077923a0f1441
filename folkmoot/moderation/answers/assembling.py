"""Assembles evidence packages from the database: what was decided about, the decision, and its proof from the journal."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.moderation.answers import queries
from folkmoot.moderation.answers.model import (
    CasePart,
    DecisionPart,
    Document,
    EntryRow,
    NoticePart,
    PicturePart,
    Proof,
    ProvenEntry,
    VersionPart,
)
from folkmoot.moderation.answers.package_file import pack
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.queries import get_case
from folkmoot.moderation.clauses.published import find_clause
from folkmoot.moderation.evidence.model import Evidence
from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.journal.anchors import Anchor, AnchorKey, merkle_path
from folkmoot.moderation.journal.model import FIRST_HASH, Entry, Step
from folkmoot.moderation.journal.queries import find_anchor_of, find_hash, list_case_entries, list_hashes
from folkmoot.moderation.notices.model import Notice, Outcome
from folkmoot.moderation.verdicts.queries import get_verdict, list_verdicts_of_cases
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.posts.versions import PostVersion

_MOST_ENTRIES = 5000  # of a case
_OF_OTHERS = (Step.NOTICE_JOINED, Step.NOTICE_ANSWERED)  # entries about a notice, of which only its own sender learns
Render = Callable[[Document, Proof], str]


async def is_provable(conn: ReadConn, notice: Notice, outcomes: Sequence[Outcome]) -> bool:
    """Whether the answers to a notice are in the published chain, a few seconds after they were given."""
    positions = await queries.list_answer_positions(conn, [outcome.case_id for outcome in outcomes], notice.id)
    sealed = [position for position in positions if position is not None]
    return bool(sealed) and len(sealed) == len(positions) and await find_anchor_of(conn, max(sealed)) is not None


async def package_of_notice(
    conn: ReadConn, key: AnchorKey, network: tuple[str, str], notice: Notice, outcomes: Sequence[Outcome], render: Render
) -> bytes:
    """The package for the sender of a notice. Nobody but the author of the subject is named in it. `network`: name and address."""
    cases = [await get_case(conn, outcome.case_id) for outcome in outcomes]
    verdict_ids = {outcome.case_id: outcome.verdict_id for outcome in outcomes}
    part = NoticePart(
        number=notice.number, reference=notice.reference, received_at=notice.received_at, due_at=notice.due_at,
        answered_at=notice.answered_at, reason=notice.reason, addresses=[place.address for place in notice.places],
    )
    parts = [await _case_part(conn, network[1], case, verdict_ids[case.id]) for case in cases]
    document = Document(network=network[0], address=network[1], made_at=clock.now(), notice=part, cases=parts)
    entries = [entry for case in cases for entry in await list_case_entries(conn, case.id, _MOST_ENTRIES)]
    proof = await _prove(conn, key, entries, lambda entry: _names_nobody(entry, notice.id))
    return pack(key, document, proof, render(document, proof))


async def package_of_case(
    conn: ReadConn, key: AnchorKey, network: tuple[str, str], case_id: int, render: Render, *, with_people: bool
) -> bytes:
    """The package of one case, for operators. `with_people`: also entries that name reporters and moderators by their ids."""
    case = await get_case(conn, case_id)
    verdict = (await list_verdicts_of_cases(conn, [case.id])).get(case.id)
    part = await _case_part(conn, network[1], case, verdict.id if verdict and verdict.settled_at else None)
    document = Document(network=network[0], address=network[1], made_at=clock.now(), notice=None, cases=[part])
    entries = await list_case_entries(conn, case.id, _MOST_ENTRIES)
    proof = await _prove(conn, key, entries, lambda entry: with_people or _names_nobody(entry, None))
    return pack(key, document, proof, render(document, proof))


def _names_nobody(entry: Entry, notice_id: int | None) -> bool:
    if entry.actor_id is not None:
        return False
    return entry.kind not in _OF_OTHERS or (notice_id is not None and str(notice_id) in entry.facts)


async def _case_part(conn: ReadConn, address: str, case: Case, verdict_id: int | None) -> CasePart:
    author = (await list_accounts(conn, [case.account_id])).get(case.account_id)
    name = f"@{author.acct}" if author else ""
    return CasePart(
        case=str(case.id), subject=case.subject, subject_id=str(case.subject_id),
        address=f"{address}/posts/{case.subject_id}" if case.subject is Subject.POST else f"{address}/{name}", author=name,
        state=case.state, opened_at=case.opened_at, due_at=case.due_at, closed_at=case.closed_at,
        versions=[_version_part(one) for one in await list_evidence(conn, case.id)],
        decision=await _decision_part(conn, verdict_id) if verdict_id else None,
        restrictions=await queries.list_restriction_parts(conn, case.id),
    )


async def _decision_part(conn: ReadConn, verdict_id: int) -> DecisionPart:
    verdict = await get_verdict(conn, verdict_id)
    clause = find_clause(verdict.clause, verdict.policy)
    return DecisionPart(
        verdict=str(verdict.id), action=verdict.action, clause=verdict.clause, rule=f"{clause.number}. {clause.title['en']}",
        policy=verdict.policy, explanation=verdict.explanation, made_at=verdict.made_at, settled_at=verdict.settled_at,
    )


def _version_part(evidence: Evidence) -> VersionPart:
    version = evidence.version
    if isinstance(version, PostVersion):
        text, cover, poll = version.text, version.cover, list(version.poll_titles)
        pictures = [PicturePart(id=str(picture.id), description=picture.description or "") for picture in version.pictures]
    else:
        text = "\n".join([version.name, version.bio, *(f"{name}: {value}" for name, value in version.fields)])
        cover, poll, pictures = "", [], []
    return VersionPart(
        written_at=version.stood_from, reported_at=evidence.reported_at, decided_at=evidence.decided_at, text=text, cover=cover,
        poll=poll, pictures=pictures,
    )


async def _prove(conn: ReadConn, key: AnchorKey, entries: Sequence[Entry], is_shown: Callable[[Entry], bool]) -> Proof:
    """Entries that no anchor covers yet are left out."""
    anchors: dict[int, Anchor] = {}
    hashes: dict[int, list[bytes]] = {}
    proven: list[ProvenEntry] = []
    for entry in sorted((one for one in entries if one.position), key=lambda one: one.position or 0):
        assert entry.position is not None
        assert entry.hash is not None
        anchor = next((one for one in anchors.values() if one.since < entry.position <= one.position), None)
        anchor = anchor or await find_anchor_of(conn, entry.position)
        if anchor is None:
            continue
        if anchor.position not in anchors:
            anchors[anchor.position] = anchor
            hashes[anchor.position] = await list_hashes(conn, anchor.since, anchor.position)
        leaves, index = hashes[anchor.position], entry.position - anchor.since - 1
        previous = leaves[index - 1] if index else await find_hash(conn, entry.position - 1) or FIRST_HASH
        proven.append(ProvenEntry(
            position=entry.position, previous=previous.hex(), hash=entry.hash.hex(), anchor=anchor.position, index=index,
            path=[node.hex() for node in merkle_path(leaves, index)], row=_row(entry) if is_shown(entry) else None,
        ))
    return Proof(entries=proven, anchors=[f"{one.text} {key.sign(one.text)}" for one in anchors.values()])


def _row(entry: Entry) -> EntryRow:
    return EntryRow(
        id=entry.id, microseconds=(entry.at - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution, kind=entry.kind,
        case_id=entry.case_id, actor_id=entry.actor_id, facts=entry.facts, lane=entry.lane, number=entry.number,
    )
