"""Grouped notifications, version 2 of the client API: each account and post is listed once."""

from collections.abc import Sequence
from typing import Annotated, Literal

from folkmoot.api.account_shapes import Account
from folkmoot.api.activity_shapes import Count, GroupedNotifications
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.notifications import Notifications, UnreadCount, clear, kinds_of, unread_page
from folkmoot.api.parameters import about
from folkmoot.api.request import Request
from folkmoot.api.warnings import Warnings, list_warnings, warning_of
from folkmoot.api.words import UNKNOWN_TO_APPS
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.filters.matching import is_hidden
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
    async with request.database.read() as conn:
        groups, ids = await list_unhidden(
            lambda page: queries.list_groups(
                conn, request.viewer.id, page, grouped=_grouped(params.grouped_types), with_filtered=params.with_filtered, **params.wanted()
            ),
            params.page, lambda group: group.newest_id,
            lambda group: is_hidden(request.filters, FilterContext.NOTIFICATIONS, group.post),
        )
        warnings = await list_warnings(conn, request.entities, groups)
    return request.json(_shape(request, groups, warnings, is_page=True), headers=request.links(ids))


async def show(request: Request) -> Reply:
    """One group of notifications."""
    async with request.database.read() as conn:
        group, _ = await queries.get_group(conn, request.viewer.id, request.value("key"), without=UNKNOWN_TO_APPS)
        warnings = await list_warnings(conn, request.entities, [group])
    return request.json(_shape(request, [group], warnings))


async def accounts(request: Request) -> Reply:
    """All accounts in a group of notifications."""
    async with request.database.read() as conn:
        _, senders = await queries.get_group(conn, request.viewer.id, request.value("key"), without=UNKNOWN_TO_APPS)
    return request.json(request.entities.accounts(senders))


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
        if count and request.filters and request.filters.hides_in(FilterContext.NOTIFICATIONS):
            unread = await queries.list_groups(
                conn, request.viewer.id, await unread_page(conn, request, count), grouped=_grouped(params.grouped_types), **params.wanted()
            )
            count -= sum(is_hidden(request.filters, FilterContext.NOTIFICATIONS, group.post) for group in unread)
    return request.json(Count(count=count))


def _grouped(words: Sequence[str] | None) -> Sequence[Kind]:
    if words is None:
        return GROUPED
    known = kinds_of(words)
    return [kind for kind in GROUPED if kind in known]


def _shape(
    request: Request, groups: Sequence[NotificationGroup], warnings: Warnings, *, is_page: bool = False
) -> GroupedNotifications:
    entities, viewer_id = request.entities, request.viewer.id
    people = {account.id: account for group in groups for account in group.senders}
    posts = {group.post.post.id: group.post for group in groups if group.post}
    return GroupedNotifications(
        accounts=entities.accounts(people.values()),
        statuses=entities.statuses(posts.values(), viewer_id),
        notification_groups=[entities.notification_group(group, warning_of(group, warnings), is_page=is_page) for group in groups],
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
