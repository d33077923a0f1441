"""Conversations (direct posts, by the people in them) through the client API."""

from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.conversations import actions
from folkmoot.network.conversations.queries import list_conversations


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        rows = await list_conversations(conn, request.viewer.id, request.page(20))
    return request.listed([(last, request.entities.conversation(conversation, request.viewer.id)) for last, conversation in rows])


async def put_away(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.put_away(tx, request.viewer.id, request.id())
    return request.json({})


def _marked(*, is_unread: bool) -> Handler:
    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            conversation = await actions.mark_conversation(tx, request.viewer.id, request.id(), is_unread=is_unread)
        return request.json(request.entities.conversation(conversation, request.viewer.id))

    return handle


ROUTES = [
    Route("GET", "/api/v1/conversations", index, Access.MEMBER, "read:statuses"),
    Route("POST", "/api/v1/conversations/{id}/read", _marked(is_unread=False), Access.MEMBER, "write:conversations"),
    Route("POST", "/api/v1/conversations/{id}/unread", _marked(is_unread=True), Access.MEMBER, "write:conversations"),
    Route("DELETE", "/api/v1/conversations/{id}", put_away, Access.MEMBER, "write:conversations"),
]
