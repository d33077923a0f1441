"""Parts 2 to 6 of a report: one row for each category and keyword (Implementing Regulation (EU) 2024/2835, Annex I and II 1.1 to 1.4).

The numbers of the keywords of a category add up to its own. What a rule is about, and no keyword says, gets a row KEYWORD_OTHER
of its own, which the title of the rule describes (Annex II, part I, 7).
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from folkmoot.moderation.clauses.categories import (
    OF_TERMS,
    OTHER,
    UNNAMED_BY_AUTHORITY,
    UNNAMED_BY_NOTIFIER,
    Category,
    categories,
    category_of,
    is_alleged_illegal,
    keyword_of,
    lines,
)
from folkmoot.moderation.clauses.model import Clause, Family
from folkmoot.moderation.clauses.published import clause_of, current, find_clause
from folkmoot.moderation.contacts.model import Kind
from folkmoot.moderation.notices.model import UNLAWFUL
from folkmoot.moderation.reports.model import CLAUSE_OF
from folkmoot.moderation.statements.model import Source
from folkmoot.moderation.statements.transparency_record import decisions_of, source_type
from folkmoot.moderation.transparency.model import Figures, Measures, Reports, Response

Row = list[str]
TOTAL = "TOTAL"
_HOSTING = "Only for providers of hosting services, including online platforms"
_HEAD = ["Applicability", "Service", "Reporting period"]
_OTHER_COLUMN = 'Description of the sub-category "Other"'
_ORDERS = (
    "Number of orders to act against illegal content received",
    "Number of specific items of information included in the total number of orders to act against illegal content",
    "Median time to inform the authority of the receipt of the order to act against illegal content",
    "Median time to give effect to the order to act against illegal content", "Number of orders to provide information",
    "Median time to inform the authority of the receipt of the order to provide information",
    "Median time to give effect to the order to provide information",
)
_LOWER_IN_TEMPLATE = [f"n{name[1:]}" for name in _ORDERS[:2]]  # in the columns for remarks about them
_FLAGGED = " (Trusted Flagger notices)"
_NOTICES = (
    "Number of notices received ", "Number of notices received from Trusted flaggers",
    "Number of specific items of information included in the total number of notices",
    f"Number of specific items of information included in the total number of notices by Trusted Flaggers{_FLAGGED}",
    *(f"{name}{flagged}" for name in (
        "Median time to take action", "Number of actions taken on the basis of the law",
        "Number of actions taken on the basis of the terms and conditions of the service") for flagged in ("", _FLAGGED)),
)
_OWN = (
    "Number of measures taken at the provider's own initiative ",
    "Number of measures taken after detection with solely automated means ",
)
# The columns of restrictions, with the decisions of the transparency database that they count.
_RESTRICTIONS = {
    **{f"Visibility restriction {name}": {f"DECISION_VISIBILITY_{code}"} for name, code in (
        ("Removal", "CONTENT_REMOVED"), ("Disable", "CONTENT_DISABLED"), ("Demoted", "CONTENT_DEMOTED"),
        ("Age restricted", "CONTENT_AGE_RESTRICTED"), ("Interaction restricted", "CONTENT_INTERACTION_RESTRICTED"),
        ("Labelled ", "CONTENT_LABELLED"), ("Other", "OTHER"))},
    **{f"Monetary restriction {name}": {f"DECISION_MONETARY_{name.upper()}"} for name in ("Suspension", "Termination", "Other")},
    **{f"Provision of the service {name}": {f"DECISION_PROVISION_{part}_{name.upper()}" for part in ("PARTIAL", "TOTAL")}
       for name in ("Suspension", "Termination")},
    "Account restriction Suspension": {"DECISION_ACCOUNT_SUSPENDED"}, "Account restriction Termination": {"DECISION_ACCOUNT_TERMINATED"},
}
_POSSIBLE = [name for name, codes in _RESTRICTIONS.items() if codes & decisions_of()]


class Item(NamedTuple):
    """Something that is counted, with its place in the table. `hours`: of a response."""

    category: str
    keyword: str = ""
    description: str = ""
    number: int = 0
    items: int = 0
    is_flagged: bool = False
    country: str = ""
    hours: float | None = None
    acted: int = 0
    measures: Measures | None = None


def names() -> Iterator[Row]:
    """Part 2: which rules of the service are in which category."""
    ground = "Category of illegal content / incompatible with the terms and conditions"
    yield ["Category label", "Category description", ground, "Contextual information"]
    titles: dict[str, list[str]] = {}
    for clause in current().clauses:
        titles.setdefault(category_of(clause), []).append(f"Rule {clause.number}: {clause.title['en']}")
    for line in lines():
        yield [*line, "; ".join(titles.get(line.code, []))]


def orders(figures: Figures) -> Iterator[Row]:
    """Part 3. An order is a notice of a registered authority; a sender who only claims to be one is in part 4."""
    found = [
        _item(clause_of(one.clause), UNNAMED_BY_AUTHORITY, number=one.number, items=one.items, country=one.country)
        for one in figures.notices if one.kind == Kind.AUTHORITY
    ]
    found += [
        _item(_clause(one), UNNAMED_BY_AUTHORITY, country=one.country, hours=one.hours) for one in figures.responses
        if one.kind == Kind.AUTHORITY
    ]
    context = _contextual([*_LOWER_IN_TEMPLATE, *_ORDERS[2:]])
    yield [*_HEAD, "Category of illegal content", _OTHER_COLUMN, "Scope", *_ORDERS, *context]
    for scope in (TOTAL, *sorted({one.country for one in found if one.country})):
        of = [one for one in found if scope in (TOTAL, one.country)]
        for number, (place, cells) in enumerate(_rows(of, _illegal(UNNAMED_BY_AUTHORITY), _order_cells)):
            context = _context_of_orders(found) if scope == TOTAL and not number else [""] * len(_ORDERS)
            yield ["All", figures.service, str(figures.span), *place, scope, *cells, *context]


def notices(figures: Figures) -> Iterator[Row]:
    """Part 4: notices from outside and reports of members, except those that allege no more than a breach of the terms."""
    found = [
        _item(clause_of(one.clause), UNNAMED_BY_NOTIFIER, number=one.number, items=one.items, is_flagged=one.kind == Kind.TRUSTED_FLAGGER)
        for one in figures.notices if one.kind != Kind.AUTHORITY
    ]
    reported = [(one, reported_clause(one)) for one in figures.reports]
    found += [_item(clause, UNNAMED_BY_NOTIFIER, number=one.number, items=one.items) for one, clause in reported if is_notice(clause)]
    found += [
        _item(_clause(one), UNNAMED_BY_NOTIFIER, hours=one.hours, is_flagged=one.kind == Kind.TRUSTED_FLAGGER)
        for one in figures.responses if one.kind != Kind.AUTHORITY and (one.is_notice or is_alleged_illegal(_clause(one)))
    ]
    found += [
        _item(_clause(one), UNNAMED_BY_NOTIFIER, acted=one.number, is_flagged=one.notifier == Kind.TRUSTED_FLAGGER)
        for one in figures.measures if _source(one) in ("SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER")
    ]
    yield [*_HEAD, "Category of illegal content", _OTHER_COLUMN, *_NOTICES, *_contextual(_NOTICES)]
    for number, (place, cells) in enumerate(_rows(found, _illegal(UNNAMED_BY_NOTIFIER), _notice_cells)):
        context = _CONTEXT_OF_NOTICES if not number else {}
        yield [_HOSTING, figures.service, str(figures.span), *place, *cells, *(context.get(name, "") for name in _NOTICES)]


def own_initiative(figures: Figures, *, of_terms: bool) -> Iterator[Row]:
    """Part 6 or, if not `of_terms`, part 5, which is zero: every decision names a rule, and so has its ground in the terms."""
    found = [
        _item(_clause(one), OF_TERMS, measures=one) for one in figures.measures if of_terms and is_own_initiative(one)
    ]
    ground = "Category of incompatibility with the provider's terms and conditions" if of_terms else "Category of illegal content"
    columns = (*_OWN, *_RESTRICTIONS)
    yield [*_HEAD, ground, _OTHER_COLUMN, *columns, *_contextual(columns, "Contextual Information on ")]
    allowed = [one for one in categories() if one.keywords and (of_terms or one.code != OF_TERMS)]
    for place, cells in _rows(found, allowed, _measure_cells):
        yield ["All", figures.service, str(figures.span), *place, *cells, *[""] * len(columns)]


def is_own_initiative(one: Measures) -> bool:
    """Whether neither an order nor a notice under Art. 16 came before it (Annex II, 1.4)."""
    is_order = one.source == Source.NOTICE and one.notifier == Kind.AUTHORITY
    return not is_order and _source(one) in ("SOURCE_VOLUNTARY", "SOURCE_TYPE_OTHER_NOTIFICATION")


def reported_clause(report: Reports) -> Clause | None:
    """The gravest clause that a report names, or the one that its reason stands for; None for a report that alleges nothing exact."""
    named = [clause_of(key) for key in report.clauses]
    if named:
        return max(named, key=lambda clause: clause.severity)
    if report.family:
        return current().of_family(Family(report.family))
    return next((clause_of(CLAUSE_OF[one]) for one in CLAUSE_OF if one == report.category and one in ("spam", "legal")), None)


def is_notice(clause: Clause | None) -> bool:
    """Whether a report is a notice under Art. 16: it alleges illegal content, or does not say."""
    return clause is None or is_alleged_illegal(clause)


def number_of(value: float | None) -> str:
    """A number as in the tables: two decimals for hours, none needed for a whole number."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _illegal(further: str) -> list[Category]:
    return [one for one in categories() if (one.keywords and one.code != OF_TERMS) or one.code == further]


def _clause(one: Measures | Response) -> Clause:
    return find_clause(one.clause, one.policy)


def _source(one: Measures) -> str:
    return source_type(Source(one.source), one.notifier, _clause(one))


def _item(clause: Clause | None, fallback: str, **facts: Any) -> Item:
    """`fallback`: the category of what is not in any of the table: a rule about the terms only, or what is unlawful in general."""
    if clause is None or (fallback != OF_TERMS and (clause.key == UNLAWFUL or not is_alleged_illegal(clause))):
        return Item(fallback, **facts)
    keyword = keyword_of(clause)
    return Item(category_of(clause), keyword, clause.title["en"] if keyword == OTHER else "", **facts)


def _rows(found: Sequence[Item], allowed: Sequence[Category], cells: Callable[[Sequence[Item]], Row]) -> Iterator[tuple[Row, Row]]:
    """(category and description, cells) of each row."""
    yield [TOTAL, ""], cells(found)
    for category in allowed:
        of = [one for one in found if one.category == category.code]
        yield [category.code, ""], cells(of)
        for keyword in category.keywords:
            described = sorted({one.description for one in of if one.keyword == keyword}) or [""]
            for description in described:
                yield [keyword, description], cells([one for one in of if (one.keyword, one.description) == (keyword, description)])


def _order_cells(found: Sequence[Item]) -> Row:
    count = sum(one.number for one in found)
    hours = [one.hours for one in found if one.hours is not None]
    # A receipt is sent in the moment when the order arrives: within one hour counts as zero (Annex II, 1.2.1 I).
    return [str(count), str(sum(one.items for one in found)), "0" if count else "", number_of(median(hours)) if hours else "", "", "", ""]


def _notice_cells(found: Sequence[Item]) -> Row:
    flagged = [one for one in found if one.is_flagged]
    times = [[one.hours for one in of if one.hours is not None] for of in (found, flagged)]
    return [
        *(str(sum(one.number for one in of)) for of in (found, flagged)), *(str(sum(one.items for one in of)) for of in (found, flagged)),
        *(number_of(median(hours)) if hours else "" for hours in times), "0", "0",
        *(str(sum(one.acted for one in of)) for of in (found, flagged)),
    ]


def _measure_cells(found: Sequence[Item]) -> Row:
    measures = [one.measures for one in found if one.measures]
    automatic = sum(one.number for one in measures if one.source == Source.DETECTOR)
    counts = {
        name: str(sum(one.number for one in measures if _RESTRICTIONS[name] & decisions_of(one.kind))) for name in _POSSIBLE
    }
    return [str(sum(one.number for one in measures)), str(automatic), *(counts.get(name, "") for name in _RESTRICTIONS)]


def _contextual(columns: Sequence[str], words: str = "Contextual information on ") -> Row:
    return [f"{words}{name}" for name in columns]


def _context_of_orders(found: Sequence[Item]) -> Row:
    unknown = sum(one.number for one in found if not one.country)
    of_states = f"Of {unknown} of them the Member State is not registered." if unknown else ""
    by_hand = "Such orders do not reach the service through its notice mechanism; the operator keeps them."
    return [of_states, "", "Receipts are sent automatically when an order arrives.", "", by_hand, "", ""]


_CONTEXT_OF_NOTICES = {
    "Number of notices received ": "Notices from outside by form, mail and API, and reports of members. Not counted are reports that"
    " allege no more than a breach of the terms, and orders of authorities.",
    "Median time to take action": "From the notice to the first restriction, for each item about which a breach was found.",
    "Number of actions taken on the basis of the law": "Every decision names a rule of the service, one of which forbids what is unlawful.",
}
