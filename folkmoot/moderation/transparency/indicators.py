"""Parts 1 and 7 to 10 of a report: one row for each indicator (Implementing Regulation (EU) 2024/2835, Annex I and II 1.1, 1.5 to 1.8).

What does not apply to the service stays blank, what applies and did not happen is 0 (Annex II, part I, 1).
"""

from collections.abc import Iterator, Sequence
from statistics import median

from folkmoot.moderation.appeals.model import Side, State
from folkmoot.moderation.contacts.model import STATES, Kind
from folkmoot.moderation.transparency.categories import Row, is_notice, is_own_initiative, number_of, reported_clause
from folkmoot.moderation.transparency.model import Complaint, Figures, Outcomes

_ALL, _PLATFORMS = "All", "Only for providers of online platforms"
_HOSTING, _LARGE = "Only for providers of hosting services, including online platforms", "Only for VLOPs"
_LARGEST = "Only for VLOPs and VLOSEs"
_HEAD = ["Applicability", "Service", "Reporting period"]
_LANGUAGES = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split()  # Annex II, 1.6: small letters
_COMPLAINTS, _DISPUTES = "Internal complaints mechanism", "Out-of-court dispute settlement bodies"
_SUBMITTED = "Number of complaints submitted to the internal-complaints mechanism"
_SUSPENSIONS = "Suspensions imposed on repeated offenders"
_AUTOMATED = "Use of automated means for content moderation"
_STAFF = "Human resources dedicated to content moderation "
_BY_HAND = "Not recorded by the software of the service; the operator fills it in."


def identification(service: str, provider: str, published: str, previous: str, figures: Figures) -> Iterator[Row]:
    """Part 1."""
    yield ["Applicability", "Service", "Indicator", "Value"]
    for indicator, value in (
        ("Name of the service provider", provider), ("Date of the publication of the report", published),
        ("Date of the publication of the latest previous report", previous),
        ("Starting date of reporting period", str(figures.span.first)), ("Ending date of reporting period", str(figures.span.last)),
    ):
        yield [_ALL, service, indicator, value]


def complaints(figures: Figures) -> Iterator[Row]:
    """Part 7. A complaint about several measures counts for the gravest: no complaint is counted twice."""
    yield [*_HEAD, "Section", "Indicator", "Scope", "Value", "Contextual Information"]

    def row(who: str, section: str, indicator: str, scope: str, value: str, context: str = "") -> Row:
        return [who, figures.service, str(figures.span), section, indicator, scope, value, context]

    for scope, value in _scopes(figures.complaints, has_omitted=True):
        yield row(_ALL if scope == "Total number" else _PLATFORMS, _COMPLAINTS, _SUBMITTED, scope, value)
    imposed = sum(one.number for one in figures.measures if one.answers_complaint)
    newly = "Number of restrictions newly imposed as a result of an internal complaint"
    yield row(_PLATFORMS, _COMPLAINTS, newly, "Total number", str(imposed))
    for indicator, kind in _KINDS:
        of = [one for one in figures.complaints if _kind(one) == kind]
        for scope, value in _scopes(of):
            yield row(_PLATFORMS, _COMPLAINTS, indicator, scope, "" if kind == "money" else value)
    indicator = "Number of disputes submitted to out-of-court dispute settlement bodies"
    for scope in ("Total number", *_FOUND, "Median time", "Decision omitted", "Percentage of outcomes implemented"):
        yield row(_PLATFORMS, _DISPUTES, indicator, scope, "", _BY_HAND)
    suspended = sum(one.number for one in figures.measures if one.kind in ("freeze", "suspend", "delete") and not one.is_interim)
    enacted = "Number of suspensions enacted for the provision of manifestly"
    yield row(_PLATFORMS, _SUSPENSIONS, f"{enacted} illegal content ", "Total number", str(suspended),
              "Accounts that were frozen for a time, suspended or deleted.")
    for what in ("notices", "complaints"):
        yield row(_PLATFORMS, _SUSPENSIONS, f"{enacted} unfounded {what}", "Total number", "",
                  "The service suspends nobody for that; it weighs reports by how often their reporter was right.")


_FOUND = {"Decisions upheld": State.UPHELD, "Decisions partially reversed": State.CHANGED, "Decisions reversed": State.OVERTURNED}
_KINDS = (
    ("Complaint regarding a decision to remove or disable access to or restrict visibility of information", "visibility"),
    ("Complaint regarding a decision to suspend or terminate the provision of the service", "service"),
    ("Complaint regarding a decision to suspend or terminate an account ", "account"),
    ("Complaint regarding a decision to restrict the ability to monetise information", "money"),
    ("Complaint regarding a decision not to take action on a notice submitted in accordance with Article 16", "notice"),
    ("Complaint regarding a decision not to take action on a notice submitted by a Trusted Flagger in accordance with Article 16",
     "flagger"),
)


def _kind(one: Complaint) -> str:
    if one.side != Side.AUTHOR:
        return "flagger" if one.notifier == Kind.TRUSTED_FLAGGER else "notice"
    measures = {one.action, *one.measures}
    return "account" if measures & {"suspend", "delete"} else "service" if "freeze" in measures else "visibility"


def _scopes(of: Sequence[Complaint], *, has_omitted: bool = False) -> Iterator[tuple[str, str]]:
    hours = [one.hours for one in of if one.hours is not None and one.state != State.WITHDRAWN]
    yield "Total number", str(len(of))
    for scope, state in _FOUND.items():
        yield scope, str(sum(one.state == state for one in of))
    yield "Median time", number_of(median(hours)) if hours else ""
    if has_omitted:
        yield "Decision omitted", str(sum(one.state == State.WITHDRAWN for one in of))


def automated_means(figures: Figures) -> Iterator[Row]:
    """Part 8. Measures by automated means alone are interim: they last until people decide. How right they were is measured by
    those decisions, for all means together and for each detector."""
    yield [*_HEAD, "Section", "Indicator", "Scope", "Value", "Contextual Information"]

    def row(who: str, indicator: str, scope: str, value: str, context: str = "") -> Row:
        return [who, figures.service, str(figures.span), _AUTOMATED, indicator, scope, value, context]

    alone, not_alone, rates = _SOLELY, _NOT_SOLELY, _RATES
    for scope, of in (("Total number", figures.measures), ("Own-initiative ", [one for one in figures.measures if is_own_initiative(one)])):
        yield row(_ALL, alone, scope, str(sum(one.number for one in of if one.is_interim)),
                  "Until people decide, by a detector, list or rule, or because nobody had decided in time.")
        yield row(_ALL, not_alone, scope, str(sum(one.number for one in of if not one.is_interim)))
        for indicator, value in zip(rates, _error_rates(figures.outcomes, None), strict=True):
            yield row(_ALL, indicator, scope, value, _CONTEXT_OF_RATES)
    for detector in sorted({name for one in figures.outcomes for name in one.hiding}):
        for indicator, value in zip(rates, _error_rates(figures.outcomes, detector), strict=True):
            yield row(_ALL, indicator, "Own-initiative ", value, f"The detector “{detector}” alone. {_CONTEXT_OF_RATES}")
    for who, scope, count in (
        (_HOSTING, "NAM Total", _count_notices(figures)),
        (_PLATFORMS, "NAM Trusted Flagger", sum(one.number for one in figures.notices if one.kind == Kind.TRUSTED_FLAGGER)),
    ):
        yield row(who, "Number of notices solely processed by automated means ", scope, "0", "People decide about every notice.")
        yield row(who, "Number of notices not processed by automated means", scope, str(count))
        for indicator in rates:
            yield row(who, indicator, scope, "")
    for indicator in (alone, not_alone, *rates):
        for language in _LANGUAGES:
            yield row(_LARGE, indicator, language, "")


_SOLELY, _NOT_SOLELY = "Number of measures solely taken by automated means ", "Number of measures not taken by automated means"
_RATES = tuple(f"Accuracy of the automated means - {name}" for name in ("Accuracy", "Precision", "Recall"))
_CONTEXT_OF_RATES = (
    "Among the posts about which people decided in this period. Of posts that neither a detector nor a person pointed out nothing is known,"
    " so that accuracy and recall are too high."
)


def _count_notices(figures: Figures) -> int:
    return sum(one.number for one in figures.notices if one.kind != Kind.AUTHORITY) + sum(
        one.number for one in figures.reports if is_notice(reported_clause(one)))


def _error_rates(outcomes: Sequence[Outcomes], detector: str | None) -> tuple[str, str, str]:
    """Accuracy, precision and recall of hiding, by a detector or (None) by any; empty where nothing was decided."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for one in outcomes:
        hid = bool(one.hiding) if detector is None else detector in one.hiding
        counts[hid, one.is_breach] += one.number
    right, wrong, missed = counts[True, True], counts[True, False], counts[False, True]
    return (
        _ratio(right + counts[False, False], sum(counts.values())), _ratio(right, right + wrong), _ratio(right, right + missed),
    )


def _ratio(part: int, whole: int) -> str:
    """In [0, 1] (Annex II, part I, 4)."""
    return f"{part / whole:.4f}" if whole else ""


def human_resources(figures: Figures) -> Iterator[Row]:
    """Part 9, which only very large platforms must fill in: here the number of people is given, and no languages."""
    yield [*_HEAD, "Section", "Indicator", "Scope", "Value", "Contextual information"]
    expertise = "Number of total moderators with sufficient linguistic expertise "
    context = "People who decided cases in this period, not full-time equivalents."
    for indicator, scope, value, words in (
        ("Number of internal moderators employed by the provider", "Total number", str(figures.deciders), context),
        ("Number of external moderators contracted by the provider", "Total number", "", _BY_HAND),
        (expertise, "Total number", "", ""), *((expertise, language, "", "") for language in _LANGUAGES),
    ):
        yield [_LARGE, figures.service, str(figures.span), _STAFF, indicator, scope, value, words]


def recipients(figures: Figures) -> Iterator[Row]:
    """Part 10, which only very large platforms must fill in. Members are known; readers without an account are not counted."""
    yield [*_HEAD, "Section", "Indicator", "Scope", "Value"]
    known = "" if figures.recipients is None else str(figures.recipients)
    for scope in ("TOTAL", *STATES):
        yield [_LARGEST, figures.service, str(figures.span), "AMAR",
               "Number of average monthly active recipients during the reporting period ", scope, known if scope == "TOTAL" else ""]
