"""Pages of what one is told: notices and messages.

Notices that say the same of the same post stand together: one line, several names.
"""

from contextlib import suppress
from typing import NamedTuple

from folkmoot.base.errors import NotFound, WritesPaused
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.reports.queries import list_outcomes
from folkmoot.moderation.statements.queries import list_statements
from folkmoot.network.accounts.model import Account
from folkmoot.network.conversations import actions as conversations
from folkmoot.network.conversations.queries import get_conversation, list_conversations
from folkmoot.network.notifications import actions
from folkmoot.network.notifications.model import Kind, Notification
from folkmoot.network.notifications.queries import list_markers, list_notifications
from folkmoot.web.request import Request
from folkmoot.web.timelines import ways

_FILTERS: dict[str, list[Kind] | None] = {"": None, "mentions": [Kind.MENTION], "follows": [Kind.FOLLOW, Kind.FOLLOW_REQUEST]}
_LETTERS = (Kind.STATEMENT, Kind.LIFTED)
_TOGETHER = (Kind.FAVOURITE, Kind.BOOST, Kind.FOLLOW)


class Notice(NamedTuple):
    """What stands on one line: the newest of some notifications, and who all of them are from."""

    newest: Notification
    people: list[Account]
    is_new: bool


def _gather(found: list[Notification], read_to: int) -> list[Notice]:
    """Those of the same kind and post become one, where the newest stands; what is new never joins what was read."""
    heaps: dict[object, list[Notification]] = {}
    for entry in found:
        post = entry.post.shown.id if entry.post else 0
        key = (entry.kind, post, entry.id > read_to) if entry.kind in _TOGETHER else entry.id
        heaps.setdefault(key, []).append(entry)
    return [Notice(heap[0], list({entry.sender.id: entry.sender for entry in heap}.values()), heap[0].id > read_to)
            for heap in heaps.values()]


async def index(request: Request) -> Reply:
    """Opening the page counts as reading it; what was new is still marked on it."""
    chosen = request.query.text("show")
    if chosen not in _FILTERS:
        raise NotFound
    page = request.page()
    async with request.database.read() as conn:
        found = await list_notifications(conn, request.viewer.id, page, kinds=_FILTERS[chosen])
        markers = await list_markers(conn, request.viewer.id, ["notifications"])
        letter_ids = [entry.reference_id for entry in found if entry.kind in _LETTERS and entry.reference_id]
        report_ids = [entry.reference_id for entry in found if entry.kind is Kind.REPORT and entry.reference_id]
        letters = await list_statements(conn, letter_ids) if letter_ids else {}
        outcomes = await list_outcomes(conn, report_ids) if report_ids else {}
    read_to = markers[0].last_read_id if markers else 0
    if found and page.max_id is None and not chosen and found[0].id > read_to:
        with suppress(WritesPaused):  # reading goes on
            async with request.database.write() as tx:
                await actions.mark_read(tx, request.viewer.id, "notifications", found[0].id)
    return await request.show(
        "notifications/index.html", notices=_gather(found, read_to), chosen=chosen, letters=letters, outcomes=outcomes,
        **ways(page, [entry.id for entry in found]),
    )


async def clear(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.clear(tx, request.viewer.id)
    return request.redirect("/notifications")


async def messages(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        rows = await list_conversations(conn, request.viewer.id, page)
    return await request.show(
        "messages/index.html", conversations=[conversation for _, conversation in rows], **ways(page, [last for last, _ in rows])
    )


async def open_conversation(request: Request) -> Reply:
    """Leads to the last message of a conversation, and counts it as read."""
    async with request.database.read() as conn:
        conversation = await get_conversation(conn, request.viewer.id, request.id())
    if conversation.is_unread:
        with suppress(WritesPaused):
            async with request.database.write() as tx:
                await conversations.mark_conversation(tx, request.viewer.id, request.id(), is_unread=False)
    post = conversation.last_post.post
    return request.redirect(f"/@{post.author.acct}/{post.id}")


async def put_away(request: Request) -> Reply:
    async with request.database.write() as tx:
        await conversations.put_away(tx, request.viewer.id, request.id())
    return request.redirect("/messages")


ROUTES = [
    Route("GET", "/notifications", index, Access.MEMBER),
    Route("POST", "/notifications/clear", clear, Access.MEMBER),
    Route("GET", "/messages", messages, Access.MEMBER),
    Route("GET", "/messages/{id}", open_conversation, Access.MEMBER),
    Route("POST", "/messages/{id}/put_away", put_away, Access.MEMBER),
]
