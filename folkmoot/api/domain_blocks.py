"""Networks that the member has blocked, through the client API."""

from typing import Annotated

from folkmoot.api.account_shapes import Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Cursors, Parameters, UpTo200, about
from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.domain_blocks import actions, queries


class PageOfDomains(Cursors, frozen=True, kw_only=True):
    limit: UpTo200 = 100


class Domain(Parameters, frozen=True, kw_only=True):
    domain: Annotated[str, about("Its name, in any spelling; the address of a page or a handle there also work.")] = ""


class DomainBlockPreview(Shape, kw_only=True):
    """The follows that would end: of accounts there, and by them."""

    following_count: int
    followers_count: int


async def index(request: Request, params: PageOfDomains) -> Reply:
    """The blocked networks in ASCII, the latest first."""
    async with request.database.read() as conn:
        return request.listed(await queries.list_domains(conn, request.viewer.id, params.page_of(params.limit)))


async def preview(request: Request, params: Domain) -> Reply:
    """What a block would end."""
    domain = actions.require_domain(params.domain)
    async with request.database.read() as conn:
        found = await queries.count_connections(conn, request.viewer.id, domain)
    return request.json(DomainBlockPreview(following_count=found.following, followers_count=found.followers))


async def block(request: Request, params: Domain) -> Reply:
    """Blocks a network: hides its posts and notifications, and ends follows of and by its accounts."""
    async with request.database.write() as tx:
        await actions.block_domains(tx, request.account, [params.domain], request.context.settings.domain)
    return request.json(Nothing())


async def unblock(request: Request, params: Domain) -> Reply:
    """Ends a block, if there is one. Follows are not restored."""
    async with request.database.write() as tx:
        await actions.unblock_domain(tx, request.account, params.domain)
    return request.json(Nothing())


_READ, _WRITE = "read:blocks", "write:blocks"
_ALL = "/api/v1/domain_blocks"
ROUTES = [
    endpoint("GET", _ALL, index, Access.MEMBER, _READ, params=PageOfDomains, answer=list[str]),
    endpoint("GET", f"{_ALL}/preview", preview, Access.MEMBER, _READ, params=Domain, answer=DomainBlockPreview),
    endpoint("POST", _ALL, block, Access.MEMBER, _WRITE, params=Domain, answer=Nothing),
    endpoint("DELETE", _ALL, unblock, Access.MEMBER, _WRITE, params=Domain, answer=Nothing),
]
