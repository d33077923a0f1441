"""The page of rings, jurors whose answers look arranged. Operators see names and answers after a click that is recorded."""

from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.juries.actions import rings
from folkmoot.web.request import Request


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await rings.list_rings(conn, request.viewer)
    return await request.show("moderate/rings.html", rings=found, opened=None)


async def show(request: Request) -> Reply:
    async with request.database.write() as tx:
        opened = await rings.open_ring(tx, request.viewer, request.id())
    return await request.show("moderate/rings.html", rings=[opened.ring], opened=opened)


ROUTES = [
    Route("GET", "/moderate/rings", index, Access.OPERATOR),
    Route("POST", "/moderate/rings/{id}", show, Access.OPERATOR),
]
