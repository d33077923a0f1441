"""Counts the figures of a month or another span from the records: always the same number of statements, whatever happened in it."""

from collections import defaultdict
from datetime import date, datetime

from folkmoot.base.db import ReadConn
from folkmoot.config import Settings
from folkmoot.moderation.clauses.published import current, versions
from folkmoot.moderation.notices.model import Urgency
from folkmoot.moderation.transparency import queries
from folkmoot.moderation.transparency.model import Span
from folkmoot.moderation.transparency.monthly import (
    ALL,
    FEW,
    Deadlines,
    Decisions,
    Detected,
    Figures,
    Incident,
    State,
    few,
    name_of,
    span_of,
)
from folkmoot.moderation.verdicts.model import Action, DeciderKind
from folkmoot.network.activity.queries import average_members

DETECTORS = ("detector", "reader", "lists", "rules")
DEADLINES = (*(f"notice_{one}" for one in Urgency), "threat", "other", "appeal")
_DATED = ("late", "covered")


async def count_month(conn: ReadConn, settings: Settings, month: date, state: State, now: datetime) -> Figures:
    return await count_span(conn, settings, span_of(month), state, now, month=name_of(month))


async def count_span(conn: ReadConn, settings: Settings, span: Span, state: State, now: datetime, *, month: str = "") -> Figures:
    """The figures of a span of days. What has happened later does not count."""
    intake = await queries.count_intake(conn, span)
    ended = await queries.count_deadlines(conn, span, now)
    appeals, overturned = await queries.list_appeals(conn, span)
    late = [Incident(day=day, kind=ending, of=kind, count=number) for day, kind, ending, number in ended if ending in _DATED]
    pauses, paused = await queries.count_pauses(conn, span, now)
    incidents = [*late, *overturned, *paused, *await queries.list_incidents(conn, span)]
    return Figures(
        network=settings.network.name, address=settings.base_url, month=month, first=span.first, last=span.last, state=state,
        made_at=now.replace(microsecond=0), members=await average_members(conn, span.first, span.last), reports=intake["reports"],
        cases=intake["cases"], notices={one: intake[one] for one in Urgency},
        decisions=_decisions(await queries.list_decisions(conn, span)), speed=await queries.list_speeds(conn, span),
        deadlines=_deadlines(ended), appeals=appeals, detected=_detected(await queries.list_detections(conn, span)),
        hiding=await queries.count_hiding(conn, span), pauses=pauses,
        policies=[one.version for one in versions() if span.begins_at <= one.in_force_at < min(span.ends_at, now)],
        journal=await queries.find_anchor_before(conn, span),
        incidents=sorted(incidents, key=lambda one: (one.day, one.kind, one.of)),
    )


def _decisions(found: list[tuple[str, str, str, int]]) -> Decisions:
    by_clause = {clause.key: 0 for clause in current().clauses}
    by_action = {action.value: 0 for action in Action}
    by_decider = {kind.value: 0 for kind in DeciderKind}
    for clause, action, decider, number in found:
        by_clause[clause] = by_clause.get(clause, 0) + number
        by_action[action] += number
        by_decider[decider] += number
    return Decisions(total=sum(by_decider.values()), by_clause=few(by_clause), by_action=few(by_action), by_decider=by_decider)


def _deadlines(ended: list[tuple[date, str, str, int]]) -> dict[str, Deadlines]:
    counts: dict[str, defaultdict[str, int]] = {kind: defaultdict(int) for kind in DEADLINES}
    for _, kind, ending, number in ended:
        counts[kind][ending] += number
    return {kind: Deadlines(**found) for kind, found in counts.items()}


def _detected(found: dict[str, dict[str, int]]) -> dict[str, Detected]:
    """All programs together exactly; of each kind only what does not point at the author of a single post."""
    counts = {kind: found.get(kind, {}) for kind in DETECTORS}
    shown = few({kind: one.get("cases", 0) for kind, one in counts.items()})
    hidden = Detected(cases=FEW, hidden=FEW, decided=FEW, agreed=FEW, hidden_decided=FEW, hidden_agreed=FEW)
    return {ALL: Detected(**found.get(ALL, {})), **{
        kind: hidden if shown[kind] == FEW else Detected(**one) for kind, one in counts.items()}}
