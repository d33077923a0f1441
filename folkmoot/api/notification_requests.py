"""Notification policies, and the requests of senders whose notifications were filtered, through the client API."""

from typing import Annotated, Literal

from folkmoot.api import activity_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Id, PageOf40, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import NotificationRequest, PendingCounts, Policy, Treatment

_Word = Annotated[Literal["accept", "filter", "drop"] | None, about("Absent: unchanged.")]
_Flag = Annotated[bool | None, about("Absent: unchanged. True leaves notifications dropped that are dropped now.")]


class PolicyChange(Parameters, frozen=True, kw_only=True):
    for_not_following: _Word = None
    for_not_followers: _Word = None
    for_new_accounts: _Word = None
    for_private_mentions: _Word = None
    for_limited_accounts: _Word = None
    for_bots: _Word = None

    def changes(self) -> dict[str, Treatment]:
        words = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: Treatment[word.upper()] for name, word in words.items() if word}


class OldPolicyChange(Parameters, frozen=True, kw_only=True):
    filter_not_following: _Flag = None
    filter_not_followers: _Flag = None
    filter_new_accounts: _Flag = None
    filter_private_mentions: _Flag = None

    def changes(self, before: Policy) -> dict[str, Treatment]:
        flags = {name.replace("filter_", "for_"): getattr(self, name) for name in self.__struct_fields__}
        return {
            name: max(Treatment.FILTER, getattr(before, name)) if flag else Treatment.ACCEPT
            for name, flag in flags.items() if flag is not None
        }


class SeveralRequests(Parameters, frozen=True, kw_only=True):
    id: Annotated[tuple[Id, ...], about("Requests; others are ignored.")] = ()


async def show_policy(request: Request) -> Reply:
    """Which notifications are filtered, and how many wait."""
    async with request.database.read() as conn:
        policy = await queries.get_policy(conn, request.viewer.id)
        return request.json(_policy(policy, await queries.count_pending(conn, request.viewer.id)))


async def change_policy(request: Request, params: PolicyChange) -> Reply:
    """Changes which notifications are filtered from now on."""
    async with request.database.write() as tx:
        policy = await actions.change_policy(tx, request.viewer.id, params.changes())
        return request.json(_policy(policy, await queries.count_pending(tx, request.viewer.id)))


async def show_old_policy(request: Request) -> Reply:
    """Which notifications are filtered or dropped, and how many wait."""
    async with request.database.read() as conn:
        policy = await queries.get_policy(conn, request.viewer.id)
        return request.json(_old_policy(policy, await queries.count_pending(conn, request.viewer.id)))


async def change_old_policy(request: Request, params: OldPolicyChange) -> Reply:
    """Changes which notifications are filtered from now on."""
    async with request.database.write() as tx:
        before = await queries.get_policy(tx, request.viewer.id)
        policy = await actions.change_policy(tx, request.viewer.id, params.changes(before))
        return request.json(_old_policy(policy, await queries.count_pending(tx, request.viewer.id)))


async def index(request: Request, params: PageOf40) -> Reply:
    """The requests that wait, the newest first."""
    async with request.database.read() as conn:
        found = await queries.list_requests(conn, request.viewer.id, params.page)
    return request.listed([(one.id, _request(request, one)) for one in found])


async def show(request: Request) -> Reply:
    """One request that waits."""
    async with request.database.read() as conn:
        return request.json(_request(request, await queries.get_request(conn, request.viewer.id, request.id())))


async def accept(request: Request) -> Reply:
    """Merges the filtered notifications of a sender into the others, and lets the sender through from now on."""
    async with request.database.write() as tx:
        await actions.accept_request(tx, request.viewer.id, request.id())
    return request.json(Nothing())


async def accept_several(request: Request, params: SeveralRequests) -> Reply:
    """The same for several requests."""
    async with request.database.write() as tx:
        await actions.accept_requests(tx, request.viewer.id, params.id)
    return request.json(Nothing())


async def dismiss(request: Request) -> Reply:
    """Removes a request with its notifications. The sender's next one makes a new request."""
    async with request.database.write() as tx:
        await actions.dismiss_request(tx, request.viewer.id, request.id())
    return request.json(Nothing())


async def dismiss_several(request: Request, params: SeveralRequests) -> Reply:
    """The same for several requests."""
    async with request.database.write() as tx:
        await actions.dismiss_requests(tx, request.viewer.id, params.id)
    return request.json(Nothing())


async def merged(request: Request) -> Reply:
    """Whether accepted notifications have been merged: always, because accepting merges them at once."""
    return request.json(shapes.Merged(merged=True))


def _summary(pending: PendingCounts) -> shapes.PendingSummary:
    return shapes.PendingSummary(pending_requests_count=pending.requests, pending_notifications_count=pending.notifications)


def _policy(policy: Policy, pending: PendingCounts) -> shapes.NotificationPolicy:
    words: dict[Treatment, shapes.TreatmentWord] = {
        Treatment.ACCEPT: "accept", Treatment.FILTER: "filter", Treatment.DROP: "drop",
    }
    fields = {name: words[getattr(policy, name)] for name in Policy.__struct_fields__}
    return shapes.NotificationPolicy(**fields, summary=_summary(pending))


def _old_policy(policy: Policy, pending: PendingCounts) -> shapes.OldNotificationPolicy:
    return shapes.OldNotificationPolicy(
        filter_not_following=policy.for_not_following > Treatment.ACCEPT, filter_not_followers=policy.for_not_followers > Treatment.ACCEPT,
        filter_new_accounts=policy.for_new_accounts > Treatment.ACCEPT,
        filter_private_mentions=policy.for_private_mentions > Treatment.ACCEPT, summary=_summary(pending),
    )


def _request(request: Request, found: NotificationRequest) -> shapes.NotificationRequest:
    shape = shapes.NotificationRequest(
        id=str(found.id), created_at=moment(found.first_at), updated_at=moment(found.newest_at), notifications_count=str(found.count),
        account=request.entities.account(found.sender),
    )
    if found.last_post:
        shape.last_status = request.entities.status(found.last_post, request.viewer.id)
    return shape


_READ, _WRITE = "read:notifications", "write:notifications"
_NEW, _OLD, _REQUESTS = "/api/v2/notifications/policy", "/api/v1/notifications/policy", "/api/v1/notifications/requests"
ROUTES = [
    endpoint("GET", _NEW, show_policy, Access.MEMBER, _READ, answer=shapes.NotificationPolicy),
    endpoint("GET", _OLD, show_old_policy, Access.MEMBER, _READ, answer=shapes.OldNotificationPolicy),
    *(endpoint(method, _NEW, change_policy, Access.MEMBER, _WRITE, params=PolicyChange, answer=shapes.NotificationPolicy)
      for method in ("PATCH", "PUT")),
    *(endpoint(method, _OLD, change_old_policy, Access.MEMBER, _WRITE, params=OldPolicyChange, answer=shapes.OldNotificationPolicy)
      for method in ("PATCH", "PUT")),
    endpoint("GET", _REQUESTS, index, Access.MEMBER, _READ, params=PageOf40, answer=list[shapes.NotificationRequest]),
    endpoint("GET", f"{_REQUESTS}/merged", merged, Access.MEMBER, _READ, answer=shapes.Merged),
    endpoint("POST", f"{_REQUESTS}/accept", accept_several, Access.MEMBER, _WRITE, params=SeveralRequests, answer=Nothing),
    endpoint("POST", f"{_REQUESTS}/dismiss", dismiss_several, Access.MEMBER, _WRITE, params=SeveralRequests, answer=Nothing),
    endpoint("GET", f"{_REQUESTS}/{{id}}", show, Access.MEMBER, _READ, answer=shapes.NotificationRequest),
    endpoint("POST", f"{_REQUESTS}/{{id}}/accept", accept, Access.MEMBER, _WRITE, answer=Nothing),
    endpoint("POST", f"{_REQUESTS}/{{id}}/dismiss", dismiss, Access.MEMBER, _WRITE, answer=Nothing),
]
