"""Policies: what is accepted, filtered or dropped, and what becomes of requests. The notifications are made by the jobs."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.ids import time_of
from folkmoot.base.paging import Page
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import lock_account
from folkmoot.network.attention.queries import count_waiting
from folkmoot.network.conversations.queries import list_conversations
from folkmoot.network.notifications import actions, jobs, queries
from folkmoot.network.notifications.model import TREATED, Kind, Policy, Treatment
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.events import PostFavourited, PostUnfavourited
from folkmoot.network.posts.model import Post, PostDraft, PostView, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.sessions.model import Role
from tests.village import LIMITS, Village

FIELDS = Policy.__struct_fields__
Prepare = Callable[[WriteTx, Village], Awaitable[None]]


async def set_policy(village: Village, name: str = "jana", **fields: Treatment) -> None:
    async with village.database.write() as tx:
        await actions.change_policy(tx, village.people[name].id, fields)


async def arrived(village: Village, name: str = "jana") -> list[str]:
    """The kinds of a member's notifications, the newest first; groups and counts agree."""
    viewer_id = village.people[name].id
    async with village.database.read() as conn:
        found = await queries.list_notifications(conn, viewer_id, Page(limit=40))
        assert sum(group.count for group in await queries.list_groups(conn, viewer_id, Page(limit=40))) == len(found)
        assert await queries.count_unread(conn, viewer_id) == len(found)
    return [one.kind.value for one in found]


async def waiting(village: Village, name: str = "jana") -> dict[str, int]:
    """The senders of a member's requests, with the number of notifications; counts agree."""
    viewer_id = village.people[name].id
    async with village.database.read() as conn:
        found = await queries.list_requests(conn, viewer_id, Page(limit=40))
        pending = await queries.count_pending(conn, viewer_id)
        assert (await count_waiting(conn, viewer_id)).strangers == pending.requests == len(found)
        assert pending.notifications == sum(one.count for one in found)
    return {one.sender.username: one.count for one in found}


async def accept(village: Village, sender: str, name: str = "jana") -> None:
    viewer_id = village.people[name].id
    async with village.database.write() as tx:
        found = await queries.list_requests(tx, viewer_id, Page(limit=40))
        await actions.accept_requests(tx, viewer_id, [one.id for one in found if one.sender.username == sender])


async def mention(village: Village, sender: str, text: str = "ahoj", name: str = "jana", **draft: Any) -> PostView:
    """A post that mentions a member, who is told of it at once."""
    view = await village.write(sender, f"@{name} {text}", **draft)
    await jobs.tell(village.database, [village.people[name].id], Kind.MENTION, village.people[sender].id, view.post.id)
    return view


async def mark(village: Village, sender: str, post: Post) -> PostFavourited:
    """A favourite, of which the author is told at once."""
    async with village.database.write() as tx:
        await posts.favourite_post(tx, village.people[sender], post.id)
    event = PostFavourited(post_id=post.id, account_id=village.people[sender].id, author_id=post.author.id)
    await jobs.tell_of_favourite(village.database, event)
    return event


async def _grow(tx: WriteTx, account_id: int, days: int) -> None:
    """Makes an account, and its follows, older."""
    by = timedelta(days=days)
    await tx.execute("UPDATE accounts SET created_at = created_at - $2::interval WHERE id = $1", account_id, by)
    await tx.execute("UPDATE follows SET id = id - $2 WHERE account_id = $1", account_id, ids.span(by))


async def _limit(tx: WriteTx, village: Village) -> None:
    await posts.set_account_effect(tx, village.people["karel"].id, AccountEffect.LIMITED)


async def _automate(tx: WriteTx, village: Village) -> None:
    await update_profile(tx, await lock_account(tx, village.people["karel"].id), ProfileDraft(is_bot=True), "")


async def _follow(tx: WriteTx, village: Village) -> None:
    await relations.follow(tx, village.people["jana"], village.people["karel"].id)


async def _follow_back(tx: WriteTx, village: Village) -> None:
    await relations.follow(tx, village.people["karel"], village.people["jana"].id)
    await _grow(tx, village.people["karel"].id, days=4)


async def _grow_up(tx: WriteTx, village: Village) -> None:
    await _grow(tx, village.people["karel"].id, days=31)


async def _nothing(_tx: WriteTx, _village: Village) -> None:
    return None


# Of each field: what makes it apply to Karel, a new account that nobody follows; and what makes it not apply.
APPLIES: dict[str, tuple[Prepare, Prepare]] = {
    "for_not_following": (_nothing, _follow), "for_not_followers": (_nothing, _follow_back), "for_new_accounts": (_nothing, _grow_up),
    "for_limited_accounts": (_limit, _nothing), "for_bots": (_automate, _nothing),
}


@pytest.mark.parametrize("field", APPLIES)
async def test_a_field_applies_to_its_senders_and_to_no_others(village: Village, field: str) -> None:
    jana, karel = await village.settle("jana", "karel")
    view = await village.write("karel", "@jana dobrý den")
    found: dict[tuple[bool, Treatment], list[str]] = {}
    for applies in (True, False):
        for treatment in Treatment:
            with suppress(ZeroDivisionError):
                async with village.database.write() as tx:
                    await actions.change_policy(tx, jana.id, {field: treatment})
                    await APPLIES[field][not applies](tx, village)
                    told = await queries.insert_notifications(tx, [jana.id], Kind.MENTION, karel.id, view.post.id)
                    found[applies, treatment] = ["arrived" if one.id else "filtered" for one in told]
                    raise ZeroDivisionError
    assert found == {
        (True, Treatment.ACCEPT): ["arrived"], (True, Treatment.FILTER): ["filtered"], (True, Treatment.DROP): [],
        **{(False, treatment): ["arrived"] for treatment in Treatment},
    }


async def test_whoever_follows_for_less_than_three_days_is_no_follower_yet(village: Village) -> None:
    _, karel = await village.settle("jana", "karel")
    await set_policy(village, for_not_followers=Treatment.FILTER)
    await village.follow("karel", "jana")
    await mention(village, "karel")
    assert (await arrived(village), await waiting(village)) == ([], {"karel": 1})
    async with village.database.write() as tx:
        await _grow(tx, karel.id, days=4)
    await mention(village, "karel")
    assert (await arrived(village), await waiting(village)) == (["mention"], {"karel": 1})


async def test_the_strictest_field_decides(village: Village) -> None:
    await village.settle("jana", "karel")
    await set_policy(village, for_not_following=Treatment.FILTER, for_new_accounts=Treatment.DROP)
    await mention(village, "karel", "ahoj")
    assert (await arrived(village), await waiting(village)) == ([], {})


async def test_all_acts_of_a_stranger_wait_and_nothing_else(village: Village) -> None:
    """Polls, edits and what the network says always arrive, and so do mentions by moderators."""
    await village.settle("jana", "karel")
    await village.settle("dozor", role=Role.MODERATOR)
    post = (await village.write("jana", "moje")).post
    boosted = (await village.write("karel", "jeho")).post
    async with village.database.write() as tx:
        await posts.boost_post(tx, village.people["jana"], boosted.id)
    await set_policy(village, **dict.fromkeys(FIELDS, Treatment.FILTER))
    karel = village.people["karel"]
    await village.follow("karel", "jana")
    await village.write("karel", "@jana ahoj")
    async with village.database.write() as tx:
        await posts.favourite_post(tx, karel, post.id)
        await posts.boost_post(tx, karel, post.id)
        await posts.edit_post(tx, karel, boosted.id, PostDraft(text="opraveno"), LIMITS)
        await actions.tell_from_network(tx, village.people["jana"].id, Kind.STATEMENT, 7)
        await posts.favourite_post(tx, village.people["dozor"], post.id)
    await mention(village, "dozor", "prosím o klid")
    await village.work()
    assert sorted(await arrived(village)) == ["mention", "statement", "update"]
    assert await waiting(village) == {"karel": 4, "dozor": 1}


async def test_a_quote_by_a_stranger_waits(village: Village) -> None:
    await village.settle("jana", "karel")
    await set_policy(village, for_not_following=Treatment.FILTER)
    view = await village.write("karel", "podle mne ne")
    await jobs.tell(village.database, [village.people["jana"].id], Kind.QUOTE, village.people["karel"].id, view.post.id)
    assert (await arrived(village), await waiting(village)) == ([], {"karel": 1})


def test_each_kind_is_an_act_of_somebody_or_always_arrives() -> None:
    always = {Kind.POLL, Kind.UPDATE, Kind.QUOTED_UPDATE, Kind.STATEMENT, Kind.LIFTED, Kind.REPORT, Kind.APPEAL, Kind.EXPORT,
              Kind.UNPUBLISHED, Kind.SIGN_UP, Kind.JURY, Kind.KEPT, Kind.RING}
    assert set(Kind) - set(TREATED) == always


async def test_answers_to_own_messages_arrive_and_other_messages_wait_also_among_conversations(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await set_policy(village, for_private_mentions=Treatment.FILTER)
    asked = await village.write("jana", "@karel jak se máš?", visibility=Visibility.DIRECT)
    await village.write("karel", "@jana dobře", visibility=Visibility.DIRECT, reply_to_id=asked.post.id)
    stranger = await village.write("eva", "@jana neznáme se", visibility=Visibility.DIRECT)
    await mention(village, "eva", "veřejně")
    await village.work()
    jana = village.people["jana"]

    async def conversations() -> list[int]:
        async with village.database.read() as conn:
            return [one.id for _, one in await list_conversations(conn, jana.id, Page(limit=20))]

    assert (await arrived(village), await waiting(village)) == (["mention", "mention"], {"eva": 1})
    assert await conversations() == [asked.post.conversation_id]
    async with village.database.read() as conn:
        assert (await count_waiting(conn, jana.id)).messages == 1
    await accept(village, "eva")
    await village.work()
    assert (await arrived(village), await waiting(village)) == (["mention"] * 3, {})
    assert await conversations() == [stranger.post.conversation_id, asked.post.conversation_id]
    await village.write("eva", "@jana znovu", visibility=Visibility.DIRECT)
    await village.work()
    assert len(await conversations()) == 3


async def test_dropped_messages_make_no_conversation(village: Village) -> None:
    await village.settle("jana", "eva")
    await set_policy(village, for_not_following=Treatment.DROP)
    await village.write("eva", "@jana neznáme se", visibility=Visibility.DIRECT)
    await village.work()
    async with village.database.read() as conn:
        assert await list_conversations(conn, village.people["jana"].id, Page(limit=20)) == []
        assert len(await list_conversations(conn, village.people["eva"].id, Page(limit=20))) == 1


async def test_acceptance_merges_in_order_and_lets_the_sender_through(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await set_policy(village, for_not_following=Treatment.FILTER)
    await village.follow("jana", "eva")
    written = [(await mention(village, name)).post.id for name in ("karel", "eva", "karel")]
    assert (await arrived(village), await waiting(village)) == (["mention"], {"karel": 2})
    await accept(village, "karel")
    async with village.database.read() as conn:
        found = await queries.list_notifications(conn, village.people["jana"].id, Page(limit=20))
    assert [one.post.post.id for one in found if one.post] == written[::-1]
    await mention(village, "karel", "znovu")
    assert (len(await arrived(village)), await waiting(village)) == (4, {})
    async with village.database.write() as tx:
        await actions.stop_allowing(tx, village.people["jana"].id, village.people["karel"].id)
        with pytest.raises(NotFound):
            await actions.stop_allowing(tx, village.people["jana"].id, village.people["karel"].id)
    await mention(village, "karel", "a ještě")
    assert (len(await arrived(village)), await waiting(village)) == (4, {"karel": 1})


async def test_a_dismissed_request_is_gone_and_the_next_one_is_new(village: Village) -> None:
    await village.settle("jana", "karel")
    await set_policy(village, for_not_following=Treatment.FILTER)
    await mention(village, "karel", "ahoj")
    jana_id = village.people["jana"].id
    async with village.database.write() as tx:
        request, = await queries.list_requests(tx, jana_id, Page(limit=20))
        await actions.dismiss_request(tx, jana_id, request.id)
        with pytest.raises(NotFound):
            await actions.dismiss_request(tx, jana_id, request.id)
        assert not await tx.fetchval("SELECT count(*) FROM filtered_notifications")
    await mention(village, "karel", "znovu")
    assert (await arrived(village), await waiting(village)) == ([], {"karel": 1})


async def test_a_followed_sender_is_let_through_until_the_follow_ends(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await set_policy(village, for_not_following=Treatment.FILTER)
    for name in ("karel", "eva"):
        await mention(village, name)
    await village.follow("jana", "karel")
    await village.work()
    assert (await arrived(village), await waiting(village)) == (["mention"], {"eva": 1})
    async with village.database.write() as tx:
        await relations.unfollow(tx, village.people["jana"], village.people["karel"].id)
    await mention(village, "karel")
    assert (await arrived(village), await waiting(village)) == (["mention"], {"karel": 1, "eva": 1})


async def test_an_undone_act_takes_its_filtered_notification_along(village: Village) -> None:
    await village.settle("jana", "karel")
    await set_policy(village, for_not_following=Treatment.FILTER)
    first, second = [(await village.write("jana", text)).post for text in ("jedna", "dvě")]
    karel = village.people["karel"]
    for post in (first, second):
        await mark(village, "karel", post)
    assert await waiting(village) == {"karel": 2}
    for post, left in ((first, {"karel": 1}), (second, {})):
        async with village.database.write() as tx:
            await posts.unfavourite_post(tx, karel, post.id)
        await jobs.forget_favourite(
            village.database, PostUnfavourited(post_id=post.id, account_id=karel.id, author_id=village.people["jana"].id)
        )
        assert await waiting(village) == left
    async with village.database.read() as conn:
        assert not await conn.fetchval("SELECT count(*) FROM notification_requests")


async def test_empty_requests_are_neither_shown_nor_kept(village: Village) -> None:
    """After a deletion, a block or a suspension nothing is left to show."""
    await village.settle("jana", "karel", "eva", "petr", "vera")
    await set_policy(village, for_not_following=Treatment.FILTER)
    written = {name: await mention(village, name) for name in ("karel", "eva", "petr", "vera")}
    assert set(await waiting(village)) == set(written)
    async with village.database.write() as tx:
        await posts.delete_post(tx, village.people["karel"], written["karel"].post.id)
        await relations.block(tx, village.people["jana"], village.people["eva"].id)
        await posts.set_account_effect(tx, village.people["petr"].id, AccountEffect.SUSPENDED)
    assert await waiting(village) == {"vera": 1}
    await posts.forget_deleted(village.database)
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        await posts.forget_deleted(village.database)
    await jobs.clear_requests(village.database)
    async with village.database.read() as conn:
        rows = await conn.fetch("SELECT sender_id FROM notification_requests")
    assert {row["sender_id"] for row in rows} == {village.people[name].id for name in ("eva", "petr", "vera")}


async def test_a_job_that_runs_again_changes_nothing(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana")).post
    await set_policy(village, for_not_following=Treatment.FILTER)
    event = await mark(village, "karel", post)
    await jobs.tell_of_favourite(village.database, event)
    assert await waiting(village) == {"karel": 1}
    await set_policy(village, for_not_following=Treatment.ACCEPT, for_new_accounts=Treatment.FILTER)
    await accept(village, "karel")
    for _ in range(2):
        await jobs.tell_of_favourite(village.database, event)
    assert (await arrived(village), await waiting(village)) == (["favourite"], {})


async def test_the_first_notification_dates_the_request(village: Village) -> None:
    await village.settle("jana", "karel")
    await set_policy(village, for_not_following=Treatment.FILTER)
    first = await mention(village, "karel")
    await mark(village, "karel", (await village.write("jana")).post)
    async with village.database.read() as conn:
        request, = await queries.list_requests(conn, village.people["jana"].id, Page(limit=20))
        only, = await queries.list_notifications(
            conn, village.people["jana"].id, Page(limit=20), kinds=[Kind.MENTION], with_filtered=True
        )
    assert request.last_post
    assert (request.last_post.post.id, request.id, request.count) == (first.post.id, only.id, 2)
    assert abs(time_of(request.id) - request.first_at) < timedelta(seconds=1) < timedelta(days=1)
    assert request.first_at < request.newest_at


async def test_filtering_costs_members_without_a_policy_no_statement(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await set_policy(village, "eva", for_not_following=Treatment.FILTER)
    taken: dict[str, int] = {}
    for name in ("jana", "eva"):
        view = await village.write("karel", f"@{name} ahoj")
        before = village.database.statements
        await jobs.tell(village.database, [village.people[name].id], Kind.MENTION, village.people["karel"].id, view.post.id)
        taken[name] = village.database.statements - before
    assert taken["jana"] == taken["eva"]
    assert (await arrived(village), await waiting(village, "eva")) == (["mention"], {"karel": 1})


async def test_a_policy_that_accepts_everything_is_no_row(village: Village) -> None:
    await village.settle("jana")
    jana_id = village.people["jana"].id
    await set_policy(village, for_bots=Treatment.DROP, for_new_accounts=Treatment.FILTER)
    async with village.database.read() as conn:
        assert await queries.get_policy(conn, jana_id) == Policy(for_bots=Treatment.DROP, for_new_accounts=Treatment.FILTER)
    await set_policy(village, for_bots=Treatment.ACCEPT, for_new_accounts=Treatment.ACCEPT)
    async with village.database.read() as conn:
        assert await queries.get_policy(conn, jana_id) == Policy()
        assert not await conn.fetchval("SELECT count(*) FROM notification_policies")
