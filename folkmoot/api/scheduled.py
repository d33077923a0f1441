"""Scheduled statuses through the client API. `statuses.py` creates them."""

from collections.abc import Sequence
from typing import Annotated

from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import PageOf20, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.status_drafts import time_of
from folkmoot.api.status_shapes import ScheduledParams, ScheduledPoll, ScheduledStatus
from folkmoot.api.words import QUOTE_POLICY, VISIBILITY, moment
from folkmoot.base.db import ReadConn
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.media.queries import list_own_uploads
from folkmoot.network.posts.model import PostDraft
from folkmoot.network.scheduled import actions, queries
from folkmoot.network.scheduled.model import ScheduledPost


class NewTime(Parameters, frozen=True, kw_only=True):
    scheduled_at: Annotated[str, about("At least five minutes from now.", format="date-time")]


async def index(request: Request, params: PageOf20) -> Reply:
    """The member's scheduled statuses, the latest written first. Those that could not be published have a past time."""
    async with request.database.read() as conn:
        found = await queries.list_scheduled(conn, request.viewer.id, params.page)
        shapes = await _entities(conn, request, found)
    return request.listed([(one.id, shape) for one, shape in zip(found, shapes, strict=True)])


async def show(request: Request) -> Reply:
    """One scheduled status."""
    async with request.database.read() as conn:
        return request.json(await scheduled_entity(conn, request, await queries.get_scheduled(conn, request.viewer.id, request.id())))


async def change(request: Request, params: NewTime) -> Reply:
    """Changes when it is published."""
    due_at = time_of(params.scheduled_at)
    async with request.database.write() as tx:
        changed = await actions.reschedule_post(tx, request.account, request.id(), due_at)
        return request.json(await scheduled_entity(tx, request, changed))


async def delete(request: Request) -> Reply:
    """Deletes a scheduled status. Its pictures can be used again for a day."""
    async with request.database.write() as tx:
        await actions.delete_scheduled(tx, request.account, request.id())
    return request.json(Nothing())


async def scheduled_entity(conn: ReadConn, request: Request, scheduled: ScheduledPost) -> ScheduledStatus:
    [shape] = await _entities(conn, request, [scheduled])
    return shape


async def _entities(conn: ReadConn, request: Request, found: Sequence[ScheduledPost]) -> list[ScheduledStatus]:
    """The wire shapes of a page, with their pictures in one statement."""
    media_ids = [id_ for one in found for id_ in one.draft.media_ids]
    uploads = await list_own_uploads(conn, request.viewer.id, media_ids) if media_ids else {}
    return [
        ScheduledStatus(
            id=str(one.id), scheduled_at=moment(one.due_at), params=_params(one),
            media_attachments=[request.entities.upload(uploads[id_]) for id_ in one.draft.media_ids if id_ in uploads],
        )
        for one in found
    ]


def _params(scheduled: ScheduledPost) -> ScheduledParams:
    draft = scheduled.draft
    visibility = draft.default_visibility if draft.visibility is None else draft.visibility
    return ScheduledParams(
        text=draft.text, media_ids=list(map(str, draft.media_ids)) or None, poll=_poll(draft), sensitive=draft.is_sensitive,
        spoiler_text=draft.cover or None, visibility=VISIBILITY[visibility], language=draft.language,
        in_reply_to_id=str(draft.reply_to_id) if draft.reply_to_id else None, application_id=str(draft.app_id) if draft.app_id else None,
        quoted_status_id=str(draft.quoted_id) if draft.quoted_id else None,
        quote_approval_policy=None if draft.quote_policy is None else QUOTE_POLICY[draft.quote_policy],
        scheduled_at=None, idempotency=scheduled.idempotency_key, with_rate_limit=False,
    )


def _poll(draft: PostDraft) -> ScheduledPoll | None:
    poll = draft.poll
    return None if poll is None else ScheduledPoll(
        options=list(poll.titles), expires_in=poll.expires_in, multiple=poll.is_multiple, hide_totals=bool(poll.hides_totals)
    )


_ALL = "/api/v1/scheduled_statuses"
_ONE = f"{_ALL}/{{id}}"
_READ, _WRITE = "read:statuses", "write:statuses"
ROUTES = [
    endpoint("GET", _ALL, index, Access.MEMBER, _READ, params=PageOf20, answer=list[ScheduledStatus]),
    endpoint("GET", _ONE, show, Access.MEMBER, _READ, answer=ScheduledStatus),
    *(endpoint(method, _ONE, change, Access.MEMBER, _WRITE, params=NewTime, answer=ScheduledStatus) for method in ("PUT", "PATCH")),
    endpoint("DELETE", _ONE, delete, Access.MEMBER, _WRITE, answer=Nothing),
]
