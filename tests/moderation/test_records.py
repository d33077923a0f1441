"""Records of moderation stay when an account is deleted; the texts that the account wrote in them are deleted."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from folkmoot import moderation
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import State
from folkmoot.moderation.cases.teamwork import add_note
from folkmoot.moderation.verdicts.two_people import answer_proposal, propose_deletion, propose_hold
from folkmoot.network.accounts.actions import delete_account
from folkmoot.network.departures.actions import begin_departure
from tests.architecture.test_sql import OWNERS
from tests.dump import dump
from tests.moderation.court import Court
from tests.moderation.notices import Desk

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


# Columns with words of an account, which are blanked with it, and states that say that there is nothing left to decide. All
# other values of the tables of moderation stay.
_BLANKED = {
    "reports": {"comment"}, "appeals": {"reason", "state", "closed_at"}, "statements": {"quote"}, "signals": {"reasons"},
    "case_notes": {"text"}, "cases": {"state", "closed_at"}, "report_cases": {"told_at"}, "restrictions": {"lifted_at"},
}
# Not records: copies for those who decide, positions of a program, what is computed from files and posts, what rules on trial have
# met, what moderators prefer, and when a member was last mailed. The journal only grows.
_NO_RECORDS = {
    "evidence", "evidence_media", "notice_mailboxes", "picture_hashes", "post_traces", "rule_trial_posts", "moderator_preferences",
    "outcome_mails", "statement_mails"}
_NOUNS = [folder.name for folder in Path(moderation.__path__[0]).iterdir() if folder.is_dir()]
_RECORDS = sorted({table for noun in _NOUNS if noun != "journal" for table in OWNERS.get(noun, "").split()} - _NO_RECORDS)
# The figures of a month, computed from the rows that are there.
_FIGURES = """
    SELECT 'reports' AS what, coalesce(family, category) AS of, to_char(created_at, 'YYYY-MM') AS month, count(*) FROM reports GROUP BY 2, 3
    UNION ALL SELECT 'cases', subject || clause, to_char(opened_at, 'YYYY-MM'), count(*) FROM cases GROUP BY 2, 3
    UNION ALL SELECT 'signals', detector || clause, to_char(created_at, 'YYYY-MM'), count(*) FROM signals GROUP BY 2, 3
    UNION ALL SELECT 'notices', door || urgency || state, to_char(received_at, 'YYYY-MM'), count(*) FROM notices GROUP BY 2, 3
    UNION ALL SELECT 'verdicts', action || clause || (overturned_by_id IS NOT NULL), to_char(made_at, 'YYYY-MM'), count(*) FROM verdicts
        GROUP BY 2, 3
    UNION ALL SELECT 'restrictions', kind || clause, to_char(imposed_at, 'YYYY-MM'), count(*) FROM restrictions GROUP BY 2, 3
    UNION ALL SELECT 'statements', kind || source || is_interim, to_char(issued_at, 'YYYY-MM'), count(*) FROM statements GROUP BY 2, 3
    UNION ALL SELECT 'appeals', side, to_char(lodged_at, 'YYYY-MM'), count(*) FROM appeals GROUP BY 2, 3
    UNION ALL SELECT 'proposals', kind || state, to_char(proposed_at, 'YYYY-MM'), count(*) FROM proposals GROUP BY 2, 3
    UNION ALL SELECT 'holds', ground || state, to_char(placed_at, 'YYYY-MM'), count(*) FROM legal_holds GROUP BY 2, 3
    UNION ALL SELECT 'seconds to a decision', '', to_char(v.made_at, 'YYYY-MM'), sum(extract(epoch FROM v.made_at - c.opened_at))::bigint
        FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id GROUP BY 3
    ORDER BY 1, 2, 3
"""


async def test_the_figures_of_a_month_are_the_same_when_everybody_has_left(court: Court, desk: Desk) -> None:
    """Records keep every value except words of people, and no name of anybody who has left."""
    words = "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky"
    posts = [await court.village.write("author", f"{words}, {number}.", language="cs") for number in range(3)]
    for post in posts:
        await court.report("reporter", post, clauses=("violence",), comment="Mám strach, jmenuji se Reporter.")
    contact = await desk.register("authority", name="Policie", senders=("policie.example",))
    await desk.receive(posts[0], contact=contact, reference="1")
    await court.village.work()
    cases = {case.subject_id: case for case in await court.queue()}
    first, second, third = (cases[post.post.id] for post in posts)
    await court.claim("moderator", first)
    colleague, other = await court.viewer("moderator"), await court.viewer("other_moderator")
    async with court.database.write() as tx:
        await add_note(tx, colleague, first.id, "Author je starý známý.")
    verdict = await court.decide("moderator", first, "remove", also=("freeze",), explanation="Vyhrožuje.")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, (await court.viewer("author")).account, verdict.id, "Byl to vtip, říká Author.")
    await court.decide("other_moderator", await court.case(appeal.case_id), "keep")
    suspended = await court.decide("moderator", second, "suspend")
    async with court.database.write() as tx:
        held = await propose_hold(tx, colleague, second.id, "Soud.", 30)
        proposed = [held, await propose_deletion(tx, colleague, suspended.id, "Znovu.")]
    for one in proposed:
        async with court.database.write() as tx:
            await answer_proposal(tx, other, one.id, agrees=True)
    assert third
    await court.village.work()

    async def figures() -> list[tuple[object, ...]]:
        async with court.database.read() as conn:
            return [tuple(row) for row in await conn.fetch(_FIGURES)]

    async def rows() -> dict[str, list[str]]:
        stored = await dump(court.database)
        return {table: sorted(
            json.dumps({name: value for name, value in json.loads(row).items() if name not in _BLANKED.get(table, ())})
            for row in stored[table]) for table in _RECORDS}

    before, stored = await figures(), await rows()
    assert {what for what, *_ in before} == {
        "reports", "cases", "signals", "notices", "verdicts", "restrictions", "statements", "appeals", "proposals", "holds",
        "seconds to a decision"}
    for name in court.village.people:
        async with court.database.write() as tx:
            await tx.execute("UPDATE logins SET role = 'member'")
            await begin_departure(tx, court.village.people[name].id, wait=timedelta(0))
        await court.village.work()
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM accounts") == 0
    assert await figures() == before
    after = await rows()
    for table in _RECORDS:
        assert after[table] == stored[table], table
    everything = await dump(court.database)
    for table in {*_RECORDS, "journal", "events", "jobs"}:
        text = " ".join(everything[table])
        for word in ("svině", "zabiju", "strach", "známý", "vtip", "author@", "reporter@", "Reporter", "Other_moderator"):
            assert word not in text, (table, word)
