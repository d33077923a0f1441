"""Monthly figures: equal to what the raw rows say, unchanged by what happens later, and silent about single people."""

import csv
import hashlib
import io
import statistics
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from asyncpg import PostgresError
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.base import clock
from folkmoot.base.errors import Invalid, NotFound
from folkmoot.moderation.transparency import queries
from folkmoot.moderation.transparency.actions import withdraw_note, write_note
from folkmoot.moderation.transparency.counting import count_month
from folkmoot.moderation.transparency.jobs import publish_months
from folkmoot.moderation.transparency.monthly import (
    FEW,
    FEWER_THAN,
    Figures,
    State,
    few,
    months_before,
    months_from,
    parse_month,
    state_of,
)
from folkmoot.moderation.transparency.reading import read_report
from folkmoot.moderation.transparency.table import as_csv, as_json, rows_of
from folkmoot.network.accounts.actions import delete_account
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.moderation.seeded_month import BEGIN, MONTH, SeededMonth
from tests.series import dice, length

_END = datetime(2026, 11, 1, tzinfo=UTC)
_LATER = _END + timedelta(days=20)


async def _figures(court: Court, month: date = MONTH) -> Figures:
    with clock.stopped_at(_LATER):
        async with court.database.read() as conn:
            return await count_month(conn, court.village.settings, month, State.FINAL, clock.now())


async def _rows(court: Court, table: str) -> list[Mapping[str, Any]]:
    async with court.database.read() as conn:
        return [dict(row) for row in await conn.fetch(f"SELECT * FROM {table}")]


def _is_in(moment: datetime | None) -> bool:
    return moment is not None and BEGIN <= moment < _END


def _hidden_again(counts: Mapping[str, int], shown: Mapping[str, Any]) -> bool:
    """Whether what is shown of these counts is right: each exact or FEW, and FEW for each small one."""
    return all(
        value == counts.get(key, 0) or (value == FEW and (counts.get(key, 0) < FEWER_THAN or list(shown.values()).count(FEW) == 2))
        for key, value in shown.items()
    )


async def test_the_figures_are_those_of_the_raw_rows(court: Court, desk: Desk) -> None:
    await SeededMonth(court, desk, dice("a month")).fill(length(14, 150))
    async with court.database.write() as tx:  # as if juries had decided a third
        await tx.execute("UPDATE verdicts SET decider_kind = 'jury', decider_id = NULL, moderator_id = NULL WHERE id % 3 = 0")
    figures = await _figures(court)
    cases = {row["id"]: row for row in await _rows(court, "cases")}
    verdicts = [row for row in await _rows(court, "verdicts") if row["undone_at"] is None]
    of_case = {row["case_id"]: row for row in verdicts}
    reports, notices = await _rows(court, "reports"), await _rows(court, "notices")
    appeals, signals = await _rows(court, "appeals"), await _rows(court, "signals")

    assert figures.reports == sum(_is_in(row["created_at"]) for row in reports)
    assert figures.cases == sum(_is_in(row["opened_at"]) and row["appealed_verdict_id"] is None for row in cases.values())
    assert figures.notices == {one: sum(row["urgency"] == one for row in notices) for one in ("order", "contact", "other")}

    first = [row for row in verdicts if _is_in(row["made_at"]) and cases[row["case_id"]]["appealed_verdict_id"] is None]
    assert figures.decisions.total == len(first) >= 3
    deciders = Counter(row["decider_kind"] for row in first)
    assert figures.decisions.by_decider == {"person": 0, "jury": 0, "system": 0} | deciders
    for field in ("clause", "action"):
        shown = getattr(figures.decisions, f"by_{field}")
        counts = Counter(row[field] for row in first)
        assert set(counts) <= set(shown)
        assert _hidden_again(counts, shown)

    hours = sorted((row["made_at"] - cases[row["case_id"]]["opened_at"]) / timedelta(hours=1) for row in first)
    assert figures.speed["all"].median == pytest.approx(statistics.median(hours), abs=0.001)
    assert figures.speed["all"].nine_tenths == pytest.approx(
        statistics.quantiles(hours, n=10, method="inclusive")[8] if len(hours) > 1 else hours[0], abs=0.001)
    assert sum(one.decided for lane, one in figures.speed.items() if lane != "all") == len(first)

    expected: Counter[tuple[str, str]] = Counter()
    for case in cases.values():
        decided_at = of_case[case["id"]]["made_at"] if case["id"] in of_case else None
        if case["is_demanded"] or not _is_in(min(decided_at or case["due_at"], case["due_at"])):
            continue
        in_time = decided_at is not None and decided_at <= case["due_at"]
        is_covered = case["interim_at"] is not None and case["interim_at"] <= case["due_at"]
        kind = "appeal" if case["appealed_verdict_id"] else "threat" if case["severity"] >= 0.8 else "other"
        expected[kind, "in_time" if in_time else "covered" if is_covered else "late"] += 1
    found = {(kind, ending): number for kind in ("threat", "other", "appeal")
             for ending, number in msgspec.to_builtins(figures.deadlines[kind]).items() if number}
    assert found == dict(expected)
    assert found["threat", "covered"] >= 1
    assert found["threat", "late"] >= 1
    assert found["other", "late"] >= 1  # of the report from before the month
    assert msgspec.to_builtins(figures.deadlines["notice_contact"]) == {"in_time": 1, "covered": 0, "late": 0}
    assert msgspec.to_builtins(figures.deadlines["notice_other"]) == {"in_time": 0, "covered": 0, "late": 1}

    assert (figures.appeals.lodged, figures.appeals.overturned, figures.appeals.decided) == (len(appeals), 1, 1)

    raised = [row for row in signals if _is_in(row["created_at"])]
    everything = figures.detected["all"]
    assert everything.cases == len({row["case_id"] for row in raised})
    assert everything.hidden == len({row["case_id"] for row in raised if row["is_hiding"]})
    judged = [row for row in first if any(one["case_id"] == row["case_id"] for one in signals)]
    assert everything.decided == len(judged)
    assert everything.agreed == sum(row["action"] != "keep" for row in judged)

    late = Counter((incident.kind, incident.of) for incident in figures.incidents for _ in range(incident.count))
    assert late["covered", "threat"] == found["threat", "covered"]
    assert late["late", "threat"] == found["threat", "late"]
    assert late["overturned", ""] == 1
    assert all(BEGIN.date() <= incident.day < _END.date() for incident in figures.incidents)
    _check_files(court, figures)


async def test_a_month_that_is_over_stays_as_it_was(court: Court, desk: Desk) -> None:
    """Whatever is decided later, and when everybody leaves; what was published stays byte for byte."""
    month = SeededMonth(court, desk, dice("a month that is over"))
    await month.fill(3)
    before = await _figures(court)
    verdict = next(row for row in await _rows(court, "verdicts") if row["made_at"] >= _END)
    appeal = await month.appeal(_END + timedelta(days=1), verdict["id"])
    await month.decide(_END + timedelta(days=2), appeal, "keep", name="other_moderator")
    open_case = next(case for case in await court.queue() if case.due_at < _END)
    await month.decide(_END + timedelta(days=3), open_case, "remove")
    assert await _figures(court) == before
    after = await _figures(court, date(2026, 11, 1))
    assert (after.appeals.lodged, after.appeals.overturned, after.decisions.total) == (1, 1, 2)
    await _check_publishing(court)
    await _check_leaving(court)


async def _check_publishing(court: Court) -> None:
    settings = court.village.settings
    with clock.stopped_at(_END + timedelta(days=3, hours=23)):
        assert await publish_months(court.database, settings=settings) == 1  # September, in whose last hours the first case was opened
    with clock.stopped_at(_LATER):
        assert await publish_months(court.database, settings=settings) == 1
        assert await publish_months(court.database, settings=settings) == 0
        async with court.database.read() as conn:
            published = await queries.find_month(conn, MONTH)
            report = await read_report(conn, settings)
    assert published
    assert published.figures.state is State.FINAL
    assert report.content_of("2026-10") == published.content
    async with court.database.read() as conn:
        facts = await conn.fetchval("SELECT facts FROM journal WHERE kind = 'transparency.month_published' ORDER BY id DESC LIMIT 1")
    assert msgspec.json.decode(facts) == {"month": "2026-10", "sha256": hashlib.sha256(published.content).hexdigest()}
    for statement in ("UPDATE transparency_months SET content = ''", "DELETE FROM transparency_months", "TRUNCATE transparency_months"):
        with pytest.raises(PostgresError, match="stays"):
            async with court.database.write() as tx:
                await tx.execute(statement)


async def _check_leaving(court: Court) -> None:
    before = await _figures(court)
    for name in list(court.village.people):
        async with court.database.write() as tx:
            await delete_account(tx, court.village.people[name].id)
        await court.village.work()
    assert await _figures(court) == before


def _check_files(court: Court, figures: Figures) -> None:
    """They have the same numbers, and name nobody."""
    content = as_json(figures)
    assert msgspec.json.decode(content, type=Figures) == figures
    table = as_csv([figures], {})
    assert table.endswith(b"\r\n")
    assert table.replace(b"\r\n", b"").count(b"\n") == 0
    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))
    assert rows[0] == ["month", "state", "figure", "of", "value"]
    assert rows[1:] == [["2026-10", "final", name, of, str(value)] for name, of, value in rows_of(figures)]
    values = {(name, of): value for _, _, name, of, value in rows[1:]}
    assert values["decisions", ""] == str(figures.decisions.total)
    assert values["deadlines_covered", "threat"] == str(figures.deadlines["threat"].covered)
    assert values["appeals_overturned", ""] == "1"
    public = content.decode() + table.decode()
    assert "author" not in public
    assert not any(str(account.id) in public for account in court.village.people.values())
    assert "tramvaje" not in public


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 30), min_size=2, max_size=12))
def test_no_small_number_can_be_computed_from_the_others(counts: dict[str, int]) -> None:
    shown = few(counts)
    hidden = [key for key, value in shown.items() if value == FEW]
    assert {key for key, count in counts.items() if count < FEWER_THAN} <= set(hidden)
    assert len(hidden) != 1  # with the total known, one equation for one number
    assert all(value in (FEW, counts[key]) for key, value in shown.items())


def test_months_have_names_and_an_order() -> None:
    assert parse_month("2026-11") == date(2026, 11, 1)
    assert [parse_month(one) for one in ("2026-13", "2026-1", "1999-01", "2026-11-01", "20٢٦-11", "")] == [None] * 6
    assert months_from(date(2026, 11, 1), date(2027, 2, 1)) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]
    assert months_before(date(2027, 1, 1), 3) == date(2026, 10, 1)
    assert state_of(MONTH, _END - timedelta(seconds=1)) is State.RUNNING
    assert state_of(MONTH, _END) is State.PRELIMINARY


async def test_a_network_without_anything_has_a_report(court: Court) -> None:
    async with court.database.read() as conn:
        report = await read_report(conn, court.village.settings)
    assert [one.state for one in report.months] == [State.RUNNING]
    assert report.newest.decisions.total == 0
    assert set(report.newest.decisions.by_action.values()) == {FEW}
    assert report.recent.first == report.recent.last.replace(day=1)


async def test_a_note_is_only_added_and_withdrawn(court: Court) -> None:
    with clock.stopped_at(_LATER):
        async with court.database.write() as tx:
            note = await write_note(tx, MONTH, "cs", " Dva dny jsme neměli dost lidí.\n")
        for month, language, text in ((MONTH, "cs", " "), (MONTH, "xx", "a"), (date(2026, 12, 1), "cs", "a"), (MONTH, "cs", "a" * 5001)):
            with pytest.raises(Invalid):
                async with court.database.write() as tx:
                    await write_note(tx, month, language, text)
        for statement in ("UPDATE transparency_notes SET text = 'Nic se nestalo.'", "DELETE FROM transparency_notes",
                          "UPDATE transparency_notes SET text = NULL, withdrawn_at = now(), written_at = now()"):
            with pytest.raises(PostgresError, match="only be withdrawn"):
                async with court.database.write() as tx:
                    await tx.execute(statement)
        async with court.database.write() as tx:
            await withdraw_note(tx, note.id)
        with pytest.raises(NotFound):
            async with court.database.write() as tx:
                await withdraw_note(tx, note.id)
        async with court.database.read() as conn:
            kept = await queries.list_notes(conn)
            steps = await conn.fetch("SELECT kind, facts FROM journal WHERE kind LIKE 'transparency.note%' ORDER BY id")
    assert [(one.text, one.written_at, one.withdrawn_at) for one in kept] == [(None, _LATER, _LATER)]
    assert [row["kind"] for row in steps] == ["transparency.note_written", "transparency.note_withdrawn"]
    assert msgspec.json.decode(steps[0]["facts"])["sha256"] == hashlib.sha256("Dva dny jsme neměli dost lidí.".encode()).hexdigest()
