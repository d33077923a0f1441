"""Pages of the monthly figures, and the same as CSV and JSON. Open to everybody, also without an account.

The part of a page that is the same for all readers of a language is rendered once for each report (`reading.py`).
"""

import msgspec
from markupsafe import Markup

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import JSON, Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.published import get_version
from folkmoot.moderation.transparency.monthly import SETTLES_FOR, Figures, State, span_of
from folkmoot.moderation.transparency.reading import KEPT_FOR, Report
from folkmoot.moderation.transparency.table import as_csv
from folkmoot.web.rendering import Templates
from folkmoot.web.request import Request
from folkmoot.web.transparency import month
from folkmoot.web.transparency.measured import Measured
from folkmoot.web.transparency.provider import provider
from folkmoot.web.transparency.words import Wording

_CSV = b"text/csv; charset=utf-8"
_DAY = 86400


async def newest(request: Request) -> Reply:
    """The newest month that is over; of a network in its first month, what there is so far."""
    report = await request.shared.transparency.get()
    return await _page(request, report, report.newest)


async def show(request: Request) -> Reply:
    report = await request.shared.transparency.get()
    return await _page(request, report, report.month(request.value("month")))


async def month_as_csv(request: Request) -> Reply:
    report = await request.shared.transparency.get()
    figures = report.month(request.value("month"))
    return _file(as_csv([figures], report.measured), f"{figures.month}.csv", _CSV, figures.state)


async def month_as_json(request: Request) -> Reply:
    """A published month byte for byte as it was published: its SHA-256 is on the page and in the journal."""
    report = await request.shared.transparency.get()
    figures = report.month(request.value("month"))
    return _file(report.content_of(figures.month), f"{figures.month}.json", JSON, figures.state)


async def all_as_csv(request: Request) -> Reply:
    report = await request.shared.transparency.get()
    return _file(as_csv(report.months, report.measured), "all.csv", _CSV, State.RUNNING)


async def measured_as_json(request: Request) -> Reply:
    """What was measured on the sample of a month. It is final later than the rest, and a correction is a further revision."""
    report = await request.shared.transparency.get()
    found = report.measured.get(request.value("month"))
    if found is None:
        raise NotFound
    return _file(msgspec.json.format(msgspec.json.encode(found)) + b"\n", f"{request.value('month')}-measured.json", JSON, State.RUNNING)


async def _page(request: Request, report: Report, shown: Figures) -> Reply:
    key = "month", request.language, shown.month
    if key not in report.rendered:
        report.rendered[key] = render_month(request.shared.templates, report, shown, request.language)
    name = request.translator.calendar_month(shown.first)
    return await request.show("transparency/show.html", shown=shown, body=report.rendered[key], month_name=name)


def render_month(templates: Templates, report: Report, shown: Figures, language: str) -> Markup:
    """The part of the page that is the same for all readers of a language."""
    translator = templates.translators[language]
    wording, before, after = Wording(translator), *month.neighbours(report, shown)
    return Markup(templates.render(  # noqa: S704
        language, "transparency/_month.html", one=shown, wording=wording, months=report.months[::-1], before=before, after=after,
        published=report.published.get(shown.month), notes=report.notes_of(shown.month),
        final_at=span_of(shown.first).ends_at + SETTLES_FOR,
        charts=month.over_time(month.months_until(report, shown), translator), deadlines=month.deadline_chart(shown, translator),
        deadline_rows=month.deadline_rows(shown, translator), detected_rows=month.detected_rows(shown, wording),
        by_clause=month.breakdown(shown.decisions.by_clause, wording.clause, wording),
        by_action=month.breakdown(shown.decisions.by_action, lambda action: wording.actions[action], wording),
        wrong=month.wrong(shown), policies=[get_version(version) for version in shown.policies if _is_known(version)],
        measured=Measured.of(report, shown, translator), overturned=wording.share(shown.appeals.overturned, shown.appeals.decided),
    ))


def _is_known(version: str) -> bool:
    try:
        get_version(version)
    except NotFound:
        return False
    return True


def _file(content: bytes, name: str, kind: bytes, state: State) -> Reply:
    seconds = _DAY if state is State.FINAL else int(KEPT_FOR.total_seconds())
    return Reply(content, 200, kind, [
        (b"content-disposition", f'inline; filename="transparency-{name}"'.encode()), (b"cache-control", b"public, max-age=%d" % seconds),
    ])


_PATH = "/transparency"
ROUTES = [
    Route("GET", _PATH, newest, Access.PUBLIC, for_suspended=True),
    Route("GET", f"{_PATH}/provider", provider, Access.PUBLIC, for_suspended=True),
    Route("GET", f"{_PATH}/csv", all_as_csv, Access.PUBLIC, for_suspended=True),
    Route("GET", f"{_PATH}/{{month}}", show, Access.PUBLIC, for_suspended=True),
    Route("GET", f"{_PATH}/{{month}}/csv", month_as_csv, Access.PUBLIC, for_suspended=True),
    Route("GET", f"{_PATH}/{{month}}/json", month_as_json, Access.PUBLIC, for_suspended=True),
    Route("GET", f"{_PATH}/{{month}}/measured", measured_as_json, Access.PUBLIC, for_suspended=True),
]
