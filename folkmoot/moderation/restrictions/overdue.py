"""Hides posts about which nobody has decided at the deadline, many at once: a backlog that is due at the same moment takes
a few statements for each batch, not dozens for each case."""

from collections.abc import Sequence

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import HIDES_AHEAD, Case, Subject
from folkmoot.moderation.cases.queries import take_overdue
from folkmoot.moderation.clauses.published import policy_of
from folkmoot.moderation.detection.queries import list_signals
from folkmoot.moderation.journal.actions import record_steps
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices.queries import list_notifiers
from folkmoot.moderation.reports.queries import count_reporters
from folkmoot.moderation.restrictions import queries
from folkmoot.moderation.restrictions.model import Kind, Restriction, RestrictionImposed
from folkmoot.moderation.statements.actions import issue_interim_statements
from folkmoot.moderation.statements.model import Quoted, Source, Statement
from folkmoot.network.posts.actions import hide_posts
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.posts.versions import PostVersion

BATCH = 200  # cases in a transaction


async def hide_overdue(tx: WriteTx) -> int:
    """Hides the posts of cases whose deadline comes within a minute, until people decide; returns the number of cases.

    Each author gets the statement of reasons at once. Which cases: `Case.hides_at_deadline`. Posts that are hidden pending review
    already stay as they are (decisions 0080, 0100). Writes restriction.imposed and statement.issued to the journal; emits
    restriction.imposed.
    """
    now = clock.now()
    cases = await take_overdue(tx, now + HIDES_AHEAD, now, BATCH)
    if cases:
        await _hide(tx, cases)
    return len(cases)


async def _hide(tx: WriteTx, cases: Sequence[Case]) -> None:
    subject_ids = [case.subject_id for case in cases]
    await queries.lock_posts(tx, subject_ids)
    await queries.lock_subjects(tx, Subject.POST, subject_ids)
    posts = await list_posts_by_ids_unscoped(tx, subject_ids)
    covered = await queries.list_hidden_until_decided(tx, Subject.POST, subject_ids)
    hidden = [case for case in cases if case.subject_id in posts and case.subject_id not in covered]
    if not hidden:
        return
    now = clock.now()
    imposed = [
        Restriction(
            id=ids.make_id(ids.shard_of(case.account_id), now), subject=Subject.POST, subject_id=case.subject_id,
            account_id=case.account_id, kind=Kind.HIDE, clause=case.clause, case_id=case.id, verdict_id=None, imposed_at=now, until=None,
        )
        for case in hidden
    ]
    await queries.insert_restrictions(tx, imposed)
    await hide_posts(tx, [restriction.subject_id for restriction in imposed])
    await record_steps(tx, Step.RESTRICTION_IMPOSED, [
        (one.case_id, {"restriction": one.id, "what": one.kind, "subject": one.subject, "subject_id": one.subject_id, "clause": one.clause,
                       "deadline": True})
        for one in imposed
    ])
    found = await _who_noticed(tx, hidden)
    await issue_interim_statements(tx, [
        _statement(restriction, *found[restriction.case_id], Quoted.of(PostVersion.of(posts[restriction.subject_id])))
        for restriction in imposed
    ])
    tx.tell(*(
        RestrictionImposed(restriction_id=one.id, subject=one.subject, subject_id=one.subject_id, account_id=one.account_id, what=one.kind)
        for one in imposed
    ))


def _statement(restriction: Restriction, source: Source, notifier: str, quoted: Quoted) -> Statement:
    return Statement(
        id=ids.make_id(ids.shard_of(restriction.account_id)), account_id=restriction.account_id, restriction_id=restriction.id,
        case_id=restriction.case_id, kind=restriction.kind, clause=restriction.clause, policy=policy_of(restriction.clause).version,
        quote=quoted.text, explanation="", source=source, is_interim=True, is_after_deadline=True, posted_at=quoted.posted_at,
        until=None, issued_at=restriction.imposed_at, told_at=restriction.imposed_at, notifier=notifier,
        content_types=quoted.content_types, content_language=quoted.language,
    )


async def _who_noticed(tx: WriteTx, cases: Sequence[Case]) -> dict[int, tuple[Source, str]]:
    """By case: who noticed its subject, and the kind of the registered contact that did."""
    case_ids = [case.id for case in cases]
    notifiers, reported = await list_notifiers(tx, case_ids), await count_reporters(tx, case_ids)
    signalled = {signal.case_id for signal in await list_signals(tx, case_ids)}
    return {
        id_: (Source.of(is_noticed=id_ in notifiers, is_reported=id_ in reported, is_signalled=id_ in signalled), notifiers.get(id_, ""))
        for id_ in case_ids
    }
