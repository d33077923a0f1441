"""Computes the figures of a period from its sources. Reads with few statements, then calculates; nothing is written here."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Lane
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.detection.actions import FAMILY
from folkmoot.moderation.jury.model import Camp
from folkmoot.moderation.measurement import durations, shares, weighted
from folkmoot.moderation.measurement.durations import Wait
from folkmoot.moderation.measurement.model import FEWEST_JURORS, FEWEST_LABELS, FEWEST_OF_CAMP, Estimate, Figure, Name, Period, Stratum
from folkmoot.moderation.measurement.queries import sources
from folkmoot.moderation.measurement.queries.sources import Day, Flips, Handled, Item, Tried
from folkmoot.moderation.measurement.weighing import WeighedSample

# Of which strata everything or nothing is queued by the detector.
_QUEUED = {Stratum.SUSPECTED: True, Stratum.UNSURE: False, Stratum.QUIET: False}
_HOUR = timedelta(hours=1)


class Sources(NamedTuple):
    """What the figures of a period are computed from. `gold`: (right answers, answers) by juror; `flips`: by juror and language."""

    days: list[Day]
    items: list[Item]
    cases: list[Handled]
    appeals: tuple[int, int]
    verdicts: tuple[int, int]
    gold: list[tuple[int, int]]
    tried: list[Tried]
    flips: list[Flips]


async def read_sources(conn: ReadConn, period: Period) -> Sources:
    return Sources(
        days=await sources.list_days(conn, period), items=await sources.list_items(conn, period),
        cases=await sources.list_handled(conn, period), appeals=await sources.count_appeals(conn, period),
        verdicts=await sources.count_verdicts(conn, period), gold=await sources.list_gold_answers(conn, period),
        tried=await sources.list_tried(conn, period), flips=await sources.list_flips(conn, period.begins_at, period.ends_at),
    )


def compute(found: Sources, now: datetime) -> list[Figure]:
    """All figures that can be computed; what was not measured is left out."""
    return [
        *_of_sample(found.days, found.items), *_of_labels(found.days, found.items), *_of_cases(found.cases, now),
        *_share(Name.APPEALS_OVERTURNED, *found.appeals), *_share(Name.VERDICTS_OVERTURNED, *found.verdicts), *_of_gold(found.gold),
        *_of_juries(found.tried), *of_flips(found.flips),
    ]


def _of_sample(days: Sequence[Day], items: Sequence[Item]) -> Iterator[Figure]:
    """Counts, without intervals: how much was seen, and how much of the sample people have answered."""
    views = sum(day.views + day.lost_views for day in days)
    if views:
        yield Figure(name=Name.VIEWS, value=views, size=views)
        yield Figure(name=Name.VIEWS_LOST, value=sum(day.lost_views for day in days) / views, size=views)
    if items:
        yield Figure(name=Name.LABELLED, value=sum(one.clauses is not None for one in items) / len(items), size=len(items))


def _of_labels(days: Sequence[Day], items: Sequence[Item]) -> Iterator[Figure]:
    """Prevalence, precision and recall; nothing with too few labels, or if a stratum has none."""
    sample = WeighedSample(days, items)
    if sample.labels < FEWEST_LABELS or not sample.is_complete:
        return
    yield _figure(Name.PREVALENCE, weighted.prevalence(sample.count(_breaks_any)), sample.labels)
    for clause in sorted({clause for one in items for clause in one.clauses or ()}):
        yield _figure(Name.PREVALENCE, weighted.prevalence(sample.count(partial(_breaks, clause))), sample.labels, clause)
    for names, counts in (
        ((Name.DETECTOR_PRECISION, Name.DETECTOR_RECALL), sample.count(_is_violent, lambda one: one.is_queued, _QUEUED)),
        ((Name.REPORTS_PRECISION, Name.REPORTS_RECALL), sample.count(_breaks_any, lambda one: one.is_reported)),
        ((Name.VERDICTS_PRECISION, Name.VERDICTS_RECALL), sample.count(_breaks_any, lambda one: one.is_breach)),
    ):
        for name, estimate in zip(names, (weighted.precision(counts), weighted.recall(counts)), strict=True):
            if estimate is not None:
                yield _figure(name, estimate, sample.labels)


def _breaks_any(one: Item) -> bool:
    return bool(one.clauses)


def _breaks(clause: str, one: Item) -> bool:
    return clause in (one.clauses or ())


def _is_violent(one: Item) -> bool:
    """Whether it breaks a rule about what the detector looks for."""
    return any(FAMILY in clause_of(clause).families for clause in one.clauses or ())


def _of_cases(cases: Sequence[Handled], now: datetime) -> Iterator[Figure]:
    """How long decisions took, of all cases and of each lane."""
    for scope, some in [("", cases), *((lane.name.lower(), [one for one in cases if one.lane is lane]) for lane in Lane)]:
        waits = [Wait((_end(one, now) - one.opened_at) / _HOUR, one.decided_at is not None) for one in some]
        for name, share in ((Name.MEDIAN_HOURS, durations.HALF), (Name.SLOWEST_HOURS, durations.SLOWEST)):
            if found := durations.quantile(waits, share):
                yield Figure(name=name, scope=scope, value=found.value, low=found.low, high=found.high, size=len(waits))
        used = [Wait(_share_used(one, now), one.decided_at is not None) for one in some]
        if within := durations.share_within(used, 1.0):
            yield _figure(Name.IN_TIME, within, len(used), scope)


def _end(one: Handled, now: datetime) -> datetime:
    """When it was decided or, if it was not, until when that is known."""
    return max(one.decided_at or one.closed_at or now, one.opened_at)


def _share_used(one: Handled, now: datetime) -> float:
    """Which part of the time to decide has passed; more than 1 after the deadline."""
    whole = one.due_at - one.opened_at
    return (_end(one, now) - one.opened_at) / whole if whole > timedelta(0) else math.inf


def _of_gold(answers: Sequence[tuple[int, int]]) -> Iterator[Figure]:
    if len(answers) >= FEWEST_JURORS:
        yield _figure(Name.GOLD_ACCURACY, shares.clustered_share(answers), sum(of for _, of in answers))


def of_flips(flips: Sequence[Flips]) -> Iterator[Figure]:
    """How often jurors take one half of a counterfactual pair for a breach and the other not: of all, and by language."""
    for scope in ("", *sorted({one.language for one in flips})):
        flipped: Counter[int] = Counter()
        pairs: Counter[int] = Counter()
        for one in flips:
            if scope in ("", one.language):
                flipped[one.juror_id] += one.flipped
                pairs[one.juror_id] += one.pairs
        if len(pairs) >= FEWEST_JURORS:
            estimate = shares.clustered_share([(flipped[juror_id], of) for juror_id, of in pairs.items()])
            yield _figure(Name.JURORS_FLIPPED, estimate, pairs.total(), scope)


def _of_juries(tried: Sequence[Tried]) -> Iterator[Figure]:
    """How often staff had to decide, and how much more often the jury was wrong about authors of one camp, as far as appeals show."""
    yield from _share(Name.ESCALATED, len(tried), sum(one.is_escalated for one in tried))
    wrong = [[one.is_overturned for one in tried if one.side is camp and not one.is_escalated] for camp in Camp]
    if all(len(some) >= FEWEST_OF_CAMP for some in wrong):
        one, other = [(sum(some), len(some)) for some in wrong]
        yield _figure(Name.ERROR_GAP, shares.difference(one, other), one[1] + other[1])


def _share(name: Name, of: int, hits: int) -> Iterator[Figure]:
    if of:
        yield _figure(name, shares.share(hits, of), of)


def _figure(name: Name, estimate: Estimate, size: int, scope: str = "") -> Figure:
    return Figure(name=name, scope=scope, value=estimate.value, low=estimate.low, high=estimate.high, size=size)
