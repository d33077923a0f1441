"""The page of members for staff: who is here, and in which state. Operators also see e-mail and IP addresses; the journal records it."""

from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.members.actions import read_member
from folkmoot.moderation.members.model import MemberFilter, Standing
from folkmoot.moderation.members.queries import list_members
from folkmoot.web.request import Request

_SHOWN = 40


async def index(request: Request) -> Reply:
    """Without the private part, which the page of one member has."""
    name, word = request.query.text("name").strip().removeprefix("@")[:100], request.query.text("standing")
    standing = Standing(word) if word in list(Standing) else None
    page = Page(limit=_SHOWN + 1, max_id=request.query.id("before"))
    async with request.database.read() as conn:
        found = await list_members(conn, MemberFilter(standing=standing, is_local=True, username=name), page)
    return await request.show(
        "moderate/members.html", members=found[:_SHOWN], name=name, standing=standing,
        before=found[_SHOWN - 1].account.id if len(found) > _SHOWN else None,
    )


async def show(request: Request) -> Reply:
    member = await read_member(request.database, request.viewer, request.id())
    return await request.show("moderate/member.html", member=member)


ROUTES = [
    Route("GET", "/moderate/members", index, Access.MODERATOR),
    Route("GET", "/moderate/members/{id}", show, Access.MODERATOR),
]
