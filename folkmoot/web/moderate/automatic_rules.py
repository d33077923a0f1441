"""Pages of automatic rules: which are in force, what came of their cases, and the newest cases of each."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.rules.model import Record
from folkmoot.moderation.rules.published import in_force, versions
from folkmoot.moderation.rules.queries.outcomes import count_records, list_cases_of_rule
from folkmoot.web.request import Request

_SINCE = timedelta(days=30)
_SHOWN = 50


async def index(request: Request) -> Reply:
    """The rules in force with their records, and those that are not in force any more but met something."""
    published = in_force()
    async with request.database.read() as conn:
        records = await count_records(conn, clock.now() - _SINCE)
    names = {rule.name for rule in published.rules.rules}
    return await request.show(
        "moderate/rules.html", published=published, records=[(rule, records.get(rule.name, Record())) for rule in published.rules.rules],
        earlier={name: record for name, record in sorted(records.items()) if name not in names},
    )


async def show(request: Request) -> Reply:
    """A rule as it is in force, or as it read last. Raises NotFound."""
    name = request.value("rule")
    known = [one.rules for one in (in_force(), *reversed(versions())) if one.rules.find(name)]
    if not known:
        raise NotFound
    async with request.database.read() as conn:
        cases = await list_cases_of_rule(conn, name, _SHOWN)
        record = (await count_records(conn, clock.now() - _SINCE)).get(name, Record())
    return await request.show(
        "moderate/rule.html", rule=known[0].find(name), version=known[0].version, is_in_force=in_force().rules.find(name) is not None,
        cases=cases, record=record,
    )


ROUTES = [
    Route("GET", "/moderate/rules", index, Access.MODERATOR),
    Route("GET", "/moderate/rules/{rule}", show, Access.MODERATOR),
]
