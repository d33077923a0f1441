"""A statement of reasons in the form of the European Commission's transparency database (DSA Art. 24(5)), and its field rules.

The database accepts no personal data, so neither the author's text nor a name is in it: the facts are the rule and the
moderator's finding. `find_faults` checks a record against the rules of the database without asking it: they are those of
`StatementStoreRequest` and of the API documentation in its published source, release of 2026-06-24.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any

from folkmoot.moderation.clauses.categories import (
    OTHER,
    UNNAMED_BY_AUTHORITY,
    categories,
    category_of,
    is_alleged_illegal,
    keyword_of,
    lines,
)
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.contacts.model import Kind
from folkmoot.moderation.notices.model import UNLAWFUL
from folkmoot.moderation.statements.model import Source, Statement

CATEGORIES = frozenset(one.code for one in categories()) - {UNNAMED_BY_AUTHORITY}
KEYWORDS = frozenset(line.code for line in lines() if line.code.startswith("KEYWORD_")) | {"KEYWORD_STALKING"}
# Decisions of this network apply everywhere: in the European Economic Area, of which the database asks, in all states.
EEA = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
# Two-letter languages that the database knows (ISO 639-1).
_LANGUAGES = frozenset(
    "AA AB AE AF AK AM AN AR AS AV AY AZ BA BE BG BH BI BM BN BO BR BS CA CE CH CO CR CS CU CV CY DA DE DV DZ EE EL EN EO ES ET EU FA FF FI"
    " FJ FO FR FY GA GD GL GN GU GV HA HE HI HO HR HT HU HY HZ IA ID IE IG II IK IO IS IT IU JA JV KA KG KI KJ KK KL KM KN KO KR KS KU KV"
    " KW KY LA LB LG LI LN LO LT LU LV MG MH MI MK ML MN MR MS MT MY NA NB ND NE NG NL NN NO NR NV NY OC OJ OM OR OS PA PI PL PS PT QU RM"
    " RN RO RU RW SA SC SD SE SG SI SK SL SM SN SO SQ SR SS ST SU SV SW TA TE TG TH TI TK TL TN TO TR TS TT TW TY UG UK UR UZ VE VI VO WA"
    " WO XH YI YO ZA ZH ZU".split()
)
_CHOICES: dict[str, Collection[str]] = {
    "decision_monetary": {f"DECISION_MONETARY_{name}" for name in ("SUSPENSION", "TERMINATION", "OTHER")},
    "decision_provision": {
        f"DECISION_PROVISION_{name}" for name in ("PARTIAL_SUSPENSION", "TOTAL_SUSPENSION", "PARTIAL_TERMINATION", "TOTAL_TERMINATION")
    },
    "decision_account": {"DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"},
    "decision_ground": {"DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"},
    "incompatible_content_illegal": {"Yes", "No"},
    "category": CATEGORIES,
    "source_type": {"SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER", "SOURCE_TYPE_OTHER_NOTIFICATION", "SOURCE_VOLUNTARY"},
    "automated_detection": {"Yes", "No"},
    "content_language": _LANGUAGES,
    "account_type": {"ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE"},
    "automated_decision": {"AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_PARTIALLY", "AUTOMATED_DECISION_NOT_AUTOMATED"},
}
_LISTS: dict[str, Collection[str]] = {
    "decision_visibility": {f"DECISION_VISIBILITY_{name}" for name in (
        "CONTENT_REMOVED", "CONTENT_DISABLED", "CONTENT_DEMOTED", "CONTENT_AGE_RESTRICTED", "CONTENT_INTERACTION_RESTRICTED",
        "CONTENT_LABELLED", "OTHER",
    )},
    "content_type": {
        f"CONTENT_TYPE_{name}" for name in ("APP", "AUDIO", "IMAGE", "PRODUCT", "SYNTHETIC_MEDIA", "TEXT", "VIDEO", "OTHER")
    },
    "category_addition": CATEGORIES,
    "category_specification": KEYWORDS,
    "territorial_scope": EEA,
}
_LENGTHS = {
    "decision_visibility_other": 500, "decision_monetary_other": 500, "content_type_other": 500, "illegal_content_legal_ground": 500,
    "illegal_content_explanation": 2000, "incompatible_content_ground": 500, "incompatible_content_explanation": 2000,
    "decision_facts": 5000, "source_identity": 500, "puid": 500,
    "decision_ground_reference_url": 500, "category_specification_other": 500,
}
_DATES = {
    "content_date": date(2000, 1, 1), "application_date": date(2020, 1, 1), "end_date_visibility_restriction": date(2020, 1, 1),
    "end_date_monetary_restriction": date(2020, 1, 1), "end_date_service_restriction": date(2020, 1, 1),
    "end_date_account_restriction": date(2020, 1, 1),
}
_LAST_DATE = date(2038, 1, 1)
_REQUIRED = (
    "decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts", "source_type",
    "automated_detection", "automated_decision", "puid",
)
_DECISIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
_OF_GROUND = {
    "DECISION_GROUND_ILLEGAL_CONTENT": ("illegal_content_legal_ground", "illegal_content_explanation"),
    "DECISION_GROUND_INCOMPATIBLE_CONTENT": ("incompatible_content_ground", "incompatible_content_explanation"),
}
# A value that needs a further field.
_OTHER = (
    ("decision_visibility", "DECISION_VISIBILITY_OTHER", "decision_visibility_other"),
    ("decision_monetary", "DECISION_MONETARY_OTHER", "decision_monetary_other"),
    ("content_type", "CONTENT_TYPE_OTHER", "content_type_other"), ("category_specification", OTHER, "category_specification_other"),
)
_MATCHES = {"puid": r"[A-Za-z0-9_-]+", "decision_ground_reference_url": r"https?://[^\s<>\"]+"}
_DECISION_OF: dict[str, dict[str, Any]] = {
    "warn": {"decision_visibility": ["DECISION_VISIBILITY_OTHER"], "decision_visibility_other": "Warning without a restriction"},
    "label": {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_LABELLED"]},
    "limit_post": {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_DEMOTED"]},
    "limit": {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_DEMOTED"]},
    "hide": {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_DISABLED"]},
    "remove": {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"]},
    "freeze": {"decision_provision": "DECISION_PROVISION_PARTIAL_SUSPENSION"},
    "suspend": {"decision_account": "DECISION_ACCOUNT_SUSPENDED"},
    "delete": {"decision_account": "DECISION_ACCOUNT_TERMINATED"},
}
_END_OF = {
    "decision_visibility": "end_date_visibility_restriction", "decision_provision": "end_date_service_restriction",
    "decision_account": "end_date_account_restriction",
}


def record_of(
    statement: Statement, clause: Clause, *, base_url: str, written_at: datetime, content_types: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The record of a statement. `written_at`: when the content was written, if the statement has no text of its own;
    `content_types`: text, image, for a statement of an earlier release, which does not say."""
    decision = dict(_DECISION_OF[statement.kind])
    if statement.until and statement.kind != "warn":
        decision[next(_END_OF[name] for name in _END_OF if name in decision)] = _day(statement.until)
    language = (statement.content_language or "").upper()
    return {
        **decision,
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "decision_ground_reference_url": f"{base_url}/rules/{statement.policy}#rule-{clause.number}",
        "incompatible_content_ground": f"Rule {clause.number}: {clause.title['en']}"[:500],
        "incompatible_content_explanation": (statement.explanation or clause.text["en"])[:2000],
        "incompatible_content_illegal": "Yes" if clause.key == UNLAWFUL else "No",
        "content_type": [f"CONTENT_TYPE_{kind.upper()}" for kind in statement.content_types or content_types or ("text",)],
        **_category(clause),
        **({"content_language": language} if language in _LANGUAGES else {}),
        "territorial_scope": EEA,
        "content_date": _day(statement.posted_at or written_at),
        "application_date": _day(statement.issued_at),
        "decision_facts": _facts(statement, clause)[:5000],
        "source_type": source_type(statement.source, statement.notifier, clause),
        "automated_detection": "Yes" if statement.source is Source.DETECTOR else "No",
        "automated_decision": "AUTOMATED_DECISION_FULLY" if statement.is_interim else "AUTOMATED_DECISION_NOT_AUTOMATED",
        "puid": f"statement-{statement.id}",
    }


def decisions_of(kind: str | None = None) -> set[str]:
    """The decisions of the database that a kind of restriction is, or that any kind can be."""
    values = [value for one, decision in _DECISION_OF.items() if kind in (None, one) for value in decision.values()]
    return {code for value in values for code in _as_list(value) if code.startswith("DECISION_")}


def source_type(source: Source, notifier: str, clause: Clause) -> str:
    """Who led to a decision under this clause. A complaint that only terms are broken is no notice under DSA Art. 16, and neither
    is an order of an authority."""
    if source is Source.DETECTOR:
        return "SOURCE_VOLUNTARY"
    if source is Source.NOTICE and notifier == Kind.TRUSTED_FLAGGER:
        return "SOURCE_TRUSTED_FLAGGER"
    is_order = source is Source.NOTICE and notifier == Kind.AUTHORITY
    is_of_terms = source is Source.REPORT and not is_alleged_illegal(clause)
    return "SOURCE_TYPE_OTHER_NOTIFICATION" if is_order or is_of_terms else "SOURCE_ARTICLE_16"


def _category(clause: Clause) -> dict[str, Any]:
    keyword = keyword_of(clause)
    other = {"category_specification_other": clause.title["en"][:500]} if keyword == OTHER else {}
    return {"category": category_of(clause), "category_specification": [keyword], **other}


def _facts(statement: Statement, clause: Clause) -> str:
    if not statement.is_interim:
        return statement.explanation or clause.text["en"]
    reason = "nobody has decided in time" if statement.is_after_deadline else "a program has pointed it out"
    done = {"label": "Covered with a label", "limit_post": "Reach limited"}.get(statement.kind, "Hidden")
    told = f" The author was told: {statement.explanation}" if statement.explanation else ""
    return f"{done} until people decide, because {reason}. It may break this rule: {clause.text['en']}{told}"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def find_faults(record: Mapping[str, Any]) -> list[str]:
    """Every rule of the database that a record breaks, as `field: reason`; empty for a record that is accepted."""
    faults = [f"{name}: is required" for name in _REQUIRED if not record.get(name)]
    if not any(record.get(name) for name in _DECISIONS):
        faults.append("decision_visibility: at least one decision is required")
    known = {*_CHOICES, *_LISTS, *_LENGTHS, *_DATES, *_MATCHES}
    faults += [f"{name}: is no field" for name in record if name not in known]
    for name, value in record.items():
        if reason := _reason(name, value):
            faults.append(f"{name}: {reason}")
    for name in _OF_GROUND.get(str(record.get("decision_ground")), ()):
        if not record.get(name):
            faults.append(f"{name}: is required for this ground")
    begin = str(record.get("application_date", ""))
    faults += [f"{name}: is before the application date" for name in _END_OF.values() if str(record.get(name, begin)) < begin]
    for name, value, further in _OTHER:
        if value in _as_list(record.get(name)) and not record.get(further):
            faults.append(f"{further}: is required with {value}")
    return faults


def _reason(name: str, value: Any) -> str:
    checks: tuple[tuple[bool, Callable[[], str]], ...] = (
        (name in _CHOICES, lambda: "" if isinstance(value, str) and value in _CHOICES[name] else "is no value of the list"),
        (name in _LISTS, lambda: _reason_of_list(value, _LISTS[name])),
        (name in _DATES, lambda: _reason_of_date(value, _DATES[name])),
        (name in _LENGTHS, lambda: "" if isinstance(value, str) and len(value) <= _LENGTHS[name] else f"is no text of {_LENGTHS[name]}"),
        (name in _MATCHES, lambda: "" if all(
            isinstance(one, str) and re.fullmatch(_MATCHES[name], one) for one in _as_list(value)) else "has the wrong form"),
    )
    return next((reason for applies, check in checks if applies and (reason := check())), "")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _reason_of_list(value: Any, allowed: Collection[str]) -> str:
    if not isinstance(value, list) or not value:
        return "is no list"
    if len(set(map(str, value))) < len(value):
        return "names a value twice"
    return "" if all(isinstance(one, str) and one in allowed for one in value) else "has a value that is not of the list"


def _reason_of_date(value: Any, first: date) -> str:
    try:
        found = date.fromisoformat(value) if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) else None
    except ValueError:
        found = None
    if found is None:
        return "is no date"
    return f"is before {first}" if found < first else f"is after {_LAST_DATE}" if found > _LAST_DATE else ""
