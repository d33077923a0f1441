"""Conversations have the same final state, however often and in whatever order their jobs run."""

import itertools

import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.accounts.actions import set_effect as set_account_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.conversations import queries
from folkmoot.network.posts.actions import set_effect
from folkmoot.network.posts.model import PostEffect, Visibility
from tests.village import Village, settle, write


@pytest.mark.parametrize("order", [*itertools.permutations(range(2)), (0, 1, 0, 1), (1, 1, 0)], ids=str)
async def test_participants_do_not_depend_on_the_order_of_the_jobs(db: Database, order: tuple[int, ...]) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    first = await write(db, jana, "@karel @eva jen pro vás", visibility=Visibility.DIRECT)
    second = await write(db, karel, "@jana jen pro tebe", visibility=Visibility.DIRECT, reply_to_id=first.post.id)
    async with db.write() as tx:
        for place in order:
            await queries.refresh_after_post(tx, (first, second)[place].post.id)
        assert await _state(tx) == {
            jana.id: (second.post.id, {karel.id, eva.id}, True),
            karel.id: (second.post.id, {jana.id, eva.id}, False),
            eva.id: (first.post.id, {jana.id, karel.id}, True),
        }


async def test_a_repeated_job_marks_nothing_unread(db: Database) -> None:
    jana, karel = [await settle(db, name) for name in ("jana", "karel")]
    post = await write(db, jana, "@karel jen pro tebe", visibility=Visibility.DIRECT)
    async with db.write() as tx:
        await queries.refresh_after_post(tx, post.post.id)
        await queries.update_unread(tx, karel.id, post.post.id, False)
        await queries.refresh_after_post(tx, post.post.id)
        assert (await _state(tx))[karel.id] == (post.post.id, {jana.id}, False)


async def _state(tx: WriteTx) -> dict[int, tuple[int, set[int], bool]]:
    rows = await tx.fetch("SELECT account_id, last_post_id, participant_ids, is_unread FROM conversations")
    return {row[0]: (row[1], set(row[2]), row[3]) for row in rows}


async def test_a_conversation_shows_its_newest_message_that_is_not_hidden(village: Village) -> None:
    jana, karel = await village.settle("jana", "karel")
    first = await village.write("jana", "@karel první", visibility=Visibility.DIRECT)
    second = await village.write("jana", "@karel druhá", visibility=Visibility.DIRECT, reply_to_id=first.post.id)
    await village.work()
    browser = await village.by_browser("karel")
    for hidden, shown in ((second, first), (first, None)):
        async with village.database.write() as tx:
            await set_effect(tx, hidden.post.id, PostEffect.HIDDEN, None)
        async with village.database.read() as conn:
            listed = await queries.list_conversations(conn, karel.id, Page(limit=5))
            own = await queries.list_conversations(conn, jana.id, Page(limit=5))
        assert [one.last_post.post.id for _, one in listed] == ([shown.post.id] if shown else [])
        assert [one.last_post.post.id for _, one in own] == [second.post.id]  # the author sees the hidden post
        answer = await browser.get(f"/messages/{first.post.conversation_id}")
        assert answer.status == (200 if shown else 404)
        assert f"/messages/{first.post.conversation_id}" in (await browser.get("/messages")).text or not shown


async def test_suspended_accounts_are_not_among_the_people_of_a_conversation(village: Village) -> None:
    _, karel, eva = await village.settle("jana", "karel", "eva")
    await village.write("jana", "@karel @eva jen pro vás", visibility=Visibility.DIRECT)
    await village.work()
    app = await village.by_app("karel")
    for effect, people in ((AccountEffect.NONE, ["jana", "eva"]), (AccountEffect.SUSPENDED, ["jana"])):
        async with village.database.write() as tx:
            await set_account_effect(tx, eva.id, effect)
        async with village.database.read() as conn:
            [(_, listed)] = await queries.list_conversations(conn, karel.id, Page(limit=5))
        answer = await app.get("/api/v1/conversations")
        assert [one.username for one in listed.people] == [one["username"] for one in answer.json[0]["accounts"]] == people
