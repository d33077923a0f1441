"""Choosing other posts of an author that are decided together with a case; the decision itself is made on the page of the case."""

from datetime import datetime

from folkmoot.base.errors import Malformed
from folkmoot.base.ids import parse_id
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.verdicts.together import Joined
from folkmoot.moderation.workspace.actions import read_case
from folkmoot.moderation.workspace.joining import list_joinable
from folkmoot.web.request import Request


async def show(request: Request) -> Reply:
    try:
        view = await read_case(request.database, request.viewer, request.id())
    except Concerned:
        return await request.show("moderate/concerned.html", 403)
    async with request.database.read() as conn:
        others = await list_joinable(conn, view.case, request.viewer.id)
    return await request.show("moderate/together.html", case=view.case, others=[(one, value_of(one.joined)) for one in others])


def value_of(joined: Joined) -> str:
    """As the forms send it."""
    edited_at = joined.seen_edited_at.isoformat() if joined.seen_edited_at else ""
    return f"{joined.case_id}~{joined.seen_words or ''}~{edited_at}"


def joined_of(value: str) -> Joined:
    """Raises Malformed."""
    number, _, seen = value.partition("~")
    words, _, edited_at = seen.partition("~")
    try:
        return Joined(parse_id(number) or 0, words or None, datetime.fromisoformat(edited_at) if edited_at else None)
    except ValueError as error:
        raise Malformed from error


ROUTES = [Route("GET", "/moderate/cases/{id}/together", show, Access.MODERATOR)]
