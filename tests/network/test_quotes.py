"""Quotes: who may quote what, what each viewer gets of the quoted post, revoking, counts and events."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Forbidden, Invalid, NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts import actions
from folkmoot.network.posts.jobs import revoke_between
from folkmoot.network.posts.model import PostDraft, PostEffect, PostView, QuotePolicy, QuoteState, Visibility
from folkmoot.network.posts.queries import get_post_view, list_post_views, list_quoting_ids
from folkmoot.network.relations import actions as relations
from folkmoot.network.relations.model import AccountBlocked
from tests.invariants import list_broken
from tests.village import LIMITS, follow, settle, write


async def _state(db: Database, view: PostView, viewer: Account | None) -> QuoteState:
    """What the viewer gets; checks that the content comes only with states that show it."""
    async with db.read() as conn:
        quote = (await get_post_view(conn, view.post.id, viewer.id if viewer else None)).quote
    assert quote is not None
    assert (quote.view is not None) == (quote.state in (QuoteState.SHOWN, QuoteState.MUTED, QuoteState.BLOCKED))
    return quote.state


async def _quotes(db: Database, view: PostView) -> int:
    await fold_counters(db)
    async with db.read() as conn:
        assert await list_broken(conn) == []
        return (await get_post_view(conn, view.post.id, view.post.author.id)).counts.quotes


async def _quoting(db: Database, quoted: PostView, viewer: Account | None) -> list[int]:
    async with db.read() as conn:
        return await list_quoting_ids(conn, quoted.post.id, viewer.id if viewer else None, Page(limit=20))


@pytest.mark.parametrize(("policy", "visibility", "by_stranger", "by_follower", "by_author"), [
    (QuotePolicy.PUBLIC, Visibility.PUBLIC, True, True, True),
    (QuotePolicy.PUBLIC, Visibility.UNLISTED, True, True, True),
    (QuotePolicy.FOLLOWERS, Visibility.PUBLIC, False, True, True),
    (QuotePolicy.NOBODY, Visibility.PUBLIC, False, False, True),
    (QuotePolicy.PUBLIC, Visibility.FOLLOWERS, False, False, True),
    (QuotePolicy.PUBLIC, Visibility.DIRECT, False, False, False),
])
async def test_the_author_decides_who_may_quote(
    db: Database, policy: QuotePolicy, visibility: Visibility, by_stranger: bool, by_follower: bool, by_author: bool
) -> None:
    author, follower, stranger = await settle(db, "author"), await settle(db, "follower"), await settle(db, "stranger")
    await follow(db, follower, author)
    quoted = await write(db, author, "@author @follower @stranger", visibility=visibility, quote_policy=policy)
    for who, is_allowed in ((stranger, by_stranger), (follower, by_follower), (author, by_author)):
        if is_allowed:
            view = await write(db, who, "viz", quoted_id=quoted.post.id)
            assert view.quote is not None
            assert view.quote.state is QuoteState.SHOWN
            assert view.post.visibility is (Visibility.FOLLOWERS if visibility is Visibility.FOLLOWERS else Visibility.PUBLIC)
        else:
            with pytest.raises((Forbidden, NotFound)):
                await write(db, who, "viz", quoted_id=quoted.post.id)


async def test_blocks_forbid_quotes_in_both_directions(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    by_jana, by_karel = await write(db, jana), await write(db, karel)
    async with db.write() as tx:
        await relations.block(tx, jana, karel.id)
    with pytest.raises(NotFound):
        await write(db, karel, "viz", quoted_id=by_jana.post.id)
    with pytest.raises(Forbidden):
        await write(db, jana, "viz", quoted_id=by_karel.post.id)


async def test_the_viewer_is_told_whether_they_may_quote(db: Database) -> None:
    author, follower, stranger = await settle(db, "author"), await settle(db, "follower"), await settle(db, "stranger")
    await follow(db, follower, author)
    quoted = await write(db, author, quote_policy=QuotePolicy.FOLLOWERS)
    async with db.read() as conn:
        for who, may_quote in ((follower, True), (stranger, False)):
            assert (await get_post_view(conn, quoted.post.id, who.id)).marks.may_quote is may_quote
        assert not (await get_post_view(conn, quoted.post.id, None)).marks.may_quote


async def test_a_quote_of_a_boost_quotes_the_boosted_post(db: Database) -> None:
    jana, karel, eva = await settle(db, "jana"), await settle(db, "karel"), await settle(db, "eva")
    post = await write(db, jana)
    async with db.write() as tx:
        boost = await actions.boost_post(tx, karel, post.post.id)
    view = await write(db, eva, "viz", quoted_id=boost.post.id)
    assert view.quote is not None
    assert view.quote.post_id == post.post.id


async def test_a_private_message_quotes_only_those_who_get_it(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = await write(db, jana)
    with pytest.raises(Invalid) as caught:
        await write(db, karel, "@karel", quoted_id=post.post.id, visibility=Visibility.DIRECT)
    assert [error.field for error in caught.value.errors] == ["quoted_id"]
    assert (await write(db, karel, "@jana", quoted_id=post.post.id, visibility=Visibility.DIRECT)).quote is not None
    assert await _quotes(db, post) == 0  # not for everybody to see


async def test_a_quote_needs_no_words_of_its_own(db: Database) -> None:
    jana = await settle(db, "jana")
    post = await write(db, jana)
    view = await write(db, jana, "", quoted_id=post.post.id)
    async with db.write() as tx:
        assert (await actions.edit_post(tx, jana, view.post.id, PostDraft(text=""), LIMITS)).quote is not None


async def test_what_becomes_of_the_quoted_post_shows_at_the_next_read(db: Database) -> None:
    author, quoter, viewer = await settle(db, "author"), await settle(db, "quoter"), await settle(db, "viewer")
    quoted = await write(db, author)
    view = await write(db, quoter, "viz", quoted_id=quoted.post.id)
    assert await _state(db, view, viewer) is await _state(db, view, None) is QuoteState.SHOWN
    for effect, state in (
        (PostEffect.LABEL, QuoteState.SHOWN), (PostEffect.HIDDEN, QuoteState.WITHHELD), (PostEffect.REMOVED, QuoteState.WITHHELD),
        (PostEffect.NONE, QuoteState.SHOWN),
    ):
        async with db.write() as tx:
            await actions.set_effect(tx, quoted.post.id, effect, None)
        assert await _state(db, view, viewer) is await _state(db, view, None) is state
    for account_effect, state in ((AccountEffect.SUSPENDED, QuoteState.WITHHELD), (AccountEffect.NONE, QuoteState.SHOWN)):
        async with db.write() as tx:
            await actions.set_account_effect(tx, author.id, account_effect)
        assert await _state(db, view, viewer) is await _state(db, view, quoter) is state
    async with db.write() as tx:
        await actions.delete_post(tx, author, quoted.post.id)
    assert await _state(db, view, viewer) is QuoteState.DELETED
    async with db.read() as conn:
        assert (await get_post_view(conn, view.post.id, viewer.id)).post.version > view.post.version


async def test_a_quote_does_not_extend_a_limited_reach(db: Database) -> None:
    author, quoter, follower = await settle(db, "author"), await settle(db, "quoter"), await settle(db, "follower")
    await follow(db, follower, author)
    quoted = await write(db, author)
    view = await write(db, quoter, "viz", quoted_id=quoted.post.id)
    for limit_post, limit_author in ((True, False), (False, True), (False, False)):
        async with db.write() as tx:
            await actions.set_effect(tx, quoted.post.id, PostEffect.NONE, None, is_limited=limit_post)
            await actions.set_account_effect(tx, author.id, AccountEffect.NONE, is_limited=limit_author)
        for who in (quoter, None):
            assert await _state(db, view, who) is (QuoteState.WITHHELD if limit_post or limit_author else QuoteState.SHOWN)
        assert await _state(db, view, follower) is await _state(db, view, author) is QuoteState.SHOWN


async def test_mutes_and_blocks_of_the_viewer(db: Database) -> None:
    author, quoter, viewer = await settle(db, "author"), await settle(db, "quoter"), await settle(db, "viewer")
    view = await write(db, quoter, "viz", quoted_id=(await write(db, author)).post.id)
    async with db.write() as tx:
        await relations.mute(tx, viewer, author.id, seconds=3600)
    assert await _state(db, view, viewer) is QuoteState.MUTED
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        async with db.write() as tx:
            await tx.execute("UPDATE mutes SET expires_at = now() - interval '1 second'")
    assert await _state(db, view, viewer) is QuoteState.SHOWN
    async with db.write() as tx:
        await relations.block(tx, viewer, author.id)
    assert await _state(db, view, viewer) is QuoteState.BLOCKED
    async with db.write() as tx:
        await relations.block(tx, author, viewer.id)
    assert await _state(db, view, viewer) is QuoteState.WITHHELD
    assert await _state(db, view, quoter) is QuoteState.SHOWN


@pytest.mark.parametrize("is_by_author", [True, False])
async def test_a_block_between_the_authors_ends_the_quote_for_good(db: Database, is_by_author: bool) -> None:
    author, quoter, viewer = await settle(db, "author"), await settle(db, "quoter"), await settle(db, "viewer")
    quoted = await write(db, author)
    view = await write(db, quoter, "viz", quoted_id=quoted.post.id)
    assert (await _quotes(db, quoted), await _quoting(db, quoted, viewer)) == (1, [view.post.id])
    blocker, blocked = (author, quoter) if is_by_author else (quoter, author)
    async with db.write() as tx:
        await relations.block(tx, blocker, blocked.id)
    assert await _state(db, view, viewer) is QuoteState.REVOKED  # before any job
    assert await _quoting(db, quoted, viewer) == []
    await revoke_between(db, AccountBlocked(account_id=blocker.id, target_id=blocked.id))
    await revoke_between(db, AccountBlocked(account_id=blocker.id, target_id=blocked.id))
    assert await _quotes(db, quoted) == 0
    async with db.write() as tx:
        await relations.unblock(tx, blocker, blocked.id)
    assert await _state(db, view, viewer) is QuoteState.REVOKED


async def test_revoking(db: Database) -> None:
    author, quoter, viewer = await settle(db, "author"), await settle(db, "quoter"), await settle(db, "viewer")
    quoted, other = await write(db, author), await write(db, author)
    view, kept = (await write(db, quoter, "viz", quoted_id=quoted.post.id), await write(db, quoter, "viz", quoted_id=quoted.post.id))
    plain = await write(db, quoter)
    for who, post_id, quoting_id in (
        (quoter, quoted.post.id, view.post.id), (viewer, quoted.post.id, view.post.id), (author, other.post.id, view.post.id),
        (author, quoted.post.id, plain.post.id), (quoter, view.post.id, quoted.post.id),
    ):
        with pytest.raises(NotFound):
            async with db.write() as tx:
                await actions.revoke_quote(tx, who, post_id, quoting_id)
    assert await _quotes(db, quoted) == 2
    async with db.write() as tx:
        assert (await actions.revoke_quote(tx, author, quoted.post.id, view.post.id)).post.id == view.post.id
        assert tx.told == ["quote.revoked"]
    async with db.write() as tx:
        await actions.revoke_quote(tx, author, quoted.post.id, view.post.id)
        assert tx.told == []
    assert await _state(db, view, viewer) is await _state(db, view, quoter) is await _state(db, view, author) is QuoteState.REVOKED
    assert await _state(db, kept, viewer) is QuoteState.SHOWN
    assert (await _quotes(db, quoted), await _quoting(db, quoted, viewer)) == (1, [kept.post.id])


async def test_an_author_can_revoke_a_quote_that_they_may_not_see(db: Database) -> None:
    author, quoter = await settle(db, "author"), await settle(db, "quoter")
    quoted = await write(db, author)
    view = await write(db, quoter, "jen pro své", quoted_id=quoted.post.id, visibility=Visibility.FOLLOWERS)
    assert await _quoting(db, quoted, author) == []
    async with db.write() as tx:
        taken = await actions.revoke_quote(tx, author, quoted.post.id, view.post.id)
    assert taken.is_withheld
    assert taken.post.text == ""
    assert await _state(db, view, quoter) is QuoteState.REVOKED


async def test_a_new_policy_is_for_new_quotes(db: Database) -> None:
    author, quoter = await settle(db, "author"), await settle(db, "quoter")
    quoted = await write(db, author)
    view = await write(db, quoter, "viz", quoted_id=quoted.post.id)
    with pytest.raises(NotFound):
        async with db.write() as tx:
            await actions.set_quote_policy(tx, quoter, quoted.post.id, QuotePolicy.PUBLIC)
    async with db.write() as tx:
        changed = await actions.set_quote_policy(tx, author, quoted.post.id, QuotePolicy.NOBODY)
    assert (changed.post.quote_policy, changed.post.version) == (QuotePolicy.NOBODY, quoted.post.version + 1)
    with pytest.raises(Forbidden):
        await write(db, quoter, "viz", quoted_id=quoted.post.id)
    assert await _state(db, view, quoter) is QuoteState.SHOWN
    private = await write(db, author, visibility=Visibility.FOLLOWERS)
    async with db.write() as tx:
        changed = await actions.set_quote_policy(tx, author, private.post.id, QuotePolicy.PUBLIC)
    assert changed.post.quote_policy is QuotePolicy.NOBODY


async def test_edits_keep_the_quote_and_the_policy(db: Database) -> None:
    jana = await settle(db, "jana")
    quoted = await write(db, jana)
    view = await write(db, jana, "viz", quoted_id=quoted.post.id, quote_policy=QuotePolicy.FOLLOWERS)
    async with db.write() as tx:
        draft = PostDraft(text="jinak", quoted_id=view.post.id)  # an edit cannot change what is quoted
        edited = await actions.edit_post(tx, jana, view.post.id, draft, LIMITS)
    assert edited.quote is not None
    assert (edited.quote.post_id, edited.post.quote_policy) == (quoted.post.id, QuotePolicy.FOLLOWERS)
    async with db.write() as tx:
        edited = await actions.edit_post(tx, jana, view.post.id, PostDraft(text="a", quote_policy=QuotePolicy.NOBODY), LIMITS)
    assert edited.post.quote_policy is QuotePolicy.NOBODY


async def test_a_quote_in_a_quote_is_named_and_not_shown(db: Database) -> None:
    jana, karel, eva = await settle(db, "jana"), await settle(db, "karel"), await settle(db, "eva")
    first = await write(db, jana, "první")
    second = await write(db, karel, "druhý", quoted_id=first.post.id)
    third = await write(db, eva, "třetí", quoted_id=second.post.id)
    assert third.quote is not None
    assert third.quote.view is not None
    inner = third.quote.view.quote
    assert inner is not None
    assert (inner.state, inner.post_id, inner.view) == (QuoteState.SHOWN, first.post.id, None)
    async with db.write() as tx:
        await actions.set_effect(tx, first.post.id, PostEffect.HIDDEN, None)
    async with db.read() as conn:
        quote = (await get_post_view(conn, third.post.id, karel.id)).quote
    assert quote is not None
    assert quote.view is not None
    assert quote.view.quote is not None
    assert (quote.view.quote.state, quote.view.quote.post_id) == (QuoteState.WITHHELD, None)


async def test_quotes_count_as_long_as_everybody_may_see_them(db: Database) -> None:
    author, quoter = await settle(db, "author"), await settle(db, "quoter")
    quoted = await write(db, author)
    view = await write(db, quoter, "viz", quoted_id=quoted.post.id)
    await write(db, quoter, "viz", quoted_id=quoted.post.id, visibility=Visibility.FOLLOWERS)
    assert await _quotes(db, quoted) == 1
    for effect, counted in ((PostEffect.HIDDEN, 0), (PostEffect.NONE, 1)):
        async with db.write() as tx:
            await actions.set_effect(tx, view.post.id, effect, None)
        assert await _quotes(db, quoted) == counted
    for account_effect, counted in ((AccountEffect.SUSPENDED, 0), (AccountEffect.NONE, 1)):
        async with db.write() as tx:
            await actions.set_account_effect(tx, quoter.id, account_effect)
        assert await _quotes(db, quoted) == counted
    async with db.write() as tx:
        await actions.delete_post(tx, quoter, view.post.id)
    assert await _quotes(db, quoted) == 0


async def test_posts_that_quote_and_answer_each_other_are_deleted_together(db: Database) -> None:
    jana = await settle(db, "jana")
    first = await write(db, jana)
    second = await write(db, jana, "viz", quoted_id=first.post.id, reply_to_id=first.post.id)
    third = await write(db, jana, "viz", quoted_id=second.post.id, reply_to_id=second.post.id)
    async with db.write() as tx:
        await actions.remove_restricted_posts(tx, [view.post.id for view in (first, second, third)])
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM posts") == 0
        assert await conn.fetchval("SELECT count(*) FROM quotes") == 0


async def test_the_list_of_quotes_shows_what_the_viewer_may_see(db: Database) -> None:
    author, quoter, other, viewer = [await settle(db, name) for name in ("author", "quoter", "other", "viewer")]
    quoted = await write(db, author)
    public = await write(db, quoter, "viz", quoted_id=quoted.post.id)
    private = await write(db, quoter, "viz", quoted_id=quoted.post.id, visibility=Visibility.FOLLOWERS)
    by_other = await write(db, other, "viz", quoted_id=quoted.post.id)
    assert await _quoting(db, quoted, quoter) == [by_other.post.id, private.post.id, public.post.id]
    assert await _quoting(db, quoted, viewer) == await _quoting(db, quoted, None) == [by_other.post.id, public.post.id]
    async with db.write() as tx:
        await relations.mute(tx, viewer, quoter.id)
        await relations.block(tx, viewer, other.id)
    assert await _quoting(db, quoted, viewer) == []
    assert await _quoting(db, quoted, author) == [by_other.post.id, public.post.id]
    async with db.read() as conn:
        assert await list_quoting_ids(conn, quoted.post.id, author.id, Page(limit=1, max_id=by_other.post.id)) == [public.post.id]


async def test_the_number_of_statements_does_not_depend_on_the_number_of_quotes(db: Database) -> None:
    jana = await settle(db, "jana")
    quoted = [(await write(db, jana)).post.id for _ in range(4)]
    plain = [(await write(db, jana)).post.id for _ in range(4)]
    quoting = [(await write(db, jana, "viz", quoted_id=id_)).post.id for id_ in quoted]
    async with db.read() as conn:
        found = []
        for ids in (plain, quoting[:1], quoting, [*plain, *quoting]):
            before = db.statements
            await list_post_views(conn, ids, jana.id)
            found.append(db.statements - before)
    assert found == [2, 4, 4, 4]
