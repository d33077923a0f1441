"""The page of legal holds: what is kept, why and until when; and releasing a hold."""

from collections.abc import Mapping

from folkmoot.base import clock
from folkmoot.base.errors import Conflict
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.holds.queries import list_holds
from folkmoot.moderation.verdicts.two_people import end_hold
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.web.request import KEEPING_FORM, Request


async def index(request: Request) -> Reply:
    return await _page(request)


async def release(request: Request) -> Reply:
    reason = request.form.text("reason")
    try:
        request.require_allowance("reason")
        async with request.database.write() as tx:
            await end_hold(tx, request.viewer, request.id(), reason)
    except KEEPING_FORM as problem:
        return await _page(request, 422, wrong_id=request.id(), reason=reason, errors=request.problems(problem, "reason"))
    except Conflict:  # sent twice, or its time is over
        return request.redirect("/moderate/holds")
    return request.redirect("/moderate/holds?released=1")


async def _page(
    request: Request, status: int = 200, *, wrong_id: int | None = None, reason: str = "", errors: Mapping[str, str] | None = None
) -> Reply:
    async with request.database.read() as conn:
        holds = await list_holds(conn, with_ended=True)
        people = {id_ for one in holds for id_ in (one.proposed_by_id, one.agreed_by_id, one.ended_by_id) if id_}
        names = await list_accounts(conn, sorted(people))
    return await request.show(
        "moderate/holds.html", status, holds=holds, names=names, wrong_id=wrong_id, reason=reason, errors=errors or {}, today=clock.now()
    )


ROUTES = [
    Route("GET", "/moderate/holds", index, Access.MODERATOR),
    Route("POST", "/moderate/holds/{id}/release", release, Access.MODERATOR, keeps_form=True),
]
