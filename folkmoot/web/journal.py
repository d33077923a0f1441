"""The public list of heads of the moderation journal. Whoever keeps a copy can later prove that the journal was rewritten."""

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.journal.anchors import AnchorKey, published
from folkmoot.moderation.journal.queries import list_anchors
from folkmoot.web.request import Request


async def heads(request: Request) -> Reply:
    """As text, oldest first. `?after=POSITION`: only newer ones."""
    after = request.query.integer("after") or 0
    if after < 0:
        raise NotFound
    settings = request.context.settings
    async with request.database.read() as conn:
        anchors = await list_anchors(conn, after)
    text = published(AnchorKey(settings.secret), anchors, settings.base_url)
    return Reply(text.encode(), media_type=b"text/plain; charset=utf-8", headers=[(b"cache-control", b"public, max-age=60")])


ROUTES = [Route("GET", "/journal/heads", heads, Access.PUBLIC, for_suspended=True)]
