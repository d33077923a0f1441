"""Reports and rules through the client API."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET

from folkmoot.api import activity_shapes as shapes
from folkmoot.api.account_shapes import Account
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Id, NamedIds, PageOf20, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import Report, ReportDraft, ReportedCase
from folkmoot.moderation.reports.queries import get_own_report, list_outcomes, list_own_reports
from folkmoot.network.accounts.queries import get_account, list_accounts


class NewReport(Parameters, frozen=True, kw_only=True):
    account_id: Annotated[Id, about("The reported account.")]
    status_ids: Annotated[NamedIds, about("Posts of that account.")] = ()
    category: Annotated[str, about("`spam`, `legal`, `violation` or `other`.")] = ""
    rule_ids: Annotated[tuple[str, ...], about("The numbers of the broken rules, as in `/api/v1/instance/rules`.")] = ()
    comment: str = ""
    forward: Annotated[bool, about("Whether the server of the account is notified too.")] = False


async def create(request: Request, params: NewReport) -> Reply:
    """Files a report."""
    draft = ReportDraft(
        account_id=params.account_id, post_ids=params.status_ids, category=params.category or "other",
        clauses=tuple(clause_key(number) for number in params.rule_ids), comment=params.comment, forwards=params.forward,
    )
    async with request.database.write() as tx:
        report = await file_report(tx, request.account, draft)
        target = await get_account(tx, report.account_id)
    return request.json(_shape(report, request.entities.account(target)))


async def index(request: Request, params: PageOf20) -> Reply:
    """The reports of the member, newest first, each with what became of it. Those about accounts that were deleted since are left out."""
    async with request.database.read() as conn:
        reports = await list_own_reports(conn, request.viewer.id, params.page)
        outcomes = await list_outcomes(conn, [report.id for report in reports])
        targets = await list_accounts(conn, [report.account_id for report in reports])
    return request.listed([
        (report.id, _shape(report, request.entities.account(targets[report.account_id]), outcomes[report.id])) for report in reports
        if report.account_id in targets
    ])


async def show(request: Request) -> Reply:
    """One report of the member, with what became of it."""
    async with request.database.read() as conn:
        report = await get_own_report(conn, request.viewer.id, request.id())
        outcomes = await list_outcomes(conn, [report.id])
        target = await get_account(conn, report.account_id)
    return request.json(_shape(report, request.entities.account(target), outcomes[report.id]))


async def rules(request: Request) -> Reply:
    """The rules of the network."""
    return request.json([rule(clause, request.context.settings.network.language) for clause in current().clauses])


def rule(clause: Clause, language: str) -> shapes.Rule:
    """A clause as apps show it, in the network's language, with translations."""
    return shapes.Rule(
        id=str(clause.number), text=clause.title[language], hint=clause.text[language],
        translations={other: shapes.RuleText(text=clause.title[other], hint=clause.text[other]) for other in clause.title},
    )


def clause_key(number: str) -> str:
    """The key of a numbered clause. An unknown number is returned unchanged, and refused later as an unknown key."""
    clause = current().numbered(int(number)) if number.isdecimal() and len(number) < 9 else None
    return clause.key if clause else number


def _shape(report: Report, target: Account, outcomes: Sequence[ReportedCase] | None = None) -> shapes.Report:
    decided = [case.settled_at for case in outcomes or () if case.settled_at]
    is_over = bool(outcomes) and all(case.action or case.state == "withdrawn" for case in outcomes or ())
    return shapes.Report(
        id=str(report.id), action_taken=is_over, action_taken_at=moment(max(decided)) if is_over and decided else None,
        category=report.category, comment=report.comment, forwarded=report.forwards, created_at=moment(report.created_at),
        status_ids=[str(id_) for id_ in report.post_ids], rule_ids=[str(clause_of(key).number) for key in report.clauses],
        target_account=target, outcomes=UNSET if outcomes is None else [_outcome(case) for case in outcomes],
    )


def _outcome(case: ReportedCase) -> shapes.ReportOutcome:
    """Until the verdict is settled, the case is still open to its reporter."""
    return shapes.ReportOutcome(
        status_id=str(case.subject_id) if case.is_about_post else None,
        state="withdrawn" if case.state == "withdrawn" else "decided" if case.action else "open", action=case.action,
        rule_id=str(clause_of(case.clause).number) if case.action and case.clause else None,
        decided_at=moment(case.settled_at) if case.settled_at else None, due_at=moment(case.due_at),
    )


ROUTES = [
    endpoint("POST", "/api/v1/reports", create, Access.MEMBER, "write:reports", limit="report", params=NewReport, answer=shapes.Report),
    endpoint("GET", "/api/v1/reports", index, Access.MEMBER, "read", params=PageOf20, answer=list[shapes.Report]),
    endpoint("GET", "/api/v1/reports/{id}", show, Access.MEMBER, "read", answer=shapes.Report),
    endpoint("GET", "/api/v1/instance/rules", rules, Access.PUBLIC, answer=list[shapes.Rule]),
]
