"""Accounts that a member could follow, through the client API."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api.account_shapes import Account, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, UpTo80
from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.suggestions import actions
from folkmoot.network.suggestions import model as suggestions
from folkmoot.network.suggestions.model import Source
from folkmoot.network.suggestions.queries import list_suggestions

SourceWord = Literal["friends_of_friends", "most_followed"]
_WORDS: dict[Source, SourceWord] = {Source.FOLLOWED: "friends_of_friends", Source.POPULAR: "most_followed"}
_OLD_WORDS: dict[Source, Literal["past_interactions", "global"]] = {Source.FOLLOWED: "past_interactions", Source.POPULAR: "global"}


class MostSuggestions(Parameters, frozen=True, kw_only=True):
    limit: UpTo80 = 40


class Suggestion(Shape, kw_only=True):
    source: Annotated[Literal["past_interactions", "global"], Meta(description="For older apps; `sources` says more.")]
    sources: list[SourceWord]
    account: Account


async def index(request: Request, params: MostSuggestions) -> Reply:
    """Accounts that the member could follow: those that followed accounts follow, then those with the most followers."""
    async with request.database.read() as conn:
        found = await list_suggestions(conn, request.viewer.id, params.limit)
    return request.json([_shape(request, one) for one in found])


async def old_index(request: Request, params: MostSuggestions) -> Reply:
    """The same accounts, without the sources."""
    async with request.database.read() as conn:
        found = await list_suggestions(conn, request.viewer.id, params.limit)
    return request.json([request.entities.account(one.account) for one in found])


async def dismiss(request: Request) -> Reply:
    """Never suggests an account again. Unknown accounts are ignored."""
    async with request.database.write() as tx:
        await actions.dismiss_suggestion(tx, request.viewer.id, request.id())
    return request.json(Nothing())


def _shape(request: Request, found: suggestions.Suggestion) -> Suggestion:
    return Suggestion(
        source=_OLD_WORDS[found.sources[0]], sources=[_WORDS[source] for source in found.sources],
        account=request.entities.account(found.account),
    )


_DEPRECATED_AT = 1621123200  # seconds since 1970
ROUTES = [
    endpoint("GET", "/api/v2/suggestions", index, Access.MEMBER, "read:accounts", params=MostSuggestions, answer=list[Suggestion]),
    endpoint(
        "GET", "/api/v1/suggestions", old_index, Access.MEMBER, "read:accounts", params=MostSuggestions, answer=list[Account],
        deprecated_at=_DEPRECATED_AT,
    ),
    endpoint("DELETE", "/api/v1/suggestions/{id}", dismiss, Access.MEMBER, "read:accounts|write:accounts", answer=Nothing),
]
