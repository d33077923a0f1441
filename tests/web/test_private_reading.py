"""Reading what not everybody may read is in the journal, with the name of who read it."""

import pytest

from folkmoot.network.posts.actions import delete_post
from folkmoot.network.posts.model import Visibility
from tests.moderation.court import Court
from tests.moderation.notices import Desk


@pytest.mark.parametrize(("visibility", "times"), [(Visibility.PUBLIC, 0), (Visibility.UNLISTED, 0), (Visibility.FOLLOWERS, 2)])
async def test_a_moderator_who_opens_a_private_post_is_recorded(court: Court, desk: Desk, visibility: Visibility, times: int) -> None:
    await court.village.follow("reporter", "author")
    post = await court.village.write("author", "mezi námi", visibility=visibility)
    await court.report("reporter", post)
    [case] = await court.queue()
    moderator, other = await court.village.by_browser("moderator"), await court.village.by_browser("other_moderator")
    page = await moderator.get(f"/moderate/cases/{case.id}")
    assert "mezi námi" in page.text
    assert "mezi námi" in (await other.get(f"/moderate/cases/{case.id}")).text, "it is held by somebody else, and can be read"
    assert await desk.journal(("case.read",)) == ["case.read"] * times
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT actor_id FROM journal WHERE kind = 'case.read' ORDER BY id")
    readers = [court.village.people[name].id for name in ("moderator", "other_moderator")]
    assert [row["actor_id"] for row in rows] == readers[:times]


async def test_also_after_the_post_was_deleted(court: Court, desk: Desk) -> None:
    await court.village.follow("reporter", "author")
    post = await court.village.write("author", "mezi námi", visibility=Visibility.FOLLOWERS)
    await court.report("reporter", post)
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], post.post.id)
    await court.village.work()
    [case] = await court.queue()
    await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")
    assert await desk.journal(("case.read",)) == ["case.read"]
