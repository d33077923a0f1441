"""The daily sample of posts for moderators' programs: the same as the page `/moderate/samples`. Not part of the Mastodon API."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api import moderation_entities as entities
from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.learning.actions import answer_sample
from folkmoot.moderation.learning.model import Answer
from folkmoot.moderation.workspace.sampling import read_sample


class AnswerToSample(Parameters, frozen=True, kw_only=True):
    version: Annotated[str, about("`version` of the post. An answer about an older one is refused with 409.")]
    answer: Annotated[
        Literal["threat", "harmless", "unclear"],
        about("Whether it threatens somebody, or calls for, wishes or praises violence. A threat gets a case; `unclear` teaches nothing."),
    ]


class SampledPost(Shape, kw_only=True):
    """A public post that was drawn, without its author. `text`: with letters instead of names."""

    id: Id
    version: str
    text: str
    drawn_at: Moment


class NextSampledPost(Shape, kw_only=True):
    """`post`: null if nothing waits."""

    post: SampledPost | None
    waiting: Annotated[int, Meta(description="How many wait for you, up to 100.")]


class ResultOfSample(Shape, kw_only=True):
    case_id: Annotated[Id | None, Meta(description="The case of a threat.")]


async def show(request: Request) -> Reply:
    """The post of the daily sample that waits longest for an answer."""
    async with request.database.read() as conn:
        found = await read_sample(conn, request.viewer)
    post = None
    if found.sample:
        version = entities.version_of(None, found.sample.edited_at)
        post = SampledPost(id=str(found.sample.post_id), version=version, text=found.text, drawn_at=moment(found.sample.drawn_at))
    return request.json(NextSampledPost(post=post, waiting=found.left))


async def answer(request: Request, params: AnswerToSample) -> Reply:
    """Says whether a sampled post is a threat. 409 if somebody has answered, or the author has changed it."""
    _, edited_at = entities.seen(params.version)
    async with request.database.write() as tx:
        case_id = await answer_sample(tx, request.viewer, request.id(), edited_at, Answer(params.answer))
    return request.json(ResultOfSample(case_id=str(case_id) if case_id else None))


_SAMPLES = "/api/folkmoot/v1/moderation/samples"
ROUTES = [
    endpoint("GET", f"{_SAMPLES}/next", show, Access.MODERATOR, "admin:read:reports", answer=NextSampledPost),
    endpoint("POST", f"{_SAMPLES}/{{id}}", answer, Access.MODERATOR, "admin:write:reports", params=AnswerToSample, answer=ResultOfSample,
             may_conflict=True),
]
