"""What the page of a month shows: the sentences above the charts, the charts, and the tables beside them."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from folkmoot.base.i18n import Translator
from folkmoot.moderation.transparency.counting import DEADLINES
from folkmoot.moderation.transparency.monthly import ALL, FEW, Count, Deadlines, Figures
from folkmoot.moderation.transparency.reading import Report
from folkmoot.web.charts import Chart, bar_chart, line_chart
from folkmoot.web.transparency.charts import RowChart, row_chart
from folkmoot.web.transparency.words import Wording

SHOWN_MONTHS = 12
_HOURS = 3.0  # from such a time on, the scale of speed is in hours


_GRAVEST_FIRST = (
    "journal_broken", "journal_damaged", "late", "overturned", "covered", "detector_paused", "detector_reverted", "reader_paused",
    "journal_moved",
)


class Wrong(NamedTuple):
    """All incidents of one kind. `of`: the kind of deadline, or why there was a pause."""

    kind: str
    of: str
    number: int
    days: list[date]


class OverTime(NamedTuple):
    """A chart over months, and its numbers: (month, first series, second series)."""

    chart: Chart
    rows: list[tuple[str, str, str]]


class Breakdown(NamedTuple):
    """The parts of a total. `hidden`: how many are not shown exactly, and not drawn; `lines`: all of them in words."""

    hidden: int
    chart: RowChart
    lines: list[tuple[str, str]]


def months_until(report: Report, shown: Figures) -> list[Figures]:
    """The shown month and those before it, oldest first."""
    return [one for one in report.months if one.first <= shown.first][-SHOWN_MONTHS:]


def over_time(months: Sequence[Figures], translator: Translator) -> dict[str, OverTime]:
    """Charts of work and speed; none for a single month, which the facts above them show."""
    if len(months) < 2:
        return {}
    wording = Wording(translator)
    labels = [label_of(one.first) for one in months]
    medians = [speed.median if (speed := one.speed.get(ALL)) else None for one in months]
    slowest = [speed.nine_tenths if (speed := one.speed.get(ALL)) else None for one in months]
    in_hours = max((value for value in slowest if value is not None), default=0.0) >= _HOURS
    factor, unit = (1, "h") if in_hours else (60, "min")

    def minutes(values: Sequence[float | None]) -> list[float | None]:
        return [None if value is None else factor * value for value in values]

    work = [(one.cases, one.decisions.total) for one in months]
    return {
        "work": OverTime(
            bar_chart([[opened for opened, _ in work], [decided for _, decided in work]], labels,
                      lambda value: translator.number(int(value)), top=4),
            [(wording.month(one.first), translator.number(opened), translator.number(decided))
             for one, (opened, decided) in zip(months, work, strict=True)]),
        "speed": OverTime(
            line_chart([minutes(medians), minutes(slowest)], labels, lambda value: f"{wording.decimal(value)} {unit}", top=1),
            [(wording.month(one.first), wording.hours(median), wording.hours(nine))
             for one, median, nine in zip(months, medians, slowest, strict=True)]),
    }


def deadline_chart(figures: Figures, translator: Translator) -> RowChart:
    """One row for each kind of deadline that ended."""
    wording = Wording(translator)
    ended = [(wording.deadlines[kind], figures.deadlines.get(kind, Deadlines())) for kind in DEADLINES]
    return row_chart([
        (name, [(one.in_time, "kept"), (one.covered, "covered"), (one.late, "late")], deadlines_in_words(one, translator))
        for name, one in ended if one.total
    ])


def deadlines_in_words(one: Deadlines, translator: Translator) -> str:
    """12 in time, 1 covered, 2 late: without what is zero."""
    found = [
        translator.sentence("%(count)s in time", {"count": translator.number(one.in_time)}) if one.in_time else "",
        translator.sentence("%(count)s covered", {"count": translator.number(one.covered)}) if one.covered else "",
        translator.sentence("%(count)s late", {"count": translator.number(one.late)}) if one.late else "",
    ]
    return ", ".join(filter(None, found))


def breakdown(counts: dict[str, Count], label: Callable[[str], str], wording: Wording) -> Breakdown:
    exact = sorted(((key, int(count)) for key, count in counts.items() if count != FEW), key=lambda one: (-one[1], one[0]))
    chart = row_chart([(label(key), [(count, "plain")], wording.count(count)) for key, count in exact])
    lines = [(label(key), wording.count(count)) for key, count in exact]
    lines += [(label(key), wording.count(FEW)) for key, count in counts.items() if count == FEW]
    return Breakdown(len(counts) - len(exact), chart, lines)


def deadline_rows(figures: Figures, translator: Translator) -> list[tuple[str, str, str, str]]:
    wording, number = Wording(translator), translator.number
    found = [(wording.deadlines[kind], figures.deadlines.get(kind, Deadlines())) for kind in DEADLINES]
    return [(name, number(one.in_time), number(one.covered), number(one.late)) for name, one in found if one.total]


def detected_rows(figures: Figures, wording: Wording) -> list[tuple[str, ...]]:
    """All programs together, and each whose numbers are shown."""
    return [
        (wording.detectors[kind], *(wording.count(value) for value in (
            one.cases, one.hidden, one.decided, one.agreed, one.hidden_decided, one.hidden_agreed)))
        for kind, one in figures.detected.items() if kind in wording.detectors
    ]


def wrong(figures: Figures) -> list[Wrong]:
    """What went wrong, the gravest first."""
    found: dict[tuple[str, str], Wrong] = {}
    for one in figures.incidents:
        before = found.get((one.kind, one.of), Wrong(one.kind, one.of, 0, []))
        found[one.kind, one.of] = before._replace(number=before.number + one.count, days=[*before.days, one.day])
    return sorted(found.values(), key=lambda one: ((*_GRAVEST_FIRST, one.kind).index(one.kind), one.of))


def neighbours(report: Report, shown: Figures) -> tuple[Figures | None, Figures | None]:
    """The month before and the one after."""
    place = report.months.index(shown)
    before = report.months[place - 1] if place else None
    return before, report.months[place + 1] if place + 1 < len(report.months) else None


def label_of(month: date) -> str:
    return f"{month.month}/{month.year % 100:02}"
