"""Reports and rules through the client API."""

from typing import Annotated

from folkmoot.api import activity_shapes as shapes
from folkmoot.api.account_shapes import Account
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Id, NamedIds, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import Report, ReportDraft
from folkmoot.network.accounts.queries import get_account


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
        clauses=tuple(_key(number) for number in params.rule_ids), comment=params.comment, forwards=params.forward,
    )
    async with request.database.write() as tx:
        report = await file_report(tx, request.account, draft)
        target = await get_account(tx, report.account_id)
    return request.json(_shape(report, request.entities.account(target)))


async def rules(request: Request) -> Reply:
    """The rules of the network."""
    return request.json([rule(clause, request.context.settings.network.language) for clause in current().clauses])


def rule(clause: Clause, language: str) -> shapes.Rule:
    """A clause as apps show it, in the network's language, with translations."""
    return shapes.Rule(
        id=str(clause.number), text=clause.title[language], hint=clause.text[language],
        translations={other: shapes.RuleText(text=clause.title[other], hint=clause.text[other]) for other in clause.title},
    )


def _key(number: str) -> str:
    """The key of a numbered clause. An unknown number is returned unchanged, and refused later as an unknown key."""
    clause = current().numbered(int(number)) if number.isdecimal() and len(number) < 9 else None
    return clause.key if clause else number


def _shape(report: Report, target: Account) -> shapes.Report:
    return shapes.Report(
        id=str(report.id), action_taken=False, action_taken_at=None, category=report.category, comment=report.comment,
        forwarded=report.forwards, created_at=moment(report.created_at), status_ids=[str(id_) for id_ in report.post_ids],
        rule_ids=[str(clause_of(key).number) for key in report.clauses], target_account=target,
    )


ROUTES = [
    endpoint("POST", "/api/v1/reports", create, Access.MEMBER, "write:reports", limit="report", params=NewReport, answer=shapes.Report),
    endpoint("GET", "/api/v1/instance/rules", rules, Access.PUBLIC, answer=list[shapes.Rule]),
]
