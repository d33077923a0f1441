"""Transparency reports of a period: the form of Annex I, the figures of a small network, and that they last."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.clauses.categories import categories
from folkmoot.moderation.statements.transparency_record import CATEGORIES, find_faults
from folkmoot.moderation.transparency.export import Imprint, read_figures, report_files, statement_batches
from folkmoot.moderation.transparency.model import Figures, Span
from folkmoot.network.accounts.actions import delete_account
from folkmoot.network.activity.jobs import record
from tests.moderation.court import Court
from tests.moderation.notices import Desk

_TEMPLATES = sorted((Path(__file__).parent / "data" / "annex_i").glob("*.csv"))
_IMPRINT = Imprint("Náves z. s.", "2027-02-20", "2026-02-20")
Table = list[list[str]]


def _table(content: bytes) -> Table:
    assert content.endswith(b"\r\n")  # RFC 4180
    assert content.replace(b"\r\n", b"").count(b"\n") == 0
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def _today() -> Span:
    now = clock.now()
    return Span((now - timedelta(days=1)).date(), (now + timedelta(days=1)).date())


async def _export(court: Court) -> dict[str, bytes]:
    async with court.database.read() as conn:
        files = dict(report_files(await read_figures(conn, _today(), "Náves"), _IMPRINT))
        async for batch in statement_batches(conn, _today(), "https://moot.example.org"):
            assert not batch.faults
            files[batch.name] = batch.content
    return files


def _row(table: Table, *wanted: str) -> dict[str, str]:
    """The one row whose first differing columns are these, by the names of the columns."""
    found = [row for row in table[1:] if set(wanted) <= set(row)]
    assert len(found) == 1, (wanted, found)
    return dict(zip(table[0], found[0], strict=True))


def _shown(row: dict[str, str]) -> dict[str, str]:
    """What is neither zero nor blank, without the first three columns and remarks."""
    return {name.strip(): value for name, value in list(row.items())[4:] if value not in ("", "0") and not name.startswith("Contextual")}


@pytest.mark.parametrize("template", _TEMPLATES, ids=lambda path: path.stem)
def test_a_report_has_the_columns_and_rows_of_its_template(template: Path) -> None:
    """The templates leave languages and states open (`bg, [...], sv`): those rows are compared by their columns only."""
    figures = Figures(_today(), "Náves", [], [], [], [], [], [], 0, None)
    made = _table(dict(report_files(figures, _IMPRINT))[template.name])
    official = list(csv.reader(io.StringIO(template.read_bytes().decode("utf-8-sig"), newline="")))
    assert made[0] == official[0]
    assert {len(row) for row in made} == {len(made[0])}
    labels = [number for number, name in enumerate(made[0]) if name in (
        "Applicability", "Section", "Indicator", "Scope", "Category label", "Category description") or name.startswith("Category of")]

    def fixed(rows: Sequence[list[str]]) -> Table:
        places = [[row[number].strip() for number in labels] for row in rows if any(row)]
        return [row for row in places if not set(row) & {"[...]", "AT, […], SE", "AT", "SE", "bg", "sv"}]

    made_rows = [row for row in fixed(made[1:]) if not any(len(cell) == 2 for cell in row)]
    assert made_rows == fixed(official[1:])
    assert len(made_rows) >= 1


def test_the_eleven_parts_are_there() -> None:
    assert len(_TEMPLATES) == 11


def test_all_categories_of_the_report_are_categories_of_the_database() -> None:
    assert {one.code for one in categories() if one.keywords} <= CATEGORIES
    assert [len(one.keywords) for one in categories()] == [3, 6, 7, 8, 5, 4, 7, 4, 6, 5, 7, 4, 3, 6, 7, 0, 0]


async def _happen(court: Court, desk: Desk) -> None:
    """A report with an appeal of the author, a flagger's notice, an order, a report about terms only, and one whose reporter objects."""
    posts = [await court.village.write("author", f"Počkáme na něj u tramvaje číslo {number}") for number in range(5)]
    await court.report("reporter", posts[0], clauses=("violence",))
    verdict = await court.decide("moderator", (await court.queue())[0], "remove")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, (await court.viewer("author")).account, verdict.id, "Je to citát.")
    await court.decide("other_moderator", await court.case(appeal.case_id), "keep")
    flagger = await desk.register("trusted_flagger", name="Linka", senders=("linka.example",))
    await desk.receive(posts[1], contact=flagger, reference="1", clause="violence")
    await court.decide("moderator", (await court.queue())[0], "hide", days=3)
    court_of_law = await desk.register("authority", name="Soud", senders=("justice.example",), country="cz")
    await desk.receive(posts[2], contact=court_of_law, reference="2", clause="children")
    await court.decide("moderator", (await court.queue())[0], "remove")
    await court.report("reporter", posts[3], clauses=("cover",))
    await court.decide("moderator", (await court.queue())[0], "label", clause="cover")
    await court.report("reporter", posts[4], clauses=("violence",))
    kept = await court.decide("moderator", (await court.queue())[0], "keep")
    async with court.database.write() as tx:
        objection = await lodge_appeal(tx, (await court.viewer("reporter")).account, kept.id, "Je to výhrůžka.")
    await court.decide("other_moderator", await court.case(objection.case_id), "remove", also=("freeze",), days=7)
    await desk.receive("https://elsewhere.example/1", f"{desk.intake.base_url}/posts/1")  # of somebody unknown, about nothing
    await record(court.database)


async def test_the_figures_are_those_of_the_network(court: Court, desk: Desk) -> None:
    await _happen(court, desk)
    files = {name: _table(content) for name, content in (await _export(court)).items() if name.endswith(".csv")}

    orders = files["3_member_states_orders.csv"]
    for scope in ("TOTAL", "CZ"):
        order = _row([orders[0], *[row for row in orders if row[3:6] == ["STATEMENT_CATEGORY_PROTECTION_OF_MINORS", "", scope]]], scope)
        assert order["Number of orders to act against illegal content received"] == "1"
    acted = _row([orders[0], *[row for row in orders if row[3:6] == ["STATEMENT_CATEGORY_VIOLENCE", "", "CZ"]]], "CZ")
    assert acted["Median time to give effect to the order to act against illegal content"] != ""  # decided under rule 2

    notices = files["4_notices.csv"]
    assert {name: value for name, value in _shown(_row(notices, "TOTAL")).items() if not name.startswith("Median")} == {
        "Number of notices received": "4",  # two reports under rule 2, of the flagger, and of somebody
        "Number of notices received from Trusted flaggers": "1",
        "Number of specific items of information included in the total number of notices": "5",
        "Number of specific items of information included in the total number of notices by Trusted Flaggers (Trusted Flagger notices)":
            "1",
        "Number of actions taken on the basis of the terms and conditions of the service": "4",  # two removals, a freeze, hidden
        "Number of actions taken on the basis of the terms and conditions of the service (Trusted Flagger notices)": "1",
    }
    unnamed = _shown(_row(notices, "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE"))
    assert unnamed["Number of notices received"] == "1"
    assert _shown(_row(notices, "KEYWORD_INCITEMENT_VIOLENCE_HATRED"))["Number of notices received"] == "3"

    assert all(set(row[5:21]) <= {"", "0"} for row in files["5_own_initiative_illegal.csv"][1:])
    terms = files["6_own_initiative_TC.csv"]
    assert _shown(_row(terms, "TOTAL")) == {
        "Number of measures taken at the provider's own initiative": "1", "Visibility restriction Labelled": "1"}
    described = next(row for row in terms if row[3] == "KEYWORD_OTHER" and row[5] == "1")
    assert described[4].startswith("Cover what may hurt")

    complaints = {tuple(row[4:6]): row[6] for row in files["7_appeals_and_recidivism.csv"][1:]}
    submitted = "Number of complaints submitted to the internal-complaints mechanism"
    assert [complaints[submitted, scope] for scope in (
        "Total number", "Decisions upheld", "Decisions partially reversed", "Decisions reversed", "Decision omitted")] == [
        "2", "0", "0", "2", "0"]
    assert complaints["Number of restrictions newly imposed as a result of an internal complaint", "Total number"] == "2"
    refused = "Complaint regarding a decision not to take action on a notice submitted in accordance with Article 16"
    visible = "Complaint regarding a decision to remove or disable access to or restrict visibility of information"
    assert [complaints[one, "Decisions reversed"] for one in (refused, visible)] == ["1", "1"]
    assert complaints["Number of suspensions enacted for the provision of manifestly illegal content ", "Total number"] == "1"

    assert files["9_human_resources.csv"][1][6] == "2"
    assert int(files["10_AMAR.csv"][1][6]) >= 1


async def test_the_numbers_of_keywords_add_up_to_their_category(court: Court, desk: Desk) -> None:
    """Implementing Regulation (EU) 2024/2835, Annex II, part I, 7."""
    await _happen(court, desk)
    for name, content in (await _export(court)).items():
        if name[:2] not in ("3_", "4_", "5_", "6_"):
            continue
        table = _table(content)
        counted = [number for number, column in enumerate(table[0]) if column.startswith(("Number", "Visibility", "Account"))]
        for scope in {row[5] for row in table[1:]} if name.startswith("3_") else {None}:
            rows = [row for row in table[1:] if scope is None or row[5] == scope]
            for number in counted:
                sums: dict[str, list[int]] = {}
                for row in rows[1:]:
                    if row[3].startswith("STATEMENT"):
                        sums[row[3]] = [int(row[number] or 0), 0]
                    else:
                        sums[next(reversed(sums))][1] += int(row[number] or 0)
                assert all(whole == parts for code, (whole, parts) in sums.items() if "NOT_SPECIFIED" not in code), (name, number)
                assert int(rows[0][number] or 0) == sum(whole for whole, _ in sums.values())


async def test_the_same_period_gives_the_same_bytes_also_after_everybody_has_left(court: Court, desk: Desk) -> None:
    await _happen(court, desk)
    before = await _export(court)
    assert await _export(court) == before
    for name in ("author", "reader", "reporter", "other_reporter", "moderator", "other_moderator"):
        async with court.database.write() as tx:
            await delete_account(tx, court.village.people[name].id)
        await court.village.work()
    await record(court.database)
    assert await _export(court) == before


async def test_statements_are_exported_in_batches_that_the_database_accepts(court: Court, desk: Desk) -> None:
    await _happen(court, desk)
    content = (await _export(court))["statements-0001.json"]
    records = msgspec.json.decode(content)["statements"]
    assert len(records) == 6
    assert not [fault for one in records for fault in find_faults(one)]
    assert sorted(one["source_type"] for one in records) == [
        "SOURCE_ARTICLE_16", "SOURCE_ARTICLE_16", "SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER", "SOURCE_TYPE_OTHER_NOTIFICATION",
        "SOURCE_TYPE_OTHER_NOTIFICATION"]
    assert "Počkáme" not in content.decode()
