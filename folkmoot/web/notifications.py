"""The page of notices. Those of the same kind about the same post are grouped: one line, several names. Messages are apart."""

from contextlib import suppress
from typing import NamedTuple

import msgspec

from folkmoot.base.errors import NotFound, WritesPaused
from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.reports.queries import list_outcomes
from folkmoot.moderation.statements.queries import list_statements
from folkmoot.network.accounts.model import Account
from folkmoot.network.filters.matching import apply_filters, is_hidden
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.filters.paging import list_unhidden
from folkmoot.network.notifications import actions
from folkmoot.network.notifications.model import Kind, Notification
from folkmoot.network.notifications.queries import list_lines, list_markers, of_lines
from folkmoot.network.timelines.queries import list_entries
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links

_FILTERS: dict[str, list[Kind] | None] = {
    "": None, "mentions": [Kind.MENTION, Kind.QUOTE], "follows": [Kind.FOLLOW, Kind.FOLLOW_REQUEST],
}
_STATEMENTS = (Kind.STATEMENT, Kind.LIFTED)
_GROUPED = (Kind.FAVOURITE, Kind.BOOST, Kind.FOLLOW)


class Notice(NamedTuple):
    """One line: the newest of a group of notifications, and the senders of all of them."""

    newest: Notification
    senders: list[Account]
    is_new: bool


def group_notices(found: list[Notification], read_to: int) -> list[Notice]:
    """Groups notifications of the same kind and post, in the place of the newest. New ones never join read ones."""
    groups: dict[object, list[Notification]] = {}
    for entry in found:
        post = entry.post.shown.id if entry.post else 0
        key = (entry.kind, post, entry.id > read_to) if entry.kind in _GROUPED else entry.id
        groups.setdefault(key, []).append(entry)
    return [Notice(group[0], list({entry.sender.id: entry.sender for entry in group}.values()), group[0].id > read_to)
            for group in groups.values()]


def folded(request: Request, entry: Notification) -> Notification:
    """The notification, which is not hidden, with its post as the viewer's filters show it here."""
    posts = apply_filters(request.filters, FilterContext.NOTIFICATIONS, [entry.post] if entry.post else [])
    return msgspec.structs.replace(entry, post=posts[0]) if posts else entry


async def index(request: Request) -> Reply:
    """Marks the notices as read; the page still shows which ones were new."""
    chosen = request.query.text("show")
    if chosen not in _FILTERS:
        raise NotFound
    page = request.page()
    found, ids = await list_unhidden(
        lambda part: _list(request, part, _FILTERS[chosen]), page,
        lambda entry: entry.id, lambda entry: is_hidden(request.filters, FilterContext.NOTIFICATIONS, entry.post),
    )
    async with request.database.read() as conn:
        markers = await list_markers(conn, request.viewer.id, ["notifications"])
        statement_ids = [entry.reference_id for entry in found if entry.kind in _STATEMENTS and entry.reference_id]
        report_ids = [entry.reference_id for entry in found if entry.kind is Kind.REPORT and entry.reference_id]
        statements = await list_statements(conn, statement_ids) if statement_ids else {}
        outcomes = await list_outcomes(conn, report_ids) if report_ids else {}
    read_to = markers[0].last_read_id if markers else 0
    if ids and page.max_id is None and not chosen and ids[0] > read_to:
        with suppress(WritesPaused):  # the page can still be read
            async with request.database.write(waits=False) as tx:
                await actions.mark_read(tx, request.viewer.id, "notifications", ids[0])
    return await request.show(
        "notifications/index.html", notices=group_notices([folded(request, entry) for entry in found], read_to), chosen=chosen,
        statements=statements, outcomes=outcomes,
        **page_links(page, ids),
    )


async def _list(request: Request, page: Page, kinds: list[Kind] | None) -> list[Notification]:
    """Notifications with senders and posts from memory. Those about messages are left out."""
    async with request.database.read() as conn:
        lines = await list_lines(conn, request.viewer.id, page, kinds=kinds, with_messages=False)
        senders = await request.shared.accounts.find(conn, [line.sender for line in lines])
        entries = await list_entries(conn, list({line.post_id for line in lines if line.post_id}), request.viewer.id)
    return of_lines(lines, senders, await request.chosen_views(entries))


async def clear(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.clear(tx, request.viewer.id)
    return request.redirect("/notifications")


ROUTES = [
    Route("GET", "/notifications", index, Access.MEMBER),
    Route("POST", "/notifications/clear", clear, Access.MEMBER),
]
