"""Pictures through the client API. An upload is ready when it is answered, so there is never a 202."""

from typing import Annotated

from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Focus, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.status_shapes import MediaAttachment
from folkmoot.base.errors import Malformed, NotFound
from folkmoot.http.params import File
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.media.actions import LONGEST_DESCRIPTION, remove_picture, upload_picture
from folkmoot.network.media.queries import get_own_upload
from folkmoot.network.posts.actions import describe_picture

_MIDDLE = (0.0, 0.0)


class NewPicture(Parameters, frozen=True, kw_only=True):
    file: Annotated[File | None, about("JPEG, PNG, GIF, WebP, AVIF or HEIC. Required.")] = None
    description: Annotated[str, about("The alt text.", maxLength=LONGEST_DESCRIPTION)] = ""
    focus: Focus | None = None


class PictureChange(Parameters, frozen=True, kw_only=True):
    description: Annotated[str | None, about("Absent: it stays as it is.", maxLength=LONGEST_DESCRIPTION)] = None
    focus: Focus | None = None


async def upload(request: Request, params: NewPicture) -> Reply:
    """Uploads a picture for a post, ready for use. Animations become animated WebP and are of type `image`, not `gifv`:
    they are no videos. They keep times and number of plays; those that are too long are refused."""
    if params.file is None:
        raise Malformed("Validation failed: %(name)s can't be blank", name="file")
    picture = await upload_picture(
        request.database, request.context.store, request.account, params.file.content, description=params.description,
        focus=params.focus or _MIDDLE, most_bytes=request.context.settings.media.max_bytes,
    )
    return request.json(request.entities.upload(picture))


async def show(request: Request) -> Reply:
    """An upload that no post shows yet; then the post has it."""
    async with request.database.read() as conn:
        picture = await get_own_upload(conn, request.viewer.id, request.id())
    if picture.post_id:
        raise NotFound
    return request.json(request.entities.upload(picture))


async def describe(request: Request, params: PictureChange) -> Reply:
    """Describes an upload. Pictures of a post are described by editing the post."""
    async with request.database.write() as tx:
        picture = await describe_picture(tx, request.account, request.id(), description=params.description, focus=params.focus)
        if picture.post_id:  # must be changed by editing the post, so that readers are notified
            raise NotFound
    return request.json(request.entities.upload(picture))


async def delete(request: Request) -> Reply:
    """Removes an upload that no post uses."""
    async with request.database.write() as tx:
        await remove_picture(tx, request.context.store, request.account, request.id())
    return request.json(Nothing())


_WRITE, _ONE = "write:media", "/api/v1/media/{id}"
ROUTES = [
    *(
        endpoint(
            "POST", f"/api/{version}/media", upload, Access.MEMBER, _WRITE, limit="media", most_bytes=None, params=NewPicture,
            answer=MediaAttachment,
        )
        for version in ("v2", "v1")
    ),
    endpoint("GET", _ONE, show, Access.MEMBER, _WRITE, answer=MediaAttachment),
    *(
        endpoint(method, _ONE, describe, Access.MEMBER, _WRITE, params=PictureChange, answer=MediaAttachment)
        for method in ("PUT", "PATCH")
    ),
    endpoint("DELETE", _ONE, delete, Access.MEMBER, _WRITE, answer=Nothing),
]
