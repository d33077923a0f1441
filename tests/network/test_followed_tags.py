"""Followed hashtags: limits, and what comes home because of one."""

import asyncio
from collections.abc import Sequence

import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import Invalid
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account
from folkmoot.network.followed_tags import actions, queries
from folkmoot.network.followed_tags.model import MOST_FOLLOWED
from folkmoot.network.posts.model import Visibility
from folkmoot.network.timelines.jobs import rebuild_when_idle
from folkmoot.network.timelines.model import Timeline
from folkmoot.network.timelines.queries import get_home
from tests.village import follow, settle, write


async def _follow(db: Database, account: Account, *names: str) -> None:
    async with db.write() as tx:
        for name in names:
            await actions.follow_hashtag(tx, account, name)


async def _home(db: Database, account: Account, page: Page = Page(limit=20)) -> Timeline:
    async with db.read() as conn:
        return await get_home(conn, account.id, page)


async def _followed(db: Database, account: Account) -> Sequence[str]:
    async with db.read() as conn:
        return [one.name for one in await queries.list_followed_tags(conn, account.id, Page(limit=200))]


async def test_a_hashtag_is_followed_once_in_any_spelling(db: Database) -> None:
    jana = await settle(db, "jana")
    await _follow(db, jana, "#Kašna", "kasna", "voda")
    assert sorted(await _followed(db, jana)) == ["Kašna", "voda"]
    async with db.write() as tx:
        await actions.unfollow_hashtag(tx, jana, "KASNA")
        await actions.unfollow_hashtag(tx, jana, "nikdy")
    assert await _followed(db, jana) == ["voda"]


@pytest.mark.parametrize("name", ["", "#", "a b", "#123", "x#y"])
async def test_what_is_no_hashtag_is_refused(db: Database, name: str) -> None:
    jana = await settle(db, "jana")
    with pytest.raises(Invalid):
        await _follow(db, jana, name)


async def test_the_number_is_limited_also_for_simultaneous_requests(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    await _follow(db, jana, *(f"tag{number}" for number in range(MOST_FOLLOWED - 1)))
    ends = await asyncio.gather(*(_follow(db, jana, f"navic{number}") for number in range(4)), return_exceptions=True)
    assert sorted(isinstance(end, Invalid) for end in ends) == [False, True, True, True]
    await _follow(db, jana, "tag1")  # is followed already
    await _follow(db, karel, "tag1")
    assert len(await _followed(db, jana)) == MOST_FOLLOWED


@pytest.mark.parametrize("is_warm", [True, False])
async def test_a_page_is_full_although_posts_have_several_reasons_to_be_in_it(db: Database, is_warm: bool) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    await follow(db, jana, karel)
    if is_warm:
        await rebuild_when_idle(db, jana.id)
    await _follow(db, jana, "kasna", "voda")
    written = [await write(db, (karel, eva)[number % 2], f"#kasna #voda {number}") for number in range(6)]
    ids = [view.post.id for view in reversed(written)]
    first = await _home(db, jana, Page(limit=4))
    assert ([entry.id for entry in first.entries], first.ids, first.is_partial) == (ids[:4], ids[:4], not is_warm)
    assert [entry.id for entry in (await _home(db, jana, Page(limit=4, max_id=ids[3]))).entries] == ids[4:]
    assert [entry.id for entry in (await _home(db, jana, Page(limit=2, min_id=ids[5]))).entries] == ids[3:5]


async def test_posts_with_limited_reach_come_only_from_followed_accounts(db: Database) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    await follow(db, jana, karel)
    await _follow(db, jana, "kasna")
    by_karel, by_eva = [await write(db, author, "u #kasna") for author in (karel, eva)]
    limited = await write(db, eva, "#kasna tiše", visibility=Visibility.UNLISTED)
    assert [entry.id for entry in (await _home(db, jana)).entries] == [by_eva.post.id, by_karel.post.id]
    async with db.write() as tx:
        await tx.execute("UPDATE accounts SET is_limited = true WHERE id = ANY ($1::bigint[])", [karel.id, eva.id])
    assert [entry.id for entry in (await _home(db, jana)).entries] == [by_karel.post.id]
    async with db.write() as tx:
        await tx.execute("UPDATE accounts SET is_limited = false")
        await tx.execute("UPDATE posts SET is_limited = true WHERE id = $1", by_eva.post.id)
    shown = [entry.id for entry in (await _home(db, jana)).entries]
    assert shown == [by_karel.post.id]
    assert limited.post.id not in shown
