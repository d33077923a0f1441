"""The hub: what each listener gets, how many statements run, and that leaving listeners do not affect others."""

import asyncio
from collections.abc import Sequence

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.network.accounts.model import Account
from folkmoot.network.conversations.jobs import add_direct_post
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.events import PostCreated, Withdrawn
from folkmoot.network.posts.model import Mark, PostDraft, PostEffect, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.timelines.jobs import push_to_homes
from folkmoot.network.timelines.model import Feed
from folkmoot.network.timelines.queries.recipients import list_withdrawal_recipients_unscoped
from folkmoot.streaming import hub as hub_module
from folkmoot.streaming.hub import LONGEST_QUEUE, Hub, Listener
from folkmoot.streaming.log_ins import LogIn
from folkmoot.streaming.model import HOME, ConversationHeard, Heard, LoginChanged, LookAgain, PostChanged, PostHeard, PostWithdrawn, Topic
from tests.village import LIMITS, follow, settle, write
from tests.waiting import SECONDS


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "GATHER_SECONDS", 0.02)
    monkeypatch.setattr(hub_module, "RETRY_SECONDS", 0.02)


async def announce(db: Database, *post_ids: int) -> None:
    """Announces posts as the worker does; no home is warm in these tests."""
    for post_id in post_ids:
        async with db.read() as conn:
            row = await conn.fetchrow("SELECT account_id, visibility, boost_of_id FROM posts WHERE id = $1", post_id)
        await push_to_homes(db, PostCreated(post_id=post_id, account_id=row[0], visibility=row[1], boost_of_id=row[2]))


async def heard_by(listener: Listener, seconds: float = SECONDS) -> list[Heard]:
    """What a listener hears next; a short time is for what must not be heard."""
    return await listener.next(seconds)


async def hears(listener: Listener, count: int) -> list[Heard]:
    """The next `count` things that a listener hears, and what else comes at once."""
    heard: list[Heard] = []
    while len(heard) < count:
        more = await heard_by(listener)
        assert more, heard
        heard += more
    return heard + await heard_by(listener, 0.01)


async def _settle(db: Database, names: str) -> list[Account]:
    return [await settle(db, name) for name in names.split()]


def _posts(heard: Sequence[Heard]) -> list[int]:
    return [one.post_id for one in heard if isinstance(one, PostHeard)]


async def test_followers_get_a_post_and_strangers_do_not(db: Database) -> None:
    author, follower, stranger = await _settle(db, "author follower stranger")
    await follow(db, follower, author)
    hub = Hub(db)
    with hub.listen(follower.id, [HOME]) as one, hub.listen(stranger.id, [HOME]) as other:
        post = (await write(db, author)).post
        await announce(db, post.id)
        heard, = await heard_by(one)
        assert isinstance(heard, PostHeard)
        assert (heard.topic, heard.post_id, heard.entry.author_version) == (HOME, post.id, author.version)
        assert await heard_by(other, 0.1) == []


async def test_one_statement_serves_all_listeners(db: Database) -> None:
    author, *followers = await _settle(db, "author " + " ".join(f"f{number}" for number in range(12)))
    for follower in followers:
        await follow(db, follower, author)
    hub = Hub(db)
    written = [(await write(db, author)).post.id for _ in range(3)]
    blocks = [hub.listen(follower.id, [HOME]) for follower in followers]
    listeners = [block.__enter__() for block in blocks]
    await announce(db, *written[:-1])
    [await hears(listener, 2) for listener in listeners]
    before = db.statements
    db.live.publish("posts.new", {"post_id": written[-1]})
    for listener in listeners:
        assert _posts(await heard_by(listener)) == [written[-1]]
    assert db.statements - before == 1
    for block in blocks:
        block.__exit__(None, None, None)


async def test_a_listener_gets_only_posts_that_its_viewer_may_see(db: Database) -> None:
    names = "follower muter muter_for_an_hour blocker blocked blocked_by_origin without_boosts only_english mentioned"
    author, origin, *readers = await _settle(db, f"author origin {names}")
    person = dict(zip(names.split(), readers, strict=True))
    everybody = set(person)
    async with db.write() as tx:
        for name, reader in person.items():
            await relations.follow(
                tx, reader, author.id, shows_boosts=name != "without_boosts", languages=["en"] if name == "only_english" else None
            )
        await relations.mute(tx, person["muter"], author.id)
        await relations.mute(tx, person["muter_for_an_hour"], author.id, seconds=3600)
        await relations.block(tx, person["blocker"], author.id)
        await relations.block(tx, author, person["blocked"].id)
        await relations.block(tx, origin, person["blocked_by_origin"].id)
    excluded = {"muter", "muter_for_an_hour", "blocker", "blocked"}
    boosted = (await write(db, origin, "původní", language="cs")).post
    async with db.write() as tx:
        boost = (await posts.boost_post(tx, author, boosted.id)).post
    expected = {
        (await write(db, author, "pro všechny", language="en")).post.id: everybody - excluded,
        (await write(db, author, "česky", language="cs")).post.id: everybody - excluded - {"only_english"},
        (await write(db, author, "jen sledujícím", visibility=Visibility.FOLLOWERS)).post.id: everybody - excluded,
        (await write(db, author, "@mentioned", visibility=Visibility.DIRECT)).post.id: {"mentioned"},
        boost.id: everybody - excluded - {"without_boosts", "only_english", "blocked_by_origin"},
    }
    hub = Hub(db)
    blocks = {name: hub.listen(reader.id, [HOME]) for name, reader in person.items()}
    listeners = {name: block.__enter__() for name, block in blocks.items()}
    await announce(db, *expected)
    counts = {name: sum(name in hearers for hearers in expected.values()) for name in listeners}
    heard = {name: _posts(await hears(listeners[name], counts[name])) for name in sorted(counts, key=lambda name: -counts[name])}
    for block in blocks.values():
        block.__exit__(None, None, None)
    for post_id, hearers in expected.items():
        assert {name for name, ids in heard.items() if post_id in ids} == hearers


async def test_each_feed_has_its_own_posts(db: Database) -> None:
    author, reader, muter = await _settle(db, "author reader muter")
    async with db.write() as tx:
        await relations.mute(tx, muter, author.id)
    written = {
        "plain": (await write(db, author, "venku je hezky")).post.id,
        "tagged": (await write(db, author, "teče #Kašna", visibility=Visibility.PUBLIC)).post.id,
        "unlisted": (await write(db, author, "stranou #kasna", visibility=Visibility.UNLISTED)).post.id,
        "direct": (await write(db, author, "@reader #kasna", visibility=Visibility.DIRECT)).post.id,
    }
    written["reply"] = (await write(db, author, "sobě #kasna", reply_to_id=written["plain"])).post.id
    public, local, tag = Topic(Feed.PUBLIC), Topic(Feed.LOCAL), Topic(Feed.HASHTAG, "kasna")
    hub = Hub(db)
    with (
        hub.listen(None, [public, tag]) as nobody, hub.listen(reader.id, [local, tag, Topic(Feed.HASHTAG, "jine")]) as member,
        hub.listen(muter.id, [public, tag]) as excluded,
    ):
        await announce(db, *written.values())
        of_nobody, of_member = await hears(nobody, 4), await hears(member, 4)
        assert await heard_by(excluded, 0.1) == []
    assert {(one.topic.feed.value, one.post_id) for one in of_nobody if isinstance(one, PostHeard)} == {
        ("public", written["plain"]), ("public", written["tagged"]), ("hashtag", written["tagged"]), ("hashtag", written["reply"]),
    }
    assert {(one.topic, one.post_id) for one in of_member if isinstance(one, PostHeard)} == {
        (local, written["plain"]), (local, written["tagged"]), (tag, written["tagged"]), (tag, written["reply"]),
    }


async def test_a_cancelled_listener_loses_no_posts_of_its_own_or_of_others(db: Database) -> None:
    author, one, other = await _settle(db, "author one other")
    for follower in (one, other):
        await follow(db, follower, author)
    hub = Hub(db)
    written: list[int] = []
    heard: list[int] = []
    with hub.listen(one.id, [HOME]) as staying:
        for _ in range(20):
            with hub.listen(other.id, [HOME]) as leaving:
                waiting = asyncio.create_task(leaving.next(5)), asyncio.create_task(staying.next(5))
                written.append((await write(db, author)).post.id)
                await announce(db, written[-1])
                for task in waiting:
                    task.cancel()
                _, ended = await asyncio.gather(*waiting, return_exceptions=True)
                heard += _posts(ended) if isinstance(ended, list) else []
        heard += _posts(await hears(staying, len(written) - len(heard)))
        assert sorted(heard) == sorted(written)  # ids of one millisecond are not ordered


async def test_posts_wait_while_the_database_does_not_answer(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    author, reader = await _settle(db, "author reader")
    await follow(db, reader, author)
    hub = Hub(db)
    tries = []
    original = hub_module.list_recipients_unscoped

    async def fail_twice(*args: object) -> object:
        tries.append(args)
        if len(tries) < 3:
            raise Unavailable
        return await original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(hub_module, "list_recipients_unscoped", fail_twice)
    with hub.listen(reader.id, [HOME]) as listener:
        post = (await write(db, author)).post
        await announce(db, post.id)
        assert _posts(await heard_by(listener, 5)) == [post.id]


async def test_after_a_failure_all_listeners_get_look_again_and_the_hub_continues(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    author, reader = await _settle(db, "author reader")
    await follow(db, reader, author)
    hub = Hub(db)
    original = hub_module.list_recipients_unscoped

    async def fail(*_args: object) -> object:
        monkeypatch.setattr(hub_module, "list_recipients_unscoped", original)
        raise RuntimeError("a statement that fails")

    monkeypatch.setattr(hub_module, "list_recipients_unscoped", fail)
    with hub.listen(reader.id, [HOME]) as listener:
        await announce(db, (await write(db, author)).post.id)
        assert await heard_by(listener, 5) == [LookAgain()]
        post = (await write(db, author)).post
        await announce(db, post.id)
        assert _posts(await heard_by(listener, 5)) == [post.id]


@pytest.mark.parametrize("position", [0, LONGEST_QUEUE, 3 * LONGEST_QUEUE - 1, None])
async def test_a_slow_listener_gets_look_again_and_login_changed(db: Database, position: int | None) -> None:
    reader, = await _settle(db, "reader")
    with Hub(db).listen(reader.id, [HOME]) as listener:
        for number in range(3 * LONGEST_QUEUE):
            listener.tell(LoginChanged() if number == position else PostWithdrawn(number))
        heard = await heard_by(listener)
    assert len(heard) <= LONGEST_QUEUE
    assert LookAgain() in heard
    assert (LoginChanged() in heard) == (position is not None)


async def test_a_resync_reaches_every_listener(db: Database) -> None:
    one, other = await _settle(db, "one other")
    hub = Hub(db)
    with hub.listen(one.id, [HOME]) as first, hub.listen(other.id, []) as second:
        hub.resync()
        assert await heard_by(first) == await heard_by(second) == [LookAgain()]


async def test_after_a_lost_connection_listeners_get_look_again(db: Database) -> None:
    reader, = await _settle(db, "reader")
    with Hub(db).listen(reader.id, [HOME]) as listener:
        async with db.read() as conn:
            await conn.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'folkmoot live'")
        assert LookAgain() in await heard_by(listener, 20)


async def test_a_job_that_runs_twice_announces_once(db: Database) -> None:
    author, reader = await _settle(db, "author reader")
    await follow(db, reader, author)
    with Hub(db).listen(reader.id, [HOME]) as listener:
        post = (await write(db, author)).post
        await announce(db, post.id)
        assert _posts(await heard_by(listener)) == [post.id]
        await announce(db, post.id)
        assert await heard_by(listener, 0.2) == []


@pytest.mark.parametrize("how", ["deleted", "hidden"])
async def test_withdrawn_posts_are_announced_to_those_who_could_see_them(db: Database, how: str) -> None:
    author, follower, mentioned, stranger, blocked = await _settle(db, "author follower mentioned stranger blocked")
    await follow(db, follower, author)
    async with db.write() as tx:
        await relations.block(tx, author, blocked.id)
    written = {
        "public": (await write(db, author, "@mentioned @blocked")).post.id,
        "private": (await write(db, author, "@mentioned", visibility=Visibility.FOLLOWERS)).post.id,
        "direct": (await write(db, author, "@mentioned", visibility=Visibility.DIRECT)).post.id,
    }
    hub = Hub(db)
    blocks = {account.username: hub.listen(account.id, [HOME]) for account in (author, follower, mentioned, stranger, blocked)}
    listeners = {name: block.__enter__() for name, block in blocks.items()}
    async with db.write() as tx:
        for post_id in written.values():
            if how == "deleted":
                await posts.delete_post(tx, author, post_id)
            else:
                await posts.set_effect(tx, post_id, PostEffect.HIDDEN, None)
    names = {post_id: name for name, post_id in written.items()}
    expected = {
        "author": set(written), "follower": {"public", "private"}, "mentioned": set(written), "stranger": {"public"}, "blocked": set(),
    }
    heard = {}
    for name, kinds in expected.items():
        found = await hears(listeners[name], len(kinds))
        heard[name] = {names[one.post_id] for one in found if isinstance(one, PostWithdrawn)}
        blocks[name].__exit__(None, None, None)
    assert heard == expected


async def test_those_whose_screen_probably_shows_a_withdrawn_post_hear_of_it_first(db: Database) -> None:
    author, stranger, other, follower = await _settle(db, "author stranger other follower")
    await follow(db, follower, author)
    post = (await write(db, author)).post
    everybody: list[int | None] = [None, stranger.id, other.id, follower.id, author.id]
    async with db.read() as conn:
        found = await list_withdrawal_recipients_unscoped(conn, [Withdrawn.of(post.id, author.id, Visibility.PUBLIC)], everybody)
    assert found == {reader_id: [post.id] for reader_id in everybody}
    assert set(list(found)[:2]) == {author.id, follower.id}


async def test_the_end_of_log_ins_is_announced(db: Database) -> None:
    one, other = await _settle(db, "one other")
    hub = Hub(db)
    with hub.listen(one.id, []) as first, hub.listen(other.id, []) as second:
        async with db.write() as tx:
            forget_viewer(tx, one.id)
        assert await heard_by(first) == [LoginChanged()]
        assert await heard_by(second, 0.05) == []


@pytest.mark.parametrize("error", [RuntimeError("a fault of ours"), Unavailable(log_text="no database")])
async def test_a_look_at_log_ins_that_fails_is_not_the_last(db: Database, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    looks = iter([None, error, error])  # the first is that of the start

    def look() -> None:
        if failure := next(looks, None):
            raise failure

    monkeypatch.setattr(hub_module, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(hub_module, "news", look)
    reader, = await _settle(db, "reader")
    with Hub(db).listen(reader.id, [], LogIn(token_id=1)) as listener:  # no such token
        assert await heard_by(listener) == [LoginChanged()]
    assert next(looks, None) is None


async def test_without_listeners_no_statement_runs(db: Database) -> None:
    author, reader = await _settle(db, "author reader")
    await follow(db, reader, author)
    hub = Hub(db)
    with hub.listen(reader.id, [HOME]):
        pass
    post = (await write(db, author)).post
    before = db.statements
    db.live.publish("posts.new", {"post_id": post.id})
    await asyncio.sleep(0.1)
    assert db.statements == before


async def test_an_entry_has_the_counts_and_the_marks_of_its_reader(db: Database) -> None:
    author, booster, reader, other = await _settle(db, "author booster reader other")
    for follower in (reader, other):
        await follow(db, follower, booster)
    post = (await write(db, author)).post
    async with db.write() as tx:
        await posts.favourite_post(tx, reader, post.id)
    async with db.write() as tx:
        boost = (await posts.boost_post(tx, booster, post.id)).post
    hub = Hub(db)
    with hub.listen(reader.id, [HOME]) as one, hub.listen(other.id, [HOME]) as another:
        await announce(db, boost.id)
        heard = [(await heard_by(listener))[0] for listener in (one, another)]
    entries = [one.entry for one in heard if isinstance(one, PostHeard)]
    assert [(entry.id, entry.shown_id, entry.shown_version) for entry in entries] == [(boost.id, post.id, post.version)] * 2
    assert [bool(entry.bits & Mark.FAVOURITE) for entry in entries] == [True, False]


async def test_an_edited_post_reaches_the_listeners_of_its_feeds_with_one_statement(db: Database) -> None:
    author, reader, stranger = await _settle(db, "author reader stranger")
    await follow(db, reader, author)
    post = (await write(db, author, "dobře #kasna")).post
    tag = Topic(Feed.HASHTAG, "kasna")
    hub = Hub(db)
    with hub.listen(reader.id, [HOME, tag]) as one, hub.listen(stranger.id, [HOME]) as other:
        async with db.write() as tx:
            edited = (await posts.edit_post(tx, author, post.id, PostDraft(text="lépe #kasna"), LIMITS)).post
        before = db.statements
        db.live.publish("posts.edited", {"post_id": post.id})
        heard = await heard_by(one)
        assert db.statements - before == 1
        assert {(change.topic, change.entry.shown_version) for change in heard if isinstance(change, PostChanged)} == {
            (HOME, edited.version), (tag, edited.version)}
        assert await heard_by(other, 0.1) == []


async def test_only_media_selects_posts_with_pictures(db: Database) -> None:
    author, reader = await _settle(db, "author reader")
    plain, pictured = (await write(db, author)).post, (await write(db, author)).post
    async with db.write() as tx:
        await tx.execute("UPDATE posts SET media_count = 1 WHERE id = $1", pictured.id)
    with Hub(db).listen(reader.id, [Topic(Feed.PUBLIC, only_media=True)]) as listener:
        await announce(db, plain.id, pictured.id)
        assert _posts(await heard_by(listener)) == [pictured.id]


async def test_conversations_are_announced_to_participants_who_want_to_hear_the_author(db: Database) -> None:
    author, reader, muter, stranger = await _settle(db, "author reader muter stranger")
    async with db.write() as tx:
        await relations.mute(tx, muter, author.id)
    hub = Hub(db)
    blocks = {account.username: hub.listen(account.id, []) for account in (author, reader, muter, stranger)}
    listeners = {name: block.__enter__() for name, block in blocks.items()}
    post = (await write(db, author, "@reader @muter přijďte", visibility=Visibility.DIRECT)).post
    event = PostCreated(post_id=post.id, account_id=author.id, visibility=Visibility.DIRECT)
    await add_direct_post(db, event)
    await add_direct_post(db, event)  # a job may run twice
    heard = {name: await heard_by(listener, 0.2) for name, listener in listeners.items()}
    for block in blocks.values():
        block.__exit__(None, None, None)
    expected = [ConversationHeard(post.conversation_id or 0)]
    assert heard == {"author": expected, "reader": expected, "muter": [], "stranger": []}


async def test_a_post_after_a_pause_does_not_wait_for_the_work_before_the_pause(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LONGEST_GATHER", 600.0)
    monkeypatch.setattr(hub_module, "_WORKING_SHARE", 1e9)  # after any work the next posts are gathered for ten minutes
    author, follower = await _settle(db, "author follower")
    await follow(db, follower, author)
    with Hub(db).listen(follower.id, [HOME]) as listener:
        for _ in range(2):
            post = (await write(db, author)).post
            await announce(db, post.id)
            assert _posts(await heard_by(listener)) == [post.id]
            passed = clock.monotonic() + 601
            monkeypatch.setattr(clock, "monotonic", lambda passed=passed: passed)
