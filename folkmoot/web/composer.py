"""The composer's form: what somebody wrote and chose, read so that nothing of it is lost when something is wrong."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.http.params import Params
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.model import Upload
from folkmoot.network.media.queries import get_own_upload
from folkmoot.network.posts.actions import describe_picture
from folkmoot.network.posts.model import PollDraft, PostDraft, Visibility
from folkmoot.web.request import Request

_FOCUS = {  # where a picture is cut to: nine places, in words
    "": (0.0, 0.0), "top-left": (-0.6, 0.6), "top": (0.0, 0.6), "top-right": (0.6, 0.6), "left": (-0.6, 0.0), "right": (0.6, 0.0),
    "bottom-left": (-0.6, -0.6), "bottom": (0.0, -0.6), "bottom-right": (0.6, -0.6),
}


def draft_from(form: Params) -> PostDraft:
    """What the composer sent. Pictures are read apart."""
    visibility = form.text("visibility")
    has_tools = form.flag("has_tools")  # the composer's tools: what is put away is not published
    titles = tuple(title for title in form.texts("poll_titles") if title.strip()) if form.flag("with_poll") or not has_tools else ()
    cover = form.text("cover") if form.flag("with_cover") or not has_tools else ""
    poll = None
    if titles:
        poll = PollDraft(
            titles=titles, expires_in=form.integer("poll_expires_in") or 86400, is_multiple=form.flag("poll_is_multiple"),
            hides_totals=form.flag("poll_hides_totals"),
        )
    return PostDraft(
        text=form.text("text"), visibility=Visibility(int(visibility)) if visibility in ("0", "1", "2", "3") else None,
        reply_to_id=form.id("reply_to"), cover=cover, is_sensitive=form.flag("is_sensitive"),
        language=form.text("language") or None, poll=poll, idempotency_key=form.text("form_id")[:200] or None,
    )


async def take_pictures(request: Request, form: Params, uploads: list[Upload]) -> None:
    """Adds to `uploads`, as the form describes them, the pictures that stay and those that were just chosen.

    Raises Invalid; what was taken until then is in the list. Descriptions are stored by `describe`.
    """
    uploads += [_as_described(upload, form) for upload in await _kept(request, form)]
    settings, limit = request.context.settings, request.context.post_limits.max_pictures
    for number in range(1, limit + 1):
        file = form.file(f"file_{number}")
        if file is None:
            continue
        if len(uploads) >= limit:
            raise Invalid(FieldError("media_ids", "too_many", "A post has at most %(limit)d pictures.", {"limit": limit}))
        if len(file.content) > settings.media.max_bytes:
            raise Invalid(FieldError("file", "too_large", "This picture is larger than %(limit)d MB.",
                                     {"limit": settings.media.max_bytes // 2**20}))
        request.spend_upload()
        uploads.append(await upload_picture(
            request.database, request.context.store, request.account, file.content, description=form.text(f"new_description_{number}"),
            focus=_FOCUS.get(form.text(f"new_focus_{number}"), (0.0, 0.0)),
        ))


async def _kept(request: Request, form: Params) -> list[Upload]:
    """Pictures that were there before and are not to be removed. One that is gone in the meantime is left out."""
    removed = set(form.ids("remove_media"))
    wanted = [id_ for id_ in dict.fromkeys(form.ids("media")) if id_ not in removed]
    found = []
    async with request.database.read() as conn:
        for id_ in wanted[: request.context.post_limits.max_pictures]:
            with suppress(NotFound):
                found.append(await get_own_upload(conn, request.viewer.id, id_))
    return found


def _as_described(upload: Upload, form: Params) -> Upload:
    """The upload with the description and focus that the form gives it."""
    text = form.optional_text(f"description_{upload.id}")
    x, y = upload.focus_x, upload.focus_y
    if f"focus_{upload.id}" in form:
        x, y = _FOCUS.get(form.text(f"focus_{upload.id}"), (x, y))
    return msgspec.structs.replace(upload, description=upload.description if text is None else text, focus_x=x, focus_y=y)


async def describe(tx: WriteTx, request: Request, uploads: Sequence[Upload]) -> None:
    for upload in uploads:
        await describe_picture(
            tx, request.account, upload.id, description=upload.description, focus=(upload.focus_x, upload.focus_y)
        )


async def still_there(request: Request, uploads: Sequence[Upload]) -> list[Upload]:
    """Those that can be sent again with the form."""
    async with request.database.read() as conn:
        kept = []
        for upload in uploads:
            with suppress(NotFound):
                await get_own_upload(conn, request.viewer.id, upload.id)
                kept.append(upload)
    return kept
