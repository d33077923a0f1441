"""The moderator's pages: one's own share, the case, and deciding it.

A case is claimed by opening it, for ten minutes, and again by whatever one does on its page. Whatever comes between
(somebody else holds it, it is decided, its words have changed) is said on the page, and nothing that was written is lost.
Who has to do with a case reads that somebody else decides, and nothing of the case.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid, Malformed, Problem, WritesPaused
from folkmoot.base.ids import parse_id
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.actions import claim_case, release_case
from folkmoot.moderation.cases.model import State
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import get_case, is_concerned, list_queue
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.error_rates import find_error_rates
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import USUAL_DAYS, Action, Decider, Decision
from folkmoot.moderation.verdicts.queries import count_since, list_standing
from folkmoot.web.moderate.sight import find_undoable, see_case
from folkmoot.web.request import Request

SHARE = 40  # cases a day: nobody should look at more of this
_SHORT = 10  # nobody is shown the whole backlog
_MOST_SKIPPED = 20


async def index(request: Request) -> Reply:
    return await _share(request)


async def next_case(request: Request) -> Reply:
    """Claims the most urgent case that is free. `without`: those that one has put off."""
    skipped = _skipped(request.query.text("without"))
    async with request.database.read() as conn:
        queue = await list_queue(conn, clock.now(), _SHORT + len(skipped), request.viewer.id)
    for case in queue:
        if case.id in skipped:
            continue
        try:
            async with request.database.write() as tx:
                await claim_case(tx, request.viewer, case.id)
        except (Conflict, Forbidden):
            continue  # somebody else was faster
        return request.redirect(f"/moderate/cases/{case.id}{_query(skipped)}")
    return request.redirect("/moderate?done=1")


async def show(request: Request) -> Reply:
    return await _page(request)


async def claim(request: Request) -> Reply:
    """Renews a claim while somebody works on the page."""
    async with request.database.write() as tx:
        await claim_case(tx, request.viewer, request.id())
    return Reply(b"", 204)


async def release(request: Request) -> Reply:
    """Puts a case off: somebody else may take it, and one gets another."""
    async with request.database.write() as tx:
        await release_case(tx, request.viewer, request.id())
    skipped = [request.id(), *_skipped(request.form.text("without"))]
    return request.redirect(f"/moderate/next{_query(skipped)}")


async def decide(request: Request) -> Reply:
    form = request.form
    number = form.text("clause")
    clause = current().numbered(int(number)) if number.isdecimal() and len(number) < 3 else None
    days = form.integer("days")
    decision = Decision(
        action=form.text("action"), clause=clause.key if clause else "", explanation=form.text("explanation"),
        days=USUAL_DAYS if days is None else days, seen_edited_at=_moment(form.text("seen_edited_at")),
        seen_words=form.text("seen_words") or None,
    )
    try:
        async with request.database.write() as tx:
            await decide_case(tx, request.viewer, request.id(), decision)
    except Invalid as problem:
        return await _page(request, 422, decision=decision, chosen=number, errors=request.problems(problem))
    except (Conflict, Forbidden) as problem:
        return await _page(request, 409, decision=decision, chosen=number, refusal=problem)
    return request.redirect(f"/moderate/next{_query(_skipped(form.text('without')))}")


async def undo(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            case = await undo_verdict(tx, request.viewer, request.id())
    except Conflict as problem:
        return await _share(request, 409, refusal=request.sentence(problem.message))
    return request.redirect(f"/moderate/cases/{case.id}")


async def _share(request: Request, status: int = 200, refusal: str = "") -> Reply:
    """What is one's own today, and the few that press most."""
    now = clock.now()
    midnight = request.translator.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    async with request.database.read() as conn:
        queue = await list_queue(conn, now, _SHORT, request.viewer.id)
        today = await count_since(conn, request.viewer.id, midnight)
        undoable = await find_undoable(conn, request.viewer.id)
    return await request.show(
        "moderate/index.html", status, queue=queue, today=today, share=SHARE, undoable=undoable, refusal=refusal,
        is_done=request.query.flag("done"),
    )


async def _page(
    request: Request, status: int = 200, *, decision: Decision | None = None, chosen: str | None = None,
    errors: Mapping[str, str] | None = None, refusal: Problem | None = None,
) -> Reply:
    """A case as its holder sees it; as somebody else sees it, with the reason why they cannot decide it."""
    obstacle = await _claim(request)
    async with request.database.read() as conn:
        case = await get_case(conn, request.id())
        own = (await list_standing(conn, [case.id])).get(case.id)
    if isinstance(obstacle, Concerned) and (own is None or own.decider != Decider.person(request.viewer.id)):
        return await request.show("moderate/concerned.html", 403)
    if case.state is State.WITHDRAWN:
        obstacle = Conflict("What this was about is gone. There is nothing to decide any more.")
    async with request.database.read() as conn:
        sight = await see_case(conn, case)
        undoable = await find_undoable(conn, request.viewer.id)
    notice = obstacle or refusal
    language = sight.subject.post.language if sight.subject else None
    data = request.context.settings.data
    error_rates = {one.id: find_error_rates(data, one.version, language, is_hiding=one.is_hiding) for one in sight.signals}
    suspected = "" if case.is_appeal else str(current().clause(case.clause).number)
    return await request.show(
        "moderate/case.html", status, sight=sight, case=case, can_decide=obstacle is None, undoable=undoable,
        notice=request.sentence(notice.message) if notice else "", decision=decision or Decision(action=""),
        chosen=suspected if chosen is None else chosen, errors=errors or {}, actions=[one for one in Action if one.fits(case.subject)],
        used=case.share_used(clock.now()), own_seat=case.seat_of(request.viewer.id, clock.now()),
        error_rates=error_rates,
        skipped=".".join(map(str, _skipped(request.query.text("without") or request.form.text("without")))),
    )


async def _claim(request: Request) -> Problem | None:
    """Claims the case if that can be; else says why not."""
    try:
        async with request.database.write() as tx:
            await claim_case(tx, request.viewer, request.id())
    except (Conflict, Forbidden) as problem:
        return problem
    except WritesPaused as problem:  # while the host moves, and on a standby, a case can be read but not claimed
        async with request.database.read() as conn:
            return Concerned() if await is_concerned(conn, request.viewer.id, request.id()) else problem
    return None


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise Malformed from error


def _skipped(text: str) -> list[int]:
    return [id_ for part in text.split(".")[:_MOST_SKIPPED] if (id_ := parse_id(part))]


def _query(skipped: list[int]) -> str:
    return "?without=" + ".".join(map(str, skipped[:_MOST_SKIPPED])) if skipped else ""


_ONE = "/moderate/cases/{id}"
ROUTES = [
    Route("GET", "/moderate", index, Access.MODERATOR),
    Route("GET", "/moderate/next", next_case, Access.MODERATOR),
    Route("GET", _ONE, show, Access.MODERATOR),
    Route("POST", f"{_ONE}/claim", claim, Access.MODERATOR),
    Route("POST", f"{_ONE}/release", release, Access.MODERATOR),
    Route("POST", f"{_ONE}/decide", decide, Access.MODERATOR),
    Route("POST", "/moderate/verdicts/{id}/undo", undo, Access.MODERATOR),
]
