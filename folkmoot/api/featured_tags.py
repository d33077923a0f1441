"""Hashtags on profiles, through the client API. `search.py` suggests some."""

from typing import Annotated

from folkmoot.api.activity_shapes import FeaturedTag, Tag
from folkmoot.api.endpoints import endpoint
from folkmoot.api.followed_tags import hashtag_name, tags_of
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.base.db import WriteTx
from folkmoot.base.tokens import hashtag_key
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.featured import actions
from folkmoot.network.featured.queries import list_featured
from folkmoot.network.search.model import Hashtag


class NewTag(Parameters, frozen=True, kw_only=True):
    name: Annotated[str, about("The hashtag, with or without `#`.")] = ""


async def index(request: Request) -> Reply:
    """The hashtags on the member's profile."""
    return await _list(request, request.account)


async def of_account(request: Request) -> Reply:
    """The hashtags on a profile."""
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
    return await _list(request, account)


async def _list(request: Request, account: Account) -> Reply:
    if account.effect >= AccountEffect.SUSPENDED:
        return request.json([])
    async with request.database.read() as conn:
        found = await list_featured(conn, account.id)
    return request.json([request.entities.featured_tag(one, account) for one in found])


async def create(request: Request, params: NewTag) -> Reply:
    """Shows a hashtag on the member's profile."""
    async with request.database.write() as tx:
        featured = await actions.feature_hashtag(tx, request.account, params.name)
    return request.json(request.entities.featured_tag(featured, request.account))


async def delete(request: Request) -> Reply:
    """Takes a hashtag off the member's profile."""
    async with request.database.write() as tx:
        await actions.unfeature_hashtag(tx, request.account, request.id())
    return request.json(Nothing())


async def feature(request: Request) -> Reply:
    """Shows a hashtag on the member's profile."""
    name = hashtag_name(request)
    async with request.database.write() as tx:
        await actions.feature_hashtag(tx, request.account, name)
        return await _tag(tx, request, name)


async def unfeature(request: Request) -> Reply:
    """Takes a hashtag off the member's profile."""
    name = hashtag_name(request)
    async with request.database.write() as tx:
        await actions.unfeature_hashtag_by_name(tx, request.account, name)
        return await _tag(tx, request, name)


async def _tag(tx: WriteTx, request: Request, name: str) -> Reply:
    [tag] = await tags_of(tx, request, [Hashtag(key=hashtag_key(name), name=name)])
    return request.json(tag)


_READ, _WRITE = "read:accounts", "write:accounts"
_ALL = "/api/v1/featured_tags"
ROUTES = [
    endpoint("GET", _ALL, index, Access.MEMBER, _READ, answer=list[FeaturedTag]),
    endpoint("POST", _ALL, create, Access.MEMBER, _WRITE, params=NewTag, answer=FeaturedTag),
    endpoint("DELETE", f"{_ALL}/{{id}}", delete, Access.MEMBER, _WRITE, answer=Nothing),
    endpoint("GET", "/api/v1/accounts/{id}/featured_tags", of_account, Access.PUBLIC, _READ, answer=list[FeaturedTag]),
    endpoint("POST", "/api/v1/tags/{name}/feature", feature, Access.MEMBER, _WRITE, answer=Tag),
    endpoint("POST", "/api/v1/tags/{name}/unfeature", unfeature, Access.MEMBER, _WRITE, answer=Tag),
]
