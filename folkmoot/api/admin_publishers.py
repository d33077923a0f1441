"""Mastodon's admin API: the sites whose pages many talk about. A site that is held back is in no trends with any of its pages; the same
acts as on the page `/moderate/trends`."""

from folkmoot.api.admin_shapes import AdminPublisher
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Offset, Parameters, UpTo200
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import NotFound
from folkmoot.base.handles import domain_key
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.trends.actions import hold_back, let_in
from folkmoot.network.trends.model import Site
from folkmoot.network.trends.queries import find_site, list_sites


class PageOfSites(Parameters, frozen=True, kw_only=True):
    limit: UpTo200 = 100
    offset: Offset = 0


async def index(request: Request, params: PageOfSites) -> Reply:
    """Sites with links that are trends now, and sites that are held back, by their names."""
    async with request.database.read() as conn:
        found = await list_sites(conn, params.limit, params.offset)
    return request.json([_publisher(site) for site in found])


async def approve(request: Request) -> Reply:
    """The pages of a site that was held back may be trends again, from the next count on."""
    async with request.database.write() as tx:
        host = await _host(tx, request)
        await let_in(tx, request.viewer, host)
        return await _show(tx, request, host)


async def reject(request: Request) -> Reply:
    """From now on the pages of a site, and of all domains below it, are in no trends. Statuses with them stay as they are."""
    async with request.database.write() as tx:
        host = await _host(tx, request)
        await hold_back(tx, request.viewer, host)
        return await _show(tx, request, host)


async def _host(conn: ReadConn, request: Request) -> str:
    """The site in the path. Raises NotFound for one of which there is no card, as long as it is not held back."""
    site = await find_site(conn, domain_key(request.value("host")))
    if site is None:
        raise NotFound
    return site.host


async def _show(conn: ReadConn, request: Request, host: str) -> Reply:
    return request.json(_publisher(await find_site(conn, host) or Site(host=host, refused_at=None)))


def _publisher(site: Site) -> AdminPublisher:
    return AdminPublisher(
        id=site.host, domain=site.host, trendable=site.refused_at is None,
        reviewed_at=moment(site.refused_at) if site.refused_at else None, requested_review_at=None, requires_review=False,
    )


_SITES = "/api/v1/admin/trends/links/publishers"
_WRITE = (Access.MODERATOR, "admin:write")
ROUTES = [
    endpoint("GET", _SITES, index, Access.MODERATOR, "admin:read", params=PageOfSites, answer=list[AdminPublisher]),
    endpoint("POST", f"{_SITES}/{{host}}/approve", approve, *_WRITE, answer=AdminPublisher),
    endpoint("POST", f"{_SITES}/{{host}}/reject", reject, *_WRITE, answer=AdminPublisher),
]
