"""Following hashtags: the button on the page of one, and the page of all that a member follows."""

from folkmoot.base.errors import Invalid, NotFound
from folkmoot.base.paging import Page
from folkmoot.base.text import clean_line
from folkmoot.base.tokens import is_hashtag
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.followed_tags import actions
from folkmoot.network.followed_tags.model import MOST_FOLLOWED
from folkmoot.network.followed_tags.queries import list_followed_tags
from folkmoot.web.request import Request


async def index(request: Request) -> Reply:
    return await _page(request, {})


async def add(request: Request) -> Reply:
    """Follows the hashtag that the form names."""
    try:
        async with request.database.write() as tx:
            await actions.follow_hashtag(tx, request.account, request.form.text("name"))
    except Invalid as problem:
        return await _page(request, request.problems(problem), 422)
    return request.redirect("/hashtags")


async def follow(request: Request) -> Reply:
    """The button on the page of a hashtag. One too many: the page of all of them, with the reason."""
    name = _name(request)
    try:
        async with request.database.write() as tx:
            await actions.follow_hashtag(tx, request.account, name)
    except Invalid as problem:
        return await _page(request, request.problems(problem), 422)
    return request.back(f"/tags/{name}")


async def unfollow(request: Request) -> Reply:
    name = _name(request)
    async with request.database.write() as tx:
        await actions.unfollow_hashtag(tx, request.account, name)
    return request.back(f"/tags/{name}")


def _name(request: Request) -> str:
    name = clean_line(request.value("hashtag"))
    if not is_hashtag(name):
        raise NotFound
    return name


async def _page(request: Request, errors: dict[str, str], status: int = 200) -> Reply:
    async with request.database.read() as conn:
        followed = await list_followed_tags(conn, request.viewer.id, Page(limit=MOST_FOLLOWED))
    return await request.show("timelines/hashtags.html", status, followed=followed, errors=errors, name=request.form.text("name"))


ROUTES = [
    Route("GET", "/hashtags", index, Access.MEMBER),
    Route("POST", "/hashtags", add, Access.MEMBER),
    Route("POST", "/tags/{hashtag}/follow", follow, Access.MEMBER),
    Route("POST", "/tags/{hashtag}/unfollow", unfollow, Access.MEMBER),
]
