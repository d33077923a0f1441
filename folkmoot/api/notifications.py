"""Single notifications through the client API. `notification_groups.py` has groups of them, `notification_requests.py` what was
filtered."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import UNSET

from folkmoot.api.activity_shapes import AccountWarning, Count, Notification
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.notified import Notified
from folkmoot.api.parameters import Cursors, Id, Parameters, UpTo80, UpTo1000, about
from folkmoot.api.request import Request
from folkmoot.api.warnings import list_warnings, warning_of
from folkmoot.api.words import NOTIFICATION, UNKNOWN_TO_APPS
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.filters.matching import is_hidden
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.filters.paging import list_unhidden
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import Kind, Line


class Filter(Cursors, frozen=True, kw_only=True):
    """Selects notifications."""

    types: Annotated[tuple[str, ...] | None, about("Only these types; unknown ones are ignored.")] = None
    exclude_types: Annotated[tuple[str, ...], about("Not these types.")] = ()
    account_id: Annotated[Id | None, about("Only from this account, also those that the policy has filtered.")] = None

    def wanted(self) -> dict[str, Any]:
        return {
            "kinds": kinds_of(self.types) if self.types is not None else None,
            # The API has no types for some notifications from the network; these are mailed too.
            "without": [*kinds_of(self.exclude_types), *UNKNOWN_TO_APPS],
            "sender_id": self.account_id,
        }


class Notifications(Filter, frozen=True, kw_only=True):
    limit: UpTo80 = 40
    include_filtered: Annotated[bool, about("Also those that the policy has filtered.")] = False

    @property
    def with_filtered(self) -> bool:
        return self.include_filtered or self.account_id is not None

    @property
    def page(self) -> Page:
        return self.page_of(self.limit)


class UnreadCount(Filter, frozen=True, kw_only=True):
    limit: UpTo1000 = 100


class Dismissed(Parameters, frozen=True, kw_only=True):
    ids: tuple[Id, ...] = ()


async def index(request: Request, params: Notifications) -> Reply:
    """Notifications, newest first."""
    about, warnings = Notified(request), dict[tuple[Kind, int | None], AccountWarning]()

    async def read(page: Page) -> list[Line]:
        async with request.database.read() as conn:
            lines = await queries.list_lines(conn, request.viewer.id, page, with_filtered=params.with_filtered, **params.wanted())
            warnings.update(await list_warnings(conn, request.entities, request.account, lines))
        await about.add_of(lines)
        return [line for line in lines if line.sender.id in about.senders and about.has_post(line.post_id)]

    found, ids = await list_unhidden(read, params.page, lambda line: line.id, lambda line: about.is_hidden(line.post_id))
    shown = [
        request.entities.rendered_notification(
            line, about.senders[line.sender.id], about.status(line.post_id) if line.post_id else UNSET, warning_of(line, warnings))
        for line in found
    ]
    return request.json(shown, headers=request.links(ids))


async def show(request: Request) -> Reply:
    """One notification, also a filtered one."""
    async with request.database.read() as conn:
        found = await queries.get_notification(conn, request.viewer.id, request.id(), with_filtered=True)
        warnings = await list_warnings(conn, request.entities, found.sender, [found])
    if found.kind in UNKNOWN_TO_APPS:
        raise NotFound
    return request.json(request.entities.notification(found, request.viewer.id, warning_of(found, warnings)))


async def dismiss(request: Request) -> Reply:
    """Removes one notification."""
    async with request.database.write() as tx:
        await actions.dismiss(tx, request.viewer.id, request.id())
    return request.json(Nothing())


async def dismiss_several(request: Request, params: Dismissed) -> Reply:
    """Removes several notifications."""
    async with request.database.write() as tx:
        await actions.dismiss_several(tx, request.viewer.id, list(params.ids))
    return request.json(Nothing())


async def clear(request: Request) -> Reply:
    """Removes all notifications."""
    async with request.database.write() as tx:
        await actions.clear(tx, request.viewer.id)
    return request.json(Nothing())


async def unread_count(request: Request, params: UnreadCount) -> Reply:
    """The number of unread notifications, at most `limit`."""
    async with request.database.read() as conn:
        count = await queries.count_unread(conn, request.viewer.id, most=params.limit, **params.wanted())
        if count and request.filters and request.filters.hides_in(FilterContext.NOTIFICATIONS):
            unread = await queries.list_notifications(conn, request.viewer.id, await unread_page(conn, request, count), **params.wanted())
            count -= sum(is_hidden(request.filters, FilterContext.NOTIFICATIONS, one.post) for one in unread)
    return request.json(Count(count=count))


async def unread_page(conn: ReadConn, request: Request, count: int) -> Page:
    """The newest `count` notifications after the marker."""
    markers = await queries.list_markers(conn, request.viewer.id, ["notifications"])
    return Page(limit=count, since_id=markers[0].last_read_id if markers else 0)


def kinds_of(words: Sequence[str]) -> list[Kind]:
    """Our kinds for wire names; unknown names are left out."""
    return [kind for kind, word in NOTIFICATION.items() if word in words]


_READ, _WRITE = "read:notifications", "write:notifications"
_ALL = "/api/v1/notifications"
ROUTES = [
    endpoint("GET", _ALL, index, Access.MEMBER, _READ, params=Notifications, answer=list[Notification]),
    endpoint("GET", f"{_ALL}/unread_count", unread_count, Access.MEMBER, _READ, params=UnreadCount, answer=Count),
    endpoint("POST", f"{_ALL}/clear", clear, Access.MEMBER, _WRITE, answer=Nothing),
    endpoint("DELETE", f"{_ALL}/destroy_multiple", dismiss_several, Access.MEMBER, _WRITE, params=Dismissed, answer=Nothing),
    endpoint("GET", f"{_ALL}/{{id}}", show, Access.MEMBER, _READ, answer=Notification),
    endpoint("DELETE", f"{_ALL}/{{id}}", dismiss, Access.MEMBER, _WRITE, answer=Nothing),
    endpoint("POST", f"{_ALL}/{{id}}/dismiss", dismiss, Access.MEMBER, _WRITE, answer=Nothing),
]
