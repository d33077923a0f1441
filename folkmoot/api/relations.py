"""Relations through the client API: follow, mute, block, requests and notes."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from folkmoot.api.account_shapes import Account as AccountShape
from folkmoot.api.account_shapes import FamiliarFollowers, MutedAccount, Relationship
from folkmoot.api.endpoints import Endpoint, endpoint
from folkmoot.api.parameters import Id, PageOf40, Parameters, about
from folkmoot.api.request import Request
from folkmoot.base.db import WriteTx
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler
from folkmoot.network.accounts.model import Account
from folkmoot.network.relations import actions
from folkmoot.network.relations.model import Relation
from folkmoot.network.relations.queries import list_related, list_relations, list_shared_followers

Verb = Callable[[WriteTx, Account, int], Awaitable[Relation]]


class Several(Parameters, frozen=True, kw_only=True):
    id: tuple[Id, ...] = ()


class FollowOptions(Parameters, frozen=True, kw_only=True):
    """Absent options stay as they are; a new follow starts with `reblogs=true`, `notify=false`, all languages."""

    reblogs: Annotated[bool | None, about("Whether boosts by the account are shown.")] = None
    notify: Annotated[bool | None, about("Whether each new post creates a notification.")] = None
    languages: Annotated[tuple[str, ...] | None, about("Only posts in these languages; an empty list means all.")] = None


class MuteOptions(Parameters, frozen=True, kw_only=True):
    notifications: Annotated[bool, about("Whether notifications are hidden too.")] = True
    duration: Annotated[int, about("Seconds; 0 means without end.", minimum=0, maximum=actions.LONGEST_MUTE)] = 0


class Note(Parameters, frozen=True, kw_only=True):
    comment: Annotated[str, about("Only the writer sees it.", maxLength=actions.LONGEST_NOTE)] = ""


async def show(request: Request, params: Several) -> Reply:
    """The relation of the member to each of these accounts."""
    async with request.database.read() as conn:
        relations = await list_relations(conn, request.viewer.id, list(params.id)) if params.id else []
    return request.json([request.entities.relation(relation) for relation in relations])


async def familiar_followers(request: Request, params: Several) -> Reply:
    """The followers of each account whom the member follows. Some apps send the ids in a body, although it is a GET."""
    ids = list(dict.fromkeys(params.id))
    async with request.database.read() as conn:
        found = await list_shared_followers(conn, request.viewer.id, ids) if ids else {}
    return request.json([
        FamiliarFollowers(id=str(id_), accounts=request.entities.accounts(accounts)) for id_, accounts in found.items()
    ])


async def follow(request: Request, params: FollowOptions) -> Reply:
    """Follows an account, or changes the sent options of an existing follow."""
    async with request.database.write() as tx:
        relation = await actions.follow(
            tx, request.account, request.id(), shows_boosts=params.reblogs, notifies=params.notify,
            languages=None if params.languages is None else list(filter(None, params.languages)),
        )
    return request.json(request.entities.relation(relation))


async def mute(request: Request, params: MuteOptions) -> Reply:
    """Hides an account's posts, for `duration` or without end."""
    async with request.database.write() as tx:
        relation = await actions.mute(
            tx, request.account, request.id(), hides_notifications=params.notifications, seconds=params.duration
        )
    return request.json(request.entities.relation(relation))


async def note(request: Request, params: Note) -> Reply:
    """Writes a private note about an account; an empty one removes it."""
    async with request.database.write() as tx:
        relation = await actions.write_note(tx, request.account, request.id(), params.comment)
    return request.json(request.entities.relation(relation))


def _by(verb: Verb) -> Handler:
    """A handler for an action whose only parameter is the account."""

    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            relation = await verb(tx, request.account, request.id())
        return request.json(request.entities.relation(relation))

    return handle


def _list(name: str) -> Callable[[Request, PageOf40], Awaitable[Reply]]:
    async def handle(request: Request, params: PageOf40) -> Reply:
        async with request.database.read() as conn:
            rows = await list_related(conn, name, request.viewer.id, request.viewer.id, params.page)
        return request.listed([(row_id, request.entities.account(account)) for row_id, account in rows])

    return handle


async def mutes(request: Request, params: PageOf40) -> Reply:
    """The accounts that the member has muted, with the end of each mute."""
    async with request.database.read() as conn:
        rows = await list_related(conn, "mutes", request.viewer.id, request.viewer.id, params.page)
        relations = await list_relations(conn, request.viewer.id, [account.id for _, account in rows])
    ends = {relation.target_id: relation.mute_ends_at for relation in relations}
    return request.listed([(row_id, request.entities.muted_account(account, ends.get(account.id))) for row_id, account in rows])


_ONE = "/api/v1/accounts/{id}"
_REQUEST = "/api/v1/follow_requests/{id}"


def _change(path: str, handler: Callable[..., Awaitable[Reply]], scope: str, sentence: str = "", **more: Any) -> Endpoint:
    return endpoint("POST", path, handler, Access.MEMBER, scope, answer=Relationship, about=sentence, **more)


ROUTES = [
    endpoint(
        "GET", "/api/v1/accounts/relationships", show, Access.MEMBER, "read:follows", params=Several, answer=list[Relationship],
        reads_body=True,
    ),
    endpoint(
        "GET", "/api/v1/accounts/familiar_followers", familiar_followers, Access.MEMBER, "read:follows", params=Several,
        answer=list[FamiliarFollowers], reads_body=True,
    ),
    _change(f"{_ONE}/follow", follow, "write:follows", limit="follow", params=FollowOptions),
    _change(f"{_ONE}/unfollow", _by(actions.unfollow), "write:follows", "Ends a follow, or withdraws a request."),
    _change(f"{_ONE}/remove_from_followers", _by(actions.remove_follower), "write:follows", "Ends an account's follow of the member."),
    _change(f"{_ONE}/block", _by(actions.block), "write:blocks", "Blocks: neither sees the other; follows end in both directions."),
    _change(f"{_ONE}/unblock", _by(actions.unblock), "write:blocks", "Ends a block."),
    _change(f"{_ONE}/mute", mute, "write:mutes", params=MuteOptions),
    _change(f"{_ONE}/unmute", _by(actions.unmute), "write:mutes", "Ends a mute."),
    _change(f"{_ONE}/note", note, "write:accounts", params=Note),
    endpoint(
        "GET", "/api/v1/follow_requests", _list("requests"), Access.MEMBER, "read:follows", params=PageOf40, answer=list[AccountShape],
        about="The accounts that have requested to follow the member.",
    ),
    _change(f"{_REQUEST}/authorize", _by(actions.accept_follower), "write:follows", "Accepts a follow request."),
    _change(f"{_REQUEST}/reject", _by(actions.reject_follower), "write:follows", "Rejects a follow request."),
    endpoint(
        "GET", "/api/v1/blocks", _list("blocks"), Access.MEMBER, "read:blocks", params=PageOf40, answer=list[AccountShape],
        about="The accounts that the member has blocked.",
    ),
    endpoint("GET", "/api/v1/mutes", mutes, Access.MEMBER, "read:mutes", params=PageOf40, answer=list[MutedAccount]),
]
