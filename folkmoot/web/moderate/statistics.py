"""The page with figures of the queue, as charts and as a table, and the same as CSV and JSON.

How many cases are open is shown to operators only: volunteers see their share, not the flood.
"""

import csv
import io
from collections.abc import Sequence

import msgspec

from folkmoot.base import clock
from folkmoot.base.i18n import Translator
from folkmoot.http.replies import JSON, Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.model import Lane
from folkmoot.moderation.workspace.actions import read_figures
from folkmoot.moderation.workspace.queries import list_open_by_lane
from folkmoot.moderation.workspace.statistics import Figures, Unit
from folkmoot.network.sessions.model import Role
from folkmoot.web.charts import Chart, bar_chart, line_chart
from folkmoot.web.request import Request

_HOUR = 3600
_CSV = b"text/csv; charset=utf-8"


async def show(request: Request) -> Reply:
    unit = _unit(request)
    figures = await _figures(request, unit)
    open_cases = []
    if request.viewer.login.role is Role.OPERATOR:
        async with request.database.read() as conn:
            open_cases = await list_open_by_lane(conn, clock.now())
    every = [one for one in figures if one.lane is None]
    return await request.show(
        "moderate/statistics.html", unit=unit, figures=every, by_lane={lane: [one for one in figures if one.lane is lane] for lane in Lane},
        open_cases=open_cases, duration=_duration, charts=_charts(every, request.translator),
    )


def _charts(every: Sequence[Figures], translator: Translator) -> dict[str, Chart]:
    label = "{0.day}/{0.month}" if translator.language == "en" else "{0.day}. {0.month}."
    labels = [label.format(one.start) for one in every]

    def percent(share: float) -> str:
        return f"{share:.0%}" if translator.language == "en" else f"{100 * share:.0f}\u00a0%"

    def hours(value: float) -> str:
        return f"{value:g} h" if translator.language == "en" else f"{value:g} h".replace(".", ",")

    return {
        "work": bar_chart(
            [[one.opened for one in every], [one.decided for one in every]], labels, lambda value: translator.number(int(value)), top=4),
        "speed": line_chart(
            [[_hours(one.median) for one in every], [_hours(one.slowest) for one in every]], labels, hours, top=1),
        "in_time": bar_chart([[one.share_in_time for one in every]], labels, percent, top=1),
        "taken_back": line_chart(
            [[one.share_undone for one in every], [one.share_overturned for one in every]], labels, percent, top=0.1),
    }


async def as_csv(request: Request) -> Reply:
    """RFC 4180: one row for each period and lane, an empty lane for all together."""
    names = [field.name for field in msgspec.structs.fields(Figures)]
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(names)
    for one in await _figures(request, _unit(request)):
        values = msgspec.to_builtins(one)
        rows.writerow(["" if values[name] is None else one.lane.name.lower() if name == "lane" and one.lane is not None else values[name]
                       for name in names])
    return Reply(text.getvalue().encode(), media_type=_CSV, headers=[(b"content-disposition", b'attachment; filename="moderation.csv"')])


async def as_json(request: Request) -> Reply:
    found = [
        {**msgspec.to_builtins(one), "lane": None if one.lane is None else one.lane.name.lower()}
        for one in await _figures(request, _unit(request))
    ]
    return Reply(msgspec.json.encode(found), 200, JSON)


async def _figures(request: Request, unit: Unit) -> list[Figures]:
    async with request.database.read() as conn:
        return await read_figures(conn, unit)


def _unit(request: Request) -> Unit:
    return Unit.WEEK if request.query.text("unit") == Unit.WEEK else Unit.DAY


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / _HOUR


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


_PATH = "/moderate/statistics"
ROUTES = [
    Route("GET", _PATH, show, Access.MODERATOR),
    Route("GET", f"{_PATH}/csv", as_csv, Access.MODERATOR),
    Route("GET", f"{_PATH}/json", as_json, Access.MODERATOR),
]
