"""The page of blocked networks: one or many at a time, and what a block would end before it does."""

from folkmoot.base.errors import Invalid
from folkmoot.base.handles import shown_domain
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.domain_blocks import actions, queries
from folkmoot.network.domain_blocks.model import Connections
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links


async def index(request: Request) -> Reply:
    return await _page(request, {}, text=request.query.text("domain"))


async def block(request: Request) -> Reply:
    """Blocks a network. If follows would end, the page asks first."""
    text = request.form.text("domain")
    try:
        domain = actions.require_domain(text)
        if not request.form.flag("is_sure"):
            async with request.database.read() as conn:
                ends = await queries.count_connections(conn, request.viewer.id, domain)
            if ends.following or ends.followers:
                return await _page(request, {}, text=text, asked=shown_domain(domain), ends=ends)
        async with request.database.write() as tx:
            await actions.block_domains(tx, request.account, [domain], request.context.settings.domain)
    except Invalid as problem:
        return await _page(request, request.problems(problem), 422, text=text)
    return request.redirect("/settings/domains?saved=1")


async def block_several(request: Request) -> Reply:
    """Blocks the networks of a list, one on each line: as the files of Mastodon, whose further columns are ignored."""
    lines = request.form.text("domains")
    names = [line.partition(",")[0] for line in lines.splitlines() if line.strip() and not line.startswith("#")]
    try:
        async with request.database.write() as tx:
            await actions.block_domains(tx, request.account, names, request.context.settings.domain)
    except Invalid as problem:
        return await _page(request, {"domains": request.problems(problem)["domain"]}, 422, lines=lines)
    return request.redirect("/settings/domains?saved=1")


async def unblock(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.unblock_domain(tx, request.account, request.form.text("domain"))
    return request.redirect("/settings/domains?saved=1")


async def _page(
    request: Request, errors: dict[str, str], status: int = 200, *, text: str = "", lines: str = "", asked: str = "",
    ends: Connections | None = None,
) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        rows = await queries.list_domains(conn, request.viewer.id, page)
    return await request.show(
        "settings/domains.html", status, domains=[(domain, shown_domain(domain)) for _, domain in rows], errors=errors, text=text,
        lines=lines, asked=asked, ends=ends, **page_links(page, [row_id for row_id, _ in rows]),
    )


ROUTES = [
    Route("GET", "/settings/domains", index, Access.MEMBER),
    Route("POST", "/settings/domains", block, Access.MEMBER),
    Route("POST", "/settings/domains/several", block_several, Access.MEMBER),
    Route("POST", "/settings/domains/unblock", unblock, Access.MEMBER),
]
