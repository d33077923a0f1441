"""Actions on posts: the rows that they write, their errors, their events."""

from datetime import timedelta

import pytest

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Forbidden, Invalid, NotFound
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PollDraft, PostDraft, Visibility
from folkmoot.network.posts.queries import get_post_view, list_edits, list_thread_ids
from tests.village import LIMITS, follow, settle, write


async def test_a_post_has_links_mentions_and_hashtags(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    view = await write(db, jana, "Ahoj @karel a @nikdo, viz https://example.org/a?b=c #Kašna #kasna <b>")
    html = view.post.html
    assert '<a href="http://localhost:8420/@karel" class="u-url mention">@<span>karel</span></a>' in html
    assert "@nikdo" in html
    assert html.count("<a ") == 4
    assert "&lt;b&gt;" in html
    assert [mention.account_id for mention in view.post.mentions] == [karel.id]
    assert view.post.hashtags == ("kasna",)


async def test_creating_a_post_tells_one_event(db: Database) -> None:
    jana = await settle(db, "jana")
    async with db.write() as tx:
        await actions.create_post(tx, jana, PostDraft(text="Ahoj"), LIMITS)
        assert tx.told == ["post.created"]


@pytest.mark.parametrize(
    ("draft", "field", "code"),
    [
        (PostDraft(text="   "), "text", "blank"),
        (PostDraft(text="x" * 501), "text", "too_long"),
        (PostDraft(text="x" * 400, cover="y" * 101), "text", "too_long"),
        (PostDraft(text="a", media_ids=(1, 2, 3, 4, 5)), "media_ids", "too_many"),
        (PostDraft(text="a", media_ids=(1,)), "media_ids", "invalid"),
        (PostDraft(text="a", poll=PollDraft(titles=("ano",), expires_in=600)), "poll", "too_few"),
        (PostDraft(text="a", poll=PollDraft(titles=("ano", "ano"), expires_in=600)), "poll", "invalid"),
        (PostDraft(text="a", poll=PollDraft(titles=("ano", "ne"), expires_in=5)), "poll", "inclusion"),
    ],
)
async def test_a_faulty_draft_is_refused_and_leaves_no_rows(db: Database, draft: PostDraft, field: str, code: str) -> None:
    jana = await settle(db, "jana")
    with pytest.raises(Invalid) as caught:
        async with db.write() as tx:
            await actions.create_post(tx, jana, draft, LIMITS)
    assert (field, code) in [(error.field, error.code) for error in caught.value.errors]
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM posts") == 0


async def test_a_url_counts_as_23_characters(db: Database) -> None:
    jana = await settle(db, "jana")
    await write(db, jana, "x" * 476 + " https://example.org/" + "y" * 300)


async def test_a_repeated_key_returns_the_same_post(db: Database) -> None:
    jana = await settle(db, "jana")
    first = await write(db, jana, "jednou", idempotency_key="k1")
    again = await write(db, jana, "podruhé", idempotency_key="k1")
    assert again.post.id == first.post.id
    assert (await write(db, jana, "jiný", idempotency_key="k2")).post.id != first.post.id


async def test_a_post_can_be_dated_back(db: Database) -> None:
    jana = await settle(db, "jana")
    moment = clock.now() - timedelta(days=400)
    async with db.write() as tx:
        view = await actions.create_post(tx, jana, PostDraft(text="dávno"), LIMITS, at=moment)
    assert abs(ids.time_of(view.post.id) - moment) < timedelta(milliseconds=1)


async def test_only_visible_posts_can_be_answered(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    secret = await write(db, jana, "@jana jen pro mě", visibility=Visibility.DIRECT)
    with pytest.raises(NotFound):
        await write(db, karel, "co?", reply_to_id=secret.post.id)


async def test_an_edit_keeps_the_earlier_version(db: Database) -> None:
    jana = await settle(db, "jana")
    post = (await write(db, jana, "prvni")).post
    async with db.write() as tx:
        view = await actions.edit_post(tx, jana, post.id, PostDraft(text="první #nové"), LIMITS)
        assert tx.told == ["post.edited"]
    assert (view.post.text, view.post.version) == ("první #nové", 2)
    async with db.read() as conn:
        assert [edit.text for edit in await list_edits(conn, post.id)] == ["prvni", "první #nové"]


async def test_only_the_author_edits_and_deletes(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana, "moje")).post
    with pytest.raises(NotFound):
        async with db.write() as tx:
            await actions.edit_post(tx, karel, post.id, PostDraft(text="tvoje"), LIMITS)
    with pytest.raises(NotFound):
        async with db.write() as tx:
            await actions.delete_post(tx, karel, post.id)
    async with db.write() as tx:
        await actions.delete_post(tx, jana, post.id)
    with pytest.raises(NotFound):
        async with db.read() as conn:
            await get_post_view(conn, post.id, jana.id)


async def test_a_deleted_post_leaves_no_row_behind(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana, "kanárek v dole @karel #kanar", poll=PollDraft(titles=("ano", "ne"), expires_in=600))).post
    async with db.write() as tx:
        await actions.boost_post(tx, karel, post.id)
        await actions.favourite_post(tx, karel, post.id)
        await actions.bookmark_post(tx, karel, post.id)
        assert post.poll is not None
        await actions.vote_in_poll(tx, karel, post.poll.id, [1])
        await actions.edit_post(tx, jana, post.id, PostDraft(text="kanárek v dole, znovu"), LIMITS)
    async with db.write() as tx:
        await actions.delete_post(tx, jana, post.id)
        assert sorted(tx.told) == ["post.deleted", "post.deleted"]  # the post and its boost
    async with db.read() as conn:
        for table in ("posts", "post_edits", "mentions", "post_hashtags", "polls", "poll_votes", "marks", "favourites", "bookmarks"):
            assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_a_reply_stays_when_its_parent_is_deleted(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana)).post
    answer = (await write(db, karel, "odpověď", reply_to_id=post.id)).post
    async with db.write() as tx:
        await actions.delete_post(tx, jana, post.id)
    async with db.read() as conn:
        assert (await get_post_view(conn, answer.id, None)).post.reply_to_id is None


async def test_a_thread_is_in_reading_order(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    root = (await write(db, jana, "kořen")).post
    first = (await write(db, karel, "první", reply_to_id=root.id)).post
    second = (await write(db, karel, "druhý", reply_to_id=root.id)).post
    below = (await write(db, jana, "pod prvním", reply_to_id=first.id)).post
    async with db.read() as conn:
        assert await list_thread_ids(conn, root.id, None, most=10) == ([], [first.id, below.id, second.id])
        assert await list_thread_ids(conn, below.id, None, most=10) == ([root.id, first.id], [])


async def test_a_boost_is_created_once_and_undone(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana)).post
    async with db.write() as tx:
        one = await actions.boost_post(tx, karel, post.id)
        two = await actions.boost_post(tx, karel, post.id)
        assert one.post.id == two.post.id
        assert tx.told == ["post.created"]
        assert two.counts.boosts == 1
        back = await actions.unboost_post(tx, karel, post.id)
        assert (back.counts.boosts, back.marks.is_boosted) == (0, False)


@pytest.mark.parametrize(("visibility", "by_author", "is_allowed"), [
    (Visibility.PUBLIC, False, True), (Visibility.UNLISTED, False, True), (Visibility.FOLLOWERS, False, False),
    (Visibility.FOLLOWERS, True, True), (Visibility.DIRECT, True, False),
])
async def test_who_may_boost(db: Database, visibility: Visibility, by_author: bool, is_allowed: bool) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    await follow(db, karel, jana)
    post = (await write(db, jana, "@karel", visibility=visibility)).post
    who = jana if by_author else karel
    if is_allowed:
        async with db.write() as tx:
            assert (await actions.boost_post(tx, who, post.id)).post.visibility >= visibility
    else:
        with pytest.raises(Forbidden):
            async with db.write() as tx:
                await actions.boost_post(tx, who, post.id)


async def test_a_poll_accepts_one_vote_per_account(tx: WriteTx, db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    draft = PostDraft(text="Kdy?", poll=PollDraft(titles=("dnes", "zítra"), expires_in=600))
    post = (await actions.create_post(tx, jana, draft, LIMITS)).post
    assert post.poll is not None
    view = await actions.vote_in_poll(tx, karel, post.poll.id, [1])
    assert view.post.poll is not None
    assert (view.post.poll.votes, view.post.poll.voters, view.marks.choices) == ((0, 1), 1, (1,))
    for who, choices, code in ((karel, [0], "taken"), (jana, [0], "own"), (karel, [7], "invalid"), (karel, [0, 1], "too_many")):
        with pytest.raises(Invalid) as caught:
            await actions.vote_in_poll(tx, who, post.poll.id, choices)
        assert caught.value.errors[0].code == code


async def test_a_poll_closes_and_tells_once(db: Database) -> None:
    jana = await settle(db, "jana")
    await write(db, jana, "Kdy?", poll=PollDraft(titles=("dnes", "zítra"), expires_in=300))
    async with db.write() as tx:
        await tx.execute("UPDATE polls SET expires_at = now() - interval '1 second'")
    for _ in range(2):
        await actions.close_polls(db)
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events WHERE kind = 'poll.closed'") == 1


async def test_counts_are_folded_and_never_negative(db: Database) -> None:
    from folkmoot.network.folding import fold_counters

    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana)).post
    async with db.write() as tx:
        view = await actions.favourite_post(tx, karel, post.id)
        assert view.counts.favourites == 1  # the viewer's own action is counted at once
    await fold_counters(db)
    async with db.read() as conn:
        assert (await get_post_view(conn, post.id, None)).counts.favourites == 1
        assert await conn.fetchval("SELECT count(*) FROM counter_deltas") == 0
    async with db.write() as tx:
        await actions.unfavourite_post(tx, karel, post.id)
        await actions.unfavourite_post(tx, karel, post.id)
    await fold_counters(db)
    async with db.read() as conn:
        assert (await get_post_view(conn, post.id, None)).counts.favourites == 0


async def test_a_frozen_account_can_read_but_not_write(db: Database) -> None:
    from folkmoot.network.accounts.queries import get_account

    jana = await settle(db, "jana")
    async with db.write() as tx:
        await tx.execute("UPDATE accounts SET effect = $2 WHERE id = $1", jana.id, AccountEffect.FROZEN)
        frozen = await get_account(tx, jana.id)
    with pytest.raises(Forbidden):
        await write(db, frozen)
