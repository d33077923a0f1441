"""Pages of messages: the list of conversations, one conversation, and the choice of whom to write to.

A conversation shows its direct posts only, oldest first, with the form for the next message below. That message goes to
the people of the newest one: its author and the accounts that it mentions.
"""

import re
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.base.errors import NotFound, WritesPaused
from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import find_account_by_handle, list_accounts
from folkmoot.network.conversations import actions, queries
from folkmoot.network.filters.matching import apply_filters
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.posts.model import PostView
from folkmoot.network.search.queries import search_accounts
from folkmoot.network.timelines.queries import list_entries
from folkmoot.web.composer import message_in
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links

_MESSAGES = 40  # on one page
_FOUND = 10  # people whom the search shows
_FIRST_MENTIONS = re.compile(r'^<p>(?:<span class="h-card"[^>]*><a [^>]*>@<span>[^<]*</span></a></span>\s*)+(?=\S)(?!</p>)')
_FIRST_HANDLES = re.compile(r"^(?:@\w[\w.@:-]*+\s++)++(?=\S)")  # never looks back, so the time is linear


async def index(request: Request) -> Reply:
    return await _index(request, is_put_away=False)


async def index_put_away(request: Request) -> Reply:
    return await _index(request, is_put_away=True)


async def _index(request: Request, *, is_put_away: bool) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        lines = await queries.list_lines(conn, request.viewer.id, page, is_put_away=is_put_away)
        people = await list_accounts(conn, [id_ for line in lines for id_ in line.people_ids])
        entries = await list_entries(conn, [line.shown_id for line in lines], request.viewer.id)
    rows = queries.joined(lines, people, await request.chosen_views(entries))
    return await request.show(
        "messages/index.html", is_put_away=is_put_away, conversations=[conversation for _, conversation in rows], excerpt=without_handles,
        is_deleted=request.query.flag("deleted"), **page_links(page, [last for last, _ in rows]),
    )


async def new(request: Request) -> Reply:
    """Finds the person to write to."""
    text = request.query.text("q").strip()[:200]
    found: list[Account] = []
    if text:
        async with request.database.read() as conn:
            found = await search_accounts(
                conn, request.viewer.id, text, limit=_FOUND, own_domain=request.context.settings.domain
            )
    return await request.show("messages/new.html", text=text, accounts=[account for account in found if account.id != request.viewer.id])


async def open_with(request: Request) -> Reply:
    """The conversation with one person, or the form for the first message."""
    async with request.database.read() as conn:
        account = await find_account_by_handle(conn, request.value("name"), request.context.settings.domain)
        if account is None or account.effect >= AccountEffect.SUSPENDED:
            raise NotFound
        conversation_id = await queries.find_conversation_with(conn, request.viewer.id, account.id)
        if conversation_id and not await queries.list_message_ids(conn, request.viewer.id, conversation_id, Page(limit=1)):
            conversation_id = None
    return request.redirect(f"/messages/{conversation_id}#newest" if conversation_id else f"/posts/new?to={account.acct}")


async def show(request: Request) -> Reply:
    """A conversation; marks it as read. `at`: a message that must be on the page."""
    conversation_id = request.id()
    page = msgspec.structs.replace(request.page(), limit=_MESSAGES)
    async with request.database.read() as conn:
        ids = await queries.list_message_ids(conn, request.viewer.id, conversation_id, page)
        if (at := request.query.id("at")) and ids and at < ids[-1]:
            page = Page(limit=_MESSAGES, max_id=at + 1)
            ids = await queries.list_message_ids(conn, request.viewer.id, conversation_id, page)
        entries = await list_entries(conn, ids, request.viewer.id)
    views = await request.chosen_views(entries)
    if not views:
        raise NotFound
    async with request.database.read() as conn:
        people = await _people(conn, views[0], request.viewer.id)
        is_unread = await queries.is_conversation_unread(conn, request.viewer.id, conversation_id)
        is_put_away = await queries.is_conversation_put_away(conn, request.viewer.id, conversation_id)
    if is_unread:
        with suppress(WritesPaused, NotFound):  # the page can still be read
            async with request.database.write(waits=False) as tx:
                await actions.mark_conversation(tx, request.viewer.id, conversation_id, is_unread=False)
    links = page_links(page, ids)
    shown = apply_filters(request.filters, FilterContext.THREAD, views[::-1])
    composer = message_in(conversation_id, views[0].post, people)
    return await request.show(
        "messages/show.html", is_put_away=is_put_away, views=shown, people=people, composer=composer, conversation_id=conversation_id,
        answered=_answered_post(views, links["older"]), message_html=without_mentions, **links,
    )


async def write(request: Request) -> Reply:
    """The full form for the next message, with pictures, a poll or a cover."""
    async with request.database.read() as conn:
        ids = await queries.list_message_ids(conn, request.viewer.id, request.id(), Page(limit=1))
        entries = await list_entries(conn, ids, request.viewer.id)
    views = await request.chosen_views(entries)
    async with request.database.read() as conn:
        people = await _people(conn, views[0], request.viewer.id) if views else []
    if not people:
        raise NotFound
    return await request.show("posts/new.html", composer=message_in(request.id(), views[0].post, people))


async def put_away(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.put_away_conversation(tx, request.viewer.id, request.id())
    return request.redirect("/messages")


async def put_back(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.put_back_conversation(tx, request.viewer.id, request.id())
    return request.redirect("/messages")


async def _people(conn: ReadConn, newest: PostView, viewer_id: int) -> list[Account]:
    """The author and the mentioned accounts of a message, without the viewer."""
    ids = dict.fromkeys([newest.post.author.id, *(mention.account_id for mention in newest.post.mentions)])
    ids.pop(viewer_id, None)
    found = await list_accounts(conn, list(ids))
    return [found[id_] for id_ in ids if id_ in found and found[id_].effect < AccountEffect.SUSPENDED]


def _answered_post(views: Sequence[PostView], older: int | None) -> int | None:
    """The post that the first message answers, if it is no message of this conversation."""
    first = views[-1].post
    return first.reply_to_id if older is None else None


def without_mentions(html: str) -> str:
    """A message without the mentions at its beginning, which only name its recipients."""
    return _FIRST_MENTIONS.sub("<p>", html, count=1)


def without_handles(text: str) -> str:
    """The same for a plain text."""
    return _FIRST_HANDLES.sub("", text, count=1)


ROUTES = [
    Route("GET", "/messages", index, Access.MEMBER),
    Route("GET", "/messages/new", new, Access.MEMBER, limit="search"),
    Route("GET", "/messages/put_away", index_put_away, Access.MEMBER),
    Route("GET", "/messages/with/{name}", open_with, Access.MEMBER),
    Route("GET", "/messages/{id}", show, Access.MEMBER),
    Route("GET", "/messages/{id}/new", write, Access.MEMBER),
    Route("POST", "/messages/{id}/put_away", put_away, Access.MEMBER),
    Route("POST", "/messages/{id}/put_back", put_back, Access.MEMBER),
]
