"""Turns a finding over a threshold into a signal in the case of its post or profile."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.actions import estimate_case, open_case
from folkmoot.moderation.cases.model import Case, Subject, probability_of
from folkmoot.moderation.cases.queries import find_open_case, protect_subject, was_decided
from folkmoot.moderation.clauses.model import Clause, Family
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection import queries
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.detection.signals import Signal, SignalRaised
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step

FAMILY = Family.VIOLENCE  # what the detector looks for


class Scorer(Protocol):
    """The interface of a detector, so that a larger model can replace the packaged one."""

    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Finding]: ...


class CurrentScorer(Protocol):
    """The detector that a network uses at this moment."""

    def __call__(self) -> Scorer: ...
    async def refresh(self, conn: ReadConn) -> None: ...


Loader = Callable[[], Scorer]
Refresh = Callable[[ReadConn], Awaitable[None]]


async def raise_signal(
    tx: WriteTx, text: ExaminedText, finding: Finding, clause: Clause | None = None, measures: Sequence[str] = ()
) -> Case | None:
    """Adds a finding over the queue threshold to the case of its post or profile, which is opened if needed, and returns the
    case. A second call changes nothing, and neither does a finding about a text that has been decided; both return None.
    `clause`: the suspected one; None: that of threats. `measures`: what is imposed until people decide, besides hiding.

    Writes signal.raised to the journal and emits it.
    """
    await find_open_case(tx, text.subject, text.subject_id)  # locked before its subject, as in a decision
    if not await protect_subject(tx, text.subject, text.subject_id) or await _is_decided(tx, text):
        return None
    is_post = text.subject is Subject.POST
    clause = clause or current().of_family(FAMILY)
    case = await open_case(tx, text.subject, text.subject_id, text.account_id, clause)
    signal = Signal(
        id=ids.make_id(ids.shard_of(text.account_id)), case_id=case.id, post_id=text.subject_id if is_post else None,
        edited_at=text.edited_at, account_id=None if is_post else text.account_id, words=None if is_post else text.key,
        detector=finding.detector, version=finding.version, clause=clause.key, score=finding.score, is_hiding=finding.hide,
        reasons=tuple(finding.reasons[:8]), cues=finding.cues, created_at=clock.now(),
    )
    if not await queries.insert_signal(tx, signal):
        return None
    case = await estimate_case(tx, case, clause, max(case.probability, probability_of(finding.score, ())))
    await record_step(tx, Step.SIGNAL_RAISED, case_id=case.id, detector=finding.detector, version=finding.version,
                      score=round(finding.score, 4), hides=finding.hide and is_post)
    tx.tell(SignalRaised(
        case_id=case.id, post_id=signal.post_id, clause=clause.key, edited_at=text.edited_at, is_hiding=finding.hide and is_post,
        measures=tuple(measures) if is_post else (), detector=finding.detector, version=finding.version,
    ))
    return case


async def _is_decided(tx: WriteTx, text: ExaminedText) -> bool:
    if text.subject is Subject.POST:
        return await was_decided(tx, text.subject, text.subject_id, text.edited_at)
    return await queries.was_profile_decided(tx, text)
