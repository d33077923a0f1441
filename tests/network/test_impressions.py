"""Views of posts: what is counted, what is not, and that counting never disturbs a page."""

from datetime import timedelta

from folkmoot.app import create_front
from folkmoot.base import clock
from folkmoot.base.errors import WritesPaused
from folkmoot.network.impressions import counting
from folkmoot.network.impressions.counting import Impressions, ImpressionWriter
from folkmoot.network.impressions.queries import add_impressions, delete_impressions, list_impressions
from folkmoot.network.posts.model import Visibility
from tests.village import Village


async def _stored(village: Village) -> dict[int, int]:
    async with village.database.cache() as cache:
        return dict(await list_impressions(cache, clock.now().date()))


async def test_pages_of_members_are_counted_and_others_not(village: Village) -> None:
    await village.settle("author", "reader")
    await village.follow("reader", "author")
    public = (await village.write("author", "veřejný")).post.id
    unlisted = (await village.write("author", "nelistovaný", visibility=Visibility.UNLISTED)).post.id
    followers = (await village.write("author", "sledujícím", visibility=Visibility.FOLLOWERS)).post.id
    direct = (await village.write("author", "@reader soukromý", visibility=Visibility.DIRECT)).post.id
    impressions = Impressions()
    village.front = create_front(village.settings, village.database, impressions=impressions)
    for visitor, path in ((await village.by_app("reader"), "/api/v1/timelines/home"), (await village.by_browser("reader"), "/"),
                          (village.nobody(), "/explore"), (village.nobody(), "/api/v1/timelines/public")):
        assert (await visitor.get(path)).status in (200, 206)
    counted = dict(impressions._views)
    assert (counted[public], counted[unlisted], counted[followers], counted[direct]) == (2, 2, 2, 1)  # the page has no private messages
    await ImpressionWriter(village.database, impressions).store()
    assert await _stored(village) == {public: 2, unlisted: 2}
    assert impressions.take() == {}


async def test_only_the_first_pages_of_a_member_count() -> None:
    impressions = Impressions()
    impressions.take()
    for _ in range(counting.PAGES_A_DAY + 5):
        impressions.add(7, [1])
    impressions.add(8, [1, 2])
    assert impressions.take() == {1: counting.PAGES_A_DAY + 1, 2: 1}
    impressions.add(7, [1])
    assert impressions.take() == {}
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        impressions.take()
        impressions.add(7, [1])
        assert impressions.take() == {1: 1}


async def test_counts_add_up_and_old_ones_go(village: Village) -> None:
    await village.settle("author")
    post_id = (await village.write("author")).post.id
    today = clock.now().date()
    async with village.database.cache() as cache:
        for day in (today, today, today - timedelta(days=5)):
            await add_impressions(cache, day, {post_id: 3, post_id + 1: 9})  # the second post does not exist
        assert await list_impressions(cache, today) == [(post_id, 6)]
        await delete_impressions(cache, today)
        assert await list_impressions(cache, today - timedelta(days=5)) == []


async def test_a_database_that_takes_nothing_costs_the_counts_only() -> None:
    class _Standby:
        def cache(self) -> None:
            raise WritesPaused

    impressions = Impressions()
    impressions.add(1, [1])
    async with ImpressionWriter(_Standby(), impressions):  # type: ignore[arg-type]
        pass
    assert impressions.take() == {}
