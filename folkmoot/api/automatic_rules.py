"""Automatic rules through the client API: the same as the page `/moderate/rules`. Not part of the Mastodon API."""

from datetime import timedelta

from folkmoot.api import moderation_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.rules.conditions import written
from folkmoot.moderation.rules.model import Record, Rule, TrialResult
from folkmoot.moderation.rules.published import in_force, known_rule, newest_trial, on_trial
from folkmoot.moderation.rules.queries.outcomes import RuleCase, count_records, list_cases_of_rule
from folkmoot.moderation.rules.queries.trials import list_tried

_SINCE = timedelta(days=30)
_SHOWN = 50


async def index(request: Request) -> Reply:
    """The automatic rules in force, with what came of their cases in 30 days."""
    published = in_force()
    async with request.database.read() as conn:
        records = await count_records(conn, clock.now() - _SINCE)
    return request.json([_rule(one, published.version, records.get(one.name, Record())) for one in published.rules.rules])


async def show(request: Request) -> Reply:
    """An automatic rule with its newest cases."""
    found = known_rule(request.value("rule"))
    async with request.database.read() as conn:
        cases = await list_cases_of_rule(conn, found.rule.name, _SHOWN)
        record = (await count_records(conn, clock.now() - _SINCE)).get(found.rule.name, Record())
    return request.json(shapes.AutomaticRuleDetails(
        rule=_rule(found.rule, found.version, record), is_in_force=found.is_in_force, newest=[_case(one) for one in cases],
    ))


async def trial(request: Request) -> Reply:
    """What the rules on trial have met so far; null without a trial."""
    tried = on_trial(clock.now())
    run = newest_trial()
    if tried is None or run is None:
        return request.json(None)
    async with request.database.read() as conn:
        found = await list_tried(conn, tried.version, 0)
    nothing = TrialResult(record=Record(), authors=0, post_ids=())
    return request.json(shapes.RuleTrial(
        version=tried.version, started_at=moment(run.started_at), ends_at=moment(run.ends_at),
        rules=[_tried(one, tried.version, found.get(one.name, nothing)) for one in tried.rules.rules],
    ))


def _case(one: RuleCase) -> shapes.CaseOfRule:
    return shapes.CaseOfRule(
        case_id=str(one.case_id), subject="post" if one.subject == "post" else "account", is_open=one.is_open, action=one.action,
        reasons=list(one.reasons), raised_at=moment(one.raised_at),
    )


def _tried(rule: Rule, version: str, result: TrialResult) -> shapes.TriedRule:
    record = result.record
    return shapes.TriedRule(
        rule=_rule(rule, version, Record()), met=record.met, authors=result.authors, decided=record.decided, violations=record.violations,
        precision=list(record.precision) if record.precision else None,
    )


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


_BASE, _READ = "/api/folkmoot/v1/moderation", (Access.MODERATOR, "admin:read:reports")
ROUTES = [
    endpoint("GET", f"{_BASE}/rules", index, *_READ, answer=list[shapes.AutomaticRule]),
    endpoint("GET", f"{_BASE}/rules/{{rule}}", show, *_READ, answer=shapes.AutomaticRuleDetails),
    endpoint("GET", f"{_BASE}/rule_trial", trial, *_READ, answer=shapes.RuleTrial | None),
]
