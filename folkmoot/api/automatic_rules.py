"""Automatic rules through the client API: the same as the page `/moderate/rules`. Not part of the Mastodon API."""

from datetime import timedelta

from folkmoot.api import moderation_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.request import Request
from folkmoot.base import clock
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.rules.conditions import written
from folkmoot.moderation.rules.model import Record, Rule
from folkmoot.moderation.rules.published import in_force
from folkmoot.moderation.rules.queries.outcomes import count_records

_SINCE = timedelta(days=30)


async def index(request: Request) -> Reply:
    """The automatic rules in force, with what came of their cases in 30 days."""
    published = in_force()
    async with request.database.read() as conn:
        records = await count_records(conn, clock.now() - _SINCE)
    return request.json([_rule(one, published.version, records.get(one.name, Record())) for one in published.rules.rules])


def _rule(rule: Rule, version: str, record: Record) -> shapes.AutomaticRule:
    return shapes.AutomaticRule(
        name=rule.name, version=version, about=rule.about.value, title=rule.title, text=rule.text, clause=rule.clause,
        probability=rule.probability, measures=[one.name.lower() for one in rule.measures],
        groups=[
            shapes.RuleConditions(of=one.quantifier.value, conditions=[written(condition) for condition in one.conditions])
            for one in rule.groups
        ],
        cases=record.met, decided=record.decided, violations=record.violations,
        precision=list(record.precision) if record.precision else None,
    )


ROUTES = [
    endpoint(
        "GET", "/api/folkmoot/v1/moderation/rules", index, Access.MODERATOR, "admin:read:reports", answer=list[shapes.AutomaticRule],
    ),
]
