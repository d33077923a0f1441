"""oEmbed: how other sites show a public post of this network in a frame (oembed.com). `web/embeds.py` has the page in it."""

import re
from html import escape
from typing import Annotated

from folkmoot.api import network_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.base.errors import NotFound
from folkmoot.base.handles import own_path
from folkmoot.base.ids import parse_id
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.posts.model import Post, Visibility
from folkmoot.network.posts.queries import list_post_views

_PATH = re.compile(r"/@(?P<name>[\w.@:-]{1,300})/(?P<post>[0-9]{1,19})/?")
_WIDTH, _LEAST_WIDTH = 400, 200
_CACHED_SECONDS = 86400
_LONGEST_TITLE = 50


class Wanted(Parameters, frozen=True, kw_only=True):
    url: Annotated[str, about("The address of a public status.")]
    maxwidth: Annotated[int | None, about("In pixels.")] = None
    maxheight: Annotated[int | None, about("In pixels.")] = None


async def show(request: Request, params: Wanted) -> Reply:
    """How a public status is shown in a frame of another site."""
    own = own_path(params.url, request.context.settings.base_url)
    path = _PATH.fullmatch(own) if own else None
    id_ = parse_id(path["post"]) if path else None
    async with request.database.read() as conn:
        views = await list_post_views(conn, [id_], None) if id_ else []
    if not views or views[0].post.boost_of_id or views[0].post.visibility != Visibility.PUBLIC:
        raise NotFound
    post, network = views[0].post, request.context.settings.network
    base = request.context.settings.base_url
    width = max(_LEAST_WIDTH, min(_WIDTH, params.maxwidth or _WIDTH))
    height = min(_height(post, width), max(_LEAST_WIDTH, params.maxheight or 1000))
    return request.json(shapes.OEmbed(
        type="rich", version="1.0", title=_title(post), author_name=post.author.name,
        author_url=request.context.urls.account(post.author), provider_name=network.name, provider_url=f"{base}/",
        cache_age=_CACHED_SECONDS, html=_frame(f"{request.context.urls.post(post)}/embed", _title(post), width, height),
        width=width, height=height,
    ))


def _title(post: Post) -> str:
    """Who wrote, and the beginning of it unless it is covered."""
    text = "" if post.label else post.cover or post.text
    excerpt = text if len(text) <= _LONGEST_TITLE else f"{text[:_LONGEST_TITLE].rstrip()}…"
    return f"{post.author.name}: {excerpt}" if excerpt else post.author.name


def _height(post: Post, width: int) -> int:
    """About as high as the page; what is higher can be scrolled."""
    letters = len(post.cover or post.text)
    lines = max(1, -(-letters * 9 // width)) + post.text.count("\n")
    parts = 0 if post.cover or post.label else 240 * bool(post.pictures) + 48 * len(post.poll.titles if post.poll else ())
    return min(800, 150 + 26 * lines + parts)


def _frame(address: str, title: str, width: int, height: int) -> str:
    return (
        f'<iframe src="{escape(address)}" title="{escape(title)}" width="{width}" height="{height}" loading="lazy"'
        ' style="max-width: 100%; border: 0"></iframe>'
    )


ROUTES = [
    endpoint("GET", "/api/oembed", show, Access.PUBLIC, params=Wanted, answer=shapes.OEmbed),
]
