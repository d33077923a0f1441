"""The moderator's pages: the overview, the case, and deciding it.

Opening a case claims it for ten minutes; activity on its page renews the claim. A conflict (another moderator holds it, it
is decided, its text has changed) is shown on the page, and the moderator's input is kept. A barred moderator sees a notice
and nothing of the case.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import Conflict, Forbidden, Invalid, Malformed, Problem, TooMany, Unavailable, WritesPaused
from folkmoot.base.ids import parse_id
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.actions import claim_case, release_case
from folkmoot.moderation.cases.model import LEASE, Case, Lane, State
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import list_assigned, list_queue
from folkmoot.moderation.cases.teamwork import add_note, assign_case
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.detection.error_rates import find_error_rates
from folkmoot.moderation.proposals.queries import list_waiting_for
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.alike import MOST_ALONE, decide_alike, undo_alike
from folkmoot.moderation.verdicts.model import USUAL_DAYS, Action, Decision
from folkmoot.moderation.verdicts.queries import list_templates
from folkmoot.moderation.verdicts.together import decide_together
from folkmoot.moderation.workspace.actions import AHEAD, read_case, read_pace, take_next
from folkmoot.moderation.workspace.case_view import find_undoable
from folkmoot.moderation.workspace.model import Pace
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.web.moderate.together import joined_of
from folkmoot.web.request import Request

_LISTED = 10  # cases on the overview
_BESIDE = 6  # cases beside the one that is open
_MOST_SKIPPED = 20


async def index(request: Request) -> Reply:
    return await _overview(request)


async def next_case(request: Request) -> Reply:
    """Claims the free case whose turn it is. `without`: cases that the moderator has skipped. `more`: the moderator wants to go on
    although it is enough for today. `ahead`: our script fetches the page while this case is read."""
    skipped, ahead_of = _skipped(request.query.text("without")), parse_id(request.query.text("ahead"))
    is_ahead = ahead_of is not None
    async with request.database.read() as conn:
        pace = await _pace(request, conn)
    if (pace.is_last if is_ahead else pace.is_enough) and not request.query.flag("more"):
        return Reply(b"", 204) if is_ahead else request.redirect("/moderate")
    left_out = [ahead_of, *skipped] if ahead_of else skipped
    case = await take_next(request.database, request.viewer, pace.done + is_ahead, left_out, is_ahead=is_ahead)
    if case:
        return request.redirect(f"/moderate/cases/{case.id}{_query(skipped, is_ahead=is_ahead)}")
    return Reply(b"", 204) if is_ahead else request.redirect("/moderate?done=1")


async def show(request: Request) -> Reply:
    return await _page(request)


async def claim(request: Request) -> Reply:
    """Renews the claim while the moderator works on the page."""
    async with request.database.write() as tx:
        await claim_case(tx, request.viewer, request.id())
    return Reply(b"", 204)


async def release(request: Request) -> Reply:
    """Releases a case, so that another moderator can claim it, and opens the next one. `pause`: none, the moderator has a break."""
    async with request.database.write() as tx:
        await release_case(tx, request.viewer, request.id())
    if request.form.flag("pause"):
        return request.redirect("/moderate?pause=1")
    skipped = [request.id(), *_skipped(request.form.text("without"))]
    return request.redirect(f"/moderate/next{_query(skipped)}")


async def decide(request: Request) -> Reply:
    form = request.form
    number = form.text("clause")
    clause = current().numbered(int(number)) if number.isdecimal() and len(number) < 3 else None
    days = form.integer("days")
    decision = Decision(
        action=form.text("action"), also=tuple(form.texts("also")), clause=clause.key if clause else "",
        explanation=await _explanation(request),
        days=USUAL_DAYS if days is None else days, seen_edited_at=_moment(form.text("seen_edited_at")),
        seen_words=form.text("seen_words") or None,
    )
    try:
        request.require_allowance("explanation")
        async with request.database.write() as tx:
            if form.texts("with"):
                await decide_together(tx, request.viewer, request.id(), decision, list(map(joined_of, form.texts("with"))))
            else:
                await (decide_alike if form.flag("alike") else decide_case)(tx, request.viewer, request.id(), decision)
    except Invalid as problem:
        return await _page(request, 422, decision=decision, chosen=number, errors=request.problems(problem))
    except (Conflict, Forbidden) as problem:
        return await _page(request, 409, decision=decision, chosen=number, refusal=problem)
    except (TooMany, WritesPaused, Unavailable) as problem:
        return await _page(request, 422, decision=decision, chosen=number, errors=request.problems(problem, "explanation"))
    if request.wants_part:
        async with request.database.read() as conn:
            pace, undoable = await _pace(request, conn), await find_undoable(conn, request.viewer.id)
        return request.render("moderate/_above.html", pace=pace, undoable=undoable)
    return request.redirect(f"/moderate/next{_query(_skipped(form.text('without')))}")


async def work(request: Request) -> Reply:
    """Keeps a note, and hands the case over if somebody is chosen. `to`: an account, 0 for everybody."""
    form = request.form
    to = form.text("to")
    try:
        request.require_allowance("note")
        async with request.database.write() as tx:
            await add_note(tx, request.viewer, request.id(), form.text("note"))
            if to and "hand_over" in form:
                await assign_case(tx, request.viewer, request.id(), parse_id(to))
    except (Invalid, TooMany, WritesPaused, Unavailable) as problem:
        return await _page(request, 422, note=form.text("note"), errors=request.problems(problem, "note"))
    except (Conflict, Forbidden) as problem:
        return await _page(request, 409, note=form.text("note"), refusal=problem)
    if "hand_over" in form:
        return request.redirect("/moderate")
    return request.redirect(f"/moderate/cases/{request.id()}#notes")


async def undo(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            case = await undo_alike(tx, request.viewer, request.id())
    except Conflict as problem:
        return await _overview(request, 409, refusal=request.sentence(problem.message))
    return request.redirect(f"/moderate/cases/{case.id}")


async def _overview(request: Request, status: int = 200, refusal: str = "") -> Reply:
    """The moderator's verdicts of today, and the most urgent cases."""
    async with request.database.read() as conn:
        pace = await _pace(request, conn)
        assigned = await list_assigned(conn, request.viewer.id, clock.now())
        queue = await list_queue(conn, clock.now(), _LISTED, request.viewer.id, pace.done)
        undoable = await find_undoable(conn, request.viewer.id)
        proposals = await list_waiting_for(conn, request.viewer.id, clock.now())
    return await request.show(
        "moderate/index.html", status, proposals=proposals, assigned=assigned, lanes=_by_lane(queue, assigned), pace=pace,
        undoable=undoable, refusal=refusal, is_done=request.query.flag("done"), is_pausing=request.query.flag("pause"),
    )


async def _page(
    request: Request, status: int = 200, *, decision: Decision | None = None, chosen: str | None = None,
    errors: Mapping[str, str] | None = None, refusal: Problem | None = None, note: str = "",
) -> Reply:
    """A case, for its holder with the form; for other moderators with the reason why they cannot decide it."""
    obstacle = await _claim(request)
    try:
        view = await read_case(request.database, request.viewer, request.id())
    except Concerned:
        return await request.show("moderate/concerned.html", 403)
    case = view.case
    if case.state is State.WITHDRAWN:
        obstacle = Conflict("What this was about is gone. There is nothing left to decide.")
    async with request.database.read() as conn:
        undoable = await find_undoable(conn, request.viewer.id)
        pace = await _pace(request, conn)
        beside = await list_queue(conn, clock.now(), _BESIDE, request.viewer.id, pace.done)
    notice = obstacle or refusal
    async with request.database.read() as conn:
        error_rates = {
            one.id: await find_error_rates(conn, one.version, view.language, is_hiding=one.is_hiding) for one in view.signals
        }
        decider_id = view.verdict.decider.account_id if view.verdict and notice else None
        decided_by = (await list_accounts(conn, [decider_id])).get(decider_id) if decider_id else None
    suspected = "" if case.is_appeal else str(clause_of(case.clause).number)
    return await request.show(
        "moderate/case.html", status, view=view, case=case, can_decide=obstacle is None, undoable=undoable,
        notice=request.sentence(notice.message) if notice else "", decided_by=decided_by, decision=decision or Decision(action=""),
        chosen=suspected if chosen is None else chosen, errors=errors or {},
        actions=[one for one in Action if one.fits(case.subject, is_deleted=view.is_deleted)],
        used=case.share_used(clock.now()), held_until=_held_until(request, case), pace=pace, lanes=_by_lane(beside, [case]),
        joined=request.form.texts("with") or request.query.texts("with"), error_rates=error_rates, note=note,
        is_alike=request.form.flag("alike"), most_alone=MOST_ALONE,
        skipped=".".join(map(str, _skipped(request.query.text("without") or request.form.text("without")))),
    )


async def _explanation(request: Request) -> str:
    """What was written or, without a script, the ready sentence that was chosen instead."""
    written, chosen = request.form.text("explanation"), parse_id(request.form.text("template"))
    if written or not chosen:
        return written
    async with request.database.read() as conn:
        return next((one.text for one in await list_templates(conn) if one.id == chosen), "")


async def _claim(request: Request) -> Problem | None:
    """Claims the case; returns the reason if that is not possible."""
    try:
        async with request.database.write() as tx:
            await claim_case(tx, request.viewer, request.id(), AHEAD if request.query.flag("ahead") else LEASE)
    except (Conflict, Forbidden) as problem:
        return problem
    except WritesPaused as problem:  # during a move and on a standby, a case can be read but not claimed
        return problem
    return None


def _by_lane(queue: Sequence[Case], without: Sequence[Case]) -> dict[Lane, list[Case]]:
    lanes = {lane: [case for case in queue if case.lane is lane and case.id not in {one.id for one in without}] for lane in Lane}
    return {lane: cases for lane, cases in lanes.items() if cases}


def _held_until(request: Request, case: Case) -> datetime | None:
    """Until when the viewer holds the case. A page that was fetched in advance is claimed again when it is shown."""
    seat = case.seat_of(request.viewer.id, clock.now())
    if seat is None:
        return None
    return clock.now() + LEASE if request.query.flag("ahead") else seat.leased_until


async def _pace(request: Request, conn: ReadConn) -> Pace:
    return await read_pace(conn, request.viewer, request.context.settings)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise Malformed from error


def _skipped(text: str) -> list[int]:
    return [id_ for part in text.split(".")[:_MOST_SKIPPED] if (id_ := parse_id(part))]


def _query(skipped: list[int], *, is_ahead: bool = False) -> str:
    values = {"without": ".".join(map(str, skipped[:_MOST_SKIPPED])), "ahead": "1" if is_ahead else ""}
    query = urlencode({name: value for name, value in values.items() if value})
    return f"?{query}" if query else ""


_CASE = "/moderate/cases/{id}"
ROUTES = [
    Route("GET", "/moderate", index, Access.MODERATOR),
    Route("GET", "/moderate/next", next_case, Access.MODERATOR),
    Route("GET", _CASE, show, Access.MODERATOR),
    Route("POST", f"{_CASE}/claim", claim, Access.MODERATOR),
    Route("POST", f"{_CASE}/release", release, Access.MODERATOR),
    Route("POST", f"{_CASE}/work", work, Access.MODERATOR, keeps_form=True),
    Route("POST", f"{_CASE}/decide", decide, Access.MODERATOR, keeps_form=True),
    Route("POST", "/moderate/verdicts/{id}/undo", undo, Access.MODERATOR),
]
