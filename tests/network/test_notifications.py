"""The list, the groups and the unread count contain the same notifications: only those that the viewer may see."""

from collections.abc import Awaitable, Callable

import pytest

from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.notifications.model import GROUPED
from folkmoot.network.notifications.queries import count_unread, get_group, list_groups, list_notifications
from folkmoot.network.posts.actions import favourite_post, set_account_effect, set_effect
from folkmoot.network.posts.model import PostEffect, PostView
from folkmoot.network.relations import actions as relations
from tests.village import Village
from tests.web.test_pages import form_token

Act = Callable[[Village, PostView], Awaitable[None]]


async def _hide(village: Village, view: PostView) -> None:
    async with village.database.write() as tx:
        await set_effect(tx, view.post.id, PostEffect.HIDDEN, None)


async def _suspend(village: Village, view: PostView) -> None:
    async with village.database.write() as tx:
        await set_account_effect(tx, view.post.author.id, AccountEffect.SUSPENDED)


async def _block(village: Village, view: PostView) -> None:
    async with village.database.write() as tx:
        await relations.block(tx, view.post.author, village.people["jana"].id)


async def _shown(village: Village) -> tuple[int, int, int, int]:
    """The number of Jana's notifications in the list, in groups, and in both unread counts."""
    async with village.database.read() as conn:
        viewer_id = village.people["jana"].id
        listed = await list_notifications(conn, viewer_id, Page(limit=20))
        groups = await list_groups(conn, viewer_id, Page(limit=20))
        return (len(listed), sum(group.count for group in groups), await count_unread(conn, viewer_id),
                await count_unread(conn, viewer_id, grouped=GROUPED))


@pytest.mark.parametrize("act", [_hide, _suspend, _block])
async def test_hidden_notifications_are_neither_listed_nor_counted(village: Village, act: Act) -> None:
    await village.settle("jana", "karel", "eva")
    await village.write("eva", "@jana první")
    view = await village.write("karel", "@jana druhá")
    await village.work()
    assert await _shown(village) == (2, 2, 2, 2)
    await act(village, view)
    assert await _shown(village) == (1, 1, 1, 1)


async def test_notifications_from_a_suspended_account_are_hidden(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    view = await village.write("jana")
    await village.follow("karel", "jana")
    for name in ("karel", "eva"):
        async with village.database.write() as tx:
            await favourite_post(tx, village.people[name], view.post.id)
    await village.work()
    assert await _shown(village) == (3, 3, 3, 2)
    async with village.database.write() as tx:
        await set_account_effect(tx, village.people["karel"].id, AccountEffect.SUSPENDED)
    assert await _shown(village) == (1, 1, 1, 1)
    async with village.database.read() as conn:
        viewer_id = village.people["jana"].id
        group, = await list_groups(conn, viewer_id, Page(limit=20))
        whole, senders = await get_group(conn, viewer_id, group.key)
    assert whole.count == 1
    assert senders == [village.people["eva"].id]


async def test_opening_the_page_resets_the_unread_count(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.write("karel", "@jana první")
    view = await village.write("karel", "@jana druhá")
    await village.work()
    await _hide(village, view)
    browser = await village.by_browser("jana")
    assert form_token((await browser.get("/notifications")).text)
    async with village.database.read() as conn:
        assert await count_unread(conn, village.people["jana"].id) == 0


async def test_a_page_of_hidden_notifications_does_not_end_the_list(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await village.write("eva", "@jana první")
    await village.work()
    for number in range(2):
        view = await village.write("karel", f"@jana {number}")
        await village.work()
        await _hide(village, view)
    async with village.database.read() as conn:
        assert len(await list_notifications(conn, village.people["jana"].id, Page(limit=2))) == 1
