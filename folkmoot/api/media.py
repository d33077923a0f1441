"""Pictures, video and audio through the client API. A picture is ready when it is answered; video and audio are prepared first."""

from contextlib import suppress
from typing import Annotated

from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Focus, Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.status_shapes import MediaAttachment
from folkmoot.base.errors import Invalid, Malformed, NotFound
from folkmoot.http.params import File
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.media.actions import LONGEST_DESCRIPTION, remove_picture, upload_picture
from folkmoot.network.media.queries import get_own_upload
from folkmoot.network.posts.actions import describe_picture
from folkmoot.network.recordings.actions import (
    change_poster,
    change_recording,
    is_recording,
    refusal_of,
    remove_recording,
    upload_recording,
)
from folkmoot.network.recordings.queries import get_own_recording

_MIDDLE = (0.0, 0.0)


class NewPicture(Parameters, frozen=True, kw_only=True):
    file: Annotated[File | None, about("JPEG, PNG, GIF, WebP, AVIF or HEIC; MP4, MOV, WebM, MP3, M4A, Ogg, FLAC or WAV. Required.")] = None
    thumbnail: Annotated[File | None, about("A picture that stands for a video or a sound. Ignored for pictures.")] = None
    description: Annotated[str, about("The alt text.", maxLength=LONGEST_DESCRIPTION)] = ""
    focus: Focus | None = None


class PictureChange(Parameters, frozen=True, kw_only=True):
    thumbnail: Annotated[File | None, about("A picture that stands for a video or a sound. Ignored for pictures.")] = None
    description: Annotated[str | None, about("Absent: it stays as it is.", maxLength=LONGEST_DESCRIPTION)] = None
    focus: Focus | None = None


async def upload(request: Request, params: NewPicture) -> Reply:
    """Uploads a picture, video or sound for a post. A picture is ready for use: 200. Animations become animated WebP of type `image`. Video
    and audio are answered with 202 and without `url`; ask `GET /api/v1/media/:id` until it answers 200."""
    if params.file is None:
        raise Malformed("Validation failed: %(name)s can't be blank", name="file")
    settings, content = request.context.settings.media, params.file.content
    if is_recording(content):
        recording = await upload_recording(
            request.database, request.context.store, request.account, content, description=params.description,
            focus=params.focus or _MIDDLE, poster=params.thumbnail.content if params.thumbnail else None,
            most_bytes=settings.max_video_bytes,
        )
        return request.json(request.entities.recording(recording), 202)
    picture = await upload_picture(
        request.database, request.context.store, request.account, content, description=params.description,
        focus=params.focus or _MIDDLE, most_bytes=settings.max_bytes,
    )
    return request.json(request.entities.upload(picture))


async def show(request: Request) -> Reply:
    """An upload that no post shows yet; then the post has it. 206 while video or audio is prepared; 422 if it cannot be used."""
    async with request.database.read() as conn:
        try:
            picture = await get_own_upload(conn, request.viewer.id, request.id())
        except NotFound:
            recording = await get_own_recording(conn, request.viewer.id, request.id())
            if refusal := refusal_of(recording):
                raise Invalid(refusal) from None
            return request.json(request.entities.recording(recording), 206)
    if picture.post_id:
        raise NotFound
    return request.json(request.entities.upload(picture))


async def describe(request: Request, params: PictureChange) -> Reply:
    """Describes an upload. Pictures of a post are described by editing the post."""
    database, store, poster = request.database, request.context.store, params.thumbnail.content if params.thumbnail else None
    with suppress(NotFound):  # it is encoded already, or is a picture
        recording = await change_recording(
            database, store, request.account, request.id(), description=params.description, focus=params.focus, poster=poster
        )
        return request.json(request.entities.recording(recording))
    if poster:
        await change_poster(database, store, request.account, request.id(), poster)
    async with database.write(is_repeatable=True) as tx:
        picture = await describe_picture(tx, request.account, request.id(), description=params.description, focus=params.focus)
        if picture.post_id:  # must be changed by editing the post, so that readers are notified
            raise NotFound
    return request.json(request.entities.upload(picture))


async def delete(request: Request) -> Reply:
    """Removes an upload that no post uses."""
    async with request.database.write() as tx:
        if not await remove_recording(tx, request.context.store, request.account, request.id()):
            await remove_picture(tx, request.context.store, request.account, request.id())
    return request.json(Nothing())


_WRITE, _ONE = "write:media", "/api/v1/media/{id}"
ROUTES = [
    *(
        endpoint(
            "POST", f"/api/{version}/media", upload, Access.MEMBER, _WRITE, limit="media", most_bytes=None, params=NewPicture,
            answer=MediaAttachment, further={202: "while video or audio is prepared"},
        )
        for version in ("v2", "v1")
    ),
    endpoint("GET", _ONE, show, Access.MEMBER, _WRITE, further={206: "while it is prepared"}, answer=MediaAttachment),
    *(
        endpoint(
            method, _ONE, describe, Access.MEMBER, _WRITE, most_bytes=None, params=PictureChange, answer=MediaAttachment,
            faulty={"file": "thumbnail"},
        )
        for method in ("PUT", "PATCH")
    ),
    endpoint("DELETE", _ONE, delete, Access.MEMBER, _WRITE, answer=Nothing),
]
