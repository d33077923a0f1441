"""Filing a report, and telling reporters what became of it."""

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Forbidden, Invalid, NotFound
from folkmoot.base.text import clean
from folkmoot.moderation.cases.actions import open_case, weigh_case
from folkmoot.moderation.cases.model import Case, Subject, accuracy_of, probability_of
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.queries import get_highest_score
from folkmoot.moderation.journal.actions import note
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.reports import queries
from folkmoot.moderation.reports.model import CLAUSE_OF, LONGEST_COMMENT, MOST_POSTS, Category, Report, ReportDraft
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts.queries import list_post_views


async def file_report(tx: WriteTx, reporter: Account, draft: ReportDraft) -> Report:
    """Points out posts, or an account, to those who decide.

    Members. Each post joins its own open case; where people have let the same words stand under the same rule, the
    report gets that outcome. A second report by the same member in an open case gives the first one back. Writes
    report.filed to the journal. Raises Invalid, NotFound for what the reporter cannot see, Forbidden for oneself.
    """
    draft = _checked(draft)
    account, post_ids = await _seen_target(tx, reporter, draft)
    clause = gravest(draft)

    report = Report(
        id=ids.make_id(ids.shard_of(reporter.id)), reporter_id=reporter.id, account_id=account.id, post_ids=post_ids,
        category=Category(draft.category), clauses=draft.clauses, comment=draft.comment, forwards=draft.forwards,
        created_at=clock.now(),
    )
    subjects = [(Subject.POST, id_) for id_ in sorted(post_ids)] or [(Subject.ACCOUNT, account.id)]
    joined: list[Case] = []
    answered: list[int] = []
    for subject, subject_id in subjects:
        settled = await queries.find_settled_keep(tx, subject_id) if subject is Subject.POST else None
        if settled and clause.key in settled[1]:
            answered.append(settled[0])
            continue
        joined.append(await open_case(tx, subject, subject_id, account.id, clause))
    # In each case a member speaks once, however many reports name its post.
    earlier = {id_: await queries.find_own_report(tx, reporter.id, id_) for id_ in (*answered, *(case.id for case in joined))}
    said = [found for found in earlier.values() if found]
    if len(said) == len(earlier):
        return said[0]
    await queries.insert_report(tx, report)
    for case in joined:
        if not earlier[case.id]:
            await _join(tx, case, report, clause)
    for case_id in answered:
        if not earlier[case_id]:
            await queries.insert_report_case(tx, case_id, report)
            await note(tx, Step.REPORT_FILED, case_id=case_id, actor_id=reporter.id, report=report.id, answered=True)
            await tell_outcome(tx, case_id)
    return report


async def _seen_target(tx: WriteTx, reporter: Account, draft: ReportDraft) -> tuple[Account, tuple[int, ...]]:
    """The account that is reported, and the posts, each once: all of them its own, and visible to the reporter."""
    if draft.account_id == reporter.id:
        raise Forbidden("This is you.")
    account = await get_account(tx, draft.account_id)
    if account.effect >= AccountEffect.SUSPENDED:
        raise NotFound
    seen = {view.shown.id: view.shown for view in await list_post_views(tx, draft.post_ids, reporter.id)}
    post_ids = tuple(dict.fromkeys(id_ for id_, post in seen.items() if post.author.id == account.id))
    if len(seen) < len(set(draft.post_ids)) or len(post_ids) < len(seen):
        raise NotFound
    return account, post_ids


async def _join(tx: WriteTx, case: Case, report: Report, clause: Clause) -> None:
    await queries.insert_report_case(tx, case.id, report)
    accuracies = [accuracy_of(right, decided) for right, decided in await queries.list_accuracies(tx, case.id)]
    probability = probability_of(await get_highest_score(tx, case.id), accuracies)
    await weigh_case(tx, case, clause, probability, barred_ids=(report.reporter_id,))
    await note(tx, Step.REPORT_FILED, case_id=case.id, actor_id=report.reporter_id, report=report.id, category=report.category,
               clauses=list(report.clauses))


async def tell_outcome(tx: WriteTx, case_id: int) -> None:
    """Tells every reporter of a case who has not been told. A second time tells nobody."""
    while told := await queries.take_untold(tx, case_id):
        for report_id, reporter_id in told:
            await tell_from_network(tx, reporter_id, Kind.REPORT, report_id)


def gravest(draft: ReportDraft) -> Clause:
    """The gravest clause that a report names; without any, the one that its category means."""
    policy = current()
    named = [policy.clause(key) for key in draft.clauses] or [policy.clause(CLAUSE_OF[Category(draft.category)])]
    return max(named, key=lambda clause: clause.severity)


def _checked(draft: ReportDraft) -> ReportDraft:
    errors = []
    comment = clean(draft.comment)
    known = {clause.key for clause in current().clauses}
    if draft.category not in list(Category):
        errors.append(FieldError("category", "inclusion", "There is no such kind of report."))
    if len(comment) > LONGEST_COMMENT:
        errors.append(FieldError("comment", "too_long", "This text has at most %(limit)d characters.", {"limit": LONGEST_COMMENT}))
    if len(draft.post_ids) > MOST_POSTS:
        errors.append(FieldError("post_ids", "too_many", "A report names at most %(limit)d posts.", {"limit": MOST_POSTS}))
    if not set(draft.clauses) <= known:
        errors.append(FieldError("clauses", "inclusion", "There is no such rule."))
    if errors:
        raise Invalid(*errors)
    category = Category.VIOLATION if draft.clauses else draft.category
    return ReportDraft(
        account_id=draft.account_id, post_ids=draft.post_ids, category=category, clauses=tuple(dict.fromkeys(draft.clauses)),
        comment=comment, forwards=draft.forwards,
    )
