"""Pages of hash lists: what they contain, removing an entry, and adding what was just removed."""

from folkmoot.base.errors import Forbidden, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import get_case, is_concerned
from folkmoot.moderation.hash_lists.actions import SCAN_JOB, recognise_post, remove_entry
from folkmoot.moderation.hash_lists.jobs import Scan
from folkmoot.moderation.hash_lists.model import Kind
from folkmoot.moderation.hash_lists.queries import count_entries, get_list, list_lists, list_newest_entries
from folkmoot.moderation.verdicts.model import Action, Decider, Verdict
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from folkmoot.web.request import Request

_SHOWN = 100


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        lists, counts = await list_lists(conn), await count_entries(conn)
    return await request.show("moderate/hashes.html", lists=lists, counts=counts)


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
    """From now on copies of a removed post are held, and earlier ones are searched. For a case that the moderator may know."""
    async with request.database.write() as tx:
        case = await get_case(tx, request.id())
        verdict = (await list_verdicts_of_cases(tx, [case.id])).get(case.id)
        own = verdict is not None and verdict.decider == Decider.person(request.viewer.id)
        if not own and await is_concerned(tx, request.viewer.id, case.id):
            raise Concerned
        if verdict is None or case.state is not State.DECIDED or case.subject is not Subject.POST or not _is_removed(verdict):
            raise Forbidden("Only what was removed can be recognised again.")
        added = await recognise_post(tx, request.viewer, case, verdict.clause)
        if added:
            tx.enqueue(SCAN_JOB, Scan())
    return request.redirect("/moderate/hashes/removed-here")


def _is_removed(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.settled_at is not None and verdict.action not in (Action.KEEP, Action.LABEL)


ROUTES = [
    Route("GET", "/moderate/hashes", index, Access.MODERATOR),
    Route("GET", "/moderate/hashes/{list}", show, Access.MODERATOR),
    Route("POST", "/moderate/hashes/{list}/remove", remove, Access.MODERATOR),
    Route("POST", "/moderate/cases/{id}/recognise", recognise, Access.MODERATOR),
]
