"""The operators' page of what is kept out: mail providers, addresses of people, IP networks."""

from collections.abc import Awaitable, Callable, Mapping

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Invalid, NotFound
from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.members.barriers import (
    block_email,
    block_email_domain,
    block_network,
    unblock_email,
    unblock_email_domain,
    unblock_network,
)
from folkmoot.network.barriers.model import Severity
from folkmoot.network.barriers.queries import list_email_domains, list_emails, list_networks
from folkmoot.network.sessions.model import Viewer
from folkmoot.web.request import Request

_PATH = "/moderate/barriers"
_SHOWN = Page(limit=200)
_DAY = 86_400
_DAYS = ("1", "7", "30", "365", "0")  # 0: until it is removed


async def show(request: Request) -> Reply:
    return await _page(request)


async def add_domain(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await block_email_domain(tx, request.viewer, request.form.text("domain"))
    except Invalid as problem:
        return await _page(request, 422, errors=request.problems(problem))
    return request.redirect(f"{_PATH}?added=1")


async def add_email(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await block_email(tx, request.viewer, request.form.text("email"))
    except Invalid as problem:
        return await _page(request, 422, errors=request.problems(problem))
    return request.redirect(f"{_PATH}?added=1")


async def add_network(request: Request) -> Reply:
    form = request.form
    days = form.text("days")
    try:
        async with request.database.write() as tx:
            await block_network(
                tx, request.viewer, form.text("ip"), form.text("severity"), form.text("comment"),
                int(days) * _DAY if days in _DAYS else None, own_address=request.address,
            )
    except Invalid as problem:
        return await _page(request, 422, errors=request.problems(problem))
    return request.redirect(f"{_PATH}?added=1")


def _ends(unblock: Callable[[WriteTx, Viewer, int], Awaitable[None]]) -> Callable[[Request], Awaitable[Reply]]:
    """The handler of a form that ends a block. A form that is sent twice changes nothing the second time."""

    async def end(request: Request) -> Reply:
        try:
            async with request.database.write() as tx:
                await unblock(tx, request.viewer, request.id())
        except NotFound:
            return request.redirect(_PATH)
        return request.redirect(f"{_PATH}?ended=1")

    return end


async def _page(request: Request, status: int = 200, *, errors: Mapping[str, str] | None = None) -> Reply:
    """`errors`: of a refused form, whose fields come back as they were sent."""
    sent = {name: request.form.text(name) if errors else "" for name in ("domain", "email", "ip", "severity", "comment", "days")}
    async with request.database.read() as conn:
        domains, emails = await list_email_domains(conn, _SHOWN, clock.now().date()), await list_emails(conn, _SHOWN)
        networks = await list_networks(conn, _SHOWN)
    return await request.show(
        "moderate/barriers.html", status, domains=domains, emails=emails, networks=networks, sent=sent, errors=errors or {},
        severities=[one.value for one in Severity], days=_DAYS,
    )


ROUTES = [
    Route("GET", _PATH, show, Access.OPERATOR),
    Route("POST", f"{_PATH}/domains", add_domain, Access.OPERATOR),
    Route("POST", f"{_PATH}/domains/{{id}}/end", _ends(unblock_email_domain), Access.OPERATOR),
    Route("POST", f"{_PATH}/emails", add_email, Access.OPERATOR),
    Route("POST", f"{_PATH}/emails/{{id}}/end", _ends(unblock_email), Access.OPERATOR),
    Route("POST", f"{_PATH}/networks", add_network, Access.OPERATOR),
    Route("POST", f"{_PATH}/networks/{{id}}/end", _ends(unblock_network), Access.OPERATOR),
]
