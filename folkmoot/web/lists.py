"""Pages of lists: all of them, the timeline of one, its settings, and in which lists an account is."""

from folkmoot.base.errors import Invalid, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.lists import actions, queries
from folkmoot.network.lists.model import LONGEST_TITLE, List, ListDraft, Replies
from folkmoot.network.relations.queries import get_relation
from folkmoot.network.timelines.queries import get_list_timeline
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links


async def index(request: Request) -> Reply:
    return await _index_page(request, {})


async def create(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            created = await actions.create_list(tx, request.account, _draft(request))
    except Invalid as problem:
        return await _index_page(request, request.problems(problem), 422)
    return request.redirect(f"/lists/{created.id}")


async def show(request: Request) -> Reply:
    """The timeline of a list."""
    page = request.page()
    async with request.database.read() as conn:
        found = await queries.get_list(conn, request.viewer.id, request.id())
        timeline = await get_list_timeline(conn, request.viewer.id, found.id, page)
        has_members = bool(await queries.count_members(conn, found.id))
    views = await request.views(timeline.entries, FilterContext.HOME)
    return await request.show(
        "lists/show.html", list=found, views=views, has_members=has_members, **page_links(page, timeline.ids)
    )


async def edit(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await queries.get_list(conn, request.viewer.id, request.id())
    return await _edit_page(request, found, {})


async def change(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await actions.change_list(tx, request.account, request.id(), _draft(request))
    except Invalid as problem:
        async with request.database.read() as conn:
            found = await queries.get_list(conn, request.viewer.id, request.id())
        return await _edit_page(request, found, request.problems(problem), 422)
    return request.redirect(f"/lists/{request.id()}")


async def delete(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.delete_list(tx, request.account, request.id())
    return request.redirect("/lists?deleted=1")


async def remove(request: Request) -> Reply:
    account_id = request.form.id("account")
    async with request.database.write() as tx:
        await actions.remove_from_list(tx, request.account, request.id(), [account_id] if account_id else [])
    return request.redirect(f"/lists/{request.id()}/edit")


async def of_account(request: Request) -> Reply:
    """In which lists an account is. Only for accounts that the member follows."""
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
        if not (await get_relation(conn, request.viewer.id, account.id)).follows:
            raise NotFound
        lists = await queries.list_lists(conn, request.viewer.id)
        chosen = {one.id for one in await queries.list_lists_with(conn, request.viewer.id, account.id)}
    return await request.show("lists/account.html", account=account.shown_to_others(), lists=lists, chosen=chosen)


async def choose(request: Request) -> Reply:
    """Puts an account in the chosen lists, and takes it out of the others."""
    wanted = set(request.form.ids("lists"))
    async with request.database.write() as tx:
        account = await get_account(tx, request.id())
        present = {one.id for one in await queries.list_lists_with(tx, request.viewer.id, account.id)}
        for list_id in sorted(wanted - present):
            await actions.add_to_list(tx, request.account, list_id, [account.id])
        for list_id in sorted(present - wanted):
            await actions.remove_from_list(tx, request.account, list_id, [account.id])
    return request.redirect(f"/@{account.acct}")


async def _index_page(request: Request, errors: dict[str, str], status: int = 200) -> Reply:
    async with request.database.read() as conn:
        lists = await queries.list_lists(conn, request.viewer.id)
    return await request.show(
        "lists/index.html", status, lists=lists, errors=errors, title=request.form.text("title"), longest=LONGEST_TITLE
    )


async def _edit_page(request: Request, found: List, errors: dict[str, str], status: int = 200) -> Reply:
    async with request.database.read() as conn:
        members = [account for _, account in await queries.list_members(conn, request.viewer.id, found.id, None)]
    written = request.form.text("title") if errors else found.title
    return await request.show(
        "lists/edit.html", status, list=found, title=written, members=members, errors=errors, longest=LONGEST_TITLE
    )


def _draft(request: Request) -> ListDraft:
    replies = request.form.text("replies")
    return ListDraft(title=request.form.text("title"), replies=Replies(replies) if replies in list(Replies) else None)


ROUTES = [
    Route("GET", "/lists", index, Access.MEMBER),
    Route("POST", "/lists", create, Access.MEMBER),
    Route("GET", "/lists/{id}", show, Access.MEMBER),
    Route("GET", "/lists/{id}/edit", edit, Access.MEMBER),
    Route("POST", "/lists/{id}/edit", change, Access.MEMBER),
    Route("POST", "/lists/{id}/delete", delete, Access.MEMBER),
    Route("POST", "/lists/{id}/remove", remove, Access.MEMBER),
    Route("GET", "/accounts/{id}/lists", of_account, Access.MEMBER),
    Route("POST", "/accounts/{id}/lists", choose, Access.MEMBER),
]
