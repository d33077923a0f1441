"""Statuses through the client API: reading, writing, and what one does with them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from folkmoot.api.request import Request
from folkmoot.api.words import VISIBILITY_OF
from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PollDraft, PostDraft, PostView, Visibility
from folkmoot.network.posts.queries import (
    get_post_view,
    get_thread,
    list_boosters,
    list_edits,
    list_favouriters,
    list_marked_ids,
    list_post_views,
)

Verb = Callable[[WriteTx, Account, int], Awaitable[PostView]]
_NOTHING_TO_ANSWER = "The post you are trying to reply to does not appear to exist."
_THREAD_FOR_NOBODY = 60  # posts of a thread that somebody without an account gets


async def create(request: Request) -> Reply:
    draft = _draft(await request.params(), request)
    async with request.database.write() as tx:
        try:
            view = await actions.create_post(tx, request.account, draft, request.context.post_limits, screener=request.context.screener)
        except NotFound:  # apps tell people apart: their post is lost, or the one that they answer
            raise NotFound(_NOTHING_TO_ANSWER) from None
    holder = request.holder
    assert holder is not None
    post = msgspec.structs.replace(view.post, app_name=holder.app_name, app_website=holder.app_website)
    return request.status(msgspec.structs.replace(view, post=post))


async def edit(request: Request) -> Reply:
    """Changes a post. What of pictures, poll, warning or sensitivity is not sent is taken away; the language stays."""
    params = await request.params()
    draft = msgspec.structs.replace(
        _draft(params, request), language=params.text("language") or None, is_sensitive=params.flag("sensitive")
    )
    changes = [
        actions.PictureChange(group.id("id") or 0, group.optional_text("description"), focus(group.text("focus")))
        for group in params.children("media_attributes")
    ]
    async with request.database.write() as tx:
        view = await actions.edit_post(tx, request.account, request.id(), draft, request.context.post_limits, changes)
    return request.status(view)


async def delete(request: Request) -> Reply:
    """Deletes, and gives the post back with its source, so that it can be written anew."""
    params = await request.params()
    async with request.database.write() as tx:
        view = await actions.delete_post(tx, request.account, request.id(), keeps_pictures=not params.flag("delete_media"))
    shape = msgspec.json.decode(request.status_bytes(view))
    del shape["content"]
    return request.json({**shape, "text": view.post.text})


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        return request.status(await get_post_view(conn, request.id(), request.viewer_id))


async def show_many(request: Request) -> Reply:
    async with request.database.read() as conn:
        return request.json(request.statuses(await list_post_views(conn, request.query.ids("id"), request.viewer_id)))


async def context(request: Request) -> Reply:
    most = {} if request.viewer_id else {"most": _THREAD_FOR_NOBODY, "depth": 20}
    async with request.database.read() as conn:
        thread = await get_thread(conn, request.id(), request.viewer_id, **most)
    return request.json({"ancestors": request.statuses(thread.ancestors), "descendants": request.statuses(thread.descendants)})


async def source(request: Request) -> Reply:
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer.id)).post
    if post.author.id != request.viewer.id:
        raise NotFound
    return request.json({"id": str(post.id), "text": post.text, "spoiler_text": post.cover})


async def history(request: Request) -> Reply:
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer_id)).shown
        edits = await list_edits(conn, post.id)
    if edits:
        return request.json([request.entities.edit(version, post) for version in edits])
    return request.json([{
        **{name: value for name, value in msgspec.json.decode(request.status_bytes(PostView(post=post))).items()
           if name in ("content", "spoiler_text", "sensitive", "created_at", "account", "media_attachments", "emojis")},
    }])


async def favourited_by(request: Request) -> Reply:
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer_id)).shown
        rows = await list_favouriters(conn, post.id, request.page(40))
    return request.listed([(row_id, request.entities.account(account)) for row_id, account in rows])


async def reblogged_by(request: Request) -> Reply:
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer_id)).shown
        rows = await list_boosters(conn, post.id, request.page(40))
    return request.listed([(row_id, request.entities.account(account)) for row_id, account in rows])


async def reblog(request: Request) -> Reply:
    params = await request.params()
    visibility = _visibility(params.text("visibility")) or Visibility.PUBLIC
    async with request.database.write() as tx:
        return request.status(await actions.boost_post(tx, request.account, request.id(), visibility))


def _by(verb: Verb) -> Handler:
    """A handler for a verb that takes nothing but the post."""

    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            return request.status(await verb(tx, request.account, request.id()))

    return handle


def _marked(table: str) -> Handler:
    """A handler for the list of what one has favourited or bookmarked: paged by when that was."""

    async def handle(request: Request) -> Reply:
        async with request.database.read() as conn:
            rows = await list_marked_ids(conn, table, request.viewer.id, request.page(20))
            views = {view.post.id: view for view in await list_post_views(conn, [post for _, post in rows], request.viewer.id)}
        shown = [(row_id, msgspec.Raw(request.status_bytes(views[post]))) for row_id, post in rows if post in views]
        return Reply(msgspec.json.encode([entity for _, entity in shown]), headers=request.links([row_id for row_id, _ in rows]))

    return handle


def _draft(params: Params, request: Request) -> PostDraft:
    """What an app sends, as a draft. Raises Invalid for what Folkmoot does not know."""
    own = request.viewer.login.preferences
    if _is_ahead(params.text("scheduled_at")):
        raise Invalid(FieldError("scheduled_at", "invalid", "This network does not publish at a set time yet."))
    if params.text("quoted_status_id"):
        raise Invalid(FieldError("quoted_status_id", "invalid", "This network has no quotations yet."))
    poll = params.child("poll")
    reply_to = params.text("in_reply_to_id")
    if reply_to and params.id("in_reply_to_id") is None:
        raise NotFound(_NOTHING_TO_ANSWER)
    assert request.holder is not None
    return PostDraft(
        text=params.text("status"),
        visibility=_visibility(params.text("visibility")) or Visibility(own.visibility),
        reply_to_id=params.id("in_reply_to_id"),
        cover=params.text("spoiler_text"),
        is_sensitive=params.flag("sensitive", own.is_sensitive),
        language=params.text("language") or own.post_language or None,
        media_ids=tuple(params.ids("media_ids")),
        poll=_poll(poll) if poll else None,
        app_id=request.holder.app_id,
        idempotency_key=request.headers.get("idempotency-key") or None,
    )


def _is_ahead(moment: str) -> bool:
    """Whether a post is to wait; one whose time is past is published at once."""
    if not moment:
        return False
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise Invalid(FieldError("scheduled_at", "invalid", "This is not a date with a time.")) from None
    return at.replace(tzinfo=at.tzinfo or UTC) > clock.now()


def _poll(group: Params) -> PollDraft:
    return PollDraft(
        titles=tuple(group.texts("options")), expires_in=group.integer("expires_in") or 0,
        is_multiple=group.flag("multiple"), hides_totals=group.flag("hide_totals"),
    )


def _visibility(word: str) -> Visibility | None:
    if not word:
        return None
    found = VISIBILITY_OF.get(word)
    if found is None:
        raise Invalid(FieldError("visibility", "inclusion", "This visibility does not exist."))
    return found


def focus(text: str) -> tuple[float, float] | None:
    """`0.2,-0.5` as numbers; None for nothing."""
    if not text:
        return None
    pair: dict[str, Any] = dict(zip(("x", "y"), text.split(","), strict=False))
    return Params(pair).number("x") or 0.0, Params(pair).number("y") or 0.0


_ONE = "/api/v1/statuses/{id}"
_READ = "read:statuses"
ROUTES = [
    Route("POST", "/api/v1/statuses", create, Access.MEMBER, "write:statuses", limit="post"),
    Route("GET", "/api/v1/statuses", show_many, Access.PUBLIC, _READ),
    Route("GET", _ONE, show, Access.PUBLIC, _READ),
    Route("PUT", _ONE, edit, Access.MEMBER, "write:statuses"),
    Route("PATCH", _ONE, edit, Access.MEMBER, "write:statuses"),
    Route("DELETE", _ONE, delete, Access.MEMBER, "write:statuses", limit="delete"),
    Route("GET", f"{_ONE}/context", context, Access.PUBLIC, _READ),
    Route("GET", f"{_ONE}/source", source, Access.MEMBER, _READ),
    Route("GET", f"{_ONE}/history", history, Access.PUBLIC, _READ),
    Route("GET", f"{_ONE}/favourited_by", favourited_by, Access.PUBLIC, _READ),
    Route("GET", f"{_ONE}/reblogged_by", reblogged_by, Access.PUBLIC, _READ),
    Route("POST", f"{_ONE}/reblog", reblog, Access.MEMBER, "write:statuses", limit="post"),
    Route("POST", f"{_ONE}/unreblog", _by(actions.unboost_post), Access.MEMBER, "write:statuses", limit="delete"),
    Route("POST", f"{_ONE}/favourite", _by(actions.favourite_post), Access.MEMBER, "write:favourites"),
    Route("POST", f"{_ONE}/unfavourite", _by(actions.unfavourite_post), Access.MEMBER, "write:favourites"),
    Route("POST", f"{_ONE}/bookmark", _by(actions.bookmark_post), Access.MEMBER, "write:bookmarks"),
    Route("POST", f"{_ONE}/unbookmark", _by(actions.unbookmark_post), Access.MEMBER, "write:bookmarks"),
    Route("POST", f"{_ONE}/mute", _by(actions.mute_conversation), Access.MEMBER, "write:mutes"),
    Route("POST", f"{_ONE}/unmute", _by(actions.unmute_conversation), Access.MEMBER, "write:mutes"),
    Route("POST", f"{_ONE}/pin", _by(actions.pin_post), Access.MEMBER, "write:accounts"),
    Route("POST", f"{_ONE}/unpin", _by(actions.unpin_post), Access.MEMBER, "write:accounts"),
    Route("GET", "/api/v1/favourites", _marked("favourites"), Access.MEMBER, "read:favourites"),
    Route("GET", "/api/v1/bookmarks", _marked("bookmarks"), Access.MEMBER, "read:bookmarks"),
]
