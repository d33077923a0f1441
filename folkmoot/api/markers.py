"""Markers through the client API: how far somebody has read, the same in every app."""

from typing import Any

from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base.errors import Malformed
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.notifications import actions, queries
from folkmoot.network.notifications.model import Marker


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        markers = await queries.list_markers(conn, request.viewer.id, request.query.texts("timeline"))
    return request.json({marker.timeline: _shape(marker) for marker in markers})


async def set_several(request: Request) -> Reply:
    params = await request.params()
    wanted = [(name, group) for name in actions.TIMELINES if (group := params.child(name))]
    answer = {}
    async with request.database.write() as tx:
        for name, group in wanted:
            last = group.id("last_read_id")
            if last is None:
                raise Malformed("The parameter %(name)s cannot be read.", name=f"{name}[last_read_id]")
            answer[name] = _shape(await actions.mark_read(tx, request.viewer.id, name, last))
    return request.json(answer)


def _shape(marker: Marker) -> dict[str, Any]:
    return {"last_read_id": str(marker.last_read_id), "version": marker.version, "updated_at": moment(marker.updated_at)}


ROUTES = [
    Route("GET", "/api/v1/markers", show, Access.MEMBER, "read:statuses"),
    Route("POST", "/api/v1/markers", set_several, Access.MEMBER, "write:statuses"),
]
