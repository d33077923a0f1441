"""Notifications, markers and conversations through the client API."""

from typing import Any

from folkmoot.api.entities import NOTIFICATION_OF, moment
from folkmoot.api.request import Request
from folkmoot.base.errors import Malformed
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.conversations import actions as conversations
from folkmoot.network.conversations.queries import list_conversations
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import Marker


async def index(request: Request) -> Reply:
    query = request.query
    kinds = _kinds(query.texts("types")) if "types" in query else None
    async with request.database.read() as conn:
        found = await queries.list_notifications(
            conn, request.viewer.id, request.page(40), kinds=kinds, without=_kinds(query.texts("exclude_types")),
            sender_id=query.id("account_id"),
        )
    return request.listed([(notification.id, request.entities.notification(notification, request.viewer.id)) for notification in found])


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        notification = await queries.get_notification(conn, request.viewer.id, request.id())
    return request.json(request.entities.notification(notification, request.viewer.id))


async def dismiss(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.dismiss(tx, request.viewer.id, request.id())
    return request.json({})


async def clear(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.clear(tx, request.viewer.id)
    return request.json({})


async def unread_count(request: Request) -> Reply:
    async with request.database.read() as conn:
        return request.json({"count": await queries.count_unread(conn, request.viewer.id)})


async def show_markers(request: Request) -> Reply:
    async with request.database.read() as conn:
        markers = await queries.list_markers(conn, request.viewer.id, request.query.texts("timeline"))
    return request.json({marker.timeline: _marker(marker) for marker in markers})


async def set_markers(request: Request) -> Reply:
    params = await request.params()
    wanted = [(name, group) for name in actions.TIMELINES if (group := params.child(name))]
    answer = {}
    async with request.database.write() as tx:
        for name, group in wanted:
            last = group.id("last_read_id")
            if last is None:
                raise Malformed("The parameter %(name)s cannot be read.", name=f"{name}[last_read_id]")
            answer[name] = _marker(await actions.mark_read(tx, request.viewer.id, name, last))
    return request.json(answer)


async def list_own_conversations(request: Request) -> Reply:
    async with request.database.read() as conn:
        rows = await list_conversations(conn, request.viewer.id, request.page(20))
    return request.listed([(last, request.entities.conversation(conversation, request.viewer.id)) for last, conversation in rows])


async def mark_read(request: Request) -> Reply:
    return await _mark(request, is_unread=False)


async def mark_unread(request: Request) -> Reply:
    return await _mark(request, is_unread=True)


async def _mark(request: Request, *, is_unread: bool) -> Reply:
    async with request.database.write() as tx:
        conversation = await conversations.mark_conversation(tx, request.viewer.id, request.id(), is_unread=is_unread)
    return request.json(request.entities.conversation(conversation, request.viewer.id))


async def put_away(request: Request) -> Reply:
    async with request.database.write() as tx:
        await conversations.put_away(tx, request.viewer.id, request.id())
    return request.json({})


def _kinds(words: list[str]) -> list[str]:
    """Our kinds for wire words; what we do not have is left out."""
    return [NOTIFICATION_OF[word] for word in words if word in NOTIFICATION_OF]


def _marker(marker: Marker) -> dict[str, Any]:
    return {"last_read_id": str(marker.last_read_id), "version": marker.version, "updated_at": moment(marker.updated_at)}


_READ, _WRITE = "read:notifications", "write:notifications"
ROUTES = [
    Route("GET", "/api/v1/notifications", index, Access.MEMBER, _READ),
    Route("GET", "/api/v1/notifications/unread_count", unread_count, Access.MEMBER, _READ),
    Route("POST", "/api/v1/notifications/clear", clear, Access.MEMBER, _WRITE),
    Route("GET", "/api/v1/notifications/{id}", show, Access.MEMBER, _READ),
    Route("POST", "/api/v1/notifications/{id}/dismiss", dismiss, Access.MEMBER, _WRITE),
    Route("GET", "/api/v1/markers", show_markers, Access.MEMBER, "read:statuses"),
    Route("POST", "/api/v1/markers", set_markers, Access.MEMBER, "write:statuses"),
    Route("GET", "/api/v1/conversations", list_own_conversations, Access.MEMBER, "read:statuses"),
    Route("POST", "/api/v1/conversations/{id}/read", mark_read, Access.MEMBER, "write:conversations"),
    Route("POST", "/api/v1/conversations/{id}/unread", mark_unread, Access.MEMBER, "write:conversations"),
    Route("DELETE", "/api/v1/conversations/{id}", put_away, Access.MEMBER, "write:conversations"),
]
