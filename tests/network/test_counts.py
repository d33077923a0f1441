"""Counts include only what everybody may see, after any sequence of actions."""

import random
from pathlib import Path

import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import Forbidden, Invalid, NotFound
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PostDraft, PostEffect, PostView, Visibility
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.relations import actions as relations
from tests.invariants import list_broken, list_miscounted
from tests.series import dice, length
from tests.village import LIMITS, follow, settle, write

STEPS = length(250, 3_000)
RECOUNT = Path(actions.__file__).parents[3] / "migrations" / "0014_recount.sql"


async def _counts(db: Database, account: Account) -> tuple[int, int, int]:
    await fold_counters(db)
    async with db.read() as conn:
        counts = (await get_account(conn, account.id)).counts
    return counts.posts, counts.followers, counts.following


async def _of_post(db: Database, view: PostView) -> tuple[int, int, int]:
    await fold_counters(db)
    async with db.read() as conn:
        counts = (await get_post_view(conn, view.post.id, view.post.author.id)).counts
    return counts.replies, counts.boosts, counts.favourites


@pytest.mark.parametrize(("visibility", "counted"), [
    (Visibility.PUBLIC, 1), (Visibility.UNLISTED, 1), (Visibility.FOLLOWERS, 0), (Visibility.DIRECT, 0),
])
async def test_only_open_posts_and_replies_are_counted(db: Database, visibility: Visibility, counted: int) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = await write(db, karel)
    reply = await write(db, jana, "@karel Odpověď", visibility=visibility, reply_to_id=post.post.id)
    assert await _counts(db, jana) == (counted, 0, 0)
    assert await _of_post(db, post) == (counted, 0, 0)
    async with db.read() as conn:
        assert ((await get_account(conn, jana.id)).counts.last_post_at is not None) == bool(counted)
    async with db.write() as tx:
        await actions.delete_post(tx, jana, reply.post.id)
    assert await _counts(db, jana) == (0, 0, 0)
    assert await _of_post(db, post) == (0, 0, 0)
    async with db.read() as conn:
        assert (await get_account(conn, jana.id)).counts.last_post_at is None


async def test_a_boost_for_followers_is_not_counted(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = await write(db, karel)
    async with db.write() as tx:
        await actions.boost_post(tx, jana, post.post.id, Visibility.FOLLOWERS)
    assert await _of_post(db, post) == (0, 0, 0)
    assert await _counts(db, jana) == (0, 0, 0)


async def test_a_hidden_post_is_not_counted_until_it_is_shown_again(db: Database) -> None:
    jana, karel, eva = await settle(db, "jana"), await settle(db, "karel"), await settle(db, "eva")
    post = await write(db, karel)
    reply = await write(db, jana, "Odpověď", reply_to_id=post.post.id)
    async with db.write() as tx:
        await actions.boost_post(tx, eva, reply.post.id)
    for effect, counted in ((PostEffect.LABEL, 1), (PostEffect.HIDDEN, 0), (PostEffect.REMOVED, 0), (PostEffect.NONE, 1)):
        async with db.write() as tx:
            await actions.set_effect(tx, reply.post.id, effect, None)
        assert await _of_post(db, post) == (counted, 0, 0)
        assert [await _counts(db, one) for one in (jana, karel, eva)] == [(counted, 0, 0), (1, 0, 0), (counted, 0, 0)]


async def test_a_suspended_account_is_not_counted_until_it_is_restored(db: Database) -> None:
    jana, karel, eva = await settle(db, "jana"), await settle(db, "karel"), await settle(db, "eva")
    await follow(db, jana, karel)
    await follow(db, eva, jana)
    post, own = await write(db, karel), await write(db, jana)
    await write(db, jana, "Odpověď", reply_to_id=post.post.id)
    async with db.write() as tx:
        await actions.boost_post(tx, jana, post.post.id)
        await actions.favourite_post(tx, jana, post.post.id)
        await actions.boost_post(tx, eva, own.post.id)
    open_ = ((3, 1, 1), (1, 1, 0), (1, 0, 1), (1, 1, 1))
    gone = ((0, 0, 0), (1, 0, 0), (0, 0, 0), (0, 0, 0))
    for effect, wanted in (
        (AccountEffect.NONE, open_), (AccountEffect.FROZEN, open_), (AccountEffect.SUSPENDED, gone), (AccountEffect.NONE, open_)
    ):
        async with db.write() as tx:
            await actions.set_account_effect(tx, jana.id, effect)
        found = (*[await _counts(db, one) for one in (jana, karel, eva)], await _of_post(db, post))
        assert found == wanted, effect


class _RandomActions:
    """Random actions of five accounts, some of them under restrictions."""

    def __init__(self, db: Database, people: list[Account], chance: random.Random) -> None:
        self._db = db
        self._people = people
        self._random = chance
        self._posts: list[int] = []

    async def step(self) -> None:
        pick = self._random.choice
        who, other = self._random.sample(self._people, 2)
        post = pick(self._posts) if self._posts else 0
        visibility = pick(list(Visibility))
        async with self._db.write() as tx:
            match pick((*["write"] * 4, *["reply"] * 4, *["mark"] * 8, "delete", "relate", "relate", "hide", "restrict",
                        *["quote"] * 3, "revoke")):
                case "write":
                    draft = PostDraft(text=f"@{other.username}", visibility=visibility)
                    self._posts.append((await actions.create_post(tx, who, draft, LIMITS)).post.id)
                case "reply":
                    draft = PostDraft(text=f"@{other.username} odpověď", visibility=visibility, reply_to_id=post)
                    self._posts.append((await actions.create_post(tx, who, draft, LIMITS)).post.id)
                case "quote":
                    draft = PostDraft(text=f"@{other.username} viz", visibility=visibility, quoted_id=post)
                    self._posts.append((await actions.create_post(tx, who, draft, LIMITS)).post.id)
                case "revoke":
                    await actions.revoke_quote(tx, who, post, pick(self._posts) if self._posts else 0)
                case "mark":
                    await pick((actions.favourite_post, actions.unfavourite_post, actions.boost_post, actions.unboost_post))(tx, who, post)
                case "delete":
                    await actions.delete_post(tx, who, post)
                case "relate":
                    await pick((relations.follow, relations.follow, relations.unfollow, relations.block, relations.unblock))(
                        tx, who, other.id)
                case "hide":
                    await actions.set_effect(tx, post, pick(list(PostEffect)), None)
                case "restrict":
                    await actions.set_account_effect(tx, who.id, pick([*AccountEffect, AccountEffect.NONE, AccountEffect.NONE]))


async def test_after_any_history_counts_equal_a_recount(db: Database) -> None:
    people = [await settle(db, name) for name in ("jana", "karel", "eva", "petr", "ota")]
    actor, done = _RandomActions(db, people, dice("counts")), 0
    for step in range(STEPS):
        try:
            await actor.step()
            done += 1
        except (NotFound, Forbidden, Invalid):
            continue
        if step % 25 == 0:
            await fold_counters(db)
            async with db.read() as conn:
                assert not await list_broken(conn), f"step {step}"
    await fold_counters(db)
    async with db.read() as conn:
        assert not await list_broken(conn)
        assert await conn.fetchval("SELECT count(*) FROM counter_deltas") == 0
    assert done > STEPS / 4

    async with db.write() as tx:  # an older release also counted hidden posts: the migration corrects the counts
        await tx.execute("UPDATE account_counts SET posts = posts + 3, followers = 7, last_post_at = now()")
        await tx.execute("UPDATE post_counts SET replies = 5, boosts = boosts + 1")
        await tx.execute("INSERT INTO counter_deltas (subject_id, counter, delta) SELECT id, 1, 4 FROM accounts")
    async with db.read() as conn:
        assert await list_miscounted(conn)
    async with db.write() as tx:
        await tx.execute(RECOUNT.read_text())
    async with db.read() as conn:
        assert not await list_miscounted(conn)
        assert await conn.fetchval("SELECT count(*) FROM account_counts WHERE last_post_at > (SELECT max(created_at) FROM posts)") == 0
