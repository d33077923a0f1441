"""Lists through the client API. `timelines.py` has their timeline."""

from typing import Annotated, Literal

from folkmoot.api.account_shapes import Account
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import List, Nothing
from folkmoot.api.parameters import Cursors, NamedIds, Parameters, UpTo80, about
from folkmoot.api.request import Request
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.lists import actions, model, queries
from folkmoot.network.lists.model import ListDraft, Replies


class Change(Parameters, frozen=True, kw_only=True):
    title: Annotated[str | None, about(maxLength=model.LONGEST_TITLE)] = None
    replies_policy: Annotated[
        Literal["list", "followed", "none"] | None, about("Replies to whom: other members, followed accounts, nobody.")
    ] = None
    exclusive: Annotated[bool, about("Not supported: posts of a list stay in the home timeline.")] = False

    @property
    def draft(self) -> ListDraft:
        """Raises Invalid for an exclusive list, because pretending would hide nothing."""
        if self.exclusive:
            raise Invalid(FieldError("exclusive", "inclusion", "Posts of a list cannot be hidden from the home timeline yet."))
        return ListDraft(title=self.title, replies=Replies(self.replies_policy) if self.replies_policy else None)


class Members(Cursors, frozen=True, kw_only=True):
    limit: Annotated[UpTo80, about("0: all of them, without pages.")] = 40


class Accounts(Parameters, frozen=True, kw_only=True):
    account_ids: NamedIds = ()


async def index(request: Request) -> Reply:
    """The member's lists."""
    async with request.database.read() as conn:
        found = await queries.list_lists(conn, request.viewer.id)
    return request.json(list(map(_shape, found)))


async def show(request: Request) -> Reply:
    """One list."""
    async with request.database.read() as conn:
        return request.json(_shape(await queries.get_list(conn, request.viewer.id, request.id())))


async def create(request: Request, params: Change) -> Reply:
    """Creates an empty list."""
    async with request.database.write() as tx:
        return request.json(_shape(await actions.create_list(tx, request.account, params.draft)))


async def change(request: Request, params: Change) -> Reply:
    """Changes a list. Absent fields stay as they are."""
    async with request.database.write() as tx:
        return request.json(_shape(await actions.change_list(tx, request.account, request.id(), params.draft)))


async def delete(request: Request) -> Reply:
    """Deletes a list. Its members are still followed."""
    async with request.database.write() as tx:
        await actions.delete_list(tx, request.account, request.id())
    return request.json(Nothing())


async def members(request: Request, params: Members) -> Reply:
    """The accounts in a list, the latest added first."""
    async with request.database.read() as conn:
        await queries.get_list(conn, request.viewer.id, request.id())
        page = params.page_of(params.limit) if params.limit else None
        rows = await queries.list_members(conn, request.viewer.id, request.id(), page)
    entities = [(row_id, request.entities.account(account)) for row_id, account in rows]
    return request.listed(entities) if params.limit else request.json([account for _, account in entities])


async def add(request: Request, params: Accounts) -> Reply:
    """Adds accounts that the member follows, all or none."""
    async with request.database.write() as tx:
        await actions.add_to_list(tx, request.account, request.id(), params.account_ids)
    return request.json(Nothing())


async def remove(request: Request, params: Accounts) -> Reply:
    """Removes accounts from a list."""
    async with request.database.write() as tx:
        await actions.remove_from_list(tx, request.account, request.id(), params.account_ids)
    return request.json(Nothing())


async def containing(request: Request) -> Reply:
    """The member's lists that contain an account."""
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
        found = await queries.list_lists_with(conn, request.viewer.id, account.id)
    return request.json(list(map(_shape, found)))


def _shape(found: model.List) -> List:
    return List(id=str(found.id), title=found.title, replies_policy=found.replies.value, exclusive=False)


_READ, _WRITE = "read:lists", "write:lists"
_ALL = "/api/v1/lists"
_ONE = f"{_ALL}/{{id}}"
ROUTES = [
    endpoint("GET", _ALL, index, Access.MEMBER, _READ, answer=list[List]),
    endpoint("POST", _ALL, create, Access.MEMBER, _WRITE, params=Change, answer=List),
    endpoint("GET", _ONE, show, Access.MEMBER, _READ, answer=List),
    *(endpoint(method, _ONE, change, Access.MEMBER, _WRITE, params=Change, answer=List) for method in ("PUT", "PATCH")),
    endpoint("DELETE", _ONE, delete, Access.MEMBER, _WRITE, answer=Nothing),
    endpoint("GET", f"{_ONE}/accounts", members, Access.MEMBER, _READ, params=Members, answer=list[Account]),
    endpoint("POST", f"{_ONE}/accounts", add, Access.MEMBER, _WRITE, params=Accounts, answer=Nothing),
    endpoint("DELETE", f"{_ONE}/accounts", remove, Access.MEMBER, _WRITE, params=Accounts, answer=Nothing),
    endpoint("GET", "/api/v1/accounts/{id}/lists", containing, Access.MEMBER, _READ, answer=list[List]),
]
