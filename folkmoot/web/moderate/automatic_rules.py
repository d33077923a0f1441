"""Pages of automatic rules: which are in force, what came of their cases, the newest cases of each, and which are on trial."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.rules.model import Record
from folkmoot.moderation.rules.published import in_force, known_rule, newest_trial, on_trial
from folkmoot.moderation.rules.queries.outcomes import count_records, list_cases_of_rule
from folkmoot.moderation.rules.queries.trials import list_tried
from folkmoot.web.request import Request

_SINCE = timedelta(days=30)
_SHOWN = 50


async def index(request: Request) -> Reply:
    """The rules in force with their records, those on trial, and those that are not in force any more but met something."""
    now = clock.now()
    published, tried = in_force(), on_trial(now)
    async with request.database.read() as conn:
        records = await count_records(conn, now - _SINCE)
        met = await list_tried(conn, tried.version, 0) if tried else {}
    names = {rule.name for rule in published.rules.rules}
    return await request.show(
        "moderate/rules.html", published=published, records=[(rule, records.get(rule.name, Record())) for rule in published.rules.rules],
        trial=newest_trial() if tried else None, tried=[(rule, met.get(rule.name)) for rule in tried.rules.rules] if tried else [],
        earlier={name: record for name, record in sorted(records.items()) if name not in names},
    )


async def show(request: Request) -> Reply:
    """A rule as it is in force, or as it read last. Raises NotFound."""
    found = known_rule(request.value("rule"))
    name, tried = found.rule.name, on_trial(clock.now())
    async with request.database.read() as conn:
        cases = await list_cases_of_rule(conn, name, _SHOWN)
        record = (await count_records(conn, clock.now() - _SINCE)).get(name, Record())
    return await request.show(
        "moderate/rule.html", rule=found.rule, version=found.version, is_in_force=found.is_in_force,
        is_on_trial=tried is not None and tried.version == found.version, cases=cases, record=record,
    )


ROUTES = [
    Route("GET", "/moderate/rules", index, Access.MODERATOR),
    Route("GET", "/moderate/rules/{rule}", show, Access.MODERATOR),
]
