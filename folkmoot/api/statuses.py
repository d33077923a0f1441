"""Statuses through the client API: reading, writing, and marking them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from folkmoot.api.account_shapes import Account as AccountShape
from folkmoot.api.endpoints import Endpoint, endpoint
from folkmoot.api.parameters import PageOf20, PageOf40
from folkmoot.api.request import Request
from folkmoot.api.scheduled import scheduled_entity
from folkmoot.api.status_drafts import (
    NOTHING_TO_ANSWER,
    Boost,
    ChangedStatus,
    Deletion,
    NewStatus,
    StatusIds,
    changed_draft,
    new_draft,
    picture_changes,
    time_of,
)
from folkmoot.api.status_shapes import Context, DeletedStatus, ScheduledStatus, Status, StatusEdit, StatusSource
from folkmoot.api.words import VISIBILITY_OF
from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PostDraft, PostView
from folkmoot.network.posts.queries import (
    NOTHING_TO_QUOTE,
    get_post_view,
    list_boosters,
    list_edits,
    list_favouriters,
    list_marked_ids,
    list_thread_ids,
)
from folkmoot.network.scheduled.actions import find_by_key, schedule_post
from folkmoot.network.scheduled.model import ScheduledPost
from folkmoot.network.timelines.queries import find_entry, list_entries

Verb = Callable[[WriteTx, Account, int], Awaitable[PostView]]
_TRIES = 3  # to read a status that is edited at the same moment
_MOST = 4096  # posts of a thread, in each direction
_MOST_FOR_VISITORS = 60  # posts of a thread for visitors without an account


async def create(request: Request, params: NewStatus) -> Reply:
    """Publishes a status, or schedules it. An `Idempotency-Key` header used within the last hour returns what was made with it."""
    holder = request.holder
    assert holder is not None
    draft = new_draft(params, request.viewer.login.preferences, holder, request.headers.get("idempotency-key"))
    due_at = time_of(params.scheduled_at) if params.scheduled_at else None
    async with request.database.write() as tx:
        try:
            made = await _make(tx, request, draft, due_at)
        except NotFound as problem:  # apps recognise this text: the answered post is missing, not the new one
            raise NotFound(NOTHING_TO_QUOTE if problem.message == NOTHING_TO_QUOTE else NOTHING_TO_ANSWER) from None
        if isinstance(made, ScheduledPost):
            return request.json(await scheduled_entity(tx, request, made))
    view = made
    post = msgspec.structs.replace(view.post, app_name=holder.app_name, app_website=holder.app_website)
    return request.status(msgspec.structs.replace(view, post=post))


async def _make(tx: WriteTx, request: Request, draft: PostDraft, due_at: datetime | None) -> PostView | ScheduledPost:
    """A repeated request may come when the time of the first one is past: it gets the same answer."""
    account, limits = request.account, request.context.post_limits
    if due_at and due_at > clock.now():
        return await schedule_post(tx, account, draft, due_at, limits)
    if due_at and draft.idempotency_key and (earlier := await find_by_key(tx, account, draft.idempotency_key)):
        return earlier
    return await actions.create_post(tx, account, draft, limits, screener=request.context.screener)


async def edit(request: Request, params: ChangedStatus) -> Reply:
    """Edits a status. Absent pictures, poll, warning and sensitivity are removed; an absent language stays."""
    async with request.database.write() as tx:
        view = await actions.edit_post(
            tx, request.account, request.id(), changed_draft(params), request.context.post_limits, picture_changes(params)
        )
    return request.status(view)


async def delete(request: Request, params: Deletion) -> Reply:
    """Deletes a status, and returns it with its source for rewriting it. A boost is undone."""
    async with request.database.write() as tx:
        view = await actions.delete_post(tx, request.account, request.id(), keeps_pictures=not params.delete_media)
    shape = msgspec.json.decode(request.entities.status_bytes(view, request.viewer_id))
    del shape["content"]
    return request.json({**shape, "text": view.post.text})


async def show(request: Request) -> Reply:
    """One status."""
    for _ in range(_TRIES):
        async with request.database.read() as conn:
            entry = await find_entry(conn, request.id(), request.viewer_id)
        if entry is None:
            break
        if statuses := (await request.statuses([entry]))[1:-1]:  # nothing if it was edited just now
            return Reply(statuses)
    raise NotFound


async def show_many(request: Request, params: StatusIds) -> Reply:
    """Several statuses, without those that the viewer may not see."""
    async with request.database.read() as conn:
        entries = await list_entries(conn, list(params.id), request.viewer_id)
    return Reply(await request.statuses(entries))


async def context(request: Request) -> Reply:
    """The thread: the statuses that a status answers, and its replies."""
    most, depth = (_MOST, _MOST) if request.viewer_id else (_MOST_FOR_VISITORS, 20)
    async with request.database.read() as conn:
        above, below = await list_thread_ids(conn, request.id(), request.viewer_id, most=most, depth=depth)
        entries = await list_entries(conn, [*above, *below], request.viewer_id)
    is_above = set(above)
    ancestors = await request.statuses([entry for entry in entries if entry.id in is_above])
    descendants = await request.statuses([entry for entry in entries if entry.id not in is_above])
    return Reply(b'{"ancestors":%s,"descendants":%s}' % (ancestors, descendants))


async def source(request: Request) -> Reply:
    """The text of a status as it was written."""
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer.id)).shown
    return request.json(StatusSource(id=str(post.id), text=post.text, spoiler_text=post.cover))


async def history(request: Request) -> Reply:
    """All versions of a status, the oldest first."""
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer_id)
        edits = await list_edits(conn, view.shown.id)
    entities = request.entities
    return request.json([entities.edit(version, view) for version in edits] or [entities.only_version(view)])


async def favourited_by(request: Request, params: PageOf40) -> Reply:
    """The accounts that have favourited a status."""
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer_id)).shown
        rows = await list_favouriters(conn, post.id, request.viewer_id, params.page)
    return request.listed([(row_id, request.entities.account(account)) for row_id, account in rows])


async def reblogged_by(request: Request, params: PageOf40) -> Reply:
    """The accounts that have boosted a status."""
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer_id)).shown
        rows = await list_boosters(conn, post.id, request.viewer_id, params.page)
    return request.listed([(row_id, request.entities.account(account)) for row_id, account in rows])


async def reblog(request: Request, params: Boost) -> Reply:
    """Boosts a status."""
    async with request.database.write() as tx:
        return request.status(await actions.boost_post(tx, request.account, request.id(), VISIBILITY_OF[params.visibility]))


def _by(verb: Verb) -> Handler:
    """A handler for an action whose only parameter is the post."""

    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            return request.status(await verb(tx, request.account, request.id()))

    return handle


def _marked(table: str) -> Callable[[Request, PageOf20], Awaitable[Reply]]:
    """A handler for the viewer's favourites or bookmarks, paged by the time of marking."""

    async def handle(request: Request, params: PageOf20) -> Reply:
        async with request.database.read() as conn:
            rows = await list_marked_ids(conn, table, request.viewer.id, params.page)
            entries = await list_entries(conn, [post for _, post in rows], request.viewer.id)
        return Reply(await request.statuses(entries), headers=request.links([row_id for row_id, _ in rows]))

    return handle


_ALL, _ONE = "/api/v1/statuses", "/api/v1/statuses/{id}"
_READ, _WRITE = "read:statuses", "write:statuses"
_WITHHELD = "A status that the member may not see any more comes without its content."


def _show(name: str, handler: Callable[..., Awaitable[Reply]], answer: Any, access: Access = Access.PUBLIC, **more: Any) -> Endpoint:
    return endpoint("GET", f"{_ONE}{name}", handler, access, _READ, answer=answer, **more)


def _change(name: str, verb: Verb, scope: str, sentence: str, limit: str = "") -> Endpoint:
    return endpoint("POST", f"{_ONE}/{name}", _by(verb), Access.MEMBER, scope, answer=Status, about=sentence, limit=limit)


ROUTES = [
    endpoint(
        "POST", _ALL, create, Access.MEMBER, _WRITE, limit="post", params=NewStatus, answer=Status, other_answer=ScheduledStatus
    ),
    endpoint("GET", _ALL, show_many, Access.PUBLIC, _READ, params=StatusIds, answer=list[Status]),
    _show("", show, Status),
    *(endpoint(method, _ONE, edit, Access.MEMBER, _WRITE, params=ChangedStatus, answer=Status) for method in ("PUT", "PATCH")),
    endpoint("DELETE", _ONE, delete, Access.MEMBER, _WRITE, limit="delete", params=Deletion, answer=DeletedStatus),
    _show("/context", context, Context),
    _show("/source", source, StatusSource, Access.MEMBER),
    _show("/history", history, list[StatusEdit]),
    _show("/favourited_by", favourited_by, list[AccountShape], params=PageOf40),
    _show("/reblogged_by", reblogged_by, list[AccountShape], params=PageOf40),
    endpoint("POST", f"{_ONE}/reblog", reblog, Access.MEMBER, _WRITE, limit="post", params=Boost, answer=Status),
    _change("unreblog", actions.unboost_post, _WRITE, f"Undoes a boost. {_WITHHELD}", "delete"),
    _change("favourite", actions.favourite_post, "write:favourites", "Favourites a status."),
    _change("unfavourite", actions.unfavourite_post, "write:favourites", f"Removes a favourite. {_WITHHELD}"),
    _change("bookmark", actions.bookmark_post, "write:bookmarks", "Bookmarks a status; only the member sees it."),
    _change("unbookmark", actions.unbookmark_post, "write:bookmarks", f"Removes a bookmark. {_WITHHELD}"),
    _change("mute", actions.mute_conversation, "write:mutes", "Stops notifications of this thread."),
    _change("unmute", actions.unmute_conversation, "write:mutes", f"Resumes notifications of this thread. {_WITHHELD}"),
    _change("pin", actions.pin_post, "write:accounts", "Pins the member's own status to the profile."),
    _change("unpin", actions.unpin_post, "write:accounts", "Unpins a status from the profile."),
    endpoint(
        "GET", "/api/v1/favourites", _marked("favourites"), Access.MEMBER, "read:favourites", params=PageOf20, answer=list[Status],
        about="The statuses that the member has favourited, the latest first.",
    ),
    endpoint(
        "GET", "/api/v1/bookmarks", _marked("bookmarks"), Access.MEMBER, "read:bookmarks", params=PageOf20, answer=list[Status],
        about="The statuses that the member has bookmarked, the latest first.",
    ),
]
