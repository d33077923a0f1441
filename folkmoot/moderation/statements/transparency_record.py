"""A statement of reasons in the form of the European Commission's transparency database (DSA Art. 24(5)), and its field rules.

The database accepts no personal data, so neither the author's text nor a name is in it: the facts are the rule and the
moderator's finding. `find_faults` checks a record against the documented rules, without the database.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any

from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.statements.model import Source, Statement

CATEGORIES = frozenset(f"STATEMENT_CATEGORY_{name}" for name in (
    "ANIMAL_WELFARE", "CONSUMER_INFORMATION", "CYBER_VIOLENCE", "CYBER_VIOLENCE_AGAINST_WOMEN", "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
    "ILLEGAL_OR_HARMFUL_SPEECH", "INTELLECTUAL_PROPERTY_INFRINGEMENTS", "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
    "NOT_SPECIFIED_NOTICE", "OTHER_VIOLATION_TC", "PROTECTION_OF_MINORS", "RISK_FOR_PUBLIC_SECURITY", "SCAMS_AND_FRAUD", "SELF_HARM",
    "UNSAFE_AND_PROHIBITED_PRODUCTS", "VIOLENCE",
))
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
    "territorial_scope": set(
        "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
    ),
}
_LENGTHS = {
    "decision_visibility_other": 500, "decision_monetary_other": 500, "content_type_other": 500, "illegal_content_legal_ground": 500,
    "illegal_content_explanation": 2000, "incompatible_content_ground": 500, "incompatible_content_explanation": 2000,
    "decision_facts": 5000, "source_identity": 500, "puid": 500,
}
_DATES = {
    "content_date": date(2000, 1, 1), "application_date": date(2020, 1, 1), "end_date_visibility_restriction": date(2020, 1, 1),
    "end_date_monetary_restriction": date(2020, 1, 1), "end_date_service_restriction": date(2020, 1, 1),
    "end_date_account_restriction": date(2020, 1, 1),
}
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
    ("content_type", "CONTENT_TYPE_OTHER", "content_type_other"),
)
_MATCHES = {"puid": r"[A-Za-z0-9_-]+", "content_language": r"[A-Z]{2}", "category_specification": r"KEYWORD_[A-Z_]+"}
# The database renamed this category on 2025-07-01; published policies keep the name under which they were published.
_RENAMED = {"STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE": "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"}
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


def record_of(statement: Statement, clause: Clause, *, content_types: tuple[str, ...], written_at: datetime) -> dict[str, Any]:
    """The record of a statement. `content_types`: text, image; `written_at`: when the content was written, if the statement has no
    text of its own."""
    decision = dict(_DECISION_OF[statement.kind])
    if statement.until and statement.kind != "warn":
        decision[next(_END_OF[name] for name in _END_OF if name in decision)] = statement.until.astimezone(UTC).date().isoformat()
    facts = statement.explanation or clause.text["en"]
    if statement.is_interim:
        reason = "nobody has decided in time" if statement.is_after_deadline else "a program has pointed it out"
        done = {"label": "Covered with a label", "limit_post": "Reach limited"}.get(statement.kind, "Hidden")
        facts = f"{done} until people decide, because {reason}. It may break this rule: {clause.text['en']}"
        if statement.explanation:
            facts += f" The author was told: {statement.explanation}"
    posted_at = statement.posted_at or written_at
    return {
        **decision,
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": f"Rule {clause.number}: {clause.title['en']}"[:500],
        "incompatible_content_explanation": (statement.explanation or clause.text["en"])[:2000],
        "incompatible_content_illegal": "No",
        "content_type": [f"CONTENT_TYPE_{kind.upper()}" for kind in content_types],
        "category": _RENAMED.get(clause.category, clause.category),
        "content_date": posted_at.astimezone(UTC).date().isoformat(),
        "application_date": statement.issued_at.astimezone(UTC).date().isoformat(),
        "decision_facts": facts[:5000],
        "source_type": {
            Source.DETECTOR: "SOURCE_VOLUNTARY", Source.REPORT: "SOURCE_ARTICLE_16", Source.NOTICE: "SOURCE_ARTICLE_16"}[statement.source],
        "automated_detection": "Yes" if statement.source is Source.DETECTOR else "No",
        "automated_decision": "AUTOMATED_DECISION_FULLY" if statement.is_interim else "AUTOMATED_DECISION_NOT_AUTOMATED",
        "puid": f"statement-{statement.id}",
    }


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
    return "is no date" if found is None else f"is before {first}" if found < first else ""
