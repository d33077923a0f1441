"""Filters through the client API, version 1: each keyword of the member's filters is a filter of its own."""

from typing import Annotated, Any

from msgspec import UNSET

from folkmoot.api import filter_shapes as shapes
from folkmoot.api.endpoints import Endpoint, endpoint
from folkmoot.api.filters import Seconds
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.filters import actions, model, queries
from folkmoot.network.filters.model import FilterAction, FilterDraft, KeywordDraft


class OldFilterChange(Parameters, frozen=True, kw_only=True):
    """Absent parameters stay as they are. A new filter needs a phrase and a context."""

    phrase: Annotated[str | None, about(maxLength=model.LONGEST_KEYWORD)] = None
    context: Annotated[
        tuple[str, ...] | None, about("Where the filter applies: `home`, `notifications`, `public`, `thread`, `account`.")
    ] = None
    irreversible: Annotated[bool | None, about("Whether posts are hidden, not only folded.")] = None
    whole_word: Annotated[bool | None, about("Whether the phrase matches whole words only; absent for a new filter: no.")] = None
    expires_in: Seconds = UNSET


async def index(request: Request) -> Reply:
    """The keywords of the member's filters."""
    async with request.database.read() as conn:
        found = await queries.list_filters(conn, request.viewer.id)
    return request.json([shapes.old_filter(one, keyword) for one in found for keyword in one.keywords])


async def show(request: Request) -> Reply:
    """One keyword with its filter."""
    async with request.database.read() as conn:
        found = await queries.get_filter_of_keyword(conn, request.viewer.id, request.id())
    return _shown(request, found, request.id())


async def create(request: Request, params: OldFilterChange) -> Reply:
    """Creates a filter with one keyword, which is its title too."""
    phrase = params.phrase or ""
    draft = FilterDraft(
        title=phrase, contexts=params.context, action=FilterAction.HIDE if params.irreversible else FilterAction.WARN,
        expires_in=params.expires_in, keywords=(KeywordDraft(text=phrase, is_whole_word=bool(params.whole_word)),),
    )
    async with request.database.write() as tx:
        created = await actions.create_filter(tx, request.account, draft)
    return _shown(request, created, created.keywords[0].id)


async def change(request: Request, params: OldFilterChange) -> Reply:
    """Changes a keyword. Where, how and how long its filter applies can be changed only if it has no other keyword."""
    async with request.database.write() as tx:
        before = await queries.get_filter_of_keyword(tx, request.viewer.id, request.id())
        changed = await actions.change_filter(tx, request.account, before.id, _draft(before, request.id(), params))
    return _shown(request, changed, request.id())


async def delete(request: Request) -> Reply:
    """Removes a keyword; its filter too, if nothing is left in it."""
    async with request.database.write() as tx:
        await actions.remove_keyword(tx, request.account, request.id(), with_filter=True)
    return request.json(Nothing())


def _draft(before: model.Filter, keyword_id: int, params: OldFilterChange) -> FilterDraft:
    """Raises Invalid for a change that would affect other keywords."""
    [phrase] = [one.text for one in before.keywords if one.id == keyword_id]
    action = None
    if params.irreversible is not None and params.irreversible != (before.action is FilterAction.HIDE):
        action = FilterAction.HIDE if params.irreversible else FilterAction.WARN
    contexts = None if params.context is None or set(params.context) == set(before.contexts) else params.context
    if len(before.keywords) > 1 and (action or contexts is not None or params.expires_in is not UNSET):
        raise Invalid(FieldError("contexts", "invalid", "This filter has several words. Change it on the website or in a newer app."))
    return FilterDraft(
        title=params.phrase if before.title == phrase else None, contexts=contexts, action=action, expires_in=params.expires_in,
        keywords=(KeywordDraft(id=keyword_id, text=params.phrase, is_whole_word=params.whole_word),),
    )


def _shown(request: Request, found: model.Filter, keyword_id: int) -> Reply:
    return request.json(next(shapes.old_filter(found, one) for one in found.keywords if one.id == keyword_id))


_ALL, _ONE = "/api/v1/filters", "/api/v1/filters/{id}"
_DEPRECATED_AT = 1668384000  # 14 November 2022
_FAULTY = {"title": "phrase", "keywords": "phrase"}


def _endpoint(method: str, path: str, handler: Any, answer: Any, params: type[Parameters] | None = None) -> Endpoint:
    scope = "read:filters" if method == "GET" else "write:filters"
    return endpoint(method, path, handler, Access.MEMBER, scope, params=params, answer=answer, deprecated_at=_DEPRECATED_AT, faulty=_FAULTY)


ROUTES = [
    _endpoint("GET", _ALL, index, list[shapes.OldFilter]),
    _endpoint("POST", _ALL, create, shapes.OldFilter, OldFilterChange),
    _endpoint("GET", _ONE, show, shapes.OldFilter),
    *(_endpoint(method, _ONE, change, shapes.OldFilter, OldFilterChange) for method in ("PUT", "PATCH")),
    _endpoint("DELETE", _ONE, delete, Nothing),
]
