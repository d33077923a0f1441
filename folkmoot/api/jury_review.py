"""Reviewing through the client API: the same actions as the pages `/jury/review` and `/jury/outcomes`. Not part of the Mastodon API."""

from typing import Annotated

from folkmoot.api import jury_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.jury import finding_of, number_of
from folkmoot.api.moderation_shapes import CasePicture
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.http.urls import Urls
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.juries.model import Review, Severity
from folkmoot.moderation.reviewing import actions
from folkmoot.moderation.reviewing.model import ItemView, Outcome
from folkmoot.moderation.reviewing.outcomes import find_feedback, list_own_outcomes
from folkmoot.network.posts.versions import PostVersion


class NewReview(Parameters, frozen=True, kw_only=True):
    rule: Annotated[str, about("A rule, `0` for none, empty for “I can't say”.")] = ""
    severity: Annotated[int | None, about("Of a breach: a slip, clearly wrong, grave.", minimum=1, maximum=3)] = None
    sureness: Annotated[int | None, about("A little, quite, entirely.", minimum=1, maximum=3)] = None
    seen: Annotated[str, about("As in the item.")] = ""


class Skipped(Parameters, frozen=True, kw_only=True):
    """Both parameters change your choices from now on."""

    avoided: Annotated[tuple[str, ...], about("Rules whose cases others judge from now on.")] = ()
    without_pictures: Annotated[bool, about("No pictures any more.")] = False


class CallChoice(Parameters, frozen=True, kw_only=True):
    mails: Annotated[bool, about("Also by e-mail, at most once a day.")] = True


async def show(request: Request) -> Reply:
    """The item that you have open, and whether others wait."""
    async with request.database.read() as conn:
        return request.json(await _desk(conn, request))


async def take(request: Request) -> Reply:
    """Opens the next item for some minutes; an open one is given again."""
    async with request.database.write() as tx:
        await actions.take_next(tx, request.viewer, goes_on=True)
        return request.json(await _desk(tx, request))


async def answer(request: Request, params: NewReview) -> Reply:
    """Answers the open item. 409 if its time was over, if it was decided meanwhile, or if its words were changed: take the next one."""
    if params.severity is not None and params.severity not in list(Severity):
        raise Invalid(FieldError("severity", "inclusion", "There is no such choice."))
    review = Review(
        finding=finding_of(params.rule, params.sureness), seen_key=params.seen,
        severity=Severity(params.severity) if params.severity is not None else None,
    )
    async with request.database.write() as tx:
        await actions.answer_item(tx, request.viewer, request.id(), review)
    async with request.database.read() as conn:
        known = await find_feedback(conn, request.viewer.id, request.id())
    return request.json(shapes.JuryAnswered(known=_outcome(known) if known else None))


async def skip(request: Request, params: Skipped) -> Reply:
    """Leaves an item to somebody else."""
    keys = {str(clause.number): clause.key for clause in current().clauses}
    async with request.database.write() as tx:
        await actions.skip_item(
            tx, request.viewer, request.id(), avoided=[keys.get(number, number) for number in params.avoided],
            without_pictures=params.without_pictures,
        )
    return request.json(Nothing())


async def outcomes(request: Request) -> Reply:
    """What became of what you answered, newest first. Nobody else sees it."""
    async with request.database.read() as conn:
        return request.json([_outcome(one) for one in await list_own_outcomes(conn, request.viewer.id)])


async def choose_calls(request: Request, params: CallChoice) -> Reply:
    """How you are called when items wait: always with a notification, and by e-mail if you want."""
    async with request.database.write() as tx:
        await actions.choose_mails(tx, request.viewer, wants=params.mails)
    return request.json(Nothing())


async def _desk(conn: ReadConn, request: Request) -> shapes.JuryDesk:
    desk = await actions.read_desk(conn, request.viewer)
    return shapes.JuryDesk(
        item=_item(desk.item, request.context.urls) if desk.item else None, waits=bool(desk.waiting), done=desk.pace.sitting,
        share=desk.share, is_enough=desk.pace.is_enough, pause=desk.pace.wants_break,
    )


def _item(item: ItemView, urls: Urls) -> shapes.JuryItem:
    return shapes.JuryItem(
        id=str(item.id), post=_text(item.version, "", urls), conversation=[_text(one.version, one.letter, urls) for one in item.before],
        likely=[number_of(key) for key in item.likely], seen=item.seen_key,
    )


def _text(version: PostVersion, letter: str, urls: Urls) -> shapes.JuryText:
    pictures = [
        CasePicture(url=urls.picture(one.key, one.mime, is_preview=True), description=one.description) for one in version.pictures
    ]
    return shapes.JuryText(
        letter=letter, text=version.text, cover=version.cover, answers=list(version.poll_titles), pictures=pictures,
        language=version.language,
    )


def _outcome(one: Outcome) -> shapes.JuryOutcome:
    return shapes.JuryOutcome(
        item_id=str(one.item_id), answered_at=moment(one.answered_at), text=one.text, language=one.language,
        answer=None if one.answer is None else number_of(one.answer), decided=number_of(one.decided), was_known=one.is_gold, why=one.why,
    )


_ACCESS = (Access.MEMBER, "jury")
_BASE = "/api/folkmoot/v1/jury"
ROUTES = [
    endpoint("GET", f"{_BASE}/items", show, *_ACCESS, answer=shapes.JuryDesk),
    endpoint("POST", f"{_BASE}/items", take, *_ACCESS, answer=shapes.JuryDesk),
    endpoint("POST", f"{_BASE}/items/{{id}}/answer", answer, *_ACCESS, params=NewReview, answer=shapes.JuryAnswered, may_conflict=True),
    endpoint("POST", f"{_BASE}/items/{{id}}/skip", skip, *_ACCESS, params=Skipped, answer=Nothing, may_conflict=True),
    endpoint("GET", f"{_BASE}/outcomes", outcomes, *_ACCESS, answer=list[shapes.JuryOutcome]),
    endpoint("PUT", f"{_BASE}/calls", choose_calls, *_ACCESS, params=CallChoice, answer=Nothing),
]
