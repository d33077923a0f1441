"""Relations through the client API: follow, mute, block, requests and notes."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base.db import WriteTx
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.accounts.model import Account
from folkmoot.network.relations import actions
from folkmoot.network.relations.model import Relation
from folkmoot.network.relations.queries import list_related, list_relations, list_shared_followers

Verb = Callable[[WriteTx, Account, int], Awaitable[Relation]]


async def show(request: Request) -> Reply:
    ids = (await request.params()).ids("id")
    async with request.database.read() as conn:
        relations = await list_relations(conn, request.viewer.id, ids) if ids else []
    return request.json([request.entities.relation(relation) for relation in relations])


async def familiar_followers(request: Request) -> Reply:
    """Whom one knows among the followers of others. Some programs send the ids in a body, although it is a GET."""
    ids = list(dict.fromkeys((await request.params()).ids("id")))
    async with request.database.read() as conn:
        found = await list_shared_followers(conn, request.viewer.id, ids) if ids else {}
    return request.json([
        {"id": str(id_), "accounts": [request.entities.account(account) for account in accounts]} for id_, accounts in found.items()
    ])


async def follow(request: Request) -> Reply:
    """Follows; of a follow that is there it changes what was sent, and the rest stays."""
    params = await request.params()
    async with request.database.write() as tx:
        relation = await actions.follow(
            tx, request.account, request.id(), shows_boosts=params.optional_flag("reblogs"), notifies=params.optional_flag("notify"),
            languages=list(filter(None, params.texts("languages"))) if "languages" in params else None,
        )
    return request.json(request.entities.relation(relation))


async def mute(request: Request) -> Reply:
    params = await request.params()
    async with request.database.write() as tx:
        relation = await actions.mute(
            tx, request.account, request.id(), hides_notifications=params.flag("notifications", True),
            seconds=params.integer("duration") or 0,
        )
    return request.json(request.entities.relation(relation))


async def note(request: Request) -> Reply:
    params = await request.params()
    async with request.database.write() as tx:
        relation = await actions.write_note(tx, request.account, request.id(), params.text("comment"))
    return request.json(request.entities.relation(relation))


def _by(verb: Verb) -> Handler:
    """A handler for a verb that takes nothing but the account."""

    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            relation = await verb(tx, request.account, request.id())
        return request.json(request.entities.relation(relation))

    return handle


def _list(name: str) -> Handler:
    async def handle(request: Request) -> Reply:
        async with request.database.read() as conn:
            rows = await list_related(conn, name, request.viewer.id, request.viewer.id, request.page(40))
        return request.listed([(row_id, request.entities.account(account)) for row_id, account in rows])

    return handle


async def mutes(request: Request) -> Reply:
    """Whom one has muted, each with the moment at which that ends."""
    async with request.database.read() as conn:
        rows = await list_related(conn, "mutes", request.viewer.id, request.viewer.id, request.page(40))
        relations = await list_relations(conn, request.viewer.id, [account.id for _, account in rows])
    ends = {relation.target_id: relation.mute_ends_at for relation in relations}
    return request.listed([(row_id, _muted(request, account, ends.get(account.id))) for row_id, account in rows])


def _muted(request: Request, account: Account, ends_at: datetime | None) -> dict[str, Any]:
    return {**request.entities.account(account), "mute_expires_at": moment(ends_at) if ends_at else None}


_ONE = "/api/v1/accounts/{id}"
ROUTES = [
    Route("GET", "/api/v1/accounts/relationships", show, Access.MEMBER, "read:follows"),
    Route("GET", "/api/v1/accounts/familiar_followers", familiar_followers, Access.MEMBER, "read:follows"),
    Route("POST", f"{_ONE}/follow", follow, Access.MEMBER, "write:follows", limit="follow"),
    Route("POST", f"{_ONE}/unfollow", _by(actions.unfollow), Access.MEMBER, "write:follows"),
    Route("POST", f"{_ONE}/remove_from_followers", _by(actions.remove_follower), Access.MEMBER, "write:follows"),
    Route("POST", f"{_ONE}/block", _by(actions.block), Access.MEMBER, "write:blocks"),
    Route("POST", f"{_ONE}/unblock", _by(actions.unblock), Access.MEMBER, "write:blocks"),
    Route("POST", f"{_ONE}/mute", mute, Access.MEMBER, "write:mutes"),
    Route("POST", f"{_ONE}/unmute", _by(actions.unmute), Access.MEMBER, "write:mutes"),
    Route("POST", f"{_ONE}/note", note, Access.MEMBER, "write:accounts"),
    Route("GET", "/api/v1/follow_requests", _list("requests"), Access.MEMBER, "read:follows"),
    Route("POST", "/api/v1/follow_requests/{id}/authorize", _by(actions.accept_follower), Access.MEMBER, "write:follows"),
    Route("POST", "/api/v1/follow_requests/{id}/reject", _by(actions.reject_follower), Access.MEMBER, "write:follows"),
    Route("GET", "/api/v1/blocks", _list("blocks"), Access.MEMBER, "read:blocks"),
    Route("GET", "/api/v1/mutes", mutes, Access.MEMBER, "read:mutes"),
]
