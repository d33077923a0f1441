"""Statements of reasons in the form of the European transparency database, checked against its field rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.moderation.clauses.published import get_version, shipped
from folkmoot.moderation.contacts.model import Kind as ContactKind
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.statements.model import Source, Statement
from folkmoot.moderation.statements.transparency_record import EEA, find_faults, record_of
from tests.moderation.court import Court

_NOW = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)


def _statement(**fields: Any) -> Statement:
    values: dict[str, Any] = {
        "id": 7, "account_id": 1, "restriction_id": 2, "case_id": 3, "kind": "remove", "clause": "violence", "policy": "2026-11-29",
        "quote": "Počkáme na něj", "explanation": "", "source": Source.REPORT, "is_interim": False, "posted_at": _NOW, "until": None,
        "issued_at": _NOW, "told_at": _NOW, **fields,
    }
    return Statement(**values)


def _record(**fields: Any) -> dict[str, Any]:
    statement = _statement(**fields)
    clause = get_version(statement.policy).policy.clause(statement.clause)
    return record_of(statement, clause, base_url="https://moot.example.org", written_at=_NOW)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("version", [one.version for one in shipped()])
def test_every_measure_under_every_clause_gives_a_record_that_is_accepted(kind: Kind, version: str) -> None:
    until = _NOW + timedelta(days=3) if kind.is_timed else None
    for clause in get_version(version).policy.clauses:
        for source, notifier in ((source, notifier) for source in Source for notifier in ("", *ContactKind)):
            for is_interim, explanation in ((False, ""), (True, ""), (False, "x" * 2000)):
                record = _record(
                    kind=kind, clause=clause.key, policy=version, source=source, notifier=notifier, is_interim=is_interim,
                    explanation=explanation, until=until,
                )
                assert find_faults(record) == []
                assert any(name.startswith("end_date") for name in record) == (until is not None)


def test_a_record_says_who_noticed_and_whether_a_machine_decided() -> None:
    hidden = _record(kind="hide", source=Source.DETECTOR, is_interim=True)
    assert (hidden["source_type"], hidden["automated_detection"], hidden["automated_decision"]) == (
        "SOURCE_VOLUNTARY", "Yes", "AUTOMATED_DECISION_FULLY")
    late = _record(kind="hide", source=Source.REPORT, is_interim=True, is_after_deadline=True)
    assert (late["source_type"], late["automated_detection"]) == ("SOURCE_ARTICLE_16", "No")
    assert "nobody has decided in time" in late["decision_facts"]
    assert _record()["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    assert _record(clause="cover")["category"] == "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
    assert "Počkáme" not in msgspec.json.encode(_record()).decode()  # no personal data


@pytest.mark.parametrize(("source", "notifier", "clause", "expected"), [
    (Source.NOTICE, "", "violence", "SOURCE_ARTICLE_16"), (Source.NOTICE, "provider", "cover", "SOURCE_ARTICLE_16"),
    (Source.NOTICE, "trusted_flagger", "violence", "SOURCE_TRUSTED_FLAGGER"),
    (Source.NOTICE, "authority", "violence", "SOURCE_TYPE_OTHER_NOTIFICATION"),
    (Source.REPORT, "", "violence", "SOURCE_ARTICLE_16"), (Source.REPORT, "", "cover", "SOURCE_TYPE_OTHER_NOTIFICATION"),
    (Source.DETECTOR, "", "violence", "SOURCE_VOLUNTARY"),
])
def test_the_source_of_a_record_follows_from_who_noticed_and_what_was_alleged(
    source: Source, notifier: str, clause: str, expected: str
) -> None:
    assert _record(source=source, notifier=notifier, clause=clause)["source_type"] == expected


def test_a_record_says_what_the_content_was_and_where_the_decision_applies() -> None:
    record = _record(content_types=("text", "image"), content_language="cs")
    assert record["content_type"] == ["CONTENT_TYPE_TEXT", "CONTENT_TYPE_IMAGE"]
    assert (record["content_language"], record["territorial_scope"]) == ("CS", EEA)
    assert record["decision_ground_reference_url"] == "https://moot.example.org/rules/2026-11-29#rule-2"
    assert (record["category_specification"], record["incompatible_content_illegal"]) == (["KEYWORD_INCITEMENT_VIOLENCE_HATRED"], "No")
    other = _record(clause="law", content_language="xx")
    assert other["category_specification"] == ["KEYWORD_OTHER"]
    assert other["category_specification_other"] == other["incompatible_content_ground"].partition(": ")[2]
    assert other["incompatible_content_illegal"] == "Yes"
    assert "content_language" not in other


@pytest.mark.parametrize(("change", "fault"), [
    ({"decision_visibility": []}, "decision_visibility: is no list"),
    ({"decision_visibility": None}, "decision_visibility: at least one decision is required"),
    ({"decision_visibility": ["DECISION_VISIBILITY_GONE"]}, "decision_visibility: has a value that is not of the list"),
    ({"decision_visibility": ["DECISION_VISIBILITY_OTHER"]}, "decision_visibility_other: is required with DECISION_VISIBILITY_OTHER"),
    ({"decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT"}, "illegal_content_legal_ground: is required for this ground"),
    ({"incompatible_content_explanation": ""}, "incompatible_content_explanation: is required for this ground"),
    ({"incompatible_content_explanation": "x" * 2001}, "incompatible_content_explanation: is no text of 2000"),
    ({"decision_facts": "x" * 5001}, "decision_facts: is no text of 5000"), ({"decision_facts": ""}, "decision_facts: is required"),
    ({"content_type": ["CONTENT_TYPE_OTHER"]}, "content_type_other: is required with CONTENT_TYPE_OTHER"),
    ({"content_type": "CONTENT_TYPE_TEXT"}, "content_type: is no list"),
    ({"content_type": ["CONTENT_TYPE_TEXT", "CONTENT_TYPE_TEXT"]}, "content_type: names a value twice"),
    ({"category": "STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE"}, "category: is no value of the list"),
    ({"content_date": "1999-12-31"}, "content_date: is before 2000-01-01"), ({"content_date": "2026-02-30"}, "content_date: is no date"),
    ({"application_date": "29.11.2026"}, "application_date: is no date"),
    ({"source_type": "SOURCE"}, "source_type: is no value of the list"),
    ({"automated_detection": True}, "automated_detection: is no value of the list"), ({"puid": "číslo 7"}, "puid: has the wrong form"),
    ({"content_language": "cs"}, "content_language: is no value of the list"),
    ({"territorial_scope": ["XX"]}, "territorial_scope: has a value"),
    ({"category_specification": ["KEYWORD_INCITEMENT"]}, "category_specification: has a value that is not of the list"),
    ({"category_specification": ["KEYWORD_OTHER"]}, "category_specification_other: is required with KEYWORD_OTHER"),
    ({"decision_ground_reference_url": "rules"}, "decision_ground_reference_url: has the wrong form"),
    ({"application_date": "2038-01-02"}, "application_date: is after 2038-01-01"),
    ({"end_date_visibility_restriction": "2026-11-28"}, "end_date_visibility_restriction: is before the application date"),
    ({"author": "jana"}, "author: is no field"),
])
def test_a_broken_field_is_named(change: dict[str, Any], fault: str) -> None:
    record = {name: value for name, value in {**_record(), **change}.items() if value is not None}
    assert any(found.startswith(fault) for found in find_faults(record)), find_faults(record)


async def test_the_author_downloads_the_record_and_nobody_else(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await court.decide("moderator", (await court.queue())[0], "hide", days=3)
    [(_, statement_id)] = await court.told("author")
    answer = await (await court.village.by_browser("author")).get(f"/statements/{statement_id}/record")
    assert answer.headers["content-disposition"] == f'attachment; filename="statement-{statement_id}.json"'
    assert find_faults(answer.json) == []
    assert answer.json["puid"] == f"statement-{statement_id}"
    assert (await (await court.village.by_browser("reporter")).get(f"/statements/{statement_id}/record")).status == 404
