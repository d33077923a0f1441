"""Filters through the client API, version 2. `old_filters.py` has version 1, on the same data."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from folkmoot.api import filter_shapes as shapes
from folkmoot.api.endpoints import Endpoint, endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Id, Parameters, about
from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.filters import actions, model, queries
from folkmoot.network.filters.model import FilterAction, FilterDraft, KeywordDraft

_ACTION_OF = {"warn": FilterAction.WARN, "hide": FilterAction.HIDE, "blur": FilterAction.BLUR, "blur_media": FilterAction.BLUR}
ActionWord = Annotated[Literal["warn", "hide", "blur", "blur_media"], Meta(extra={"unknown": "There is no such action."})]
Seconds = Annotated[int | UnsetType | None, about("Seconds from now; 0, null or an empty value: never.", maximum=model.LONGEST_EXPIRY)]


class NewKeyword(Parameters, frozen=True, kw_only=True):
    keyword: Annotated[str, about(maxLength=model.LONGEST_KEYWORD)] = ""
    whole_word: Annotated[bool, about("Whether it matches whole words only.")] = True


class ChangedKeyword(Parameters, frozen=True, kw_only=True):
    keyword: Annotated[str | None, about(maxLength=model.LONGEST_KEYWORD)] = None
    whole_word: bool | None = None


class KeywordChange(ChangedKeyword, frozen=True, kw_only=True):
    """With `id` a change of a keyword, without it a new one."""

    id: Id | None = None
    is_removed: Annotated[bool, about("Removes the keyword.")] = msgspec.field(name="_destroy", default=False)


class FilterChange(Parameters, frozen=True, kw_only=True):
    """Absent parameters stay as they are. A new filter needs a title and a context."""

    title: Annotated[str | None, about(maxLength=model.LONGEST_TITLE)] = None
    context: Annotated[
        tuple[str, ...] | None, about("Where the filter applies: `home`, `notifications`, `public`, `thread`, `account`.")
    ] = None
    filter_action: Annotated[ActionWord | None, about("`warn` for a new filter. `blur_media` is another word for `blur`.")] = None
    expires_in: Seconds = UNSET
    keywords_attributes: tuple[KeywordChange, ...] = ()

    @property
    def draft(self) -> FilterDraft:
        return FilterDraft(
            title=self.title, contexts=self.context, expires_in=self.expires_in,
            action=_ACTION_OF[self.filter_action] if self.filter_action else None,
            keywords=tuple(
                KeywordDraft(id=one.id, text=one.keyword, is_whole_word=one.whole_word, is_removed=one.is_removed)
                for one in self.keywords_attributes
            ),
        )


class FilteredStatus(Parameters, frozen=True, kw_only=True):
    status_id: Id


async def index(request: Request) -> Reply:
    """The member's filters, the newest first. An expired filter is kept for a month."""
    async with request.database.read() as conn:
        return request.json(list(map(shapes.whole_filter, await queries.list_filters(conn, request.viewer.id))))


async def show(request: Request) -> Reply:
    """One filter."""
    async with request.database.read() as conn:
        return request.json(shapes.whole_filter(await queries.get_filter(conn, request.viewer.id, request.id())))


async def create(request: Request, params: FilterChange) -> Reply:
    """Creates a filter."""
    async with request.database.write() as tx:
        return request.json(shapes.whole_filter(await actions.create_filter(tx, request.account, params.draft)))


async def change(request: Request, params: FilterChange) -> Reply:
    """Changes a filter and its keywords."""
    async with request.database.write() as tx:
        return request.json(shapes.whole_filter(await actions.change_filter(tx, request.account, request.id(), params.draft)))


async def delete(request: Request) -> Reply:
    """Deletes a filter."""
    async with request.database.write() as tx:
        await actions.delete_filter(tx, request.account, request.id())
    return request.json(Nothing())


async def keywords(request: Request) -> Reply:
    """The keywords of a filter."""
    async with request.database.read() as conn:
        found = await queries.get_filter(conn, request.viewer.id, request.id())
    return request.json(list(map(shapes.keyword, found.keywords)))


async def add_keyword(request: Request, params: NewKeyword) -> Reply:
    """Adds a keyword to a filter."""
    draft = KeywordDraft(text=params.keyword, is_whole_word=params.whole_word)
    async with request.database.write() as tx:
        return request.json(shapes.keyword(await actions.add_keyword(tx, request.account, request.id(), draft)))


async def show_keyword(request: Request) -> Reply:
    """One keyword."""
    async with request.database.read() as conn:
        found = await queries.get_filter_of_keyword(conn, request.viewer.id, request.id())
    return request.json(next(shapes.keyword(one) for one in found.keywords if one.id == request.id()))


async def change_keyword(request: Request, params: ChangedKeyword) -> Reply:
    """Changes a keyword."""
    draft = KeywordDraft(text=params.keyword, is_whole_word=params.whole_word)
    async with request.database.write() as tx:
        return request.json(shapes.keyword(await actions.change_keyword(tx, request.account, request.id(), draft)))


async def remove_keyword(request: Request) -> Reply:
    """Removes a keyword from its filter."""
    async with request.database.write() as tx:
        await actions.remove_keyword(tx, request.account, request.id())
    return request.json(Nothing())


async def statuses(request: Request) -> Reply:
    """The statuses in a filter."""
    async with request.database.read() as conn:
        found = await queries.get_filter(conn, request.viewer.id, request.id())
    return request.json(list(map(shapes.filtered_status, found.posts)))


async def add_status(request: Request, params: FilteredStatus) -> Reply:
    """Adds a status to a filter. One that is in it already stays."""
    async with request.database.write() as tx:
        filtered = await actions.filter_post(tx, request.account, request.id(), params.status_id)
    return request.json(shapes.filtered_status(filtered))


async def show_status(request: Request) -> Reply:
    """One status in a filter, by the id that adding it returned."""
    async with request.database.read() as conn:
        found = await queries.get_filter_of_filtered(conn, request.viewer.id, request.id())
    return request.json(next(shapes.filtered_status(one) for one in found.posts if one.id == request.id()))


async def remove_status(request: Request) -> Reply:
    """Removes a status from a filter, by the id that adding it returned."""
    async with request.database.write() as tx:
        await actions.unfilter_post(tx, request.account, request.id())
    return request.json(Nothing())


_ALL = "/api/v2/filters"
_ONE = f"{_ALL}/{{id}}"


def _read(path: str, handler: Any, answer: Any) -> Endpoint:
    return endpoint("GET", path, handler, Access.MEMBER, "read:filters", answer=answer)


def _write(method: str, path: str, handler: Any, answer: Any, params: type[Parameters] | None = None) -> Endpoint:
    return endpoint(method, path, handler, Access.MEMBER, "write:filters", params=params, answer=answer)


ROUTES = [
    _read(_ALL, index, list[shapes.Filter]),
    _write("POST", _ALL, create, shapes.Filter, FilterChange),
    _read(_ONE, show, shapes.Filter),
    *(_write(method, _ONE, change, shapes.Filter, FilterChange) for method in ("PUT", "PATCH")),
    _write("DELETE", _ONE, delete, Nothing),
    _read(f"{_ONE}/keywords", keywords, list[shapes.FilterKeyword]),
    _write("POST", f"{_ONE}/keywords", add_keyword, shapes.FilterKeyword, NewKeyword),
    _read(f"{_ALL}/keywords/{{id}}", show_keyword, shapes.FilterKeyword),
    *(_write(method, f"{_ALL}/keywords/{{id}}", change_keyword, shapes.FilterKeyword, ChangedKeyword) for method in ("PUT", "PATCH")),
    _write("DELETE", f"{_ALL}/keywords/{{id}}", remove_keyword, Nothing),
    _read(f"{_ONE}/statuses", statuses, list[shapes.FilterStatus]),
    _write("POST", f"{_ONE}/statuses", add_status, shapes.FilterStatus, FilteredStatus),
    _read(f"{_ALL}/statuses/{{id}}", show_status, shapes.FilterStatus),
    _write("DELETE", f"{_ALL}/statuses/{{id}}", remove_status, Nothing),
]
