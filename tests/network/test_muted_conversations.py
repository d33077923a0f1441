"""A muted conversation stays muted, whatever happens to its posts."""

import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.notifications.queries import list_notifications
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import Mark
from folkmoot.network.posts.queries import get_post_view
from tests.invariants import list_broken
from tests.village import Village, settle, write


async def _notified(village: Village, name: str) -> list[int]:
    await village.work()
    async with village.database.read() as conn:
        found = await list_notifications(conn, village.people[name].id, Page(limit=20))
    return [one.post.post.id for one in found if one.post]


@pytest.mark.parametrize("muted_by", ["first", "reply"])
async def test_a_muted_conversation_stays_silent_without_its_first_post(village: Village, muted_by: str) -> None:
    jana, karel = await village.settle("jana", "karel")
    first = (await village.write("karel", "Sejdeme se?")).post
    reply = (await village.write("jana", "Kdy?", reply_to_id=first.id)).post
    async with village.database.write() as tx:
        await actions.mute_conversation(tx, jana, {"first": first, "reply": reply}[muted_by].id)
    async with village.database.write() as tx:
        await actions.delete_post(tx, karel, first.id)
        assert (await get_post_view(tx, reply.id, jana.id)).marks.is_muted
        assert not await list_broken(tx)
    answer = (await village.write("karel", "@jana zítra", reply_to_id=reply.id)).post
    assert await _notified(village, "jana") == []

    async with village.database.write() as tx:
        assert not (await actions.unmute_conversation(tx, jana, answer.id)).marks.is_muted
    loud = (await village.write("karel", "@jana nebo dnes", reply_to_id=answer.id)).post
    assert await _notified(village, "jana") == [loud.id]
    async with village.database.write() as tx:  # also without its first post
        assert (await actions.mute_conversation(tx, jana, loud.id)).marks.is_muted
    await village.write("karel", "@jana tak co?", reply_to_id=loud.id)
    assert await _notified(village, "jana") == [loud.id]


async def test_the_last_post_of_a_conversation_takes_its_mutes_with_it(db: Database) -> None:
    jana = await settle(db, "jana")
    first = (await write(db, jana)).post
    second = (await write(db, jana, reply_to_id=first.id)).post
    left = []
    async with db.write() as tx:
        await actions.mute_conversation(tx, jana, second.id)
    for post in (first, second):
        async with db.write() as tx:
            await actions.delete_post(tx, jana, post.id)
            left.append(await tx.fetchval("SELECT count(*) FROM muted_conversations"))
    assert left == [1, 0]


async def test_the_previous_release_can_mute_and_unmute(tx: WriteTx, db: Database) -> None:
    """It knows the mark on the first post only; a trigger keeps both the same."""
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, karel)).post
    for bits, is_muted in ((Mark.MUTED | Mark.FAVOURITE, True), (Mark.FAVOURITE, False), (Mark.MUTED, True), (0, False)):
        await tx.execute(
            "INSERT INTO marks (account_id, post_id, bits) VALUES ($1, $2, $3)"
            " ON CONFLICT (account_id, post_id) DO UPDATE SET bits = excluded.bits",
            jana.id, post.id, int(bits),
        )
        assert (await get_post_view(tx, post.id, jana.id)).marks.is_muted is is_muted
        assert bool(await tx.fetchval("SELECT count(*) FROM muted_conversations")) is is_muted
