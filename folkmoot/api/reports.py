"""Reports and rules through the client API."""

from typing import Any

from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import Report, ReportDraft
from folkmoot.network.accounts.queries import get_account


async def create(request: Request) -> Reply:
    """Files a report. Rules are named by their numbers, as `/api/v1/instance/rules` gives them."""
    params = await request.params()
    params.required("account_id")
    draft = ReportDraft(
        account_id=params.id("account_id") or 0, post_ids=tuple(params.ids("status_ids")), category=params.text("category") or "other",
        clauses=tuple(_key(number) for number in params.texts("rule_ids")), comment=params.text("comment"), forwards=params.flag("forward"),
    )
    async with request.database.write() as tx:
        report = await file_report(tx, request.account, draft)
        target = await get_account(tx, report.account_id)
    return request.json(_shape(report, request.entities.account(target)))


async def rules(request: Request) -> Reply:
    return request.json([rule(clause, request.context.settings.network.language) for clause in current().clauses])


def rule(clause: Clause, language: str) -> dict[str, Any]:
    """A clause as apps show it, in the network's language, with the others beside it."""
    return {
        "id": str(clause.number), "text": clause.title[language], "hint": clause.text[language],
        "translations": {other: {"text": clause.title[other], "hint": clause.text[other]} for other in clause.title},
    }


def _key(number: str) -> str:
    """The key of a numbered clause; a number that is none becomes a key that is none, and is refused with its field."""
    clause = current().numbered(int(number)) if number.isdecimal() and len(number) < 9 else None
    return clause.key if clause else number


def _shape(report: Report, target: dict[str, Any]) -> dict[str, Any]:
    policy = current()
    return {
        "id": str(report.id), "action_taken": False, "action_taken_at": None, "category": report.category, "comment": report.comment,
        "forwarded": report.forwards, "created_at": moment(report.created_at), "status_ids": [str(id_) for id_ in report.post_ids],
        "rule_ids": [str(policy.clause(key).number) for key in report.clauses], "target_account": target,
    }


ROUTES = [
    Route("POST", "/api/v1/reports", create, Access.MEMBER, "write:reports", limit="report"),
    Route("GET", "/api/v1/instance/rules", rules, Access.PUBLIC),
]
