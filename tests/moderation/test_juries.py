"""The whole way of a case through juries: drawn, answered, decided, told, appealed, and heard by another jury."""

import json

from folkmoot.base import clock
from folkmoot.base.paging import Page
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.model import SeatState, Severity, State
from folkmoot.moderation.statements.queries import list_own_statements
from folkmoot.moderation.verdicts.model import Action, DeciderKind
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from tests.moderation.jury_room import JuryRoom


async def test_a_jury_decides_and_another_jury_hears_the_appeal(room: JuryRoom) -> None:
    post, case = await room.case()
    assert await room.form() == 1
    seats = await room.seats(case)
    assert len(seats) == 5
    assert {seat.state for seat in seats} == {SeatState.OFFERED}
    assert abs(sum(seat.camp for seat in seats) * 2 - 5) == 1  # three and two
    assert await room.form() == 0  # the case has its jury

    answered = await room.answer_all(case, "violence")
    await room.court.let_half_a_minute_pass()
    async with room.database.read() as conn:
        verdict = (await list_verdicts_of_cases(conn, [case.id]))[case.id]
        statement = (await list_own_statements(conn, room.village.people["author"].id, Page()))[0]
        outcomes = await queries.list_outcomes(conn, answered[0].account_id)
    assert (verdict.decider.kind, verdict.decider.id) == (DeciderKind.JURY, case.id)
    assert (verdict.action, verdict.clause) == (Action.REMOVE, "violence")
    assert verdict.explanation.startswith(f"A jury of {len(answered)} members")
    assert statement.explanation == verdict.explanation
    page = (await (await room.village.by_browser("author")).get(f"/statements/{statement.id}")).text
    assert "A jury: members of this network, drawn at random." in page
    assert not await room.court.sees("reader", post)
    assert (await room.jury(case)).state is State.DECIDED
    assert [(one.case_id, one.action, one.is_agreed) for one in outcomes] == [(case.id, "remove", True)]

    async with room.database.write() as tx:
        appeal = await lodge_appeal(tx, room.village.people["author"], verdict.id)
    second = await room.court.case(appeal.case_id)
    assert second.barred_ids == (room.village.people["author"].id,)  # nothing outside of the seats says who was on the first jury
    async with room.database.read() as conn:
        assert await queries.list_tied(conn, second.id, room.ids, clock.now()) == {seat.account_id for seat in answered}
    await room.form()
    heard = await room.answer_all(second, "")
    await room.court.let_half_a_minute_pass()
    assert not {seat.account_id for seat in heard} & {seat.account_id for seat in await room.seats(case)}
    assert (await room.court.case(second.id)).state is CaseState.DECIDED
    assert await room.court.sees("reader", post)
    assert ("appeal", appeal.id) in await room.court.told("author")
    async with room.database.read() as conn:
        assert [one.is_agreed for one in await queries.list_outcomes(conn, answered[0].account_id)] == [False]
        assert [one.is_agreed for one in await queries.list_outcomes(conn, heard[0].account_id)] == [True]


async def test_severe_and_slight_breaches_get_other_measures_and_the_appeal_none_that_is_graver(room: JuryRoom) -> None:
    _, case = await room.case()
    await room.form()
    await room.answer_all(case, "violence", Severity.SLIGHT)
    await room.court.let_half_a_minute_pass()
    async with room.database.read() as conn:
        verdict = (await list_verdicts_of_cases(conn, [case.id]))[case.id]
    assert verdict.action is Action.HIDE
    async with room.database.write() as tx:
        appeal = await lodge_appeal(tx, room.village.people["author"], verdict.id)
    await room.form()
    await room.answer_all(await room.court.case(appeal.case_id), "violence", Severity.GRAVE)
    async with room.database.read() as conn:
        second = (await list_verdicts_of_cases(conn, [appeal.case_id]))[appeal.case_id]
    assert second.action is Action.HIDE


async def test_the_journal_names_seats_and_no_event_names_an_account(room: JuryRoom) -> None:
    _, case = await room.case()
    await room.court.let_half_a_minute_pass()
    async with room.database.read() as conn:
        before = await conn.fetchval("SELECT max(id) FROM events")
    await room.form()
    seats = await room.answer_all(case, lambda seat: "violence" if seat.number != 2 else None)
    async with room.database.read() as conn:
        rows = await conn.fetch("SELECT kind, actor_id, facts FROM journal WHERE case_id = $1 AND kind LIKE 'jury.%' ORDER BY id", case.id)
        events = await conn.fetch("SELECT payload::text AS payload FROM events WHERE id > $1", before)
    assert {row["kind"] for row in rows} == {"jury.drawn", "jury.counted"}
    assert all(row["actor_id"] is None for row in rows)
    told = "".join([*(row["facts"] for row in rows), *(row["payload"] for row in events)])
    assert events
    assert not [seat for seat in seats if str(seat.account_id) in told or str(seat.id) in told]
    counted = json.loads(next(row["facts"] for row in reversed(rows) if row["kind"] == "jury.counted"))
    assert [ballot[:2] for ballot in counted["count"]["ballots"]] == [[seat.number, seat.camp] for seat in seats]
    assert counted["result"]["action"] == "remove"
