"""Discovery of this network and its accounts by other software: WebFinger, host-meta, NodeInfo.

There is no link to an ActivityPub document, and no protocol is listed, because there is no federation yet.
"""

from html import escape
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from folkmoot import __version__
from folkmoot.api.account_shapes import Shape, Url
from folkmoot.api.endpoints import endpoint
from folkmoot.api.instance import MASTODON_VERSION, counts
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request, encode
from folkmoot.base.errors import NotFound
from folkmoot.base.handles import own_path
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import find_account_by_handle

_SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/2.0"


class Link(Shape, kw_only=True):
    rel: str
    type: str | UnsetType = UNSET
    href: Url


class WebFinger(Shape, kw_only=True):
    """RFC 7033."""

    subject: str
    aliases: list[Url]
    links: list[Link]


class NodeInfoLinks(Shape, kw_only=True):
    links: list[Link]


class Software(Shape, kw_only=True):
    name: str
    version: str


class Services(Shape, kw_only=True):
    inbound: list[str]
    outbound: list[str]


class UserTotals(Shape, kw_only=True):
    total: int
    active_month: int = msgspec.field(name="activeMonth")


class NodeUsage(Shape, kw_only=True):
    users: UserTotals
    posts: int = msgspec.field(name="localPosts")


class ApiOrigin(Shape, kw_only=True):
    """The software whose client API this network speaks. Clients choose their adapter by it if they do not know our name."""

    name: str
    version: str


class NodeMetadata(Shape, kw_only=True):
    node_name: str = msgspec.field(name="nodeName")
    node_description: str = msgspec.field(name="nodeDescription")
    upstream: ApiOrigin


class NodeInfo(Shape, kw_only=True):
    """NodeInfo 2.0."""

    version: str
    software: Software
    protocols: list[str]
    services: Services
    is_open: bool = msgspec.field(name="openRegistrations")
    usage: NodeUsage
    metadata: NodeMetadata


class Resource(Parameters, frozen=True, kw_only=True):
    resource: Annotated[str, about("`acct:name@domain`, or the URL of a profile.")]


async def webfinger(request: Request, params: Resource) -> Reply:
    """The account of a handle or a profile URL (RFC 7033)."""
    async with request.database.read() as conn:
        account = await find_account_by_handle(conn, _handle_in(params.resource, request), request.context.settings.domain)
    if account is None or not account.is_local or account.effect >= AccountEffect.SUSPENDED:
        raise NotFound
    urls = request.context.urls
    answer = WebFinger(
        subject=f"acct:{account.username}@{request.context.settings.domain}",
        aliases=[urls.account(account), urls.account_uri(account)],
        links=[
            Link(rel="http://webfinger.net/rel/profile-page", type="text/html", href=urls.account(account)),
            Link(rel="http://webfinger.net/rel/avatar", href=urls.avatar(account)),
        ],
    )
    return Reply(encode(answer), media_type=b"application/jrd+json; charset=utf-8")


async def host_meta(request: Request) -> Reply:
    """The location of WebFinger (RFC 6415)."""
    base = escape(request.context.settings.base_url)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" template="{base}/.well-known/webfinger?resource={{uri}}"/>\n</XRD>\n'
    )
    return Reply(text.encode(), media_type=b"application/xrd+xml; charset=utf-8")


async def nodeinfo_links(request: Request) -> Reply:
    """The location of NodeInfo."""
    return request.json(NodeInfoLinks(links=[Link(rel=_SCHEMA, href=f"{request.context.settings.base_url}/nodeinfo/2.0")]))


async def nodeinfo(request: Request) -> Reply:
    """The software and size of this network, for statistics of networks (NodeInfo 2.0)."""
    network = request.context.settings.network
    members, active, posts = await counts(request)
    answer = NodeInfo(
        version="2.0",
        software=Software(name="folkmoot", version=__version__),
        protocols=[],
        services=Services(inbound=[], outbound=[]),
        is_open=network.registration in ("open", "approval"),
        usage=NodeUsage(users=UserTotals(total=members, active_month=active), posts=posts),
        metadata=NodeMetadata(
            node_name=network.name, node_description=network.description,
            upstream=ApiOrigin(name="mastodon", version=MASTODON_VERSION),
        ),
    )
    return Reply(encode(answer), media_type=f'application/json; profile="{_SCHEMA}#"; charset=utf-8'.encode())


def _handle_in(resource: str, request: Request) -> str:
    """The handle in `acct:jana@example.org` or in a profile URL of this network. Raises NotFound without a domain."""
    path = own_path(resource, request.context.settings.base_url) or ""
    for prefix in ("/@", "/users/"):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    if "@" not in resource.removeprefix("acct:").removeprefix("@"):
        raise NotFound
    return resource


ROUTES = [
    endpoint(
        "GET", "/.well-known/webfinger", webfinger, Access.PUBLIC, params=Resource, answer=WebFinger,
        media_type="application/jrd+json",
    ),
    endpoint("GET", "/.well-known/host-meta", host_meta, Access.PUBLIC, answer=str, media_type="application/xrd+xml"),
    endpoint("GET", "/.well-known/nodeinfo", nodeinfo_links, Access.PUBLIC, answer=NodeInfoLinks),
    endpoint("GET", "/nodeinfo/2.0", nodeinfo, Access.PUBLIC, answer=NodeInfo),
]
