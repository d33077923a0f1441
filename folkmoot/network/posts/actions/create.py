"""Writing a post."""

from datetime import datetime

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.media.queries import attach_pictures
from folkmoot.network.posts import composing
from folkmoot.network.posts.composing import PostLimits
from folkmoot.network.posts.events import PostCreated
from folkmoot.network.posts.model import Post, PostDraft, PostView
from folkmoot.network.posts.policy import require_can_quote
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.posts.queries.material import read_material
from folkmoot.network.posts.queries.polls import insert_poll
from folkmoot.network.posts.queries.quoting import insert_quote
from folkmoot.network.posts.queries.writing import find_earlier, insert_post
from folkmoot.network.posts.screening import Screener, let_pass


async def create_post(
    tx: WriteTx, author: Account, draft: PostDraft, limits: PostLimits, *, screener: Screener = let_pass, at: datetime | None = None
) -> PostView:
    """Publishes a post, now or (`at`, for imports) dated back.

    `screener` may hold it before anybody else sees it. An idempotency key that was used within the last hour returns the post
    created with it. Tells post.created. Raises Invalid with every faulty field and for a direct post to nobody, NotFound when the
    author may not see the answered or the quoted post, Forbidden for one that may not be quoted.
    """
    require_can_write(author)
    draft = composing.check_draft(draft, limits)
    if draft.idempotency_key:
        earlier = await find_earlier(tx, author.id, draft.idempotency_key)
        if earlier:
            return await get_post_view(tx, earlier, author.id)
    post = await compose_post(tx, author, draft, limits, at or clock.now())

    post, may_be_held = await insert_post(tx, post, draft, screener.may_hold_sql)
    if post.poll:
        await insert_poll(tx, post)
    if post.quote:
        await insert_quote(tx, post, post.quote)
    if draft.media_ids:
        await attach_pictures(tx, post.id, draft.media_ids)

    tx.tell(PostCreated(**post.facts()))
    if (may_be_held and await screener.hold(tx, post.id)) or post.quote:
        return await get_post_view(tx, post.id, author.id)
    return PostView(post=post)


async def compose_post(tx: WriteTx, author: Account, draft: PostDraft, limits: PostLimits, at: datetime) -> Post:
    """The post that a checked draft becomes, not stored yet; what it refers to is locked. Raises as `create_post` does."""
    material = await read_material(tx, author, draft, limits.domain)
    post = composing.compose(author, draft, material, limits, at)
    composing.require_audience(post, material)
    if material.quoted:
        require_can_quote(author, material.quoted)
        composing.require_quoted_among_readers(post, material.quoted.shown)
    return post
