"""What moderators hold back from the trends: the same as the page `/moderate/trends`. Not part of the Mastodon API."""

from typing import Annotated, Literal

from folkmoot.api.account_shapes import Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.trends.actions import hold_back, let_in
from folkmoot.network.trends.model import Kind, Refusal
from folkmoot.network.trends.queries import list_refusals

_SHOWN = 200


class WhichTrend(Parameters, frozen=True, kw_only=True):
    what: Annotated[str, about("A hashtag, the whole address of a page, or a domain.")]


class HeldBack(Shape, kw_only=True):
    """A hashtag with its sign, the address of a page, or the domain of a site, that is in no trends."""

    kind: Literal["hashtag", "link", "site"]
    what: str
    since: Moment


async def index(request: Request) -> Reply:
    """What is held back from the trends, newest first."""
    async with request.database.read() as conn:
        found = await list_refusals(conn, _SHOWN)
    return request.json([HeldBack(kind=_word(one), what=one.name, since=moment(one.refused_at)) for one in found])


def _word(one: Refusal) -> Literal["hashtag", "link", "site"]:
    return "hashtag" if one.kind is Kind.HASHTAG else "site" if one.is_site else "link"


async def refuse(request: Request, params: WhichTrend) -> Reply:
    """From now on a hashtag, a page, or all pages of a site are in no trends. Their posts stay as they are."""
    async with request.database.write() as tx:
        await hold_back(tx, request.viewer, params.what)
    return request.json(Nothing())


async def allow(request: Request, params: WhichTrend) -> Reply:
    """Lets a hashtag, a page or a site that was held back be a trend again."""
    async with request.database.write() as tx:
        await let_in(tx, request.viewer, params.what)
    return request.json(Nothing())


_TRENDS = "/api/folkmoot/v1/moderation/trends"
ROUTES = [
    endpoint("GET", _TRENDS, index, Access.MODERATOR, "admin:read:reports", answer=list[HeldBack]),
    endpoint("POST", _TRENDS, refuse, Access.MODERATOR, "admin:write:reports", params=WhichTrend, answer=Nothing),
    endpoint("POST", f"{_TRENDS}/allow", allow, Access.MODERATOR, "admin:write:reports", params=WhichTrend, answer=Nothing),
]
