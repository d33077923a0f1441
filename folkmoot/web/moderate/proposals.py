"""Pages of what needs two people, and the forms of what can be done about a case beside deciding it."""

from collections.abc import Mapping

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.model import Case, State
from folkmoot.moderation.cases.queries import get_case, is_concerned
from folkmoot.moderation.evidence.actions import note_private_reading, read_subject
from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.holds.model import USUAL_DAYS
from folkmoot.moderation.holds.queries import list_holds_of_case
from folkmoot.moderation.proposals.queries import get_proposal, list_own_waiting, list_proposals_of_case, list_waiting_for
from folkmoot.moderation.restrictions.model import Kind as Measure
from folkmoot.moderation.restrictions.queries import list_of_verdict
from folkmoot.moderation.verdicts.queries import get_verdict, list_verdicts_of_cases
from folkmoot.moderation.verdicts.reversal import reverse_verdict
from folkmoot.moderation.verdicts.two_people import answer_proposal, propose_deletion, propose_hold
from folkmoot.moderation.workspace.masking import Masks
from folkmoot.network.posts.versions import PostVersion
from folkmoot.web.request import KEEPING_FORM, Request


async def index(request: Request) -> Reply:
    now = clock.now()
    async with request.database.read() as conn:
        for_you = await list_waiting_for(conn, request.viewer.id, now)
        own = await list_own_waiting(conn, request.viewer.id, now)
    return await request.show("moderate/proposals.html", for_you=for_you, own=own)


async def show(request: Request) -> Reply:
    return await _page(request)


async def answer(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await answer_proposal(tx, request.viewer, request.id(), agrees=request.form.flag("agrees"))
    except (Conflict, Forbidden) as problem:
        return await _page(request, 409, refusal=request.sentence(problem.message))
    return request.redirect("/moderate/proposals")


async def begin(request: Request) -> Reply:
    """The forms of what can be done about a case beside deciding it: a hold, reversing the decision, deleting the account."""
    return await _forms(request)


async def ask_for_hold(request: Request) -> Reply:
    reason, days = request.form.text("reason"), request.form.integer("days")
    try:
        request.require_allowance("reason")
        async with request.database.write() as tx:
            made = await propose_hold(tx, request.viewer, request.id(), reason, USUAL_DAYS if days is None else days)
    except KEEPING_FORM as problem:
        return await _forms(request, 422, reason=reason, days=days, errors=request.problems(problem, "reason"))
    except Conflict as problem:
        return await _forms(request, 409, reason=reason, days=days, refusal=request.sentence(problem.message))
    return request.redirect(f"/moderate/proposals/{made.id}")


async def ask_for_deletion(request: Request) -> Reply:
    """Of the account that the decision about a case has suspended."""
    why = request.form.text("why")
    async with request.database.read() as conn:
        verdict = (await list_verdicts_of_cases(conn, [request.id()])).get(request.id())
    try:
        request.require_allowance("why")
        if verdict is None:
            raise Conflict("This decision does not stand any more.")
        async with request.database.write() as tx:
            made = await propose_deletion(tx, request.viewer, verdict.id, why)
    except KEEPING_FORM as problem:
        errors = request.problems(problem, "why")
        return await _forms(request, 422, why=why, errors={"why": errors.get("reason") or errors.get("why", "")})
    except Conflict as problem:
        return await _forms(request, 409, why=why, refusal=request.sentence(problem.message))
    return request.redirect(f"/moderate/proposals/{made.id}")


async def reverse(request: Request) -> Reply:
    """The decision about a case. One person is enough, because nobody is restricted by it."""
    what = request.form.text("what")
    async with request.database.read() as conn:
        verdict = (await list_verdicts_of_cases(conn, [request.id()])).get(request.id())
    try:
        request.require_allowance("what")
        if verdict is None:
            raise Conflict("This decision does not stand any more.")
        async with request.database.write() as tx:
            await reverse_verdict(tx, request.viewer, verdict.id, what)
    except KEEPING_FORM as problem:
        errors = request.problems(problem, "what")
        return await _forms(request, 422, what=what, errors={"what": errors.get("reason") or errors.get("what", "")})
    except Conflict as problem:
        return await _forms(request, 409, what=what, refusal=request.sentence(problem.message))
    return request.redirect("/moderate")


async def _page(request: Request, status: int = 200, refusal: str = "") -> Reply:
    async with request.database.read() as conn:
        proposal = await get_proposal(conn, request.id())
        case = await get_case(conn, proposal.case_id)
        is_own = proposal.proposed_by_id == request.viewer.id
        if not is_own and await is_concerned(conn, request.viewer.id, case.id):
            return await request.show("moderate/concerned.html", 403)
        verdict = await get_verdict(conn, proposal.verdict_id) if proposal.verdict_id else None
    text = await _text_of(request, case)
    return await request.show(
        "moderate/proposal.html", status, proposal=proposal, verdict=verdict, case=case, text=text, refusal=refusal,
        can_answer=not is_own and proposal.is_waiting(clock.now()),
    )


async def _text_of(request: Request, case: Case) -> str:
    """What the case was decided about, or what stands now, with masked names. Reading it is recorded if not everybody may."""
    await note_private_reading(request.database, request.viewer.id, case)
    async with request.database.read() as conn:
        decided = [one.version for one in await list_evidence(conn, case.id) if one.decided_at]
        version = decided[-1] if decided else (await read_subject(conn, case)).newest
    return Masks("").mask(version.quote) if isinstance(version, PostVersion) else ""


async def _forms(
    request: Request, status: int = 200, *, reason: str = "", days: int | None = None, why: str = "", what: str = "",
    errors: Mapping[str, str] | None = None, refusal: str = "",
) -> Reply:
    async with request.database.read() as conn:
        case = await get_case(conn, request.id())
        if await is_concerned(conn, request.viewer.id, case.id):
            return await request.show("moderate/concerned.html", 403)
        verdict = (await list_verdicts_of_cases(conn, [case.id])).get(case.id) if case.state is State.DECIDED else None
        kinds = {one.kind for one in await list_of_verdict(conn, verdict.id) if one.lifted_at is None} if verdict else set()
        holds = await list_holds_of_case(conn, case.id)
        proposals = await list_proposals_of_case(conn, case.id)
    return await request.show(
        "moderate/more.html", status, case=case, holds=holds, proposals=proposals, reason=reason,
        days=USUAL_DAYS if days is None else days, why=why, what=what, errors=errors or {}, refusal=refusal,
        can_reverse=bool(kinds and verdict and verdict.settled_at and not verdict.overturned_by_id and not case.is_appeal),
        can_delete=Measure.SUSPEND in kinds and Measure.DELETE not in kinds, is_deleting=Measure.DELETE in kinds,
    )


ROUTES = [
    Route("GET", "/moderate/proposals", index, Access.MODERATOR),
    Route("GET", "/moderate/proposals/{id}", show, Access.MODERATOR),
    Route("POST", "/moderate/proposals/{id}", answer, Access.MODERATOR),
    Route("GET", "/moderate/cases/{id}/more", begin, Access.MODERATOR),
    Route("POST", "/moderate/cases/{id}/hold", ask_for_hold, Access.MODERATOR, keeps_form=True),
    Route("POST", "/moderate/cases/{id}/reverse", reverse, Access.MODERATOR, keeps_form=True),
    Route("POST", "/moderate/cases/{id}/deletion", ask_for_deletion, Access.MODERATOR, keeps_form=True),
]
