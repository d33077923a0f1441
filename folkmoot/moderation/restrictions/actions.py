"""Imposes and lifts restrictions. Each action changes rows and applies the resulting effect in the same transaction."""

from datetime import datetime
from typing import Any

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.detection.queries import list_signals
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices.queries import list_notifiers
from folkmoot.moderation.reports.queries import count_reporters
from folkmoot.moderation.restrictions import queries
from folkmoot.moderation.restrictions.model import (
    Kind,
    Restriction,
    RestrictionImposed,
    RestrictionLifted,
    account_effect,
    is_limited,
    post_effect,
)
from folkmoot.moderation.statements.actions import issue_statement
from folkmoot.moderation.statements.model import Quoted, Source, Statement
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.actions import set_account_effect
from folkmoot.network.posts.actions import set_effect as set_post_effect
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.actions import forget_viewer


async def impose_restriction(
    tx: WriteTx, case: Case, kind: Kind, clause: Clause, *, verdict_id: int | None = None, explanation: str = "",
    until: datetime | None = None,
) -> Statement:
    """Restricts the subject of a case, or its author, and issues the statement of reasons in the same transaction, so that no
    restriction is without a statement.

    Writes restriction.imposed and statement.issued to the journal; emits restriction.imposed. Without a verdict the
    restriction is interim, imposed by the detector.
    """
    subject = kind.subject
    subject_id = case.account_id if subject is Subject.ACCOUNT else case.subject_id
    await queries.lock_subject(tx, subject, subject_id)
    restriction = Restriction(
        id=ids.make_id(ids.shard_of(case.account_id)), subject=subject, subject_id=subject_id, account_id=case.account_id, kind=kind,
        clause=clause.key, case_id=case.id, verdict_id=verdict_id, imposed_at=clock.now(), until=until,
    )
    quoted = await _read_quoted(tx, case, is_interim=verdict_id is None)
    await queries.insert_restriction(tx, restriction)
    await _apply_effect(tx, subject, subject_id)
    await record_step(tx, Step.RESTRICTION_IMPOSED, case_id=case.id, restriction=restriction.id, what=kind, subject=subject,
                      subject_id=subject_id, clause=clause.key, verdict=verdict_id)
    source, notifier = await _who_noticed(tx, case) if verdict_id else (Source.DETECTOR, "")
    statement = await issue_statement(
        tx, case, restriction.id, kind, clause.key, source=source, notifier=notifier, is_interim=restriction.is_interim, quoted=quoted,
        explanation=explanation, until=until, is_of_account=subject is Subject.ACCOUNT,
    )

    tx.tell(RestrictionImposed(**_event_fields(restriction)))
    return statement


async def lift_restriction(tx: WriteTx, restriction: Restriction, *, by_verdict_id: int | None = None) -> None:
    """Ends a restriction and undoes its effect exactly. Without a verdict: because it has expired, or its case was withdrawn.

    Writes restriction.lifted to the journal and emits it. A second call changes nothing.
    """
    await queries.lock_subject(tx, restriction.subject, restriction.subject_id)
    if not await queries.update_lifted(tx, restriction.id, clock.now(), by_verdict_id):
        return
    await _apply_effect(tx, restriction.subject, restriction.subject_id)
    await record_step(tx, Step.RESTRICTION_LIFTED, case_id=restriction.case_id, restriction=restriction.id, verdict=by_verdict_id)
    tx.tell(RestrictionLifted(**_event_fields(restriction)))


async def restore_restriction(tx: WriteTx, restriction: Restriction) -> None:
    """Puts a restriction back in force, because the verdict that lifted it was undone."""
    await queries.lock_subject(tx, restriction.subject, restriction.subject_id)
    if not await queries.update_lifted(tx, restriction.id, None, None):
        return
    await _apply_effect(tx, restriction.subject, restriction.subject_id)
    await record_step(tx, Step.RESTRICTION_IMPOSED, case_id=restriction.case_id, restriction=restriction.id, what=restriction.kind,
                      again=True)
    tx.tell(RestrictionImposed(**_event_fields(restriction)))


async def repair_effect(tx: WriteTx, subject: Subject, subject_id: int) -> None:
    """Derives the effect on a post or account again from its restrictions in force. Nobody is told: no restriction changes."""
    await queries.lock_subject(tx, subject, subject_id)
    await _apply_effect(tx, subject, subject_id)


def _event_fields(restriction: Restriction) -> dict[str, Any]:
    return {
        "restriction_id": restriction.id, "subject": restriction.subject, "subject_id": restriction.subject_id,
        "account_id": restriction.account_id, "what": restriction.kind,
    }


async def _apply_effect(tx: WriteTx, subject: Subject, subject_id: int) -> None:
    """Derives the effect from all restrictions in force. When that of an account changes, cached log-ins
    are dropped and open streams end."""
    standing = await queries.list_in_force(tx, subject, subject_id)
    if subject is Subject.POST:
        await set_post_effect(tx, subject_id, *post_effect(standing), is_limited=is_limited(standing))
        return
    effect: AccountEffect = account_effect(standing)
    if await set_account_effect(tx, subject_id, effect, is_limited=is_limited(standing)):
        forget_viewer(tx, subject_id)


async def _read_quoted(tx: WriteTx, case: Case, *, is_interim: bool) -> Quoted:
    """The author's text that a statement quotes: as it was reported and, if it was edited since, as it stands. A detector, which
    imposes interim restrictions, has examined only the latter."""
    present = (await read_subject(tx, case)).newest
    if not isinstance(present, PostVersion):
        return Quoted()
    kept = [] if is_interim else [one.version for one in await list_evidence(tx, case.id) if one.reported_at]
    return Quoted.of(*(version for version in (*kept[-1:], present) if isinstance(version, PostVersion)))


async def _who_noticed(tx: WriteTx, case: Case) -> tuple[Source, str]:
    """Who noticed the subject, and the kind of the registered contact that did."""
    notifiers = await list_notifiers(tx, [case.id])
    reports = await count_reporters(tx, [case.id])
    signals = await list_signals(tx, [case.id])
    return Source.of(is_noticed=case.id in notifiers, is_reported=bool(reports), is_signalled=bool(signals)), notifiers.get(case.id, "")
