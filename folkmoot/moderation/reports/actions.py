"""Files reports, and notifies reporters of the outcome."""

from datetime import timedelta

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, FieldError, Forbidden, Invalid, NotFound, Plural
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.cases.actions import estimate_case, open_case, withdraw_cases
from folkmoot.moderation.cases.model import Case, Subject, probability_of
from folkmoot.moderation.cases.queries import get_case, list_open_cases_of_post, lock_case, update_barred
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.queries import list_highest_scores
from folkmoot.moderation.evidence.actions import keep_deleted, keep_reported
from folkmoot.moderation.holds.queries import list_held_cases_of_post
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices.queries import list_noticed, list_notices_of_case
from folkmoot.moderation.reports import queries
from folkmoot.moderation.reports.model import (
    LONGEST_COMMENT,
    MOST_POSTS,
    NO_PLACE,
    Category,
    Report,
    ReportDraft,
    TellOutcome,
    adds_to,
    clause_of_category,
    family_of,
)
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import find_kept_effect, get_account
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries import find_deleted_unscoped, list_reportable
from folkmoot.network.posts.versions import Reportable
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.queries import list_logins

MAILS_APART = timedelta(days=1)  # to one reporter; notifications come at once
TELL = "reports.tell_outcome"  # job
_TOLD_AT_ONCE = 500  # reporters of one case
_MAILS_AT_ONCE = 200  # so that a thousand reporters of one post do not delay the mails of others


async def file_report(tx: WriteTx, reporter: Account, draft: ReportDraft) -> Report:
    """Reports posts, or an account.

    Members, about everything that was ever shown to them, also if it was deleted since (for a day) or its author has blocked
    them. Each post joins its own open case; where the same version was decided under the same clause, the report gets that
    outcome at once. A second report by the same member joins the same case if it says something new (`adds_to`), and else
    returns the earlier one. What was reported is kept as evidence. Writes report.filed to the journal. Raises Invalid,
    NotFound for what the reporter was never shown, Forbidden for one's own account.
    """
    draft = _checked(draft)
    account, posts = await _get_target(tx, reporter, draft)
    clause = gravest_clause(draft)

    report = Report(
        id=ids.make_id(ids.shard_of(reporter.id)), reporter_id=reporter.id, account_id=account.id, post_ids=tuple(posts),
        category=Category(draft.category), clauses=draft.clauses, comment=draft.comment, forwards=draft.forwards,
        created_at=clock.now(), family=draft.family,
    )
    subjects = [(Subject.POST, id_) for id_ in sorted(posts)] or [(Subject.ACCOUNT, account.id)]
    joined: list[Case] = []
    answered: list[int] = []
    for subject, subject_id in subjects:
        settled = await queries.find_settled(tx, subject_id, posts[subject_id].edited_at, clause.key) if subject is Subject.POST else None
        if settled:
            answered.append(settled)
            continue
        joined.append(await open_case(tx, subject, subject_id, account.id, clause))
    for case_id in answered:
        await lock_case(tx, case_id)  # open_case has locked the others: of two equal reports at once, the second sees the first
    earlier = {id_: await queries.list_own_reports_of_case(tx, reporter.id, id_) for id_ in (*answered, *(case.id for case in joined))}
    extended = [id_ for id_, reports in earlier.items() if adds_to(report, reports)]
    if not extended:
        return next(iter(earlier.values()))[-1]
    await queries.insert_report(tx, report)
    for case in joined:
        if case.id in extended:
            await _join(tx, reporter, case, report, clause)
    for case_id in answered:
        if case_id in extended:
            await queries.insert_report_case(tx, case_id, report, NO_PLACE)
            await record_step(tx, Step.REPORT_FILED, case_id=case_id, actor_id=reporter.id, report=report.id, answered=True)
            await tell_outcome(tx, case_id)
    return report


async def _get_target(tx: WriteTx, reporter: Account, draft: ReportDraft) -> tuple[Account, dict[int, Reportable]]:
    """The reported account, and its posts by id. Raises NotFound for posts of other accounts, and for those that were never shown
    to the reporter, whether they exist or not."""
    if draft.account_id == reporter.id:
        raise Forbidden("This is you.")
    account = await get_reportable_account(tx, draft.account_id)
    wanted = list(dict.fromkeys(draft.post_ids))
    found = await list_reportable(tx, wanted, reporter.id)
    if len(found) < len(wanted) or any(post.account_id != account.id for post in found):
        raise NotFound
    return account, {post.post_id: post for post in found}


async def get_reportable_account(conn: ReadConn, account_id: int) -> Account:
    """Raises NotFound for a missing or suspended account. One that is leaving looks suspended, and can still be reported."""
    account = await get_account(conn, account_id)
    effect = account.effect
    if effect >= AccountEffect.SUSPENDED:
        kept = await find_kept_effect(conn, account_id)
        effect = effect if kept is None else kept
    if effect >= AccountEffect.SUSPENDED:
        raise NotFound
    return account


async def _join(tx: WriteTx, reporter: Account, case: Case, report: Report, clause: Clause) -> None:
    await queries.insert_report_case(tx, case.id, report, await queries.find_place(tx, reporter, case, clause.severity))
    await keep_reported(tx, case)
    score = (await list_highest_scores(tx, [case.id])).get(case.id, 0.0)
    probability = probability_of(score, (await queries.list_weights(tx, [case.id])).get(case.id, ()))
    noticed = max((notice.probability for notice in await list_notices_of_case(tx, case.id)), default=0.0)
    await estimate_case(tx, case, clause, max(probability, noticed))
    deleted = await find_deleted_unscoped(tx, case.subject_id) if case.subject is Subject.POST else None
    if deleted:
        await update_barred(tx, deleted.post_id, deleted.participant_ids)
    await record_step(tx, Step.REPORT_FILED, case_id=case.id, actor_id=report.reporter_id, report=report.id, category=report.category,
                      clauses=list(report.clauses))


async def keep_deleted_post(tx: WriteTx, post_id: int) -> None:
    """Keeps a deleted post for those who decide about it, and bars those who took part in it from deciding.

    Cases that somebody reported or sent a notice about, and appeals, stay open, and the author is notified, except about a
    message, whose few readers would be suspected of the report. A case that only a detector opened is withdrawn.
    """
    cases = await list_open_cases_of_post(tx, post_id)
    reporters = await queries.count_reporters(tx, [case.id for case in cases])
    noticed = await list_noticed(tx, [case.id for case in cases])
    kept = [case for case in cases if case.is_appeal or reporters.get(case.id) or case.id in noticed]
    await withdraw_cases(tx, [case for case in cases if case not in kept])
    deleted = await find_deleted_unscoped(tx, post_id)
    if deleted is None:
        return
    await update_barred(tx, post_id, deleted.participant_ids)
    held = [await get_case(tx, id_) for id_ in await list_held_cases_of_post(tx, post_id)]
    for case in (*kept, *(one for one in held if one not in kept)):
        await keep_deleted(tx, case, deleted.versions)
    if kept and deleted.visibility is not Visibility.DIRECT:
        await tell_from_network(tx, deleted.account_id, Kind.KEPT, kept[0].id)


async def tell_outcome(tx: WriteTx, case_id: int, most: int = _TOLD_AT_ONCE) -> None:
    """Notifies the reporters of a case who have not been notified: in the network at once, and by the next mail about outcomes. Of many,
    the rest is a job of its own, so that no transaction grows with their number. A further call for a case in which all are notified
    does nothing."""
    told = await queries.take_untold(tx, case_id, most)
    for report_id, reporter_id in told:
        await tell_from_network(tx, reporter_id, Kind.REPORT, report_id)
    await queries.upsert_outcome_mails(tx, told, clock.now(), MAILS_APART)
    if len(told) == most:
        tx.enqueue(TELL, TellOutcome(case_id))


async def mail_outcomes(tx: WriteTx, most: int = _MAILS_AT_ONCE) -> int:
    """Sends mails about outcomes that are due; returns how many were due. Members who want none, or whose address
    is not confirmed, get none."""
    due = {mail.account_id: mail for mail in await queries.take_due_mails(tx, clock.now(), most)}
    for login in await list_logins(tx, list(due)):
        if login.confirmed_at and login.preferences.outcome_mails:
            mail = due[login.account_id]
            text, link = ("report", f"/reports/{mail.report_id}") if mail.reports == 1 else ("reports", "/reports")
            send_mail(tx, Mail(text, login.email, login.language, link, count=mail.reports))
    return len(due)


def gravest_clause(draft: ReportDraft) -> Clause:
    """The gravest clause that a report names; without any, the one that its category stands for."""
    policy = current()
    named = _named(draft) or [clause_of_category(Category(draft.category), policy)]
    return max(named, key=lambda clause: clause.severity)


def _checked(draft: ReportDraft) -> ReportDraft:
    errors = []
    comment = clean(draft.comment)
    known = {clause.key for clause in current().clauses}
    if draft.category not in list(Category):
        errors.append(FieldError("category", "inclusion", "There is no such kind of report."))
    if count_characters(comment) > LONGEST_COMMENT:
        errors.append(FieldError("comment", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_COMMENT}))
    if len(draft.post_ids) > MOST_POSTS:
        errors.append(FieldError(
            "post_ids", "too_many",
            Plural("A report can name at most %(limit)d post.", "A report can name at most %(limit)d posts.", "limit"),
            {"limit": MOST_POSTS},
        ))
    if not set(draft.clauses) <= known:
        errors.append(FieldError("clauses", "inclusion", "There is no such rule."))
    if errors:
        raise Invalid(*errors)
    category = Category.VIOLATION if draft.clauses else draft.category
    return ReportDraft(
        account_id=draft.account_id, post_ids=draft.post_ids, category=category, clauses=tuple(dict.fromkeys(draft.clauses)),
        comment=comment, forwards=draft.forwards, family=draft.family or family_of(Category(category), _named(draft)),
    )


def _named(draft: ReportDraft) -> list[Clause]:
    return [current().clause(key) for key in draft.clauses]
