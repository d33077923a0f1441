"""Notifications that belong together, through the second version of the client API: people and posts come once."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from folkmoot.api.notifications import clear, kinds_of, wanted
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base.errors import Malformed
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.model import Account
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import GROUPED, Kind, NotificationGroup


async def index(request: Request) -> Reply:
    if request.query.text("expand_accounts") not in ("", "full", "partial_avatars"):
        raise Malformed("The parameter %(name)s cannot be read.", name="expand_accounts")
    async with request.database.read() as conn:
        groups = await queries.list_groups(conn, request.viewer.id, request.page(40), grouped=_grouped(request), **wanted(request))
    return request.json(_shape(request, groups, is_page=True), headers=request.links([group.newest_id for group in groups]))


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        group, _ = await queries.get_group(conn, request.viewer.id, request.value("key"))
    return request.json(_shape(request, [group]))


async def accounts(request: Request) -> Reply:
    async with request.database.read() as conn:
        _, senders = await queries.get_group(conn, request.viewer.id, request.value("key"))
    return request.json([request.entities.account(account) for account in senders])


async def dismiss(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.dismiss_group(tx, request.viewer.id, request.value("key"))
    return request.json({})


async def unread_count(request: Request) -> Reply:
    async with request.database.read() as conn:
        count = await queries.count_unread(
            conn, request.viewer.id, most=request.page(100, 1000).limit, grouped=_grouped(request), **wanted(request)
        )
    return request.json({"count": count})


async def policy(request: Request) -> Reply:
    """Nothing is kept back here: everybody's notifications arrive."""
    return request.json({
        **dict.fromkeys(("for_not_following", "for_not_followers", "for_new_accounts", "for_private_mentions", "for_limited_accounts"),
                        "accept"),
        "summary": {"pending_requests_count": 0, "pending_notifications_count": 0},
    })


def _grouped(request: Request) -> Sequence[Kind]:
    """What the app can show as a group; all that we group, if it does not say."""
    query = request.query
    if "grouped_types" not in query:
        return GROUPED
    known = kinds_of(query.texts("grouped_types"))
    return [kind for kind in GROUPED if kind in known]


def _shape(request: Request, groups: Sequence[NotificationGroup], *, is_page: bool = False) -> dict[str, Any]:
    entities, viewer_id = request.entities, request.viewer.id
    people: dict[int, Account] = {account.id: account for group in groups for account in group.senders}
    posts = {group.post.post.id: group.post for group in groups if group.post}
    shapes: Iterable[dict[str, Any]] = (entities.notification_group(group) for group in groups)
    if is_page:
        shapes = (
            {**shape, "page_min_id": str(group.oldest_id), "page_max_id": str(group.newest_id),
             "latest_page_notification_at": moment(group.newest_at)}
            for shape, group in zip(shapes, groups, strict=True)
        )
    return {
        "accounts": [entities.account(account) for account in people.values()],
        "statuses": [msgspec.Raw(entities.status_bytes(view, viewer_id)) for view in posts.values()],
        "notification_groups": list(shapes),
    }


_READ, _WRITE = "read:notifications", "write:notifications"
_ONE = "/api/v2/notifications/{key}"
ROUTES = [
    Route("GET", "/api/v2/notifications", index, Access.MEMBER, _READ),
    Route("GET", "/api/v2/notifications/policy", policy, Access.MEMBER, _READ),
    Route("GET", "/api/v2/notifications/unread_count", unread_count, Access.MEMBER, _READ),
    Route("POST", "/api/v2/notifications/clear", clear, Access.MEMBER, _WRITE),
    Route("GET", _ONE, show, Access.MEMBER, _READ),
    Route("GET", f"{_ONE}/accounts", accounts, Access.MEMBER, _READ),
    Route("POST", f"{_ONE}/dismiss", dismiss, Access.MEMBER, _WRITE),
]
