"""Notifications one by one through the client API. Groups of them are in `notification_groups.py`."""

from typing import Any

from folkmoot.api.request import Request
from folkmoot.api.words import NOTIFICATION_OF
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import FROM_THE_PLACE, Kind


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await queries.list_notifications(conn, request.viewer.id, request.page(40), **wanted(request))
    return request.listed([(notification.id, request.entities.notification(notification, request.viewer.id)) for notification in found])


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        notification = await queries.get_notification(conn, request.viewer.id, request.id())
    if notification.kind in FROM_THE_PLACE:
        raise NotFound
    return request.json(request.entities.notification(notification, request.viewer.id))


async def dismiss(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.dismiss(tx, request.viewer.id, request.id())
    return request.json({})


async def dismiss_several(request: Request) -> Reply:
    params = await request.params()
    async with request.database.write() as tx:
        await actions.dismiss_several(tx, request.viewer.id, params.ids("ids"))
    return request.json({})


async def clear(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.clear(tx, request.viewer.id)
    return request.json({})


async def unread_count(request: Request) -> Reply:
    async with request.database.read() as conn:
        count = await queries.count_unread(conn, request.viewer.id, most=request.page(100, 1000).limit, **wanted(request))
    return request.json({"count": count})


async def policy(request: Request) -> Reply:
    """Nothing is kept back here: everybody's notifications arrive."""
    return request.json({
        **dict.fromkeys(("filter_not_following", "filter_not_followers", "filter_new_accounts", "filter_private_mentions"), False),
        "summary": {"pending_requests_count": 0, "pending_notifications_count": 0},
    })


async def requests_merged(request: Request) -> Reply:
    return request.json({"merged": True})


def wanted(request: Request) -> dict[str, Any]:
    """Which notifications an app asks for."""
    query = request.query
    return {
        "kinds": kinds_of(query.texts("types")) if "types" in query else None,
        "without": [*kinds_of(query.texts("exclude_types")), *FROM_THE_PLACE],  # which apps have no words for; they come by mail too
        "sender_id": (query.id("account_id") or 0) if query.text("account_id") else None,
    }


def kinds_of(words: list[str]) -> list[Kind]:
    """Our kinds for wire words; what we do not have is left out."""
    return [NOTIFICATION_OF[word] for word in words if word in NOTIFICATION_OF]


_READ, _WRITE = "read:notifications", "write:notifications"
ROUTES = [
    Route("GET", "/api/v1/notifications", index, Access.MEMBER, _READ),
    Route("GET", "/api/v1/notifications/unread_count", unread_count, Access.MEMBER, _READ),
    Route("GET", "/api/v1/notifications/policy", policy, Access.MEMBER, _READ),
    Route("GET", "/api/v1/notifications/requests/merged", requests_merged, Access.MEMBER, _READ),
    Route("POST", "/api/v1/notifications/clear", clear, Access.MEMBER, _WRITE),
    Route("DELETE", "/api/v1/notifications/destroy_multiple", dismiss_several, Access.MEMBER, _WRITE),
    Route("GET", "/api/v1/notifications/{id}", show, Access.MEMBER, _READ),
    Route("DELETE", "/api/v1/notifications/{id}", dismiss, Access.MEMBER, _WRITE),
    Route("POST", "/api/v1/notifications/{id}/dismiss", dismiss, Access.MEMBER, _WRITE),
]
