"""Serves pictures to viewers who may see them, with headers that keep a browser from executing them."""

from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.base.file_store import FileName
from folkmoot.http.file_reply import FileReply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.queries import holds_case_with_picture
from folkmoot.moderation.reviewing.queries import can_see_picture
from folkmoot.network.media.model import Purpose
from folkmoot.network.media.queries import find_file
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions.model import Role
from folkmoot.web.request import Request

_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": "inline",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
}
# What was attached to a post can be removed, so every cache asks again after two seconds. Profile pictures, of which each page has
# twenty, may be kept by the browser that has shown them (decisions 0101, 0122).
_OF_ALL, _OF_FEW, _OF_PROFILES = "public, max-age=2", "private, max-age=2", "public, max-age=300, s-maxage=2"
_UNDER_REVIEW = {**_HEADERS, "cross-origin-resource-policy": "same-origin", "cache-control": "private, no-store"}


async def show(request: Request) -> FileReply:
    """A picture, if its post is public or unlisted, or the address is signed. A withdrawn picture is found only by the
    moderator who holds its case, and by a juror who has it open."""
    key, _, rest = request.value("name").partition(".")
    is_preview = rest.startswith("small.")
    async with request.database.read() as conn:
        file = await find_file(conn, key, is_preview=is_preview)
    if file is None:
        raise NotFound
    is_attached = file.purpose == Purpose.ATTACHMENT
    is_open = not is_attached or (file.post_visibility is not None and file.post_visibility <= Visibility.UNLISTED)
    is_shown = is_open or request.context.urls.is_signed(key, request.query.text("until"), request.query.text("key"))
    if file.is_withdrawn or not is_shown:
        if not await _is_deciding(request, key):
            raise NotFound
        headers = _UNDER_REVIEW
    else:
        headers = {**_HEADERS, "cache-control": (_OF_ALL if is_open else _OF_FEW) if is_attached else _OF_PROFILES}
    name = FileName(file.sha256, file.extension)
    size = await request.context.store.size(name)
    if size is None:
        raise NotFound(log_text=f"the file of picture {key} is not in the store")
    return FileReply(request.context.store, name, size, f"{key}{'-small' if is_preview else ''}", file.mime, headers)


async def _is_deciding(request: Request, key: str) -> bool:
    viewer = request.signed_in
    if viewer is None:
        return False
    async with request.database.read() as conn:
        if not viewer.login.role.includes(Role.MODERATOR):
            return await can_see_picture(conn, viewer.id, key, clock.now())
        return await holds_case_with_picture(conn, viewer.id, key, clock.now())


ROUTES = [Route("GET", "/media/{name}", show, Access.PUBLIC)]
