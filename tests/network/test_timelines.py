"""Home: pushed, pulled and rebuilt show the same; a page takes a fixed number of statements."""

import random

from folkmoot.base.db import Database
from folkmoot.base.paging import Page
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.timelines.actions import rebuild_home
from folkmoot.network.timelines.queries import get_hashtag, get_home, get_public
from tests.village import Village


async def _home(database: Database, viewer_id: int, **page: int) -> list[int]:
    async with database.read() as conn:
        return [entry.id for entry in (await get_home(conn, viewer_id, Page(**page))).entries]


async def _build(village: Village, name: str) -> None:
    async with village.database.cache() as cache:
        await rebuild_home(cache, village.people[name].id)


async def _busy(village: Village) -> None:
    """Eight people, and what they do with each other: the same every time."""
    dice = random.Random(7)
    names = ["reader", "anna", "bozena", "cyril", "dana", "emil", "filip", "gita"]
    await village.settle(*names)
    for name in names[1:6]:
        await village.follow("reader", name)
    await _build(village, "reader")
    written: list[int] = []
    for step in range(60):
        name = dice.choice(names)
        kind = dice.random()
        if written and kind < 0.25:
            async with village.database.write() as tx:
                await actions.boost_post(tx, village.people[name], dice.choice(written))
        else:
            answers = dice.choice(written) if written and kind < 0.6 else None
            written.append((await village.write(name, f"příspěvek {step}", reply_to_id=answers)).post.id)
    async with village.database.write() as tx:
        await relations.mute(tx, village.people["reader"], village.people["emil"].id)
        await relations.block(tx, village.people["reader"], village.people["gita"].id)
        await relations.unfollow(tx, village.people["reader"], village.people["dana"].id)
        await relations.follow(tx, village.people["reader"], village.people["filip"].id)
        own = await tx.fetchval("SELECT id FROM posts WHERE account_id = $1 AND boost_of_id IS NULL LIMIT 1", village.people["anna"].id)
        await actions.delete_post(tx, village.people["anna"], own)
    await village.work()


async def test_pushed_pulled_and_rebuilt_homes_are_the_same(village: Village) -> None:
    await _busy(village)
    reader = village.people["reader"].id
    pushed = await _home(village.database, reader, limit=40)
    async with village.database.cache() as cache:
        await cache.execute("DELETE FROM homes")
        await cache.execute("DELETE FROM home_entries")
    pulled = await _home(village.database, reader, limit=40)
    await _build(village, "reader")
    rebuilt = await _home(village.database, reader, limit=40)
    assert len(pushed) > 10
    assert set(rebuilt) == set(pulled)
    # What a home has been given it keeps: a push leaves out boosts of what has just come, a rebuild does not know that.
    assert set(pushed) <= set(rebuilt) | {id_ for id_ in pushed if id_ not in rebuilt}
    assert [id_ for id_ in rebuilt if id_ in set(pushed)] == [id_ for id_ in pushed if id_ in set(rebuilt)]


async def test_pages_lie_side_by_side(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    posts = sorted([(await village.write("anna", f"{number}")).post.id for number in range(12)])  # two in one millisecond have no order
    await village.work()
    reader, newest_first = village.people["reader"].id, posts[::-1]
    assert await _home(village.database, reader, limit=5) == newest_first[:5]
    assert await _home(village.database, reader, limit=5, max_id=newest_first[4]) == newest_first[5:10]
    assert await _home(village.database, reader, limit=5, since_id=posts[2]) == newest_first[:5]
    assert await _home(village.database, reader, limit=5, min_id=posts[2]) == posts[3:8][::-1]
    assert await _home(village.database, reader, limit=5, min_id=posts[-1]) == []


async def test_home_and_public_take_one_statement(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    for number in range(30):
        await village.write("anna", f"{number} #tag")
    await village.work()
    database, reader = village.database, village.people["reader"].id
    async with database.read() as conn:
        for read in (
            lambda: get_home(conn, reader, Page(limit=20)), lambda: get_public(conn, reader, Page(limit=20), is_local=True),
            lambda: get_hashtag(conn, reader, Page(limit=20), ["tag"]),
        ):
            before = database.statements
            assert len((await read()).entries) == 20
            assert database.statements - before == 1


async def test_the_home_of_the_api_takes_two_statements_cold_and_one_warm(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    for number in range(20):
        await village.write("anna", f"{number}")
    await village.work()
    visitor = await village.by_app("reader")
    await visitor.get("/api/v1/timelines/home?limit=1")  # learns who holds the token, and notes the visit
    taken = []
    for _ in range(3):
        before = village.database.statements
        assert len((await visitor.get("/api/v1/timelines/home")).json) == 20
        taken.append(village.database.statements - before)
    assert taken == [2, 1, 1]


async def test_a_change_shows_at_the_next_read(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    post = (await village.write("anna", "překlep")).post
    await village.work()
    visitor = await village.by_app("reader")
    assert "překlep" in (await visitor.get("/api/v1/timelines/home")).text
    author = await village.by_app("anna")
    await author.send("PUT", f"/api/v1/statuses/{post.id}", {"status": "opraveno"})
    assert "opraveno" in (await visitor.get("/api/v1/timelines/home")).text
    await author.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "Anna Nová"})
    assert "Anna Nová" in (await visitor.get("/api/v1/timelines/home")).text


async def test_a_reply_comes_home_only_between_people_one_follows(village: Village) -> None:
    await village.settle("reader", "anna", "cizi")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    theirs = (await village.write("cizi", "ptám se")).post
    reply = (await village.write("anna", "odpovídám cizímu", reply_to_id=theirs.id)).post
    own = (await village.write("anna", "sobě", reply_to_id=reply.id)).post
    await village.work()
    assert await _home(village.database, village.people["reader"].id) == [own.id]


async def test_authors_with_many_followers_are_pulled(village: Village) -> None:
    await village.settle("reader", "star")
    await village.follow("reader", "star")
    await _build(village, "reader")
    async with village.database.write() as tx:
        await tx.execute("UPDATE account_counts SET followers = 60000 WHERE account_id = $1", village.people["star"].id)
    from folkmoot.network.timelines.jobs import choose_push_or_pull

    await choose_push_or_pull(village.database)
    post = (await village.write("star", "všem")).post
    await village.work()
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM home_entries") == 0
    assert await _home(village.database, village.people["reader"].id) == [post.id]


async def test_followers_only_posts_leave_with_the_follow(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    await village.write("anna", "jen pro vás", visibility=Visibility.FOLLOWERS)
    await village.work()
    reader = village.people["reader"]
    assert len(await _home(village.database, reader.id)) == 1
    async with village.database.write() as tx:
        await relations.unfollow(tx, reader, village.people["anna"].id)
    assert await _home(village.database, reader.id) == []  # at once, before the worker has come
