"""Accounts through the client API: the member's own profile, others' profiles and posts. `sign_up.py` creates accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import msgspec

from folkmoot.api import account_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Id, Offset, PageOf20, PageOf40, Parameters, UpTo80, about
from folkmoot.api.profile_changes import ProfileChange
from folkmoot.api.request import Request
from folkmoot.api.status_shapes import Status
from folkmoot.api.words import QUOTE_POLICY, VISIBILITY
from folkmoot.base.errors import Invalid, NotFound, TooMany
from folkmoot.base.tokens import hashtag_key
from folkmoot.http.params import File
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.accounts import actions as accounts
from folkmoot.network.accounts.model import Account, AccountStamp
from folkmoot.network.accounts.queries import find_stamp_by_handle, get_account, list_accounts, list_stamps, lock_account
from folkmoot.network.media.actions import clear_replaced, upload_picture
from folkmoot.network.media.model import Purpose
from folkmoot.network.posts.model import QuotePolicy, Visibility
from folkmoot.network.posts.queries import list_account_post_ids
from folkmoot.network.relations.queries import count_requests, list_related
from folkmoot.network.search.queries import search_accounts
from folkmoot.network.sessions import actions as sessions
from folkmoot.network.sessions.model import Preferences, Viewer
from folkmoot.network.sessions.queries import get_login
from folkmoot.network.timelines.queries import list_entries


class AccountIds(Parameters, frozen=True, kw_only=True):
    id: tuple[Id, ...] = ()


class Lookup(Parameters, frozen=True, kw_only=True):
    acct: Annotated[str, about("`name` or `name@domain`.")]


class AccountSearch(Parameters, frozen=True, kw_only=True):
    q: str
    limit: UpTo80 = 40
    following: Annotated[bool, about("Only accounts that the member follows.")] = False
    offset: Offset = 0


class AccountStatuses(PageOf20, frozen=True, kw_only=True):
    only_media: bool = False
    exclude_replies: bool = False
    exclude_reblogs: bool = False
    pinned: bool = False
    tagged: Annotated[str, about("Only with this hashtag.")] = ""


async def verify_credentials(request: Request) -> Reply:
    """The member's own account."""
    return await _own(request, await _fresh_viewer(request))


async def _fresh_viewer(request: Request) -> Viewer:
    """The viewer as stored now. The cached one can be a moment old in other processes, but apps read back what they changed."""
    async with request.database.read() as conn:
        account, login = await get_account(conn, request.viewer.id), await get_login(conn, request.viewer.id)
    return msgspec.structs.replace(request.viewer, account=account, login=login)


async def update_credentials(request: Request, params: ProfileChange) -> Reply:
    """Changes the member's profile, and the defaults for new posts."""
    return await _own(request, await _changed(request, params))


async def _changed(request: Request, params: ProfileChange) -> Viewer:
    viewer = request.viewer
    preferences = params.preferences(viewer.login.preferences)
    sent = params.pictures()
    try:
        keys = {purpose: await _uploaded(request, file, purpose) for purpose, file in sent.items()}
        account = await _change_profile(request, params.draft(), keys, preferences)
    finally:  # removes replaced pictures, or new ones if the profile was refused
        if sent:
            await clear_replaced(request.database, request.context.store, viewer.id)
    login = msgspec.structs.replace(viewer.login, preferences=preferences)
    return msgspec.structs.replace(viewer, account=account, login=login)


async def _change_profile(
    request: Request, draft: accounts.ProfileDraft, pictures: Mapping[Purpose, str | None], preferences: Preferences
) -> Account:
    viewer = request.viewer
    async with request.database.write() as tx:
        account = await accounts.update_profile(tx, await lock_account(tx, viewer.id), draft, request.context.settings.base_url)
        if pictures:
            account = await accounts.set_pictures(
                tx, account,
                avatar_key=pictures.get(Purpose.AVATAR, account.avatar_key), header_key=pictures.get(Purpose.HEADER, account.header_key),
            )
        await sessions.change_preferences(tx, viewer, preferences, viewer.login.language)
    return account


async def profile(request: Request) -> Reply:
    """The member's profile for editing."""
    viewer = await _fresh_viewer(request)
    return request.json(request.entities.profile(viewer.account, viewer.login.preferences))


async def update_profile(request: Request, params: ProfileChange) -> Reply:
    """Changes the member's profile."""
    changed = await _changed(request, params)
    return request.json(request.entities.profile(changed.account, changed.login.preferences))


async def delete_avatar(request: Request) -> Reply:
    """Removes the avatar."""
    return await _without_picture(request, Purpose.AVATAR)


async def delete_header(request: Request) -> Reply:
    """Removes the header picture."""
    return await _without_picture(request, Purpose.HEADER)


async def preferences(request: Request) -> Reply:
    """The defaults for new posts, and how apps should show posts."""
    own = (await _fresh_viewer(request)).login.preferences
    return request.json(shapes.Preferences(
        default_visibility=VISIBILITY[Visibility(own.visibility)], default_sensitive=own.is_sensitive,
        default_language=own.post_language or None, default_quote_policy=QUOTE_POLICY[QuotePolicy(own.quote_policy)],
        expand_media="default", expand_spoilers=False, autoplay_gifs=False,
    ))


async def show(request: Request) -> Reply:
    """One account."""
    async with request.database.read() as conn:
        stamp = (await list_stamps(conn, [request.id()])).get(request.id())
    return await _kept(request, stamp)


async def _kept(request: Request, stamp: AccountStamp | None) -> Reply:
    found = await request.kept_accounts([stamp]) if stamp else {}
    if stamp is None or stamp.id not in found:
        raise NotFound
    return request.json(found[stamp.id])


async def show_many(request: Request, params: AccountIds) -> Reply:
    """Several accounts."""
    async with request.database.read() as conn:
        found = await list_accounts(conn, list(params.id))
    return request.json(request.entities.accounts(found.values()))


async def lookup(request: Request, params: Lookup) -> Reply:
    """The account with this name."""
    async with request.database.read() as conn:
        stamp = await find_stamp_by_handle(conn, params.acct, request.context.settings.domain)
    return await _kept(request, stamp)


async def search(request: Request, params: AccountSearch) -> Reply:
    """Accounts by name."""
    async with request.database.read() as conn:
        found = await search_accounts(
            conn, request.viewer_id, params.q, own_domain=request.context.settings.domain, limit=params.limit, offset=params.offset,
            only_followed=params.following,
        )
    return request.json(request.entities.accounts(found))


async def statuses(request: Request, params: AccountStatuses) -> Reply:
    """The statuses of an account that the viewer may see."""
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
        ids = await list_account_post_ids(
            conn, account.id, request.viewer_id, params.page, only_media=params.only_media,
            without_replies=params.exclude_replies, without_boosts=params.exclude_reblogs,
            only_pinned=params.pinned, hashtag=hashtag_key(params.tagged) or None,
        )
        entries = await list_entries(conn, ids, request.viewer_id)
    return Reply(await request.statuses(entries), headers=request.links([entry.id for entry in entries]))


async def followers(request: Request, params: PageOf40) -> Reply:
    """The followers of an account; empty if it hides them."""
    return await _collection(request, "followers", params)


async def following(request: Request, params: PageOf40) -> Reply:
    """The accounts that an account follows; empty if it hides them."""
    return await _collection(request, "following", params)


async def _collection(request: Request, name: str, params: PageOf40) -> Reply:
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
        rows: Sequence[tuple[int, Account]] = []
        if not account.hides_collections or account.id == request.viewer_id:
            rows = await list_related(conn, name, account.id, request.viewer_id, params.page)
    return request.listed([(row_id, request.entities.account(other)) for row_id, other in rows])


async def _own(request: Request, viewer: Viewer) -> Reply:
    async with request.database.read() as conn:
        waiting = await count_requests(conn, viewer.id) if viewer.account.is_locked else 0
    return request.json(request.entities.own_account(viewer, waiting))


async def _uploaded(request: Request, file: File | None, purpose: Purpose) -> str | None:
    """The key of a new avatar or header; None for an empty file, which removes the picture."""
    if file is None:
        return None
    allowance = request.context.limits.spend("media", request.viewer.id)
    if allowance.is_spent:
        raise TooMany("Too many requests", retry_after=allowance.retry_after)
    try:
        upload = await upload_picture(
            request.database, request.context.store, request.account, file.content, purpose=purpose,
            most_bytes=request.context.settings.media.max_bytes,
        )
    except Invalid as problem:  # the errors say which of the two files it is
        raise Invalid(*(replace(error, field=purpose.value) for error in problem.errors), log_text=problem.log_text) from problem
    return upload.key


async def _without_picture(request: Request, purpose: Purpose) -> Reply:
    async with request.database.write() as tx:
        account = await lock_account(tx, request.viewer.id)
        account = await accounts.set_pictures(
            tx, account,
            avatar_key=None if purpose is Purpose.AVATAR else account.avatar_key,
            header_key=None if purpose is Purpose.HEADER else account.header_key,
        )
        sessions.forget_viewer(tx, account.id)
    await clear_replaced(request.database, request.context.store, account.id)
    return await _own(request, msgspec.structs.replace(request.viewer, account=account))


_READ, _WRITE = "read:accounts", "write:accounts"
_OWN = "read:accounts|profile"
_ONE = "/api/v1/accounts/{id}"
ROUTES = [
    endpoint("GET", "/api/v1/accounts/verify_credentials", verify_credentials, Access.MEMBER, _OWN, answer=shapes.CredentialAccount),
    *(
        endpoint(
            method, "/api/v1/accounts/update_credentials", update_credentials, Access.MEMBER, _WRITE, most_bytes=None,
            params=ProfileChange, answer=shapes.CredentialAccount, limits_of_act=("media",),
        )
        for method in ("PATCH", "PUT")
    ),
    endpoint("GET", "/api/v1/profile", profile, Access.MEMBER, _OWN, answer=shapes.Profile),
    *(
        endpoint(
            method, "/api/v1/profile", update_profile, Access.MEMBER, _WRITE, most_bytes=None, params=ProfileChange, answer=shapes.Profile,
            limits_of_act=("media",),
        )
        for method in ("PATCH", "PUT")
    ),
    endpoint("DELETE", "/api/v1/profile/avatar", delete_avatar, Access.MEMBER, _WRITE, answer=shapes.CredentialAccount),
    endpoint("DELETE", "/api/v1/profile/header", delete_header, Access.MEMBER, _WRITE, answer=shapes.CredentialAccount),
    endpoint("GET", "/api/v1/preferences", preferences, Access.MEMBER, _READ, answer=shapes.Preferences),
    endpoint("GET", "/api/v1/accounts", show_many, Access.PUBLIC, _READ, params=AccountIds, answer=list[shapes.Account]),
    endpoint("GET", "/api/v1/accounts/lookup", lookup, Access.PUBLIC, _READ, params=Lookup, answer=shapes.Account),
    endpoint(
        "GET", "/api/v1/accounts/search", search, Access.MEMBER, _READ, limit="search", params=AccountSearch, answer=list[shapes.Account]
    ),
    endpoint("GET", _ONE, show, Access.PUBLIC, _READ, answer=shapes.Account),
    endpoint(
        "GET", f"{_ONE}/statuses", statuses, Access.PUBLIC, "read:statuses", params=AccountStatuses, answer=list[Status]
    ),
    endpoint("GET", f"{_ONE}/followers", followers, Access.PUBLIC, _READ, params=PageOf40, answer=list[shapes.Account]),
    endpoint("GET", f"{_ONE}/following", following, Access.PUBLIC, _READ, params=PageOf40, answer=list[shapes.Account]),
]
