"""Examining a post or a profile once it is there: what is over a threshold becomes a signal in its case."""

from collections.abc import Callable, Sequence
from typing import Protocol

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.actions import open_case, weigh_case
from folkmoot.moderation.cases.model import Subject, probability_of
from folkmoot.moderation.cases.queries import keep_subject, was_decided
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection import queries
from folkmoot.moderation.detection.model import Finding, Words
from folkmoot.moderation.detection.signals import Signal, SignalRaised
from folkmoot.moderation.journal.actions import note
from folkmoot.moderation.journal.model import Step

CLAUSE = "violence"  # what the detector looks for


class Scorer(Protocol):
    """What is asked of a detector; larger ones can take its place."""

    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Finding]: ...


Loader = Callable[[], Scorer]


async def raise_signal(tx: WriteTx, words: Words, finding: Finding) -> None:
    """Brings a finding over the queue threshold into the case of its post or profile. A second time changes nothing, and
    neither does a finding about words that people have decided on.

    Writes signal.raised to the journal and tells it.
    """
    if not await keep_subject(tx, words.subject, words.subject_id) or await _was_decided(tx, words):
        return
    is_post = words.subject is Subject.POST
    clause = current().clause(CLAUSE)
    case = await open_case(tx, words.subject, words.subject_id, words.account_id, clause)
    signal = Signal(
        id=ids.make_id(ids.shard_of(words.account_id)), case_id=case.id, post_id=words.subject_id if is_post else None,
        edited_at=words.edited_at, account_id=None if is_post else words.account_id, words=None if is_post else words.key,
        detector=finding.detector, version=finding.version, clause=clause.key, score=finding.score, is_hiding=finding.hide,
        reasons=tuple(finding.reasons[:8]), created_at=clock.now(),
    )
    if not await queries.insert_signal(tx, signal):
        return
    await weigh_case(tx, case, clause, max(case.probability, probability_of(finding.score, ())))
    await note(tx, Step.SIGNAL_RAISED, case_id=case.id, detector=finding.detector, version=finding.version,
               score=round(finding.score, 4), hides=finding.hide and is_post)
    tx.tell(SignalRaised(
        case_id=case.id, post_id=signal.post_id, clause=clause.key, edited_at=words.edited_at, is_hiding=finding.hide and is_post
    ))


async def _was_decided(tx: WriteTx, words: Words) -> bool:
    if words.subject is Subject.POST:
        return await was_decided(tx, words.subject, words.subject_id, words.edited_at)
    return await queries.was_profile_decided(tx, words)
