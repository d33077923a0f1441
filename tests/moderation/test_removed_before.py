"""A notice about a post that was removed before is answered at once, and what an authority wants removed is kept."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.appeals.jobs import clear_evidence, clear_removed
from folkmoot.moderation.appeals.model import OPEN_FOR
from folkmoot.moderation.holds.model import PRESERVED_AFTER_ORDER, Ground
from folkmoot.moderation.holds.queries import list_holds
from folkmoot.moderation.notices.actions import vouch_for_sender
from folkmoot.moderation.notices.model import Notice, State, Urgency
from folkmoot.network.posts.model import PostView
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from tests.moderation.court import Court
from tests.moderation.notices import Desk

_AUTHORITY = {"kind": "authority", "name": "Policie", "senders": ("policie.example",), "country": "CZ"}
_WHEN_OVER = OPEN_FOR + timedelta(days=1, minutes=1)


async def _removed(court: Court, action: str = "remove") -> PostView:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await court.decide("moderator", (await court.queue())[0], action)
    return view


async def _holds(court: Court) -> list[tuple[Ground, timedelta]]:
    async with court.database.read() as conn:
        return [(hold.ground, hold.until - hold.placed_at) for hold in await list_holds(conn)]


async def _is_there(court: Court, view: PostView) -> bool:
    async with court.database.read() as conn:
        return view.post.id in await list_posts_by_ids_unscoped(conn, [view.post.id])


async def _clear(court: Court) -> None:
    await clear_evidence(court.database)
    await clear_removed(court.database)
    await court.village.work()


async def _package(court: Court, desk: Desk, notice: Notice) -> bytes:
    answer = await court.village.nobody().get(desk.intake.receipts.path(notice.number) + "/package")
    assert answer.status == 200
    return answer.body


async def test_an_order_about_a_removed_post_is_answered_at_once_and_keeps_it(court: Court, desk: Desk) -> None:
    view = await _removed(court)
    police = await desk.register(**_AUTHORITY)
    later = clock.now() + _WHEN_OVER - timedelta(hours=1)
    with clock.stopped_at(later):  # an hour before it would be cleared
        order = await desk.receive(view, contact=police)
        assert (order.urgency, order.state) == (Urgency.ORDER, State.OPEN)
        await court.village.work()
        assert await court.queue() == []
        assert (await desk.again(order)).state is State.ANSWERED
        assert [(one.action, one.clause) for one in await desk.outcomes(order)] == [("remove", "violence")]
        assert await _holds(court) == [(Ground.REMOVAL_ORDER, PRESERVED_AFTER_ORDER)]
    with clock.stopped_at(later + timedelta(days=30)):
        await _clear(court)
    assert await _is_there(court, view)
    assert len(await _package(court, desk, order)) > 1000
    assert (await desk.journal(("notice.", "hold."))) == ["notice.received", "notice.joined", "hold.placed", "notice.answered"]


async def test_an_order_that_is_verified_later_moves_to_the_removal(court: Court, desk: Desk) -> None:
    """Until then nobody knows who has sent it: a person decides, and no package is given out."""
    view = await _removed(court)
    police = await desk.register(**_AUTHORITY)
    order = await desk.receive(view, claims="authority")
    await court.village.work()
    [case] = await court.queue()
    assert not case.is_confirmed
    assert (await court.village.nobody().get(desk.intake.receipts.path(order.number) + "/package")).status == 404
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await vouch_for_sender(tx, desk.intake, moderator, order.id, police.id)
    await court.village.work()
    assert await court.queue() == []
    assert (await desk.again(order)).state is State.ANSWERED
    assert [one.action for one in await desk.outcomes(order)] == ["remove"]
    assert [ground for ground, _ in await _holds(court)] == [Ground.REMOVAL_ORDER]
    assert len(list((court.village.settings.data / "outbox").glob("*-notice_answer.eml"))) == 1


async def test_a_case_that_others_have_pointed_out_stays_open(court: Court, desk: Desk) -> None:
    view = await _removed(court)
    police = await desk.register(**_AUTHORITY)
    order, other = await desk.receive(view, claims="authority"), await desk.receive(view, email="other@example.org")
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await vouch_for_sender(tx, desk.intake, moderator, order.id, police.id)
    await court.village.work()
    assert len(await court.queue()) == 1
    assert [(await desk.again(one)).state for one in (order, other)] == [State.ANSWERED, State.OPEN]


async def test_an_order_about_a_post_that_was_cleared_is_answered_to_the_authority_alone(court: Court, desk: Desk) -> None:
    view = await _removed(court)
    police, host = await desk.register(**_AUTHORITY), await desk.register()
    with clock.stopped_at(clock.now() + _WHEN_OVER):
        await _clear(court)
        assert not await _is_there(court, view)
        order, notice, anybody = (
            await desk.receive(view, contact=police), await desk.receive(view, contact=host), await desk.confirm(await desk.receive(view))
        )
        await court.village.work()
        assert [(await desk.again(one)).state for one in (order, notice, anybody)] == [State.ANSWERED, State.ANSWERED, State.UNREAD]
        assert [one.action for one in await desk.outcomes(order)] == ["remove"]
        assert await _holds(court) == []


@pytest.mark.parametrize("action", ["keep", "warn", "hide"])
async def test_what_was_not_removed_is_decided_anew(court: Court, desk: Desk, action: str) -> None:
    view = await _removed(court, action)
    order = await desk.receive(view, contact=await desk.register(**_AUTHORITY))
    await court.village.work()
    [case] = await court.queue()
    assert case.is_demanded
    assert (await desk.again(order)).state is State.OPEN


async def test_an_order_that_is_followed_only_on_appeal_keeps_the_post_too(court: Court, desk: Desk) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    await desk.receive(view, contact=await desk.register(**_AUTHORITY))
    verdict = await court.decide("moderator", (await court.queue())[0], "keep")
    async with court.database.write() as tx:
        await lodge_appeal(tx, court.village.people["reporter"], verdict.id)
    assert await _holds(court) == []
    await court.decide("other_moderator", (await court.queue())[0], "remove")
    assert [ground for ground, _ in await _holds(court)] == [Ground.REMOVAL_ORDER]


async def test_an_order_that_is_verified_after_its_decision_keeps_the_post(court: Court, desk: Desk) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    police = await desk.register(**_AUTHORITY)
    order = await desk.receive(view, claims="authority")
    await court.decide("moderator", (await court.queue())[0], "remove")
    assert await _holds(court) == []
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        await vouch_for_sender(tx, desk.intake, moderator, order.id, police.id)
    assert [ground for ground, _ in await _holds(court)] == [Ground.REMOVAL_ORDER]
