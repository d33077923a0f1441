"""Accounts that members recommend on their profiles, through the client API."""

from folkmoot.api.account_shapes import Account, Relationship
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import PageOf40
from folkmoot.api.request import Request
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.endorsements import actions
from folkmoot.network.endorsements.queries import list_endorsed


async def index(request: Request, params: PageOf40) -> Reply:
    """The accounts that the member recommends, the latest first."""
    return await _list(request, params, request.viewer.id)


async def of_account(request: Request, params: PageOf40) -> Reply:
    """The accounts that an account recommends, the latest first."""
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
    if account.is_suspended:
        raise NotFound
    return await _list(request, params, account.id)


async def endorse(request: Request) -> Reply:
    """Recommends an account that the member follows on the member's profile."""
    async with request.database.write() as tx:
        return request.json(request.entities.relation(await actions.endorse(tx, request.account, request.id())))


async def stop_endorsing(request: Request) -> Reply:
    """Takes a recommendation off the member's profile."""
    async with request.database.write() as tx:
        return request.json(request.entities.relation(await actions.stop_endorsing(tx, request.account, request.id())))


async def _list(request: Request, params: PageOf40, account_id: int) -> Reply:
    async with request.database.read() as conn:
        rows = await list_endorsed(conn, account_id, request.viewer_id, params.page)
    return request.listed([(row_id, request.entities.account(account)) for row_id, account in rows])


_ONE, _SCOPE = "/api/v1/accounts/{id}", "write:accounts"
_DEPRECATED_AT = 1743465600  # the time of deprecation, in seconds since 1970
ROUTES = [
    endpoint("GET", "/api/v1/endorsements", index, Access.MEMBER, "read:accounts", params=PageOf40, answer=list[Account]),
    endpoint("GET", f"{_ONE}/endorsements", of_account, Access.PUBLIC, "read:accounts", params=PageOf40, answer=list[Account]),
    endpoint("POST", f"{_ONE}/endorse", endorse, Access.MEMBER, _SCOPE, answer=Relationship),
    endpoint("POST", f"{_ONE}/unendorse", stop_endorsing, Access.MEMBER, _SCOPE, answer=Relationship),
    endpoint("POST", f"{_ONE}/pin", endorse, Access.MEMBER, _SCOPE, answer=Relationship, deprecated_at=_DEPRECATED_AT),
    endpoint("POST", f"{_ONE}/unpin", stop_endorsing, Access.MEMBER, _SCOPE, answer=Relationship, deprecated_at=_DEPRECATED_AT),
]
