"""An edit notifies newly mentioned accounts, and none a second time."""

import itertools

import pytest

from folkmoot.base.db import Database
from folkmoot.network.conversations import queries
from folkmoot.network.posts.model import Visibility
from tests.village import Village, Visitor, settle, write


async def _mentions(visitor: Visitor) -> list[str]:
    return [one["status"]["id"] for one in (await visitor.get("/api/v1/notifications?types[]=mention")).json]


async def _conversations(visitor: Visitor) -> list[tuple[set[str], bool]]:
    listed = (await visitor.get("/api/v1/conversations")).json
    return [({account["username"] for account in one["accounts"]}, one["unread"]) for one in listed]


async def _edit(village: Village, id_: int | str, text: str) -> None:
    jana = await village.by_app("jana")
    assert (await jana.send("PUT", f"/api/v1/statuses/{id_}", {"status": text})).status == 200
    await village.work()
    await village.work()


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_an_edit_notifies_newly_mentioned_accounts(village: Village, visibility: Visibility) -> None:
    await village.settle("jana", "karel", "eva")
    id_ = (await village.write("jana", "@karel přijď", visibility=visibility)).post.id
    await village.work()
    karel, eva = await village.by_app("karel"), await village.by_app("eva")
    await karel.post("/api/v1/notifications/clear")

    await _edit(village, id_, "@karel @eva přijďte")
    assert await _mentions(eva) == [str(id_)]
    assert await _mentions(karel) == []  # was notified before, and has cleared it

    await eva.post("/api/v1/notifications/clear")
    await _edit(village, id_, "přijďte")
    await _edit(village, id_, "@eva přijďte zase")
    assert await _mentions(eva) == []


async def test_an_edit_adds_a_direct_post_to_the_conversations_of_newly_mentioned_accounts(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    id_ = (await village.write("jana", "@karel jen pro tebe", visibility=Visibility.DIRECT)).post.id
    await village.work()
    karel, eva = await village.by_app("karel"), await village.by_app("eva")
    assert await _conversations(eva) == []

    await _edit(village, id_, "@karel @eva jen pro vás")
    assert await _conversations(eva) == [({"jana", "karel"}, True)]
    assert await _conversations(karel) == [({"jana", "eva"}, True)]
    assert await _conversations(await village.by_app("jana")) == [({"karel", "eva"}, False)]


async def test_an_edit_does_not_restore_a_removed_conversation(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    id_ = (await village.write("jana", "@karel jen pro tebe", visibility=Visibility.DIRECT)).post.id
    await village.work()
    karel = await village.by_app("karel")
    (conversation,) = (await karel.get("/api/v1/conversations")).json
    await karel.send("DELETE", f"/api/v1/conversations/{conversation['id']}")

    await _edit(village, id_, "@karel @eva jen pro vás")
    assert await _conversations(karel) == []
    assert await _conversations(await village.by_app("eva")) == [({"jana", "karel"}, True)]


@pytest.mark.parametrize("order", [*itertools.permutations(range(2)), (1, 0, 1, 0)], ids=str)
async def test_the_jobs_of_a_post_and_its_edit_may_run_in_any_order(db: Database, order: tuple[int, ...]) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    post = (await write(db, jana, "@karel @eva jen pro vás", visibility=Visibility.DIRECT)).post
    async with db.write() as tx:
        for place in order:
            await queries.refresh_after_post(tx, post.id, *([], [[eva.id]])[place])
        rows = await tx.fetch("SELECT account_id, participant_ids, is_unread FROM conversations")
    assert {row[0]: (set(row[1]), row[2]) for row in rows} == {
        jana.id: ({karel.id, eva.id}, False), karel.id: ({jana.id, eva.id}, True), eva.id: ({jana.id, karel.id}, True)}
