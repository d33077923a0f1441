"""Timelines: paging, number of statements, immediate visibility of changes. test_home_rule.py compares the homes."""

import asyncio
import re
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.paging import Page
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts import actions
from folkmoot.network.posts.events import PostCreated
from folkmoot.network.posts.model import Post, PostDraft, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.relations.queries import delete_pulled_authors
from folkmoot.network.timelines.actions import merge_author, push_post, rebuild_home, trim_homes
from folkmoot.network.timelines.jobs import choose_push_or_pull, push_to_homes
from folkmoot.network.timelines.queries import get_hashtag, get_home, get_public, home_pages
from folkmoot.network.timelines.queries.homes import mark_unbuilt
from tests.village import LIMITS, Village

_ONE = "bigint, bigint, bigint, bigint", "2, 9000000000000000000, 0, 20"  # the types and values of the statement of a home
_SEVERAL = "bigint[], bigint[], bigint[], int[]", "'{2, 3}', '{9000000000000000000, 9000000000000000000}', '{0, 0}', '{20, 20}'"


async def _home(database: Database, viewer_id: int, **page: int) -> list[int]:
    async with database.read() as conn:
        return [entry.id for entry in (await get_home(conn, viewer_id, Page(**page))).entries]


async def _build(village: Village, name: str) -> None:
    async with village.database.cache() as cache:
        await rebuild_home(cache, village.people[name].id)


async def _fill(village: Village, posts: int) -> list[int]:
    """Two followed authors write in turn, before anything is pushed; returns the ids, newest first."""
    await village.settle("reader", "anna", "bozena")
    for name in ("anna", "bozena"):
        await village.follow("reader", name)
    written = []
    async with village.database.write() as tx:
        for number in range(posts):
            author = village.people[("anna", "bozena")[number % 2]]
            at = clock.now() - timedelta(minutes=posts - number)
            written.append((await actions.create_post(tx, author, PostDraft(text=f"{number}"), LIMITS, at=at)).post.id)
    await village.work()
    return written[::-1]


async def test_a_home_continues_below_its_floor(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.network.timelines.queries.homes.REBUILT_ENTRIES", 10)
    monkeypatch.setattr("folkmoot.network.timelines.queries.homes.KEPT_ENTRIES", 15)
    newest_first = await _fill(village, 30)
    await _build(village, "reader")
    reader, database = village.people["reader"].id, village.database
    newest_first.insert(0, (await village.write("anna", "nejnovější")).post.id)
    await village.work()
    for trimmed in (False, True):
        if trimmed:
            async with database.cache() as cache:
                await trim_homes(cache)
                assert await cache.fetchval("SELECT count(*) FROM home_entries") == (15 if trimmed else 31)
        assert await _home(database, reader, limit=5) == newest_first[:5]
        assert await _home(database, reader, limit=8, max_id=newest_first[6]) == newest_first[7:15]  # above the floor and below
        assert await _home(database, reader, limit=8, max_id=newest_first[20]) == newest_first[21:29]
        assert await _home(database, reader, limit=40) == newest_first
        assert await _home(database, reader, limit=6, min_id=newest_first[20]) == newest_first[14:20]
        assert await _home(database, reader, limit=40, since_id=newest_first[25]) == newest_first[:25]
        async with database.cache() as cache:  # the home grows until it is trimmed
            for post_id in newest_first:
                await push_post(cache, PostCreated(post_id=post_id, account_id=village.people["anna"].id, visibility=Visibility.PUBLIC))
                await push_post(cache, PostCreated(post_id=post_id, account_id=village.people["bozena"].id, visibility=Visibility.PUBLIC))


async def test_pages_neither_overlap_nor_have_gaps(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    posts = sorted([(await village.write("anna", f"{number}")).post.id for number in range(12)])  # ids of one millisecond have no order
    await village.work()
    reader, newest_first = village.people["reader"].id, posts[::-1]
    assert await _home(village.database, reader, limit=5) == newest_first[:5]
    assert await _home(village.database, reader, limit=5, max_id=newest_first[4]) == newest_first[5:10]
    assert await _home(village.database, reader, limit=5, since_id=posts[2]) == newest_first[:5]
    assert await _home(village.database, reader, limit=5, min_id=posts[2]) == posts[3:8][::-1]
    before = village.database.statements
    assert await _home(village.database, reader, limit=5, min_id=posts[-1]) == []
    assert village.database.statements - before == 1
    own = (await village.write("reader", "moje")).post.id  # not stored in the home
    assert await _home(village.database, reader, limit=5, since_id=posts[-1]) == [own]


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


@pytest.mark.usefixtures("known_viewers")
async def test_the_home_of_the_api_takes_two_statements_cold_and_one_warm(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    for number in range(20):
        await village.write("anna", f"{number}")
    await village.work()
    visitor = await village.by_app("reader")
    await visitor.get("/api/v1/timelines/home?limit=1")  # caches the holder of the token, and stores the visit
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


async def test_a_reply_is_in_the_home_only_if_both_authors_are_followed(village: Village) -> None:
    await village.settle("reader", "anna", "cizi")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    theirs = (await village.write("cizi", "ptám se")).post
    reply = (await village.write("anna", "odpovídám cizímu", reply_to_id=theirs.id)).post
    own = (await village.write("anna", "sobě", reply_to_id=reply.id)).post
    await village.work()
    assert await _home(village.database, village.people["reader"].id) == [own.id]


async def test_authors_with_many_followers_are_pulled_with_one_statement(village: Village) -> None:
    await village.settle("reader", "star", "late")
    await village.follow("reader", "star")
    for name in ("reader", "late"):
        await _build(village, name)
    database, reader, late = village.database, village.people["reader"].id, village.people["late"].id
    async with database.write() as tx:
        await tx.execute("UPDATE account_counts SET followers = 60000 WHERE account_id = $1", village.people["star"].id)
    await choose_push_or_pull(database)
    await village.follow("late", "star")  # the counts have not changed since, and no timed job runs
    post = (await village.write("star", "všem")).post
    await village.work()
    async with database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM home_entries") == 0
    for viewer in (reader, late):
        assert await _home(database, viewer) == [post.id]
        before = database.statements
        assert await _home(database, viewer) == [post.id]
        assert database.statements - before == 1


async def test_followers_only_posts_are_removed_with_the_follow(village: Village) -> None:
    await village.settle("reader", "anna")
    await village.follow("reader", "anna")
    await _build(village, "reader")
    await village.write("anna", "jen pro vás", visibility=Visibility.FOLLOWERS)
    await village.work()
    reader = village.people["reader"]
    assert len(await _home(village.database, reader.id)) == 1
    async with village.database.write() as tx:
        await relations.unfollow(tx, reader, village.people["anna"].id)
    assert await _home(village.database, reader.id) == []  # at once, before the worker runs


async def test_a_deleted_post_is_removed_from_homes_with_its_boosts_in_any_order_of_events(village: Village) -> None:
    await village.settle("reader", "anna", "friend")
    await village.follow("reader", "friend")
    await _build(village, "reader")
    database, anna, friend = village.database, village.people["anna"], village.people["friend"]
    post = (await village.write("anna", "omyl")).post
    async with database.write() as tx:
        boost = (await actions.boost_post(tx, friend, post.id)).post
    created = PostCreated(post_id=boost.id, account_id=friend.id, visibility=Visibility.PUBLIC, origin_id=anna.id, boost_of_id=post.id)
    async with database.cache() as cache:
        await push_post(cache, created)
        assert await cache.fetchval("SELECT count(*) FROM home_entries") == 1
    async with database.write() as tx:
        await actions.delete_post(tx, anna, post.id)
    assert await _home(database, village.people["reader"].id) == []
    await village.work()
    async with database.cache() as cache:
        await push_post(cache, created)  # a second, late delivery
        assert await cache.fetchval("SELECT count(*) FROM home_entries") == 0


async def test_posts_that_arrive_together_are_stored_by_two_statements_and_those_with_many_readers_apart(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    await village.settle("reader", "anna", "bozena", "star", "other")
    for who in ("anna", "bozena", "star"):
        await village.follow("reader", who)
    await village.follow("other", "star")
    await fold_counters(village.database)
    for reader in ("reader", "other"):
        await _build(village, reader)
    posts = [(await village.write(who, "zpráva")).post for who in ("anna", "bozena", "anna", "star")]
    async with village.database.write() as tx:
        await actions.delete_post(tx, village.people["bozena"], posts[1].id)
    monkeypatch.setattr("folkmoot.network.timelines.actions.PUSH_AT_ONCE", 1)
    before, together = village.database.statements, []

    async def push(post: Post) -> None:
        await push_to_homes(village.database, PostCreated(post_id=post.id, account_id=post.author.id, visibility=post.visibility))

    await asyncio.gather(*map(push, posts[:3]))
    together.append(village.database.statements - before)
    async with village.database.cache() as cache:
        rows = await cache.fetch("SELECT account_id, post_id FROM home_entries ORDER BY 2")
        assert {tuple(row) for row in rows} == {(village.people["reader"].id, posts[0].id), (village.people["reader"].id, posts[2].id)}
    await push(posts[3])
    async with village.database.cache() as cache:
        assert await cache.fetchval("SELECT count(*) FROM home_entries WHERE post_id = $1", posts[3].id) == 2
    assert together == [2]


async def test_a_mute_or_block_shows_at_the_next_read_and_so_does_its_end(village: Village) -> None:
    await village.settle("reader", "friend", "author")
    await village.follow("reader", "friend")
    await _build(village, "reader")
    database, reader, author = village.database, village.people["reader"], village.people["author"]
    post = (await village.write("author", "slova")).post
    async with database.write() as tx:
        boost = (await actions.boost_post(tx, village.people["friend"], post.id)).post
    await village.work()
    for begin, end in ((relations.mute, relations.unmute), (relations.block, relations.unblock)):
        assert await _home(database, reader.id) == [boost.id]
        async with database.write() as tx:
            await begin(tx, reader, author.id)
        assert await _home(database, reader.id) == []  # before the worker runs
        async with database.write() as tx:
            await end(tx, reader, author.id)
    assert await _home(database, reader.id) == [boost.id]


async def test_a_home_that_is_filled_while_an_author_is_pushed_again_has_no_gap(village: Village) -> None:
    await village.settle("reader", "star")
    await village.follow("reader", "star")
    database, reader, star = village.database, village.people["reader"].id, village.people["star"].id
    async with database.write() as tx:
        await tx.execute("UPDATE account_counts SET followers = 60000 WHERE account_id = $1", star)
    await choose_push_or_pull(database)
    await _build(village, "reader")
    post = (await village.write("star", "všem")).post
    await village.work()
    async with database.cache() as cache:
        async with database.write() as tx:
            await mark_unbuilt(tx, await delete_pulled_authors(tx, 60000))
            filling = asyncio.create_task(merge_author(cache, reader))
            await asyncio.sleep(0.3)  # filling has read the follows, and waits for the row of the home
            assert not filling.done()
        await filling
    assert await _home(database, reader) == [post.id]
    async with database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM home_entries") == 1


async def test_the_home_looks_each_follow_up_by_the_primary_key(db: Database) -> None:
    """With many readers who follow one author and some who follow many, follows are looked up, not scanned for each post."""
    async with db.write() as tx:
        await tx.execute("INSERT INTO accounts (id, username, username_key, created_at)"
                         " SELECT n, 'reader_' || n, 'reader_' || n, now() FROM generate_series(1, 4000) AS n")
        await tx.execute("INSERT INTO follows (account_id, target_id, id) SELECT n, 1, n FROM generate_series(3, 4000) AS n")
        await tx.execute("INSERT INTO follows (account_id, target_id, id) SELECT 2, n, n + 5000 FROM generate_series(3, 300) AS n")
        await tx.execute("ANALYZE follows")
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        of_one = [(sql, *_ONE) for sql in (*home_pages._HOME.values(), *home_pages._HOME_WITH_PULLED.values())]
        of_several = [(sql, *_SEVERAL) for sql in (*home_pages._HOMES.values(), *home_pages._HOMES_WITH_PULLED.values())]
        for number, (sql, types, values) in enumerate(of_one + of_several):
            await tx.execute(f"PREPARE home_{number} ({types}) AS {sql}")
            plan = [row[0] for row in await tx.fetch(f"EXPLAIN EXECUTE home_{number} ({values})")]
            assert any("follows_pkey" in line for line in plan), sql
            scans = [line for line in plan if "follows_newest" in line or "Seq Scan on follows" in line or "Materialize" in line]
            assert not scans, sql


async def test_the_posts_of_an_account_are_found_by_its_index_when_another_has_written_nearly_all(db: Database) -> None:
    """A newspaper and its readers: each reader is far below the mean of all accounts."""
    simple = "SELECT id FROM posts WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id DESC LIMIT $4"
    async with db.write() as tx:
        await tx.execute("INSERT INTO accounts (id, username, username_key, created_at)"
                         " SELECT n, 'account_' || n, 'account_' || n, now() FROM generate_series(1, 100) AS n")
        await tx.execute("INSERT INTO follows (account_id, target_id, id) SELECT 2, n, n FROM generate_series(3, 100) AS n")
        await tx.execute("INSERT INTO posts (id, account_id, visibility, conversation_id, created_at)"
                         " SELECT n, 1, 0, n, now() FROM generate_series(1, 20000) AS n")
        await tx.execute("ANALYZE posts")
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        of_one = [(sql, *_ONE) for sql in (simple, *home_pages._HOME_WITH_PULLED.values(), *home_pages._PULLED_HOME.values())]
        for number, (sql, types, values) in enumerate(of_one + [(sql, *_SEVERAL) for sql in home_pages._HOMES_WITH_PULLED.values()]):
            await tx.execute(f"PREPARE home_{number} ({types}) AS {sql}")
            rows = await tx.fetch(f"EXPLAIN EXECUTE home_{number} ({values})")
            plan = " ".join(row[0].strip() for row in rows)
            assert "posts_account" in plan, sql
            assert not re.search(r"using posts_pkey on posts \w+ +\([^)]*\) Index Cond: \(\(id <", plan), f"reads all posts: {sql}"
