"""The operators' page of sign-ups that wait for approval."""

from folkmoot.base.errors import Conflict, Invalid, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.members.actions import approve_member, refuse_member
from folkmoot.network.sessions.queries import count_waiting, list_waiting
from folkmoot.web.request import Request

_MOST = 50


async def show(request: Request) -> Reply:
    return await _page(request)


async def approve(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            waiting = await approve_member(tx, request.viewer, request.id())
    except (NotFound, Conflict):
        return request.redirect("/moderate/sign_ups?gone=1")
    return request.redirect(f"/moderate/sign_ups?in={waiting.username}")


async def refuse(request: Request) -> Reply:
    word = request.form.text("word")
    try:
        async with request.database.write() as tx:
            waiting = await refuse_member(tx, request.viewer, request.id(), word)
    except Invalid as problem:
        return await _page(request, 422, wrong={request.id(): (word, request.problems(problem)["word"])})
    except NotFound:
        return request.redirect("/moderate/sign_ups?gone=1")
    return request.redirect(f"/moderate/sign_ups?out={waiting.username}")


async def _page(request: Request, status: int = 200, *, wrong: dict[int, tuple[str, str]] | None = None) -> Reply:
    """`wrong`: by sign-up, the word of a refused form and why it was refused."""
    async with request.database.read() as conn:
        waiting = await list_waiting(conn, _MOST)
        count = await count_waiting(conn) if len(waiting) == _MOST else len(waiting)
    return await request.show("moderate/sign_ups.html", status, sign_ups=waiting, count=count, wrong=wrong or {})


ROUTES = [
    Route("GET", "/moderate/sign_ups", show, Access.OPERATOR),
    Route("POST", "/moderate/sign_ups/{id}/approve", approve, Access.OPERATOR),
    Route("POST", "/moderate/sign_ups/{id}/refuse", refuse, Access.OPERATOR),
]
