"""The random sample for moderators' programs: the same as the page `/moderate/measure`. Not part of the Mastodon API."""

from typing import Annotated

from msgspec import Meta

from folkmoot.api import moderation_entities as entities
from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.reports import clause_key
from folkmoot.api.request import Request
from folkmoot.api.samples import ResultOfSample
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.measurement.actions.label import label_item
from folkmoot.moderation.measurement.model import Period, Unit
from folkmoot.moderation.workspace.sampling import read_item


class AnswerToItem(Parameters, frozen=True, kw_only=True):
    version: Annotated[str, about("`version` of the item. An answer about an older one is refused with 409.")]
    rule_ids: Annotated[tuple[str, ...], about("The numbers of the rules that it breaks; none if it breaks none.")] = ()
    unclear: Annotated[bool, about("It cannot be said. Then `rule_ids` is ignored.")] = False


class ItemOfSample(Shape, kw_only=True):
    """A public post that members have seen, without its author. The texts have letters instead of names."""

    id: Id
    version: str
    text: str
    answers: Annotated[str, Meta(description="The post that it answers; empty if there is none, or not everybody may read it.")]
    day: Annotated[Moment, Meta(description="The day on which it was seen.")]


class NextItemOfSample(Shape, kw_only=True):
    """`item`: null if nothing waits."""

    item: ItemOfSample | None
    waiting: Annotated[int, Meta(description="How many wait for you, up to 100.")]


async def show(request: Request) -> Reply:
    """The post of the random sample that waits longest to be judged."""
    async with request.database.read() as conn:
        found = await read_item(conn, request.viewer)
    item = None
    if found.item:
        item = ItemOfSample(
            id=str(found.item.id), version=entities.version_of(None, found.item.edited_at), text=found.text, answers=found.before,
            day=moment(Period(Unit.DAY, found.item.day).begins_at),
        )
    return request.json(NextItemOfSample(item=item, waiting=found.left))


async def answer(request: Request, params: AnswerToItem) -> Reply:
    """Says which rules an item breaks. A breach gets a case, unless there is one. 409 if somebody has answered, or its author has changed
    it."""
    _, edited_at = entities.seen(params.version)
    clauses = None if params.unclear else [clause_key(number) for number in params.rule_ids]
    async with request.database.write() as tx:
        case_id = await label_item(tx, request.viewer, request.id(), edited_at, clauses)
    return request.json(ResultOfSample(case_id=str(case_id) if case_id else None))


_MEASURE = "/api/folkmoot/v1/moderation/measure"
ROUTES = [
    endpoint("GET", f"{_MEASURE}/next", show, Access.MODERATOR, "admin:read:reports", answer=NextItemOfSample),
    endpoint("POST", f"{_MEASURE}/{{id}}", answer, Access.MODERATOR, "admin:write:reports", params=AnswerToItem, answer=ResultOfSample,
             may_conflict=True),
]
