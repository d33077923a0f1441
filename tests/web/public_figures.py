"""Made-up public figures, and the pages that show them, without a database or a server."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from playwright.sync_api import Page

from folkmoot.base import clock
from folkmoot.config import Network, Notices, Server, Settings
from folkmoot.http.urls import Urls
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.measurement.model import Correction, Figure, FiguresOfMonth, Name
from folkmoot.moderation.transparency.monthly import (
    FEW,
    Appeals,
    Deadlines,
    Decisions,
    Detected,
    Figures,
    Hiding,
    Incident,
    JournalEnd,
    Note,
    Pauses,
    Published,
    Speed,
    State,
    few,
    months_from,
    name_of,
    span_of,
)
from folkmoot.moderation.transparency.reading import Report
from folkmoot.moderation.transparency.table import as_json
from folkmoot.moderation.verdicts.model import Action
from folkmoot.network.attention.model import Waiting
from folkmoot.web.rendering import Templates
from folkmoot.web.static_files import StaticFiles
from folkmoot.web.transparency.pages import render_month
from folkmoot.web.transparency.provider import render_provider

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LONG = "Sdružení přátel vodního díla Nové Mlýny a přilehlých obcí z."  # sixty characters, the longest name
SETTINGS = Settings(
    server=Server(base_url="https://moot.example.org"), network=Network(name="Spolek Lípa, Brno", contact_email="spravce@moot.example.org"),
    notices=Notices(address="abuse@moot.example.org", on_call="+420 555 123 456, daily from 7 to 23"), secret=b"x",
)


def quiet_month(month: date, state: State = State.RUNNING) -> Figures:
    """Nothing has happened."""
    span = span_of(month)
    return Figures(
        network=SETTINGS.network.name, address=SETTINGS.base_url, month=name_of(month), first=span.first, last=span.last, state=state,
        made_at=NOW, members=12, notices={"order": 0, "contact": 0, "other": 0},
        decisions=Decisions(by_clause=few({clause.key: 0 for clause in current().clauses}), by_action=few(dict.fromkeys(Action, 0)),
                            by_decider={"person": 0, "jury": 0, "system": 0}),
        deadlines={kind: Deadlines() for kind in ("notice_order", "notice_contact", "notice_other", "threat", "other", "appeal")},
        detected={kind: Detected() if kind == "all" else Detected(cases=FEW, hidden=FEW, decided=FEW, agreed=FEW)
                  for kind in ("all", "detector", "reader", "lists", "rules")},
        pauses={"detector": Pauses()},
    )


def busy_month(month: date, number: int, state: State = State.FINAL) -> Figures:
    """612 cases, with everything that can be shown."""
    keys = [clause.key for clause in current().clauses]
    by_clause = {key: (212, 3, 148, 96, 61, 2, 40, 20, 30)[place % 9] for place, key in enumerate(keys)}
    total = sum(by_clause.values())
    measures = {Action.KEEP: total - 350, Action.REMOVE: 210, Action.HIDE: 90, Action.LABEL: 48, Action.SUSPEND: 2}
    by_action = dict.fromkeys(Action, 0) | measures
    return msgspec.structs.replace(
        quiet_month(month, state), members=14_320, reports=2310 + 10 * number, cases=total + number, notices={
            "order": 3, "contact": 41, "other": 208},
        decisions=Decisions(total=total, by_clause=few(by_clause), by_action=few(by_action),
                            by_decider={"person": total - 480, "jury": 480, "system": 0}),
        speed={"all": Speed(decided=total, median=round(3.9 - 0.25 * number, 2), nine_tenths=round(22 - number, 2)),
               "threat": Speed(decided=215, median=0.31, nine_tenths=2.5)},
        deadlines={
            "notice_order": Deadlines(in_time=3), "notice_contact": Deadlines(in_time=41),
            "notice_other": Deadlines(in_time=206, covered=2),
            "threat": Deadlines(in_time=214, late=1), "other": Deadlines(in_time=390, covered=7), "appeal": Deadlines(in_time=172)},
        appeals=Appeals(lodged=180, upheld=150, changed=11, overturned=11),
        detected={
            "all": Detected(cases=402, hidden=66, decided=377, agreed=214, hidden_decided=64, hidden_agreed=57),
            "detector": Detected(cases=251, hidden=51, decided=240, agreed=120, hidden_decided=50, hidden_agreed=44),
            "reader": Detected(cases=FEW, hidden=FEW, decided=FEW, agreed=FEW, hidden_decided=FEW, hidden_agreed=FEW),
            "lists": Detected(cases=FEW, hidden=FEW, decided=FEW, agreed=FEW, hidden_decided=FEW, hidden_agreed=FEW),
            "rules": Detected(cases=148, hidden=13, decided=136, agreed=94, hidden_decided=13, hidden_agreed=12)},
        pauses={"detector": Pauses(count=4, minutes=47.3, posts=212), "reader": Pauses(count=2, minutes=600)},
        hiding=Hiding(posts=66, median=1.3, nine_tenths=2.8), policies=["2026-11-29"] if month == date(2026, 11, 1) else [],
        journal=JournalEnd(position=48_211, hash="9f" * 32),
        incidents=[
            Incident(day=month.replace(day=4), kind="late", of="threat"),
            Incident(day=month.replace(day=9), kind="covered", of="other", count=7),
            *(Incident(day=month.replace(day=10 + day), kind="overturned") for day in range(11)),
            *(Incident(day=month.replace(day=day), kind="detector_paused", of=why)
              for day, why in ((2, "stopped"), (6, "stopped"), (7, "behind"), (8, "failing"))),
            *(Incident(day=month.replace(day=5), kind="reader_paused", of=why) for why in ("failing", "off")),
            Incident(day=month.replace(day=23), kind="detector_reverted"), Incident(day=month.replace(day=24), kind="journal_moved")],
    )


def quiet_report() -> Report:
    """A network in its first week."""
    month = quiet_month(date(2026, 11, 1))
    return Report(made_at=NOW, months=[month], published={}, notes=[], recent=msgspec.structs.replace(
        month, month="", first=date(2026, 11, 24), last=date(2026, 11, 30)))


def busy_report() -> Report:
    months = [busy_month(month, number) for number, month in enumerate(months_from(date(2025, 12, 1), date(2026, 10, 1)))]
    months.append(busy_month(date(2026, 11, 1), 11, State.RUNNING))
    published = {
        one.month: Published(month=one.first, content=as_json(one), sha256=b"\x1d" * 32, published_at=NOW - timedelta(days=25))
        for one in months[:-1]
    }
    notes = [
        Note(id=1, month=date(2026, 10, 1), language="cs", written_at=NOW - timedelta(days=20),
             text="Čtvrtého října jsme neměli službu.\n\nOd té doby ji mají vždy dva lidé."),
        Note(id=2, month=date(2026, 10, 1), language="cs", written_at=NOW, text=None, withdrawn_at=NOW)]
    recent = msgspec.structs.replace(busy_month(date(2026, 8, 1), 9), month="", last=date(2026, 10, 31))
    measured = {one.month: measured_month(one.first, number) for number, one in enumerate(months[3:])}
    return Report(made_at=NOW, months=months, published=published, notes=notes, recent=recent, measured=measured)


def measured_month(month: date, number: int) -> FiguresOfMonth:
    """Prevalence falls from month to month; the detector misses much."""
    seen = (9.1 - 0.7 * number) / 10_000
    figures = (
        Figure(name=Name.PREVALENCE, value=seen, low=0.6 * seen, high=1.5 * seen, size=612),
        Figure(name=Name.PREVALENCE, scope="violence", value=seen / 4, low=seen / 9, high=seen / 2, size=612),
        Figure(name=Name.DETECTOR_RECALL, value=0.31, low=0.12, high=0.58, size=612),
        Figure(name=Name.MEDIAN_HOURS, scope="threat", value=0.8, low=0.5, high=None, size=215),
        Figure(name=Name.FLIPPED, scope="cs", value=0.04, low=0.01, high=0.12, size=68),
        Figure(name=Name.VIEWS, value=120_412.0, size=120_412),
    )
    corrections = (Correction(2, NOW, "Jeden den byl počítán dvakrát."),) if month == date(2026, 10, 1) else ()
    return FiguresOfMonth(month=month, revision=1 + len(corrections), computed_at=NOW, is_final=month < date(2026, 11, 1), figures=figures,
                          corrections=corrections)


class Shown:
    """Renders pages, and serves them and the static files to a browser."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings, self.static = settings, StaticFiles()
        self.templates = Templates(settings, Urls(settings.base_url, "", b"x"), self.static)

    def month(self, report: Report, month: str, language: str) -> str:
        request = SimpleNamespace(scope={"method": "GET"}, here="/transparency", next_query="")
        figures = report.month(month)
        return self.templates.render(
            language, "transparency/show.html", request=request, viewer=None, form_token="", waiting=Waiting(), waiting_cases=0,
            path="/transparency", now=clock.now(), shown=figures, body=render_month(self.templates, report, figures, language),
            month_name=self.templates.translators[language].calendar_month(figures.first))

    def provider(self, report: Report, language: str) -> str:
        return render_provider(self.templates, self.settings, report, language)

    def open(self, page: Page, html: str) -> None:
        def serve(route: Any) -> None:
            path = route.request.url.removeprefix("http://page.test").partition("?")[0]
            if not path.startswith("/static/"):
                route.fulfill(body=html, content_type="text/html; charset=utf-8")
                return
            reply = self.static.reply(path.removeprefix("/static/"), takes_gzip=False)
            route.fulfill(body=reply.body, content_type=dict(reply.headers)[b"content-type"].decode())

        page.route("http://page.test/**", serve)
        page.goto("http://page.test/transparency")
        page.wait_for_load_state()
