"""Grouped notifications, version 2 of the client API: each account and post is listed once."""

from collections.abc import Sequence
from typing import Annotated, Literal

from folkmoot.api.account_shapes import Account
from folkmoot.api.activity_shapes import Count, GroupedNotifications
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.notifications import Notifications, UnreadCount, clear, kinds_of, unread_page
from folkmoot.api.notified import Notified
from folkmoot.api.parameters import about
from folkmoot.api.request import Request
from folkmoot.api.warnings import Warnings, list_warnings, warning_of
from folkmoot.api.words import UNKNOWN_TO_APPS
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.filters.paging import list_unhidden
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import GROUPED, Kind, NotificationGroup

_Groupable = Annotated[tuple[str, ...] | None, about("The types that the app shows as groups; absent: all types that can be grouped.")]


class Groups(Notifications, frozen=True, kw_only=True):
    grouped_types: _Groupable = None
    expand_accounts: Annotated[Literal["full", "partial_avatars"] | None, about("Both return whole accounts.")] = None


class UnreadGroups(UnreadCount, frozen=True, kw_only=True):
    grouped_types: _Groupable = None


async def index(request: Request, params: Groups) -> Reply:
    """Notifications, grouped, newest first."""
    about = Notified(request)
    groups, ids = await list_unhidden(
        lambda page: _read(request, page, params, about, with_filtered=params.with_filtered),
        params.page, lambda group: group.newest_id, lambda group: about.is_hidden(group.post_id),
    )
    async with request.database.read() as conn:
        warnings = await list_warnings(conn, request.entities, request.account, groups)
    return request.json(_shape(request, groups, about, warnings, is_page=True), headers=request.links(ids))


async def _read(
    request: Request, page: Page, params: UnreadGroups | Groups, about: Notified, *, with_filtered: bool = False
) -> list[NotificationGroup]:
    """A page of groups; adds to `about` what they are about."""
    async with request.database.read() as conn:
        groups = await queries.list_groups(
            conn, request.viewer.id, page, grouped=_grouped(params.grouped_types), with_filtered=with_filtered, **params.wanted()
        )
    await about.add({id_ for group in groups for id_ in group.sender_ids}, {group.post_id for group in groups})
    return [group for group in groups if about.has_post(group.post_id)]


async def show(request: Request) -> Reply:
    """One group of notifications."""
    async with request.database.read() as conn:
        group, _ = await queries.get_group(conn, request.viewer.id, request.value("key"), without=UNKNOWN_TO_APPS)
        warnings = await list_warnings(conn, request.entities, request.account, [group])
    about = Notified(request)
    await about.add(group.sender_ids, [group.post_id])
    if not about.has_post(group.post_id):
        raise NotFound
    return request.json(_shape(request, [group], about, warnings))


async def accounts(request: Request) -> Reply:
    """All accounts in a group of notifications."""
    async with request.database.read() as conn:
        group, sender_ids = await queries.get_group(conn, request.viewer.id, request.value("key"), without=UNKNOWN_TO_APPS)
    about = Notified(request)
    await about.add(sender_ids, [group.post_id])
    if not about.has_post(group.post_id):
        raise NotFound
    return request.json([about.senders[id_] for id_ in sender_ids if id_ in about.senders])


async def dismiss(request: Request) -> Reply:
    """Removes a group of notifications."""
    async with request.database.write() as tx:
        await actions.dismiss_group(tx, request.viewer.id, request.value("key"))
    return request.json(Nothing())


async def unread_count(request: Request, params: UnreadGroups) -> Reply:
    """The number of unread groups of notifications, at most `limit`."""
    async with request.database.read() as conn:
        count = await queries.count_unread(
            conn, request.viewer.id, most=params.limit, grouped=_grouped(params.grouped_types), **params.wanted()
        )
        hides = count and request.filters and request.filters.hides_in(FilterContext.NOTIFICATIONS)
        page = await unread_page(conn, request, count) if hides else None
    if page:
        about = Notified(request)
        count -= sum(about.is_hidden(group.post_id) for group in await _read(request, page, params, about))
    return request.json(Count(count=count))


def _grouped(words: Sequence[str] | None) -> Sequence[Kind]:
    if words is None:
        return GROUPED
    known = kinds_of(words)
    return [kind for kind in GROUPED if kind in known]


def _shape(
    request: Request, groups: Sequence[NotificationGroup], about: Notified, warnings: Warnings, *, is_page: bool = False
) -> GroupedNotifications:
    post_ids = dict.fromkeys(group.post_id for group in groups if group.post_id)
    people = dict.fromkeys(id_ for group in groups for id_ in group.sender_ids)
    return GroupedNotifications(
        accounts=[about.senders[id_] for id_ in people if id_ in about.senders],
        statuses=[about.status(id_) for id_ in post_ids],
        notification_groups=[
            request.entities.notification_group(group, warning_of(group, warnings), is_page=is_page) for group in groups
        ],
    )


_READ, _WRITE = "read:notifications", "write:notifications"
_ALL = "/api/v2/notifications"
ROUTES = [
    endpoint("GET", _ALL, index, Access.MEMBER, _READ, params=Groups, answer=GroupedNotifications),
    endpoint("GET", f"{_ALL}/unread_count", unread_count, Access.MEMBER, _READ, params=UnreadGroups, answer=Count),
    endpoint("POST", f"{_ALL}/clear", clear, Access.MEMBER, _WRITE, answer=Nothing),
    endpoint("GET", f"{_ALL}/{{key}}", show, Access.MEMBER, _READ, answer=GroupedNotifications),
    endpoint("GET", f"{_ALL}/{{key}}/accounts", accounts, Access.MEMBER, _READ, answer=list[Account]),
    endpoint("POST", f"{_ALL}/{{key}}/dismiss", dismiss, Access.MEMBER, _WRITE, answer=Nothing),
]
