"""Markers through the client API: how far a member has read, shared by all apps."""

from typing import Annotated

from folkmoot.api import activity_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Cursor, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base.errors import Malformed
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import Marker


class Wanted(Parameters, frozen=True, kw_only=True):
    timeline: Annotated[tuple[str, ...], about("`home`, `notifications`.")] = ()


class NewMarker(Parameters, frozen=True, kw_only=True):
    last_read_id: Cursor | None = None


class NewMarkers(Parameters, frozen=True, kw_only=True):
    home: NewMarker | None = None
    notifications: NewMarker | None = None


async def show(request: Request, params: Wanted) -> Reply:
    """How far the member has read."""
    async with request.database.read() as conn:
        markers = await queries.list_markers(conn, request.viewer.id, list(params.timeline))
    return request.json({marker.timeline: _shape(marker) for marker in markers})


async def set_several(request: Request, params: NewMarkers) -> Reply:
    """Stores how far the member has read."""
    wanted = [(name, marker) for name in actions.TIMELINES if (marker := getattr(params, name))]
    answer = {}
    async with request.database.write() as tx:
        for name, marker in wanted:
            if marker.last_read_id is None:
                raise Malformed("The parameter %(name)s cannot be read.", name=f"{name}[last_read_id]")
            answer[name] = _shape(await actions.mark_read(tx, request.viewer.id, name, marker.last_read_id))
    return request.json(answer)


def _shape(marker: Marker) -> shapes.Marker:
    return shapes.Marker(last_read_id=str(marker.last_read_id), version=marker.version, updated_at=moment(marker.updated_at))


ROUTES = [
    endpoint("GET", "/api/v1/markers", show, Access.MEMBER, "read:statuses", params=Wanted, answer=shapes.Markers),
    endpoint("POST", "/api/v1/markers", set_several, Access.MEMBER, "write:statuses", params=NewMarkers, answer=shapes.Markers),
]
