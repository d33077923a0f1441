"""A public post in a frame of another site, as everybody sees it: without the viewer's marks, without forms and scripts."""

from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import HTML, Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries import get_post_view
from folkmoot.web.request import Request


async def embed(request: Request) -> Reply:
    """The small page. Its buttons are links that open a window, so nobody can be led to click one for another."""
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), None)
    post = view.post
    if post.boost_of_id or post.visibility != Visibility.PUBLIC or request.value("name").lower() != post.author.acct.lower():
        raise NotFound
    text = request.shared.templates.render(request.language, "posts/embed.html", view=view, post=post, viewer=None, now=clock.now())
    return Reply(text.encode(), 200, HTML, [(b"content-security-policy", _policy(request)), (b"vary", b"Accept-Language")])


def _policy(request: Request) -> bytes:
    base = request.context.settings.media.base_url
    media = f" {base}" if base else ""
    return (
        f"default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'{media}; media-src 'self'{media}; form-action 'none';"
        " base-uri 'none'; frame-ancestors *"
    ).encode()


ROUTES = [
    Route("GET", "/@{name}/{id}/embed", embed, Access.PUBLIC),
]
