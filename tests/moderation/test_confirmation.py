"""A case of an unverified notice is confirmed by any other cause; a deadline moves forward only."""

from datetime import timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.moderation.cases.actions import bring_deadline_forward, estimate_case, open_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.clauses.published import current
from folkmoot.network.posts.model import PostView
from tests.moderation.court import Court


async def _unconfirmed(court: Court, view: PostView) -> Case:
    async with court.database.write() as tx:
        return await open_case(
            tx, Subject.POST, view.post.id, view.post.author.id, current().clause("violence"), is_confirmed=False
        )


async def test_a_report_confirms_the_case_of_an_unverified_notice_for_good(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    case = await _unconfirmed(court, view)
    assert not (await court.case(case.id)).is_confirmed
    assert (await _unconfirmed(court, view)).id == case.id  # a second unverified notice changes nothing
    assert not (await court.case(case.id)).is_confirmed
    await court.report("reporter", view, clauses=("violence",))
    assert (await court.case(case.id)).is_confirmed
    await _unconfirmed(court, view)
    assert (await court.case(case.id)).is_confirmed
    assert await court.journal(case) == ["case.opened", "case.confirmed", "report.filed"]


async def test_a_deadline_moves_forward_only(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    case = await _unconfirmed(court, view)
    sooner, later = case.opened_at + timedelta(hours=1), case.opened_at + timedelta(days=30)
    async with court.database.write() as tx:
        for due_at in (sooner, later, sooner):
            assert (await bring_deadline_forward(tx, case, due_at, is_demanded=False)).due_at == sooner
        await estimate_case(tx, case, current().clause("violence"), 0.5)  # with the case from before
    assert (await court.case(case.id)).due_at == sooner
    assert await court.journal(case) == ["case.opened", "case.deadline_moved"]


async def test_a_deadline_before_the_opening_counts_as_over(court: Court) -> None:
    case = await _unconfirmed(court, await court.village.write("author"))
    async with court.database.write() as tx:
        moved = await bring_deadline_forward(tx, case, case.opened_at - timedelta(hours=1), is_demanded=False)
    assert moved.share_used(clock.now()) == 100.0


async def test_an_appeal_is_due_within_seven_days_whatever_the_clause_says(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    slow = msgspec.structs.replace(current().clause("violence"), hours=24 * 30)
    async with court.database.write() as tx:
        first = await open_case(tx, Subject.POST, view.post.id, view.post.author.id, slow)
        appeal = await open_case(tx, Subject.POST, view.post.id, view.post.author.id, slow, appealed_verdict_id=7)
    assert first.due_at - first.opened_at == timedelta(days=30)
    assert appeal.due_at - appeal.opened_at == timedelta(days=7)
