"""Pages for exporting one's data and for leaving: the archive, single lists, deletion, and cancelling a deletion.

Suspended members can use them too.
"""

from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, TooMany
from folkmoot.http.file_reply import FileReply
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.departures import actions
from folkmoot.network.departures.queries import find_departure
from folkmoot.network.exports.actions import ask_for_export
from folkmoot.network.exports.lists import LISTS, write_list
from folkmoot.network.exports.model import Export
from folkmoot.network.exports.queries import find_export, find_newest
from folkmoot.network.exports.store import export_store
from folkmoot.web.request import Request


async def show_export(request: Request) -> Reply:
    return await _export_page(request)


async def ask(request: Request) -> Reply:
    try:
        request.require_allowance()
        async with request.database.write() as tx:
            await ask_for_export(tx, request.viewer)
    except TooMany as problem:
        return await _export_page(request, request.over_limit(problem), 422)
    return request.redirect("/settings/export?asked=1")


async def _export_page(request: Request, error: str = "", status: int = 200) -> Reply:
    async with request.database.read() as conn:
        newest = await find_newest(conn, request.viewer.id)
    has_stayed = newest is not None and await _has_stayed(request, newest)
    return await request.show("settings/export.html", status, newest=newest, has_stayed=has_stayed, files=list(LISTS), error=error)


async def _has_stayed(request: Request, export: Export) -> bool:
    """Whether the file of an archive stayed on another host, and is written again here. A standby never has it."""
    store = export_store(request.context.settings)
    return export.file is not None and not request.context.is_standby and await store.size(export.file) is None


async def download_list(request: Request) -> Reply:
    """One list as CSV, as it is now."""
    file, settings = request.value("file"), request.context.settings
    if file not in LISTS:
        raise NotFound
    parts = [part async for part in write_list(request.database, file, request.viewer.id, settings.domain, settings.base_url)]
    return Reply(b"".join(parts), media_type=b"text/csv; charset=utf-8", headers=[
        (b"content-disposition", f'attachment; filename="{file}"'.encode()), (b"cache-control", b"private, no-store"),
    ])


async def download_archive(request: Request) -> FileReply | Reply:
    """The archive, for its owner only. If its file is not here, the page says what happens."""
    async with request.database.read() as conn:
        export = await find_export(conn, request.viewer.id, request.id())
    store = export_store(request.context.settings)
    if export is None or export.file is None:
        raise NotFound
    if await store.size(export.file) is None:
        return request.redirect("/settings/export")
    name = f"{request.account.username}-{export.asked_at:%Y-%m-%d}.zip"
    return FileReply(store, export.file, export.bytes or 0, str(export.id), "application/zip", {
        "content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store",
    })


async def show_delete(request: Request) -> Reply:
    return await request.show("settings/delete.html", errors={})


async def delete(request: Request) -> Reply:
    """Begins the half hour after which the account is removed. The reply is a page for somebody who is logged out."""
    form = request.form
    try:
        request.require_allowance()
        _check(form)
        departure, code = await actions.leave(
            request.database, request.viewer, form.text("password"), multiplier=request.context.settings.limits.multiplier
        )
    except Invalid as problem:
        return await request.show("settings/delete.html", 422, errors=request.problems(problem))
    except TooMany as problem:
        return await request.show("settings/delete.html", 422, errors={"password": request.over_limit(problem)})
    except (Forbidden, Conflict) as problem:
        return await request.show("settings/delete.html", 422, errors={"password": request.sentence(problem.message)})
    request.signed_in = None
    cookies = request.shared.cookies
    request.new_cookies += [cookies.delete(cookies.session), cookies.set_for_script(cookies.logged_out, "1")]
    return await request.show("sessions/leaving.html", due_at=departure.due_at, code=code)


def _check(form: Params) -> None:
    """Raises Invalid with each field that is missing."""
    errors = []
    if not form.text("password"):
        errors.append(FieldError("password", "blank", "Please type your password."))
    if not form.flag("knows"):
        errors.append(FieldError("knows", "accepted", "Please tick this, so that we know you mean it."))
    if errors:
        raise Invalid(*errors)


async def show_stay(request: Request) -> Reply:
    """A page with a button, because a mail program that opens links must not decide."""
    return await request.show("sessions/stay.html", code=request.value("code"))


async def stay(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.stay(tx, request.value("code"))
    return request.redirect("/log_in?stayed=1")


async def stays(request: Request, account_id: int) -> bool:
    """Somebody who logs in again stays. Returns whether the account was leaving."""
    async with request.database.read() as conn:
        if await find_departure(conn, account_id) is None:
            return False
    async with request.database.write() as tx:
        return await actions.keep_account(tx, account_id)


_MEMBERS = [
    ("GET", "/settings/export", show_export), ("POST", "/settings/export", ask),
    ("GET", "/settings/export/lists/{file}", download_list), ("GET", "/settings/export/archives/{id}", download_archive),
    ("GET", "/settings/delete", show_delete), ("POST", "/settings/delete", delete),
]
ROUTES = [
    *(Route(method, path, handler, Access.MEMBER, for_suspended=True, keeps_form=method == "POST") for method, path, handler in _MEMBERS),
    Route("GET", "/stay/{code}", show_stay, Access.PUBLIC, for_suspended=True),
    Route("POST", "/stay/{code}", stay, Access.PUBLIC, for_suspended=True),
]
