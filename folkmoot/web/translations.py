"""The page that shows a post in the language of the reader."""

from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.posts.queries import get_post_view
from folkmoot.web.request import Request


async def show(request: Request) -> Reply:
    """A public post, translated by the service of this network into the language of the page."""
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer.id)
    found = await request.context.translations.translate(view.shown, request.language)
    return await request.show("posts/translation.html", post=view.shown, found=found)


ROUTES = [Route("GET", "/posts/{id}/translation", show, Access.MEMBER, limit="translate")]
