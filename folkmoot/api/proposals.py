"""Decisions that need two people, and reversing one, for programs of moderators. Not part of the Mastodon API."""

from typing import Annotated, Literal

from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import is_concerned
from folkmoot.moderation.holds.model import MOST_DAYS, USUAL_DAYS, Hold
from folkmoot.moderation.holds.queries import list_holds
from folkmoot.moderation.proposals.model import LONGEST_REASON, Proposal
from folkmoot.moderation.proposals.queries import get_proposal, list_own_waiting, list_waiting_for
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from folkmoot.moderation.verdicts.reversal import reverse_verdict
from folkmoot.moderation.verdicts.two_people import answer_proposal, end_hold, propose_deletion, propose_hold


class AnswerToProposal(Parameters, frozen=True, kw_only=True):
    agrees: Annotated[bool, about("Whether it should take effect.")]


class Why(Parameters, frozen=True, kw_only=True):
    reason: Annotated[str, about("For the team; the author reads why an account is deleted.", maxLength=LONGEST_REASON)] = ""


class NewHold(Why, frozen=True, kw_only=True):
    days: Annotated[int, about("How long what the case is about is kept.", minimum=1, maximum=MOST_DAYS)] = USUAL_DAYS


class TeamProposal(Shape, kw_only=True):
    """`count`: how many posts it is about. `until`: the end of a hold."""

    id: Id
    kind: Literal["repeat", "delete_account", "hold"]
    state: Literal["proposed", "agreed", "refused", "dropped", "expired"]
    case_id: Id
    count: int
    reason: str
    until: Moment | None
    is_own: bool
    proposed_at: Moment
    expires_at: Moment
    closed_at: Moment | None


class LegalHold(Shape, kw_only=True):
    """`ground`: two people, or a removal order of an authority."""

    id: Id
    case_id: Id
    ground: Literal["people", "removal_order"]
    state: Literal["in_force", "released", "expired"]
    reason: str
    placed_at: Moment
    until: Moment
    ended_at: Moment | None
    end_reason: str


async def index(request: Request) -> Reply:
    """What waits for a second person: proposals that the moderator can answer, then the moderator's own."""
    now = clock.now()
    async with request.database.read() as conn:
        found = await list_waiting_for(conn, request.viewer.id, now) + await list_own_waiting(conn, request.viewer.id, now)
    return request.json([_proposal(request, one) for one in found])


async def show(request: Request) -> Reply:
    """One proposal, also a closed one."""
    async with request.database.read() as conn:
        found = await get_proposal(conn, request.id())
        if found.proposed_by_id != request.viewer.id and await is_concerned(conn, request.viewer.id, found.case_id):
            raise Concerned
    return request.json(_proposal(request, found))


async def answer(request: Request, params: AnswerToProposal) -> Reply:
    """Agrees to a proposal of another moderator, which takes effect then, or refuses it."""
    async with request.database.write() as tx:
        closed = await answer_proposal(tx, request.viewer, request.id(), agrees=params.agrees)
    return request.json(_proposal(request, closed))


async def ask_for_hold(request: Request, params: NewHold) -> Reply:
    """Proposes a legal hold on what a case is about."""
    async with request.database.write() as tx:
        made = await propose_hold(tx, request.viewer, request.id(), params.reason, params.days)
    return request.json(_proposal(request, made))


async def ask_for_deletion(request: Request, params: Why) -> Reply:
    """Proposes to delete the account that the decision about a case has suspended."""
    async with request.database.write() as tx:
        verdict = (await list_verdicts_of_cases(tx, [request.id()])).get(request.id())
        if verdict is None:
            raise NotFound
        made = await propose_deletion(tx, request.viewer, verdict.id, params.reason)
    return request.json(_proposal(request, made))


async def reverse(request: Request, params: Why) -> Reply:
    """Reverses the decision about a case, against which nobody has appealed. One moderator is enough."""
    async with request.database.write() as tx:
        verdict = (await list_verdicts_of_cases(tx, [request.id()])).get(request.id())
        if verdict is None:
            raise NotFound
        await reverse_verdict(tx, request.viewer, verdict.id, params.reason)
    return request.json(Nothing())


async def holds(request: Request) -> Reply:
    """Legal holds: those in force, then ended ones."""
    async with request.database.read() as conn:
        return request.json([_hold(one) for one in await list_holds(conn, with_ended=True)])


async def release(request: Request, params: Why) -> Reply:
    """Releases a legal hold."""
    async with request.database.write() as tx:
        return request.json(_hold(await end_hold(tx, request.viewer, request.id(), params.reason)))


def _proposal(request: Request, one: Proposal) -> TeamProposal:
    return TeamProposal(
        id=str(one.id), kind=one.kind.value, state=one.state.value, case_id=str(one.case_id), count=one.count, reason=one.reason,
        until=moment(one.until) if one.until else None, is_own=one.proposed_by_id == request.viewer.id,
        proposed_at=moment(one.proposed_at), expires_at=moment(one.expires_at), closed_at=moment(one.closed_at) if one.closed_at else None,
    )


def _hold(one: Hold) -> LegalHold:
    return LegalHold(
        id=str(one.id), case_id=str(one.case_id), ground=one.ground.value, state=one.state.value, reason=one.reason,
        placed_at=moment(one.placed_at), until=moment(one.until), ended_at=moment(one.ended_at) if one.ended_at else None,
        end_reason=one.end_reason,
    )


_READ, _WRITE = (Access.MODERATOR, "admin:read:reports"), (Access.MODERATOR, "admin:write:reports")
_BASE = "/api/folkmoot/v1/moderation"
ROUTES = [
    endpoint("GET", f"{_BASE}/proposals", index, *_READ, answer=list[TeamProposal]),
    endpoint("GET", f"{_BASE}/proposals/{{id}}", show, *_READ, answer=TeamProposal),
    endpoint("POST", f"{_BASE}/proposals/{{id}}", answer, *_WRITE, params=AnswerToProposal, answer=TeamProposal),
    endpoint("POST", f"{_BASE}/cases/{{id}}/hold", ask_for_hold, *_WRITE, params=NewHold, answer=TeamProposal),
    endpoint("POST", f"{_BASE}/cases/{{id}}/deletion", ask_for_deletion, Access.MODERATOR, "admin:write:accounts", params=Why,
             answer=TeamProposal),
    endpoint("POST", f"{_BASE}/cases/{{id}}/reverse", reverse, *_WRITE, params=Why, answer=Nothing),
    endpoint("GET", f"{_BASE}/holds", holds, *_READ, answer=list[LegalHold]),
    endpoint("POST", f"{_BASE}/holds/{{id}}/release", release, *_WRITE, params=Why, answer=LegalHold),
]
