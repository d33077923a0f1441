"""Pages of hash lists: what they contain, removing an entry, and adding what was just removed."""

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.hash_lists.actions import REMOVED_HERE, remove_entry
from folkmoot.moderation.hash_lists.model import Kind
from folkmoot.moderation.hash_lists.queries import count_entries, get_list, list_lists, list_newest_entries
from folkmoot.moderation.workspace.copies import recognise_copies
from folkmoot.web.request import Request

_SHOWN = 100


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        lists, counts = await list_lists(conn), await count_entries(conn)
    return await request.show("moderate/hashes.html", lists=[(one, sum(counts.get(one.name, {}).values())) for one in lists])


async def show(request: Request) -> Reply:
    """A list with its newest entries."""
    async with request.database.read() as conn:
        listed = await get_list(conn, request.value("list"))
        entries = await list_newest_entries(conn, listed.name, _SHOWN)
        counts = (await count_entries(conn)).get(listed.name, {})
    return await request.show("moderate/hash_list.html", listed=listed, entries=entries, total=sum(counts.values()))


async def remove(request: Request) -> Reply:
    """Removes an entry. Posts that it has held stay hidden until somebody decides."""
    kind = request.form.text("kind")
    if kind not in list(Kind):
        raise NotFound
    async with request.database.write() as tx:
        await remove_entry(tx, request.value("list"), Kind(kind), request.form.text("value"), moderator=request.viewer)
    return request.redirect(f"/moderate/hashes/{request.value('list')}")


async def recognise(request: Request) -> Reply:
    """From now on copies of a removed post are held, and earlier ones are searched."""
    async with request.database.write() as tx:
        await recognise_copies(tx, request.viewer, request.id())
    return request.redirect(f"/moderate/hashes/{REMOVED_HERE}")


ROUTES = [
    Route("GET", "/moderate/hashes", index, Access.MODERATOR),
    Route("GET", "/moderate/hashes/{list}", show, Access.MODERATOR),
    Route("POST", "/moderate/hashes/{list}/remove", remove, Access.MODERATOR),
    Route("POST", "/moderate/cases/{id}/recognise", recognise, Access.MODERATOR),
]
