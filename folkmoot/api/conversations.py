"""Conversations (threads of direct posts) through the client API."""

from folkmoot.api.activity_shapes import Conversation
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import PageOf20
from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler
from folkmoot.network.accounts.queries import list_stamps
from folkmoot.network.conversations import actions
from folkmoot.network.conversations.queries import list_lines
from folkmoot.network.timelines.queries import list_entries


async def index(request: Request, params: PageOf20) -> Reply:
    """Conversations, ordered by their newest message."""
    async with request.database.read() as conn:
        lines = await list_lines(conn, request.viewer.id, params.page)
        stamps = await list_stamps(conn, list({id_ for line in lines for id_ in line.people_ids}))
        entries = await list_entries(conn, [line.shown_id for line in lines], request.viewer.id)
    people, statuses = await request.kept_accounts(list(stamps.values())), await request.statuses_by_id(entries)
    return request.listed([
        (line.last_post_id, request.entities.rendered_conversation(line, people, statuses[line.shown_id][0]))
        for line in lines if line.shown_id in statuses
    ])


async def remove_conversation(request: Request) -> Reply:
    """Removes a conversation from the list until it gets a new message, or until the member puts it back on the pages."""
    async with request.database.write() as tx:
        await actions.put_away_conversation(tx, request.viewer.id, request.id())
    return request.json(Nothing())


def _marked(*, is_unread: bool) -> Handler:
    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            conversation = await actions.mark_conversation(tx, request.viewer.id, request.id(), is_unread=is_unread)
        return request.json(request.entities.conversation(conversation, request.viewer.id))

    return handle


_WRITE = "write:conversations"
_ONE = "/api/v1/conversations/{id}"
ROUTES = [
    endpoint("GET", "/api/v1/conversations", index, Access.MEMBER, "read:statuses", params=PageOf20, answer=list[Conversation]),
    endpoint(
        "POST", f"{_ONE}/read", _marked(is_unread=False), Access.MEMBER, _WRITE, answer=Conversation, about="Marks a conversation as read."
    ),
    endpoint(
        "POST", f"{_ONE}/unread", _marked(is_unread=True), Access.MEMBER, _WRITE, answer=Conversation,
        about="Marks a conversation as not read.",
    ),
    endpoint("DELETE", _ONE, remove_conversation, Access.MEMBER, _WRITE, answer=Nothing),
]
