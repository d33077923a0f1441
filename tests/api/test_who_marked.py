"""Lists of people: nobody who blocks the viewer, whom the viewer blocks, or who is suspended. Own lists are complete."""

from collections.abc import Callable

import pytest

from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.actions import set_account_effect
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations import actions as relations
from tests.village import Village, Visitor

NAMES = ["karel", "eva", "petr", "ida"]


async def _names(visitor: Visitor, path: str) -> set[str]:
    return {account["acct"] for account in (await visitor.get(path)).json}


@pytest.mark.parametrize("list_of", [
    lambda post, owner: f"/api/v1/statuses/{post}/favourited_by", lambda post, owner: f"/api/v1/statuses/{post}/reblogged_by",
    lambda post, owner: f"/api/v1/accounts/{owner}/followers", lambda post, owner: f"/api/v1/accounts/{owner}/following",
])
async def test_lists_leave_blocks_out_in_both_directions(village: Village, list_of: Callable[[int, int], str]) -> None:
    jana, karel, eva, petr, ida = await village.settle("jana", *NAMES)
    post = (await village.write("jana")).post.id
    for name in NAMES:
        await village.follow(name, "jana")
        await village.follow("jana", name)
        visitor = await village.by_app(name)
        await visitor.post(f"/api/v1/statuses/{post}/favourite")
        await visitor.post(f"/api/v1/statuses/{post}/reblog")
    path = list_of(post, jana.id)
    for visitor in (village.nobody(), await village.by_app("karel")):
        assert await _names(visitor, path) == set(NAMES)
    async with village.database.write() as tx:
        await relations.block(tx, eva, karel.id)
        await relations.block(tx, karel, petr.id)
        await set_account_effect(tx, ida.id, AccountEffect.SUSPENDED)
    assert await _names(await village.by_app("karel"), path) == {"karel"}
    assert await _names(await village.by_app("petr"), path) == {"eva", "petr"}
    assert await _names(village.nobody(), path) == {"karel", "eva", "petr"}


async def test_pages_leave_the_same_people_out(village: Village) -> None:
    jana, karel, eva, _, _ = await village.settle("jana", *NAMES)
    post = (await village.write("jana")).post.id
    for verb in ("favourite", "reblog"):
        await (await village.by_app("eva")).post(f"/api/v1/statuses/{post}/{verb}")
    browser = await village.by_browser("karel")
    paths = (f"/posts/{post}/favourited_by", f"/posts/{post}/boosted_by")
    assert ["/@eva" in (await browser.get(path)).text for path in paths] == [True, True]
    async with village.database.write() as tx:
        await relations.block(tx, eva, karel.id)
    assert ["/@eva" in (await browser.get(path)).text for path in paths] == [False, False]
    assert jana.id


async def test_own_blocks_and_mutes_list_those_who_block_back(village: Village) -> None:
    jana, karel, *_ = await village.settle("jana", *NAMES)
    app, browser = await village.by_app("jana"), await village.by_browser("jana")
    for verb in ("block", "mute"):
        await app.post(f"/api/v1/accounts/{karel.id}/{verb}")
    async with village.database.write() as tx:
        await relations.block(tx, karel, jana.id)
    for name in ("blocks", "mutes"):
        assert await _names(app, f"/api/v1/{name}") == {"karel"}
        assert "/@karel" in (await browser.get(f"/settings/{name}")).text


async def test_conversations_leave_suspended_people_out(village: Village) -> None:
    _, _, eva, *_ = await village.settle("jana", *NAMES)
    await village.write("jana", "@karel @eva přijďte", visibility=Visibility.DIRECT)
    await village.work()
    jana = await village.by_app("jana")

    async def people() -> list[set[str]]:
        listed = (await jana.get("/api/v1/conversations")).json
        return [{account["acct"] for account in one["accounts"]} for one in listed]

    assert await people() == [{"karel", "eva"}]
    async with village.database.write() as tx:
        await set_account_effect(tx, eva.id, AccountEffect.SUSPENDED)
    assert await people() == [{"karel"}]
