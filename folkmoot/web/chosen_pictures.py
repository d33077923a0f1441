"""The pictures, videos and sounds of the form for writing posts: those that stay, those that were chosen, and their descriptions."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound, Plural, Problem
from folkmoot.http.params import File, Params
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import get_own_upload
from folkmoot.network.posts.actions import describe_picture
from folkmoot.network.recordings.actions import describe_recording, is_recording, refusal_of, upload_of, upload_recording
from folkmoot.network.recordings.queries import get_own_recording
from folkmoot.web.request import Request

_FOCUS = {  # the focal points for cropping a picture, by name
    "": (0.0, 0.0), "top-left": (-0.6, 0.6), "top": (0.0, 0.6), "top-right": (0.6, 0.6), "left": (-0.6, 0.0), "right": (0.6, 0.0),
    "bottom-left": (-0.6, -0.6), "bottom": (0.0, -0.6), "bottom-right": (0.6, -0.6),
}
PREPARED_WITHIN = 10.0  # seconds that a form waits for a video or sound
_LOOK_EVERY = 0.25


class PicturesRefused(Invalid):
    """Some of the chosen pictures cannot be used: the errors `file_1`, `file_2` … in their order, and what described them."""

    def __init__(self, *errors: FieldError, descriptions: Sequence[str]) -> None:
        super().__init__(*errors, log_text="; ".join(str(error.params.get("why", error.message)) for error in errors))
        self.descriptions = descriptions


async def collect_pictures(request: Request, form: Params, uploads: list[Upload]) -> None:
    """Adds to `uploads` the pictures that stay and the newly chosen ones, with the descriptions of the form.

    One that cannot be used does not stop the others. Raises Invalid; `uploads` then has those that can be used.
    `store_descriptions` stores the descriptions.
    """
    errors: list[FieldError] = []
    uploads += [_as_described(upload, form) for upload in await _kept(request, form, errors)]
    limit = request.context.post_limits.max_pictures
    refused: list[str] = []
    for number in range(1, limit + 1):
        file = form.file(f"file_{number}")
        if file is None:
            continue
        if len(uploads) >= limit:
            raise Invalid(FieldError(
                "media_ids", "too_many",
                Plural("A post can have at most %(limit)d picture.", "A post can have at most %(limit)d pictures.", "limit"),
                {"limit": limit},
            ))
        description = form.text(f"new_description_{number}")
        try:
            uploads.append(await _uploaded(request, file, description, _FOCUS.get(form.text(f"new_focus_{number}"), (0.0, 0.0))))
        except Invalid as problem:
            refused.append(description)
            errors.append(_of_file(request, problem.errors[0], file.name, len(refused)))
    if errors:
        raise PicturesRefused(*errors, descriptions=refused)


def refused_descriptions(problem: Problem) -> Sequence[str]:
    return problem.descriptions if isinstance(problem, PicturesRefused) else ()


async def _uploaded(request: Request, file: File, description: str, focus: tuple[float, float]) -> Upload:
    """The stored picture, described as in the form. A description that is too long is refused later, with the picture kept."""
    request.spend_upload()
    if is_recording(file.content):
        return msgspec.structs.replace(await _prepared(request, file.content, focus), description=description)
    upload = await upload_picture(
        request.database, request.context.store, request.account, file.content, focus=focus,
        most_bytes=request.context.settings.media.max_bytes,
    )
    return msgspec.structs.replace(upload, description=description)


async def _prepared(request: Request, content: bytes, focus: tuple[float, float]) -> Upload:
    """An uploaded video or sound. Short ones are ready within some seconds; others stay in the form while they are prepared."""
    recording = await upload_recording(
        request.database, request.context.store, request.account, content, focus=focus,
        most_bytes=request.context.settings.media.max_video_bytes,
    )
    ends_at = clock.monotonic() + PREPARED_WITHIN
    while clock.monotonic() < ends_at:
        await asyncio.sleep(_LOOK_EVERY)
        async with request.database.read() as conn:
            upload = await find_upload(conn, request.viewer.id, recording.id)
        if upload and upload.key:
            return upload
    return upload_of(recording)


async def find_upload(conn: ReadConn, owner_id: int, media_id: int) -> Upload | None:
    """An upload, also a video or sound that is being prepared; None if it is gone, or cannot be used. Raises Invalid for one that was
    refused."""
    with suppress(NotFound):
        return await get_own_upload(conn, owner_id, media_id)
    with suppress(NotFound):
        recording = await get_own_recording(conn, owner_id, media_id)
        if refusal := refusal_of(recording):
            raise Invalid(FieldError("media_ids", refusal.code, refusal.message))
        return upload_of(recording)
    return None


def _of_file(request: Request, error: FieldError, name: str, number: int) -> FieldError:
    why = request.sentence(error.message, **error.params)
    return FieldError(f"file_{number}", error.code, "%(name)s: %(why)s", {"name": name[-60:], "why": why})


async def _kept(request: Request, form: Params, errors: list[FieldError]) -> list[Upload]:
    """Earlier pictures that the form does not remove. Deleted ones are left out, and so is a refused recording, with an error."""
    removed = set(form.ids("remove_media"))
    wanted = [id_ for id_ in dict.fromkeys(form.ids("media")) if id_ not in removed]
    found = []
    async with request.database.read() as conn:
        for id_ in wanted[: request.context.post_limits.max_pictures]:
            try:
                upload = await find_upload(conn, request.viewer.id, id_)
            except Invalid as problem:
                errors += problem.errors
                continue
            if upload:
                found.append(upload)
    return found


def _as_described(upload: Upload, form: Params) -> Upload:
    """The upload with the description and focus of the form."""
    text = form.optional_text(f"description_{upload.id}")
    x, y = upload.focus_x, upload.focus_y
    if f"focus_{upload.id}" in form:
        x, y = _FOCUS.get(form.text(f"focus_{upload.id}"), (x, y))
    return msgspec.structs.replace(upload, description=upload.description if text is None else text, focus_x=x, focus_y=y)


async def store_descriptions(tx: WriteTx, request: Request, uploads: Sequence[Upload]) -> None:
    for upload in uploads:
        focus = (upload.focus_x, upload.focus_y)
        if upload.key or not await describe_recording(tx, request.account, upload.id, description=upload.description, focus=focus):
            await describe_picture(tx, request.account, upload.id, description=upload.description, focus=focus)


async def list_existing(request: Request, uploads: Sequence[Upload]) -> list[Upload]:
    """The uploads that still exist and can be sent again with the form."""
    async with request.database.read() as conn:
        kept = []
        for upload in uploads:
            with suppress(Invalid):
                if await find_upload(conn, request.viewer.id, upload.id):
                    kept.append(upload)
    return kept
