"""Polls through the client API."""

from typing import Annotated

from folkmoot.api import status_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.base.errors import Malformed, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.posts.actions import vote_in_poll
from folkmoot.network.posts.model import PostView
from folkmoot.network.posts.queries import find_poll_post_id, get_post_view


class Choices(Parameters, frozen=True, kw_only=True):
    choices: Annotated[tuple[str, ...], about("The numbers of the options, from 0.")] = ()


async def show(request: Request) -> Reply:
    """A poll."""
    async with request.database.read() as conn:
        post_id = await find_poll_post_id(conn, request.id())
        if post_id is None:
            raise NotFound
        view = await get_post_view(conn, post_id, request.viewer_id)
    return request.json(_poll(request, view))


async def vote(request: Request, params: Choices) -> Reply:
    """Votes in a poll. In a poll with several answers, a later vote adds further ones."""
    choices = params.choices
    if not choices or not all(choice.isascii() and choice.isdigit() and len(choice) < 4 for choice in choices):
        raise Malformed("The parameter %(name)s cannot be read.", name="choices")
    async with request.database.write() as tx:
        view = await vote_in_poll(tx, request.account, request.id(), [int(choice) for choice in choices])
    return request.json(_poll(request, view))


def _poll(request: Request, view: PostView) -> shapes.Poll:
    poll = view.shown.poll
    if poll is None:
        raise NotFound
    return request.entities.poll(poll, view.marks.bits, view.marks.choices, request.viewer_id, view.shown.author.id)


ROUTES = [
    endpoint("GET", "/api/v1/polls/{id}", show, Access.PUBLIC, "read:statuses", answer=shapes.Poll),
    endpoint("POST", "/api/v1/polls/{id}/votes", vote, Access.MEMBER, "write:statuses", params=Choices, answer=shapes.Poll),
]
