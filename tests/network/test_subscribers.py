"""Subscribers run at least once per event, in any order, also after the post is deleted: notifications and conversations."""

import itertools
from typing import Any

import pytest

from folkmoot.base.db import Database
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.queries import lock_account
from folkmoot.network.conversations import jobs as conversations
from folkmoot.network.notifications import jobs as notifications
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.events import PollClosed, PostCreated, PostDeleted, PostEdited, PostFavourited
from folkmoot.network.posts.model import PollDraft, PostView, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.relations.model import FollowRequested, FollowStarted
from tests.village import follow, settle, write

DIRECT = Visibility.DIRECT


def _created(view: PostView) -> PostCreated:
    post = view.post
    return PostCreated(
        post_id=post.id, account_id=post.author.id, visibility=post.visibility, origin_id=view.shown.author.id,
        mentioned_ids=tuple(one.account_id for one in post.mentions), reply_to_account_id=post.reply_to_account_id,
        boost_of_id=post.boost_of_id,
    )


async def _rows(db: Database, table: str) -> list[Any]:
    columns = "account_id, kind, from_id, post_id" if table == "notifications" else "account_id, conversation_id, last_post_id, is_unread"
    async with db.read() as conn:
        rows = [tuple(row) for row in await conn.fetch(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3")]
        if table == "conversations":
            people = await conn.fetch("SELECT participant_ids FROM conversations ORDER BY account_id, conversation_id")
            rows = [(*row, tuple(sorted(one["participant_ids"]))) for row, one in zip(rows, people, strict=True)]
    return rows


async def test_each_event_notifies_once_although_its_subscriber_runs_twice(db: Database) -> None:
    author, reader, voter = [await settle(db, name) for name in ("author", "reader", "voter")]
    await follow(db, reader, author)
    async with db.write() as tx:
        await tx.execute("UPDATE follows SET notifies = true")
    mention = await write(db, author, "@voter co ty na to?")
    plain = await write(db, author, "jen tak")
    poll = await write(db, author, "kam?", poll=PollDraft(titles=("sem", "tam"), expires_in=600))
    async with db.write() as tx:
        boost = await posts.boost_post(tx, reader, plain.post.id)
        await posts.favourite_post(tx, reader, plain.post.id)
        assert poll.post.poll
        await posts.vote_in_poll(tx, voter, poll.post.poll.id, [0])
        await update_profile(tx, await lock_account(tx, author.id), ProfileDraft(is_locked=True), "")
        await relations.follow(tx, voter, author.id)
    cases: list[tuple[Any, Any, int]] = [
        (notifications.tell_of_post, _created(mention), 2),  # and the follower who wants every post
        (notifications.tell_of_post, _created(plain), 1),
        (notifications.tell_of_post, _created(boost), 1),
        (notifications.tell_of_favourite, PostFavourited(post_id=plain.post.id, account_id=reader.id, author_id=author.id), 1),
        (notifications.tell_of_edit, PostEdited(post_id=plain.post.id, account_id=author.id), 1),
        (notifications.tell_of_poll, PollClosed(poll_id=poll.post.poll.id, post_id=poll.post.id, account_id=author.id), 2),
        (notifications.tell_of_follow, FollowStarted(account_id=reader.id, target_id=author.id), 1),
        (notifications.tell_of_request, FollowRequested(account_id=voter.id, target_id=author.id), 1),
    ]
    for subscriber, event, notified in cases:
        before = await _rows(db, "notifications")
        await subscriber(db, event)
        once = await _rows(db, "notifications")
        assert len(once) - len(before) == notified, subscriber.__name__
        await subscriber(db, event)
        assert await _rows(db, "notifications") == once, subscriber.__name__


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_messages_make_one_conversation_in_any_order_of_their_events(db: Database, order: tuple[int, ...]) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    first = await write(db, jana, "@karel @eva sejdeme se?", visibility=DIRECT)
    second = await write(db, karel, "@jana rád", visibility=DIRECT, reply_to_id=first.post.id)
    third = await write(db, jana, "@karel a co Eva?", visibility=DIRECT, reply_to_id=second.post.id)
    events = [_created(view) for view in (first, second, third)]
    for number in (*order, *order):
        await conversations.add_direct_post(db, events[number])
    thread = first.post.id
    assert await _rows(db, "conversations") == sorted([
        (jana.id, thread, third.post.id, False, tuple(sorted([karel.id, eva.id]))),
        (karel.id, thread, third.post.id, True, tuple(sorted([jana.id, eva.id]))),
        (eva.id, thread, first.post.id, True, tuple(sorted([jana.id, karel.id]))),
    ])


async def test_a_read_conversation_stays_read_when_an_event_is_delivered_again(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    message = await write(db, jana, "@karel ahoj", visibility=DIRECT)
    await conversations.add_direct_post(db, _created(message))
    async with db.write() as tx:
        await tx.execute("UPDATE conversations SET is_unread = false WHERE account_id = $1", karel.id)
    await conversations.add_direct_post(db, _created(message))
    assert {row[3] for row in await _rows(db, "conversations")} == {False}


async def test_a_deleted_post_leaves_no_rows_in_any_order_of_events(db: Database) -> None:
    jana, _ = await settle(db, "jana"), await settle(db, "karel")
    first = await write(db, jana, "@karel ahoj", visibility=DIRECT)
    second = await write(db, jana, "@karel jsi tam?", visibility=DIRECT, reply_to_id=first.post.id)
    for view in (first, second):
        await conversations.add_direct_post(db, _created(view))
        await notifications.tell_of_post(db, _created(view))
    for view, left in ((second, [first.post.id] * 2), (first, [])):
        async with db.write() as tx:
            await posts.delete_post(tx, jana, view.post.id)
        for _ in range(2):
            await conversations.remove_deleted_post(db, PostDeleted(post_id=view.post.id, account_id=jana.id))
            await conversations.add_direct_post(db, _created(view))  # its creation is delivered late
            await notifications.tell_of_post(db, _created(view))
        assert [row[2] for row in await _rows(db, "conversations")] == left
        assert view.post.id not in [row[3] for row in await _rows(db, "notifications")]
