"""A thousand forged notices delay no order of an authority: not in the queue, nor in the list of notices, nor in the mails."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.moderation.cases.model import Lane
from folkmoot.moderation.notices.model import Notice
from folkmoot.moderation.notices.queries import list_waiting
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court
from tests.moderation.notices import Desk

_MANY = 500  # of each of two kinds
_AUTHORITY = {"kind": "authority", "name": "Court", "senders": ("court.example",)}


async def _copy(court: Court, notice: Notice) -> None:
    """As many further notices about as many further posts, each row as the real one of `notice`."""
    async with court.database.write() as tx:
        await tx.execute(
            """
            WITH numbers AS (SELECT n::bigint FROM generate_series(1, $2::integer) AS n), copied AS (
                INSERT INTO notices SELECT (jsonb_populate_record(one, jsonb_build_object('id', one.id + n, 'number', one.number || n))).*
                FROM notices AS one, numbers WHERE one.id = $1
            )
            INSERT INTO cases
            SELECT (jsonb_populate_record(one, jsonb_build_object('id', one.id + n, 'subject_id', one.subject_id + n))).*
            FROM cases AS one JOIN notice_cases AS nc ON nc.case_id = one.id, numbers WHERE nc.notice_id = $1
            """,
            notice.id, _MANY,
        )


def _alarms(court: Court, text: str) -> int:
    return len(list((court.village.settings.data / "outbox").glob(f"*-{text}.eml")))


async def test_an_order_comes_before_a_thousand_forged_notices(court: Court, desk: Desk) -> None:
    """Half of them from confirmed addresses, about threats; half claim to be orders. Nearly all are older and due soon."""
    await court.village.settle("operator", role=Role.OPERATOR)
    start = clock.now()
    confirmed = await desk.confirm(await desk.receive(await court.village.write("author", "a"), clause="violence"))
    claimed = await desk.receive(await court.village.write("author", "b"), claims="authority", clause="violence")
    slow = await desk.confirm(await desk.receive(await court.village.write("author", "c"), clause="law"))
    await _copy(court, confirmed)
    await _copy(court, claimed)
    for number in range(6):
        await desk.receive("http://localhost:8420/posts/77", claims="authority", email=f"forger{number}@example.org")
    await court.village.work()
    assert _alarms(court, "notice_waiting") == 4  # an hour
    with clock.stopped_at(start + timedelta(minutes=50)):
        police = await desk.register(**_AUTHORITY)
        signed = await desk.receive(await court.village.write("author", "d"), contact=police, clause="spam")
        by_form = await desk.receive(await court.village.write("author", "e"), email="office@court.example", clause="spam")
        await court.village.work()
        assert _alarms(court, "notice_waiting") == 5
    with clock.stopped_at(start + timedelta(minutes=51)):
        await desk.confirm(by_form)
        await court.village.work()
        assert _alarms(court, "notice_waiting") == 6
        async with court.database.read() as conn:
            assert {notice.id for notice in await list_waiting(conn, 2)} == {signed.id, by_form.id}
        queue = await court.queue()
        assert [case.lane for case in queue].count(Lane.DEMAND) == 2
        assert {one.case_id for one in await desk.outcomes(signed) + await desk.outcomes(by_form)} == {
            case.id for case in queue if case.lane is Lane.DEMAND}
        assert queue[0].lane is Lane.DEMAND
    [outcome] = await desk.outcomes(slow)  # its deadline is a little earlier than that of the rule
    assert (await court.case(outcome.case_id)).lane is Lane.OTHER


async def test_an_order_about_an_overdue_case_is_in_the_lane_of_demands(court: Court, desk: Desk) -> None:
    post = await court.village.write("author")
    await court.report("reporter", post, clauses=("violence",))
    [case] = await court.queue()
    with clock.stopped_at(case.due_at + timedelta(hours=2)):
        await desk.receive(post, contact=await desk.register(**_AUTHORITY))
        found = await court.case(case.id)
    assert (found.lane, found.is_ordered, found.due_at) == (Lane.DEMAND, True, case.due_at)
