"""Serving pictures: from a path of their own, as nothing that a browser would run, to whom may see them."""

from starlette.responses import FileResponse

from folkmoot.base.errors import NotFound
from folkmoot.http.routing import Access, Route
from folkmoot.network.media.model import Purpose
from folkmoot.network.media.queries import find_file
from folkmoot.network.posts.model import Visibility
from folkmoot.web.request import Request

_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": "inline",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
}


async def show(request: Request) -> FileResponse:
    """A picture, if its post is for everybody, or the address is signed. What is withdrawn is gone at once."""
    key, _, rest = request.value("name").partition(".")
    async with request.database.read() as conn:
        file = await find_file(conn, key, is_preview=rest.startswith("small."))
    if file is None or file.is_withdrawn:
        raise NotFound
    is_open = file.purpose != Purpose.ATTACHMENT or (file.post_visibility is not None and file.post_visibility <= Visibility.UNLISTED)
    if not is_open and not request.context.urls.is_signed(key, request.query.text("until"), request.query.text("key")):
        raise NotFound
    caching = "public, max-age=300" if is_open else "private, max-age=300"
    path = request.context.store.path(file.sha256, file.extension)
    try:
        found = path.stat()
    except FileNotFoundError:  # it went in this very moment, or the copy of a moved network is not whole yet
        raise NotFound(log_text=f"the file of picture {key} is missing") from None
    return FileResponse(path, media_type=file.mime, stat_result=found, headers={**_HEADERS, "cache-control": caching})


ROUTES = [Route("GET", "/media/{name}", show, Access.PUBLIC)]
