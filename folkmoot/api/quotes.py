"""Quotes through the client API: who quotes a status, taking one's status out of a quote, and who may quote it.

A status that quotes is created like any other (`statuses.py`).
"""

from typing import Annotated

from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import PageOf20, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.status_shapes import Status
from folkmoot.api.words import QUOTE_POLICY_OF, QuotePolicy
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.posts import actions
from folkmoot.network.posts.queries import get_post_view, list_quoting_ids
from folkmoot.network.timelines.queries import list_entries


class NewPolicy(Parameters, frozen=True, kw_only=True):
    quote_approval_policy: Annotated[
        QuotePolicy | None, about("Who may quote it from now on; quotes that exist stay. Ignored unless it is public or unlisted.")
    ] = None


async def index(request: Request, params: PageOf20) -> Reply:
    """The statuses that quote a status, the latest first."""
    async with request.database.read() as conn:
        quoted = (await get_post_view(conn, request.id(), request.viewer.id)).shown
        ids = await list_quoting_ids(conn, quoted.id, request.viewer.id, params.page)
        entries = await list_entries(conn, ids, request.viewer.id)
    return Reply(await request.statuses(entries), headers=request.links(ids))


async def revoke(request: Request) -> Reply:
    """Takes the member's own status out of a status that quotes it, for good; returns that one."""
    async with request.database.write() as tx:
        return request.status(await actions.revoke_quote(tx, request.account, request.id(), request.id("quoting_id")))


async def change_policy(request: Request, params: NewPolicy) -> Reply:
    """Says who may quote a status of the member."""
    policy = QUOTE_POLICY_OF.get(params.quote_approval_policy or "")
    async with request.database.write() as tx:
        return request.status(await actions.set_quote_policy(tx, request.account, request.id(), policy))


_ONE = "/api/v1/statuses/{id}"
_READ, _WRITE = "read:statuses", "write:statuses"
ROUTES = [
    endpoint("GET", f"{_ONE}/quotes", index, Access.MEMBER, _READ, params=PageOf20, answer=list[Status]),
    endpoint("POST", f"{_ONE}/quotes/{{quoting_id}}/revoke", revoke, Access.MEMBER, _WRITE, answer=Status),
    *(
        endpoint(method, f"{_ONE}/interaction_policy", change_policy, Access.MEMBER, _WRITE, params=NewPolicy, answer=Status)
        for method in ("PUT", "PATCH")
    ),
]
