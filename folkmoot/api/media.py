"""Pictures through the client API. They are ready when the upload is answered: no 202, no waiting."""

from folkmoot.api.request import Request
from folkmoot.api.statuses import focus
from folkmoot.base.errors import Malformed, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.media.actions import describe_picture, remove_picture, upload_picture
from folkmoot.network.media.queries import get_own_upload


async def upload(request: Request) -> Reply:
    params = await request.params()
    file = params.file("file")
    if file is None:
        raise Malformed("Validation failed: %(name)s can't be blank", name="file")
    picture = await upload_picture(
        request.database, request.context.store, request.account, file.content, description=params.text("description"),
        focus=focus(params.text("focus")) or (0.0, 0.0),
    )
    return request.json(request.entities.upload(picture))


async def show(request: Request) -> Reply:
    """Until a post shows it; then it is found there."""
    async with request.database.read() as conn:
        picture = await get_own_upload(conn, request.viewer.id, request.id())
    if picture.post_id:
        raise NotFound
    return request.json(request.entities.upload(picture))


async def describe(request: Request) -> Reply:
    params = await request.params()
    async with request.database.write() as tx:
        picture = await describe_picture(
            tx, request.account, request.id(), description=params.optional_text("description"), focus=focus(params.text("focus"))
        )
        if picture.post_id:  # what a post shows is changed by an edit of the post, so that its readers learn of it
            raise NotFound
    return request.json(request.entities.upload(picture))


async def delete(request: Request) -> Reply:
    async with request.database.write() as tx:
        await remove_picture(tx, request.context.store, request.account, request.id())
    return request.json({})


ROUTES = [
    Route("POST", "/api/v2/media", upload, Access.MEMBER, "write:media", limit="media", most_bytes=None),
    Route("POST", "/api/v1/media", upload, Access.MEMBER, "write:media", limit="media", most_bytes=None),
    Route("GET", "/api/v1/media/{id}", show, Access.MEMBER, "write:media"),
    Route("PUT", "/api/v1/media/{id}", describe, Access.MEMBER, "write:media"),
    Route("PATCH", "/api/v1/media/{id}", describe, Access.MEMBER, "write:media"),
    Route("DELETE", "/api/v1/media/{id}", delete, Access.MEMBER, "write:media"),
]
