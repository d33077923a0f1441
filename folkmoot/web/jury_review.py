"""The page on which jurors review one item after the other, breaks, and what became of the items. Only the juror sees them."""

from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum
from typing import TypeVar

from folkmoot.base.errors import Conflict, Invalid, NotFound
from folkmoot.base.ids import parse_id
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.juries.model import AlreadyDecided, LeaseEnded, NoLongerYours, Review, Severity, TextChanged
from folkmoot.moderation.jurors.model import Finding, Sureness
from folkmoot.moderation.reviewing import actions
from folkmoot.moderation.reviewing.outcomes import find_feedback, list_own_outcomes
from folkmoot.web.request import Request

Number = TypeVar("Number", bound=IntEnum)
_PASSED = {problem.code: problem.message for problem in (LeaseEnded, AlreadyDecided, TextChanged, NoLongerYours)}


async def show(request: Request) -> Reply:
    return await _page(request)


async def take(request: Request) -> Reply:
    """Opens the next item, also when a break is due: whoever comes here wants to go on."""
    async with request.database.write() as tx:
        is_open = await actions.take_next(tx, request.viewer, goes_on=True)
    return request.redirect("/jury/review" if is_open else "/jury/rest")


async def answer(request: Request) -> Reply:
    """Answers the open item and opens the next one. An item that was lost meanwhile is passed over, with a kind word."""
    form = request.form
    clause = current().numbered(form.integer("clause") or 0)
    if not form.flag("unsure") and form.text("clause") != "0" and clause is None:
        return await _page(request, 422, errors={
            "clause": request.sentence("Choose a rule, or that it breaks none, or that you can’t say."),
        })
    answered = None if form.flag("unsure") else clause.key if clause else ""
    review = Review(
        finding=Finding(clause=answered, sureness=_one_of(Sureness, form, "sureness")), severity=_one_of(Severity, form, "severity"),
        seen_key=form.text("seen"),
    )
    item_id = parse_id(form.text("item")) or 0
    try:
        async with request.database.write() as tx:
            await actions.answer_item(tx, request.viewer, item_id, review)
    except Conflict as problem:
        return await _take_next(request, f"passed={problem.code}")
    return await _take_next(request, f"after={item_id}")


async def skip(request: Request) -> Reply:
    """Leaves the open item to somebody else and opens the next one. `avoid`, `without_pictures`: nothing like it any more."""
    form = request.form
    clause = current().numbered(form.integer("avoid") or 0)
    try:
        with suppress(Conflict):  # answered in another tab: the next one follows all the same
            async with request.database.write() as tx:
                await actions.skip_item(
                    tx, request.viewer, parse_id(form.text("item")) or 0, avoided=[clause.key] if clause else [],
                    without_pictures=form.flag("without_pictures"),
                )
    except Invalid as problem:
        return await _page(request, 422, errors={"avoid": next(iter(request.problems(problem).values()))})
    return await _take_next(request)


async def rest(request: Request) -> Reply:
    """A break, or the end: for now, or for today."""
    async with request.database.read() as conn:
        desk = await actions.read_desk(conn, request.viewer)
        feedback = await find_feedback(conn, request.viewer.id, parse_id(request.query.text("after")) or 0)
    return await request.show("jury/rest.html", desk=desk, pace=desk.pace, feedback=feedback, notice=_notice(request))


async def outcomes(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await list_own_outcomes(conn, request.viewer.id)
    return await request.show("jury/outcomes.html", outcomes=found)


async def choose_mails(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.choose_mails(tx, request.viewer, wants=request.form.flag("wants_mails"))
    return request.redirect("/jury?saved=1")


async def _take_next(request: Request, query: str = "") -> Reply:
    """In a transaction of its own: nobody holds two juries at once."""
    async with request.database.write() as tx:
        is_open = await actions.take_next(tx, request.viewer)
    return request.redirect(f"/jury/{'review' if is_open else 'rest'}{'?' if query else ''}{query}")


async def _page(request: Request, status: int = 200, *, errors: Mapping[str, str] | None = None) -> Reply:
    async with request.database.read() as conn:
        desk = await actions.read_desk(conn, request.viewer)
        feedback = await find_feedback(conn, request.viewer.id, parse_id(request.query.text("after")) or 0)
    if desk.item is None and errors:  # an answer without an item
        raise NotFound
    if desk.item is None:
        return request.redirect("/jury")
    form = request.form
    return await request.show(
        "jury/review.html", status, item=desk.item, pace=desk.pace, share=desk.share, policy=current(), errors=errors or {},
        feedback=feedback, notice=_notice(request), chosen=form.text("clause"), severity=form.integer("severity"),
        sureness=_one_of(Sureness, form, "sureness") or Sureness.QUITE,
    )


def _notice(request: Request) -> str:
    """Why the item before was passed over."""
    message = _PASSED.get(request.query.text("passed"))
    return request.sentence(message) if message else ""


def _one_of(kind: type[Number], form: Params, name: str) -> Number | None:
    return next((one for one in kind if one == form.integer(name)), None)


ROUTES = [
    Route("GET", "/jury/review", show, Access.MEMBER),
    Route("POST", "/jury/review", take, Access.MEMBER),
    Route("POST", "/jury/review/answer", answer, Access.MEMBER),
    Route("POST", "/jury/review/skip", skip, Access.MEMBER),
    Route("GET", "/jury/rest", rest, Access.MEMBER),
    Route("GET", "/jury/outcomes", outcomes, Access.MEMBER),
    Route("POST", "/jury/mails", choose_mails, Access.MEMBER),
]
