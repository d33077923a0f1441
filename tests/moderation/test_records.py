"""Records of moderation stay when an account is deleted; the texts that the account wrote in them are deleted."""

import pytest

from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import State
from folkmoot.network.accounts.actions import delete_account
from tests.moderation.court import Court

_TABLES = ("reports", "report_cases", "verdicts", "statements", "appeals", "restrictions", "cases", "signals", "journal")


async def _delete(court: Court, name: str) -> None:
    async with court.database.write() as tx:
        await delete_account(tx, court.village.people[name].id)
        assert tx.told == ["account.deleted"]
    await court.village.work()


async def _rows(court: Court, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    async with court.database.read() as conn:
        return {table: [tuple(row) for row in await conn.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in tables}


@pytest.mark.parametrize("name", ["author", "reporter", "moderator", "other_moderator"])
async def test_records_stay_when_an_account_is_deleted(court: Court, name: str) -> None:
    view = await court.village.write("author", "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.report("reporter", view, clauses=("violence",), comment="Mám strach.")
    await court.village.work()
    case, = await court.queue()
    verdict = await court.decide("moderator", case, "remove", explanation="Vyhrožuje.")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, (await court.viewer("author")).account, verdict.id, "Byl to vtip.")
    second = await court.case(appeal.case_id)
    await court.decide("other_moderator", second, "remove")
    before = await _rows(court, *_TABLES)
    assert all(before.values())
    await _delete(court, name)
    after = await _rows(court, *_TABLES)
    assert {table: len(rows) for table, rows in after.items()} == {table: len(rows) for table, rows in before.items()}
    async with court.database.read() as conn:
        comment, reason = await conn.fetchval("SELECT comment FROM reports"), await conn.fetchval("SELECT reason FROM appeals")
        quotes = {row["quote"] for row in await conn.fetch("SELECT quote FROM statements")}
        explanations = {row["explanation"] for row in await conn.fetch("SELECT explanation FROM verdicts")}
    assert comment == ("" if name == "reporter" else "Mám strach.")
    assert reason == ("" if name == "author" else "Byl to vtip.")
    assert quotes == {""} if name == "author" else all(quote.startswith("Zítra") for quote in quotes)
    assert "Vyhrožuje." in explanations  # the moderator's text stays


async def test_open_cases_of_a_deleted_account_are_withdrawn_and_their_reporters_notified(court: Court) -> None:
    view = await court.village.write("author", "Svolám na něj lidi")
    about_post = await court.report("reporter", view, clauses=("violence",))
    about_account = await court.report("other_reporter", clauses=("identity",))
    cases = await court.queue()
    assert len(cases) == 2
    await _delete(court, "author")
    assert {(await court.case(case.id)).state for case in cases} == {State.WITHDRAWN}
    assert not await court.queue()
    assert await court.told("reporter") == [("report", about_post.id)]
    assert await court.told("other_reporter") == [("report", about_account.id)]
    page = await (await court.village.by_browser("other_reporter")).get(f"/reports/{about_account.id}")
    assert page.status == 200
    assert "An account that no longer exists." in page.text


async def test_a_case_whose_reporter_was_deleted_is_decided_and_settled(court: Court) -> None:
    view = await court.village.write("author", "Svolám na něj lidi")
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    await _delete(court, "reporter")
    await court.decide("moderator", case, "remove")
    assert "verdict.settled" in await court.journal(case)
    assert [kind for kind, _ in await court.told("author")] == ["statement"]


async def test_nothing_of_moderation_is_deleted_with_an_account(court: Court) -> None:
    """No foreign key of these tables references accounts or cascades."""
    async with court.database.read() as conn:
        rows = await conn.fetch(
            "SELECT conrelid::regclass::text AS of, confrelid::regclass::text AS to, confdeltype::text AS deletes FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid::regclass::text = ANY ($1)", [*_TABLES, "case_seats", "journal_lanes"])
    assert {row["deletes"] for row in rows} == {"a"}
    assert "accounts" not in {row["to"] for row in rows}
