"""The preview of a decision about many posts with the same words. `proposals.py` has the answer of the second moderator."""

from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.workspace.copies import read_copies
from folkmoot.web.request import Request


async def preview(request: Request) -> Reply:
    """The other posts with the same words as that of a case: their times, and letters instead of their authors."""
    try:
        async with request.database.read() as conn:
            copies = await read_copies(conn, request.viewer, request.id())
    except Concerned:
        return await request.show("moderate/concerned.html", 403)
    return await request.show("moderate/alike.html", copies=copies)


ROUTES = [Route("GET", "/moderate/cases/{id}/alike", preview, Access.MODERATOR)]
