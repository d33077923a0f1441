"""The room of moderators through the client API: the same actions as the pages under `/moderate`.

Not part of the Mastodon API. Rules are given by their number, as in `/api/v1/instance/rules`. Nobody who is concerned by a case can
read it. A decision needs the lease of the case, which lasts ten minutes and is renewed by claiming the case again.
"""

from typing import Annotated, Any, Literal

from folkmoot.api import moderation_entities as entities
from folkmoot.api import moderation_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Id, NamedIds, Parameters, about
from folkmoot.api.request import Request
from folkmoot.base import clock
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.cases.actions import claim_case, release_case
from folkmoot.moderation.cases.model import LONGEST_NOTE
from folkmoot.moderation.cases.queries import get_case, list_assigned, list_queue
from folkmoot.moderation.cases.teamwork import add_note, assign_case
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.alike import decide_alike, undo_alike
from folkmoot.moderation.verdicts.model import LONGEST_EXPLANATION, MOST_DAYS, USUAL_DAYS, Decision, Template
from folkmoot.moderation.verdicts.queries import list_templates
from folkmoot.moderation.verdicts.templates import add_template, delete_template
from folkmoot.moderation.verdicts.together import MOST_OTHERS, Joined, decide_together
from folkmoot.moderation.workspace.actions import read_case, read_figures, read_pace, set_preferences, take_next
from folkmoot.moderation.workspace.case_view import find_undoable
from folkmoot.moderation.workspace.joining import list_joinable
from folkmoot.moderation.workspace.model import MOST_PER_DAY, Preferences
from folkmoot.moderation.workspace.queries import get_preferences, list_open_by_lane
from folkmoot.moderation.workspace.statistics import Unit
from folkmoot.network.sessions.model import Role

_LISTED = 10


class TakeNext(Parameters, frozen=True, kw_only=True):
    without: Annotated[NamedIds, about("Cases that you have skipped.", maxItems=20)] = ()
    ahead: Annotated[
        bool, about("Reserves it for a minute only, to load it while you read another one. Nothing private is given then.")
    ] = False
    more: Annotated[bool, about("Also after the daily limit.")] = False


class NewDecision(Parameters, frozen=True, kw_only=True):
    """A decision about the version that you have read. The post is hidden at once; for 30 seconds you can undo it, and nobody is told."""

    version: Annotated[str, about("`version` of the case. A decision about an older one is refused with 409.")]
    action: Annotated[
        Literal["keep", "warn", "label", "limit", "hide", "remove", "freeze", "suspend"], about("One of `actions` of the case.")
    ]
    rule: Annotated[str, about("The broken rule; empty for `keep`.")] = ""
    also: Annotated[tuple[str, ...], about("Measures on the author of a post, besides: `warn`, `limit`, `freeze`.")] = ()
    explanation: Annotated[str, about("One sentence to the author. Empty: the wording of the rule.", maxLength=LONGEST_EXPLANATION)] = ""
    days: Annotated[int, about("For `hide`, `limit` and `freeze`.", minimum=1, maximum=MOST_DAYS)] = USUAL_DAYS
    alike: Annotated[
        bool, about("Also about all posts with exactly these words. Beyond 50 of them a second moderator has to agree.")
    ] = False
    together: Annotated[
        tuple[str, ...], about("Other cases of the same author, from `/others`: their `choice`.", maxItems=MOST_OTHERS)
    ] = ()


class NewCaseNote(Parameters, frozen=True, kw_only=True):
    text: Annotated[str, about("For all who decide this case. Neither author nor reporters see it.", maxLength=LONGEST_NOTE)]


class HandOver(Parameters, frozen=True, kw_only=True):
    account_id: Annotated[Id | None, about("One of `deciders` of the case. Absent: everybody again.")] = None


class NewPreferences(Parameters, frozen=True, kw_only=True):
    """Replaces both."""

    avoided: Annotated[tuple[str, ...], about("The rules whose cases are left to others.")] = ()
    daily_limit: Annotated[int | None, about("Cases per day. Absent: that of the network.", minimum=1, maximum=MOST_PER_DAY)] = None


class NewReadySentence(Parameters, frozen=True, kw_only=True):
    title: str
    text: Annotated[str, about("Blanks stand in braces: `{what}`.", maxLength=LONGEST_EXPLANATION)]


class WhichFigures(Parameters, frozen=True, kw_only=True):
    unit: Annotated[Literal["day", "week"], about("The last 14 days, or the last 12 weeks.")] = "day"


async def desk(request: Request) -> Reply:
    """Your day, and the next cases of each lane in turn."""
    viewer_id, now = request.viewer.id, clock.now()
    async with request.database.read() as conn:
        pace = await read_pace(conn, request.viewer, request.context.settings)
        assigned = await list_assigned(conn, viewer_id, now)
        queue = await list_queue(conn, now, _LISTED, viewer_id, pace.done)
        undoable = await find_undoable(conn, viewer_id)
    return request.json(shapes.ModerationDesk(
        decided_today=pace.done, limit=pace.limit, is_enough=pace.is_enough, pause=pace.pause.value if pace.pause else None,
        assigned=[entities.case(one, viewer_id) for one in assigned],
        queue=[] if pace.is_enough else [entities.case(one, viewer_id) for one in queue],
        undoable=entities.verdict(undoable) if undoable else None,
    ))


async def next_case(request: Request, params: TakeNext) -> Reply:
    """Claims the case whose turn it is."""
    async with request.database.read() as conn:
        pace = await read_pace(conn, request.viewer, request.context.settings)
    found = None
    if params.more or not (pace.is_last if params.ahead else pace.is_enough):
        found = await take_next(request.database, request.viewer, pace.done + params.ahead, params.without[:20], is_ahead=params.ahead)
    return request.json(shapes.NextCase(case=entities.case(found, request.viewer.id) if found else None))


async def show(request: Request) -> Reply:
    """A case with everything that its decider needs. Reading what not everybody may read is recorded in the journal."""
    view = await read_case(request.database, request.viewer, request.id())
    return request.json(entities.details(view, request.viewer.id, request.context.urls))


async def others(request: Request) -> Reply:
    """Open cases about other posts of the same author, which can be decided together with this one."""
    view = await read_case(request.database, request.viewer, request.id())
    async with request.database.read() as conn:
        found = await list_joinable(conn, view.case, request.viewer.id)
    return request.json([entities.other(one, request.viewer.id, request.context.urls) for one in found])


async def claim(request: Request) -> Reply:
    """Claims a case for ten minutes, or renews the claim. 409 while another moderator holds it."""
    async with request.database.write() as tx:
        case = await claim_case(tx, request.viewer, request.id())
    return request.json(entities.case(case, request.viewer.id))


async def release(request: Request) -> Reply:
    """Releases a case, so that another moderator can claim it."""
    async with request.database.write() as tx:
        await release_case(tx, request.viewer, request.id())
        case = await get_case(tx, request.id())
    return request.json(entities.case(case, request.viewer.id))


async def decide(request: Request, params: NewDecision) -> Reply:
    """Decides a case that you hold. 409 if somebody else was faster, or the author has changed it meanwhile."""
    words, edited_at = entities.seen(params.version)
    decision = Decision(
        action=params.action, also=params.also, clause=entities.clause_key(params.rule), explanation=params.explanation, days=params.days,
        seen_words=words, seen_edited_at=edited_at,
    )
    joined = [Joined(case_id, *entities.seen(version)) for case_id, version in map(entities.choice, params.together)]
    if params.alike and joined:
        raise Invalid(FieldError("together", "inclusion", "Choose either the same words or the same author."))
    async with request.database.write() as tx:
        if joined:
            verdict = await decide_together(tx, request.viewer, request.id(), decision, joined)
        else:
            verdict = await (decide_alike if params.alike else decide_case)(tx, request.viewer, request.id(), decision)
    return request.json(entities.verdict(verdict))


async def undo(request: Request) -> Reply:
    """Undoes your own decision within 30 seconds, with everything that was decided by it."""
    async with request.database.write() as tx:
        case = await undo_alike(tx, request.viewer, request.id())
        case = await get_case(tx, case.id)
    return request.json(entities.case(case, request.viewer.id))


async def take_note(request: Request, params: NewCaseNote) -> Reply:
    """Leaves a note for all who decide the case. An empty one, and the same one again, changes nothing."""
    async with request.database.write() as tx:
        note = await add_note(tx, request.viewer, request.id(), params.text)
    return request.json(entities.note(request.account, note) if note else None)


async def hand_over(request: Request, params: HandOver) -> Reply:
    """Asks one moderator to decide the case. For a day, others do not get it from the queue."""
    async with request.database.write() as tx:
        await assign_case(tx, request.viewer, request.id(), params.account_id)
        case = await get_case(tx, request.id())
    return request.json(entities.case(case, request.viewer.id))


async def preferences(request: Request) -> Reply:
    """Your preferences. Nobody else sees them."""
    async with request.database.read() as conn:
        own = await get_preferences(conn, request.viewer.id)
    return request.json(_preferences(own))


async def update_preferences(request: Request, params: NewPreferences) -> Reply:
    """Replaces your preferences."""
    own = Preferences(avoided=tuple(map(entities.clause_key, params.avoided)), daily_limit=params.daily_limit)
    async with request.database.write() as tx:
        await set_preferences(tx, request.viewer, own)
    return request.json(_preferences(own))


async def templates(request: Request) -> Reply:
    """Ready sentences for explanations."""
    async with request.database.read() as conn:
        found = await list_templates(conn)
    return request.json([_template(one) for one in found])


async def create_template(request: Request, params: NewReadySentence) -> Reply:
    """Adds a ready sentence for all moderators."""
    async with request.database.write() as tx:
        created = await add_template(tx, request.viewer, params.title, params.text)
    return request.json(_template(created))


async def remove_template(request: Request) -> Reply:
    """Deletes a ready sentence."""
    async with request.database.write() as tx:
        await delete_template(tx, request.viewer, request.id())
    return request.json({})


async def statistics(request: Request, params: WhichFigures) -> Reply:
    """Figures of the queue: what came in, how fast it was decided, and what was taken back."""
    async with request.database.read() as conn:
        found = await read_figures(conn, Unit(params.unit))
        is_operator = request.viewer.login.role is Role.OPERATOR
        lanes = await list_open_by_lane(conn, clock.now()) if is_operator else []
    return request.json(shapes.QueueStatistics(
        figures=[entities.figures(one) for one in found], open=[entities.open_lane(one) for one in lanes] if is_operator else None,
    ))


def _preferences(own: Preferences) -> shapes.ModeratorPreferences:
    return shapes.ModeratorPreferences(avoided=[entities.rule(key) for key in own.avoided], daily_limit=own.daily_limit)


def _template(one: Template) -> shapes.ReadySentence:
    return shapes.ReadySentence(id=str(one.id), title=one.title, text=one.text)


_BASE = "/api/folkmoot/v1/moderation"
_CASE = f"{_BASE}/cases/{{id}}"
_READ: tuple[Access, str] = (Access.MODERATOR, "admin:read:reports")
_WRITE: tuple[Access, str] = (Access.MODERATOR, "admin:write:reports")
_CHANGED: dict[str, Any] = {"answer": shapes.ModeratedCase, "may_conflict": True}
ROUTES = [
    endpoint("GET", f"{_BASE}/desk", desk, *_READ, answer=shapes.ModerationDesk),
    endpoint("POST", f"{_BASE}/next", next_case, *_WRITE, params=TakeNext, answer=shapes.NextCase),
    endpoint("GET", _CASE, show, *_READ, answer=shapes.CaseDetails),
    endpoint("GET", f"{_CASE}/others", others, *_READ, answer=list[shapes.OtherCase]),
    endpoint("POST", f"{_CASE}/claim", claim, *_WRITE, **_CHANGED),
    endpoint("POST", f"{_CASE}/release", release, *_WRITE, **_CHANGED),
    endpoint("POST", f"{_CASE}/decide", decide, *_WRITE, params=NewDecision, answer=shapes.CaseVerdict, may_conflict=True,
             faulty={"with": "together"}),
    endpoint("POST", f"{_CASE}/notes", take_note, *_WRITE, params=NewCaseNote, answer=shapes.CaseNote | None, faulty={"note": "text"}),
    endpoint("POST", f"{_CASE}/assign", hand_over, *_WRITE, params=HandOver, faulty={"to": "account_id"}, **_CHANGED),
    endpoint("POST", f"{_BASE}/verdicts/{{id}}/undo", undo, *_WRITE, **_CHANGED),
    endpoint("GET", f"{_BASE}/preferences", preferences, *_READ, answer=shapes.ModeratorPreferences),
    endpoint("PUT", f"{_BASE}/preferences", update_preferences, *_WRITE, params=NewPreferences, answer=shapes.ModeratorPreferences),
    endpoint("GET", f"{_BASE}/templates", templates, *_READ, answer=list[shapes.ReadySentence]),
    endpoint("POST", f"{_BASE}/templates", create_template, *_WRITE, params=NewReadySentence, answer=shapes.ReadySentence),
    endpoint("DELETE", f"{_BASE}/templates/{{id}}", remove_template, *_WRITE, answer=dict[str, Any]),
    endpoint("GET", f"{_BASE}/statistics", statistics, *_READ, params=WhichFigures, answer=shapes.QueueStatistics),
]
