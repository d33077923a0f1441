"""Pages of filters: all of them, a new one, changing one, and which of them a post is in."""

from collections.abc import Sequence

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Invalid
from folkmoot.base.text import clean_line
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.filters import actions, queries
from folkmoot.network.filters.model import (
    LONGEST_TITLE,
    Filter,
    FilterAction,
    FilterContext,
    FilterDraft,
    Keyword,
    KeywordDraft,
)
from folkmoot.network.posts.queries import get_post_view, list_post_views
from folkmoot.web.request import Request

_UNCHANGED = "unchanged"  # of the end of a filter
_SECONDS = (1800, 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400)


class FormValues(msgspec.Struct, frozen=True, kw_only=True):
    """What the form shows: a filter as it is, or as it was sent with errors."""

    title: str = ""
    contexts: frozenset[str] = frozenset(FilterContext)
    action: str = FilterAction.WARN
    end: str = ""
    words: str = ""  # one on each line
    parts: str = ""  # the same, of keywords that also match inside words


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await queries.list_filters(conn, request.viewer.id)
    return await request.show("filters/index.html", filters=found)


async def new(request: Request) -> Reply:
    """The form for a new filter. `post`: the post that is going to be in it."""
    return await _form_page(request, None, FormValues(), {})


async def create(request: Request) -> Reply:
    values = _sent(request.form)
    post_id = request.form.id("post")
    try:
        async with request.database.write() as tx:
            created = await actions.create_filter(tx, request.account, _draft(values, ()))
            if post_id:
                await actions.filter_post(tx, request.account, created.id, post_id)
    except Invalid as problem:
        return await _form_page(request, None, values, request.problems(problem), 422)
    return request.redirect("/settings/filters?saved=1")


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await queries.get_filter(conn, request.viewer.id, request.id())
    return await _form_page(request, found, _values_of(found), {})


async def change(request: Request) -> Reply:
    values = _sent(request.form)
    try:
        async with request.database.write() as tx:
            before = await queries.get_filter(tx, request.viewer.id, request.id())
            await actions.change_filter(tx, request.account, before.id, _draft(values, before.keywords))
    except Invalid as problem:
        async with request.database.read() as conn:
            found = await queries.get_filter(conn, request.viewer.id, request.id())
        return await _form_page(request, found, values, request.problems(problem), 422)
    return request.redirect("/settings/filters?saved=1")


async def delete(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.delete_filter(tx, request.account, request.id())
    return request.redirect("/settings/filters?deleted=1")


async def remove_post(request: Request) -> Reply:
    """Takes a post out of a filter. In the path: the id of the post in the filter."""
    async with request.database.write() as tx:
        found = await queries.get_filter_of_filtered(tx, request.viewer.id, request.id())
        await actions.unfilter_post(tx, request.account, request.id())
    return request.redirect(f"/settings/filters/{found.id}")


async def of_post(request: Request) -> Reply:
    """Which filters a post is in."""
    return await _post_page(request, {})


async def choose(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            view = await get_post_view(tx, request.id(), request.viewer.id)
            await actions.choose_filters_of_post(tx, request.account, request.id(), request.form.ids("filters"))
    except Invalid as problem:
        return await _post_page(request, request.problems(problem), 422)
    return request.redirect(f"/@{view.shown.author.acct}/{view.shown.id}")


async def _post_page(request: Request, errors: dict[str, str], status: int = 200) -> Reply:
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer.id)
        found = await queries.list_filters(conn, request.viewer.id)
    chosen = {one.id for one in found if any(filtered.post_id == request.id() for filtered in one.posts)}
    return await request.show("filters/post.html", status, view=view, filters=found, chosen=chosen, errors=errors)


async def _form_page(
    request: Request, found: Filter | None, values: FormValues, errors: dict[str, str], status: int = 200
) -> Reply:
    """The form for a new filter, or for one with the posts that are in it."""
    async with request.database.read() as conn:
        views = await list_post_views(conn, [one.post_id for one in found.posts], request.viewer.id) if found else []
    posts = {view.post.id: view for view in views}
    return await request.show(
        "filters/form.html", status, filter=found, values=values, errors=errors, posts=posts, lengths=_SECONDS,
        post_id=request.form.id("post") or request.query.id("post"), longest_title=LONGEST_TITLE,
    )


def _values_of(found: Filter) -> FormValues:
    return FormValues(
        title=found.title, contexts=frozenset(found.contexts), action=found.action,
        end=_UNCHANGED if found.expires_at and not found.is_expired(clock.now()) else "",
        words="\n".join(one.text for one in found.keywords if one.is_whole_word),
        parts="\n".join(one.text for one in found.keywords if not one.is_whole_word),
    )


def _sent(form: Params) -> FormValues:
    return FormValues(
        title=form.text("title"), contexts=frozenset(form.texts("contexts")), action=form.text("action"), end=form.text("expires_in"),
        words=form.text("keywords"), parts=form.text("parts"),
    )


def _draft(values: FormValues, before: Sequence[Keyword]) -> FilterDraft:
    """A keyword whose line is gone is removed, a new line is a new keyword. A filter without a name is named after its first word."""
    wanted = {(line, is_whole): None for text, is_whole in ((values.words, True), (values.parts, False)) for line in _lines(text)}
    present = {(one.text, one.is_whole_word) for one in before}
    removed = [KeywordDraft(id=one.id, is_removed=True) for one in before if (one.text, one.is_whole_word) not in wanted]
    added = [KeywordDraft(text=text, is_whole_word=is_whole) for text, is_whole in wanted if (text, is_whole) not in present]
    return FilterDraft(
        title=values.title.strip() or next((text[:LONGEST_TITLE] for text, _ in wanted), ""), contexts=sorted(values.contexts),
        action=FilterAction(values.action) if values.action in list(FilterAction) else None,
        expires_in=msgspec.UNSET if values.end == _UNCHANGED else int(values.end) if values.end in map(str, _SECONDS) else None,
        keywords=(*removed, *added),
    )


def _lines(text: str) -> list[str]:
    return list(filter(None, map(clean_line, text.splitlines())))


_ALL, _ONE = "/settings/filters", "/settings/filters/{id}"
ROUTES = [
    Route("GET", _ALL, index, Access.MEMBER),
    Route("POST", _ALL, create, Access.MEMBER),
    Route("GET", f"{_ALL}/new", new, Access.MEMBER),
    Route("GET", _ONE, show, Access.MEMBER),
    Route("POST", _ONE, change, Access.MEMBER),
    Route("POST", f"{_ONE}/delete", delete, Access.MEMBER),
    Route("POST", f"{_ALL}/posts/{{id}}/remove", remove_post, Access.MEMBER),
    Route("GET", "/posts/{id}/filters", of_post, Access.MEMBER),
    Route("POST", "/posts/{id}/filters", choose, Access.MEMBER),
]
