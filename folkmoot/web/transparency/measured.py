"""What the page of a month shows of the measurement on a random sample (docs/moderate/measurement.md): estimates with their intervals."""

from collections.abc import Callable
from typing import NamedTuple

from folkmoot.base.errors import NotFound
from folkmoot.base.i18n import LANGUAGES, Translator
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.measurement.model import Correction, Figure, FiguresOfMonth, Name
from folkmoot.moderation.transparency.monthly import Figures
from folkmoot.moderation.transparency.reading import Report
from folkmoot.web.charts import Chart, interval_chart
from folkmoot.web.transparency.month import label_of, months_until
from folkmoot.web.transparency.words import Wording

_OF = 10_000  # views; a prevalence in percent would be mostly zeros


class Measured(NamedTuple):
    """`prevalence`: views in 10,000 that broke a rule, and `interval` in words; None if too few were judged. `rows`: (what, value,
    interval, observations) of everything that was measured; `trend`: prevalence by month, if there are two."""

    is_final: bool
    corrections: tuple[Correction, ...]
    prevalence: str | None
    interval: str
    judged: int
    rows: list[tuple[str, str, str, str]]
    trend: Chart | None
    trend_rows: list[tuple[str, str, str]]

    @classmethod
    def of(cls, report: Report, shown: Figures, translator: Translator) -> "Measured | None":
        """None if nothing was measured in this month."""
        found = report.measured.get(shown.month)
        if found is None:
            return None
        seen = found.find(Name.PREVALENCE)
        trend, trend_rows = _trend(report, shown, translator)
        prevalence, interval = (_views(seen.value, translator), _views_between(seen, translator)) if seen else (None, "")
        return cls(
            found.is_final, found.corrections, prevalence, interval, seen.size if seen else 0, _rows(found, translator), trend, trend_rows,
        )

    @classmethod
    def newest(cls, report: Report, translator: Translator) -> "tuple[str, Measured] | None":
        """The newest month with a prevalence, as (month in words, what was measured)."""
        for month in reversed(report.months):
            found = cls.of(report, month, translator)
            if found and found.prevalence is not None:
                return translator.calendar_month(month.first), found
        return None


def _views(share: float, translator: Translator) -> str:
    return translator.decimal(_OF * share)


def _views_between(one: Figure, translator: Translator) -> str:
    assert one.low is not None
    assert one.high is not None
    return translator.sentence("%(low)s to %(high)s", {"low": _views(one.low, translator), "high": _views(one.high, translator)})


def _trend(report: Report, shown: Figures, translator: Translator) -> tuple[Chart | None, list[tuple[str, str, str]]]:
    months = months_until(report, shown)
    found = [(month, one.find(Name.PREVALENCE) if (one := report.measured.get(month.month)) else None) for month in months]
    known = [(month, one) for month, one in found if one]
    if len(known) < 2:
        return None, []
    values = [(_OF * one.value, _OF * (one.low or 0), _OF * (one.high or one.value)) if one else None for _, one in found]
    chart = interval_chart(values, [label_of(month.first) for month in months], translator.decimal, top=1)
    name = translator.calendar_month
    return chart, [(name(month.first), _views(one.value, translator), _views_between(one, translator)) for month, one in known]


def _rows(found: FiguresOfMonth, translator: Translator) -> list[tuple[str, str, str, str]]:
    names = _names(translator)
    rows = []
    for one in found.figures:
        if one.name in names:
            show = _shown(one, translator)
            what = f"{names[one.name]}: {_scope(one, translator)}" if one.scope else names[one.name]
            between = "–" if one.low is None else translator.sentence("%(low)s to %(high)s", {
                "low": show(one.low), "high": "…" if one.high is None else show(one.high)})
            rows.append((what, show(one.value), between, translator.number(one.size)))
    return rows


def _shown(one: Figure, translator: Translator) -> Callable[[float], str]:
    if one.name.is_in_hours:
        return Wording(translator).hours
    return (lambda share: translator.percent(share, 2)) if one.name.is_share else (lambda count: translator.number(int(count)))


def _scope(one: Figure, translator: Translator) -> str:
    wording = Wording(translator)
    lanes = {**wording.deadlines, "demand": translator.sentence("Demands from outside")}
    if one.scope in LANGUAGES:
        return LANGUAGES[one.scope]
    try:
        return lanes.get(one.scope) or wording.clause(clause_of(one.scope).key)
    except NotFound:
        return one.scope


def _names(translator: Translator) -> dict[Name, str]:
    return {
        Name.PREVALENCE: translator.sentence("Views of posts that break a rule"),
        Name.DETECTOR_PRECISION: translator.sentence("Of what the detector points out, the part that breaks its rule"),
        Name.DETECTOR_RECALL: translator.sentence("Of what breaks its rule, the part that the detector points out"),
        Name.REPORTS_PRECISION: translator.sentence("Of what is reported, the part that breaks a rule"),
        Name.REPORTS_RECALL: translator.sentence("Of what breaks a rule, the part that is reported"),
        Name.VERDICTS_PRECISION: translator.sentence("Of what decisions restrict, the part that breaks a rule"),
        Name.VERDICTS_RECALL: translator.sentence("Of what breaks a rule, the part that decisions restrict"),
        Name.MEDIAN_HOURS: translator.sentence("Half of the cases decided within, open ones included"),
        Name.SLOWEST_HOURS: translator.sentence("Nine in ten cases decided within, open ones included"),
        Name.VERDICTS_OVERTURNED: translator.sentence("Decisions overturned so far"),
        Name.GOLD_ACCURACY: translator.sentence("Right answers of jurors to questions whose answer is known"),
        Name.ESCALATED: translator.sentence("Cases of juries that staff had to decide"),
        Name.ERROR_GAP: translator.sentence("Difference in mistakes between the cases of the two camps"),
        Name.FLIPPED: translator.sentence("Pairs of texts about two groups that the detector treats differently"),
        Name.JURORS_FLIPPED: translator.sentence("Pairs of texts about two groups that jurors treat differently"),
        Name.VIEWS: translator.sentence("Views that were counted"),
        Name.VIEWS_LOST: translator.sentence("Views that could not be drawn any more"),
        Name.LABELLED: translator.sentence("The part of the sample that people judged"),
    }
