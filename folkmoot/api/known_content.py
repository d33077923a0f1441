"""Hash lists and copies for moderators' programs: the same as the pages `/moderate/hashes` and `/moderate/cases/…/alike`. Not part of
the Mastodon API."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api import moderation_entities as entities
from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.hash_lists.actions import remove_entry
from folkmoot.moderation.hash_lists.model import Entry, HashList, Kind
from folkmoot.moderation.hash_lists.queries import count_entries, get_list, list_lists, list_newest_entries
from folkmoot.moderation.workspace.copies import read_copies, recognise_copies

_SHOWN = 100


class WhichEntry(Parameters, frozen=True, kw_only=True):
    kind: Literal["file", "picture", "text", "address"]
    value: Annotated[str, about("As in the list.")]


class ListOfHashes(Shape, kw_only=True):
    """`effect`: an exact copy of what is on it is held until people decide, or gets a case only. `entries`: how many."""

    name: str
    effect: Literal["hold", "signal"]
    about: str
    entries: int


class HashEntry(Shape, kw_only=True):
    """`value`: a hash, or an address."""

    kind: Literal["file", "picture", "text", "address"]
    value: str
    rule: str
    note: str
    added_at: Moment


class ListWithEntries(Shape, kw_only=True):
    hash_list: ListOfHashes
    entries: Annotated[list[HashEntry], Meta(description="The newest, at most 100.")]


class NewHashes(Shape, kw_only=True):
    added: Annotated[int, Meta(description="How many hashes are new. 0: its copies were recognised already.")]


class PostAlike(Shape, kw_only=True):
    """`letter`: stands for the account."""

    letter: str
    created_at: Moment


class PostsAlike(Shape, kw_only=True):
    """`posts`: the oldest of `count`."""

    case_id: Id
    text: str
    count: int
    posts: list[PostAlike]


async def index(request: Request) -> Reply:
    """The lists of known content."""
    async with request.database.read() as conn:
        lists, counts = await list_lists(conn), await count_entries(conn)
    return request.json([_list(one, counts.get(one.name, {})) for one in lists])


async def show(request: Request) -> Reply:
    """A list with its newest entries."""
    async with request.database.read() as conn:
        listed = await get_list(conn, request.value("list"))
        entries = await list_newest_entries(conn, listed.name, _SHOWN)
        counts = (await count_entries(conn)).get(listed.name, {})
    return request.json(ListWithEntries(hash_list=_list(listed, counts), entries=[_entry(one) for one in entries]))


async def remove(request: Request, params: WhichEntry) -> Reply:
    """Removes an entry from a list. Posts that it has held stay hidden until somebody decides."""
    async with request.database.write() as tx:
        await remove_entry(tx, request.value("list"), Kind(params.kind), params.value, moderator=request.viewer)
    return request.json(Nothing())


async def recognise(request: Request) -> Reply:
    """From now on copies of a removed post are held, and earlier ones are searched."""
    async with request.database.write() as tx:
        return request.json(NewHashes(added=await recognise_copies(tx, request.viewer, request.id())))


async def alike(request: Request) -> Reply:
    """The other posts with exactly the words of a case: what a decision with `alike` would be about."""
    async with request.database.read() as conn:
        found = await read_copies(conn, request.viewer, request.id())
    posts = [PostAlike(letter=letter, created_at=moment(at)) for letter, at in found.listed]
    return request.json(PostsAlike(case_id=str(found.case.id), text=found.text, count=found.count, posts=posts))


def _list(one: HashList, counts: dict[Kind, int]) -> ListOfHashes:
    return ListOfHashes(name=one.name, effect=one.effect.value, about=one.about, entries=sum(counts.values()))


def _entry(one: Entry) -> HashEntry:
    return HashEntry(kind=one.kind.value, value=one.value, rule=entities.rule(one.clause), note=one.note, added_at=moment(one.added_at))


_BASE = "/api/folkmoot/v1/moderation"
_READ, _WRITE = (Access.MODERATOR, "admin:read:reports"), (Access.MODERATOR, "admin:write:reports")
ROUTES = [
    endpoint("GET", f"{_BASE}/hash_lists", index, *_READ, answer=list[ListOfHashes]),
    endpoint("GET", f"{_BASE}/hash_lists/{{list}}", show, *_READ, answer=ListWithEntries),
    endpoint("DELETE", f"{_BASE}/hash_lists/{{list}}/entries", remove, *_WRITE, params=WhichEntry, answer=Nothing),
    endpoint("POST", f"{_BASE}/cases/{{id}}/recognise", recognise, *_WRITE, answer=NewHashes),
    endpoint("GET", f"{_BASE}/cases/{{id}}/alike", alike, *_READ, answer=PostsAlike),
]
