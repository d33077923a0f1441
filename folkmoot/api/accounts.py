"""Accounts through the client API: one's own profile, others' profiles and posts. Joining is in `sign_up.py`."""

from collections.abc import Sequence

import msgspec

from folkmoot.api.request import Request
from folkmoot.api.search import without_own_domain
from folkmoot.api.words import VISIBILITY, VISIBILITY_OF
from folkmoot.base.errors import FieldError, Invalid, Malformed, NotFound, TooMany
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts import actions as accounts
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import find_account_by_name, get_account, list_accounts, lock_account
from folkmoot.network.media.actions import clear_replaced, upload_picture
from folkmoot.network.media.model import Purpose
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries import list_account_post_ids, list_post_views
from folkmoot.network.relations.queries import count_requests, list_related
from folkmoot.network.search.queries import search_accounts
from folkmoot.network.sessions import actions as sessions
from folkmoot.network.sessions.model import Preferences, Viewer


async def verify_credentials(request: Request) -> Reply:
    return await _own(request, request.viewer)


async def update_credentials(request: Request) -> Reply:
    return await _own(request, await _changed(request))


async def _changed(request: Request) -> Viewer:
    """Changes the profile and the defaults for posting; what is not sent stays."""
    params = await request.params()
    viewer = request.viewer
    draft = accounts.ProfileDraft(
        display_name=params.optional_text("display_name"),
        bio=params.optional_text("note"),
        fields=_fields(params),
        is_locked=params.optional_flag("locked"),
        is_bot=params.optional_flag("bot"),
        is_discoverable=params.optional_flag("discoverable"),
        is_indexable=params.optional_flag("indexable"),
        hides_collections=params.optional_flag("hide_collections"),
    )
    preferences = _preferences(viewer.login.preferences, params.child("source") or Params())
    pictures: dict[Purpose, str | None] = {}
    try:
        for purpose in (Purpose.AVATAR, Purpose.HEADER):
            if purpose in params:
                pictures[purpose] = await _uploaded(request, params, purpose)
        account = await _change_profile(request, draft, pictures, preferences)
    finally:  # what was replaced, or what came with a profile that was refused
        if pictures:
            await clear_replaced(request.database, request.context.store, viewer.id)
    login = msgspec.structs.replace(viewer.login, preferences=preferences)
    return msgspec.structs.replace(viewer, account=account, login=login)


async def _change_profile(
    request: Request, draft: accounts.ProfileDraft, pictures: dict[Purpose, str | None], preferences: Preferences
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
    return request.json(request.entities.profile(request.account))


async def update_profile(request: Request) -> Reply:
    changed = await _changed(request)
    return request.json(request.entities.profile(changed.account))


async def delete_avatar(request: Request) -> Reply:
    return await _without_picture(request, Purpose.AVATAR)


async def delete_header(request: Request) -> Reply:
    return await _without_picture(request, Purpose.HEADER)


async def preferences(request: Request) -> Reply:
    own = request.viewer.login.preferences
    return request.json({
        "posting:default:visibility": VISIBILITY[Visibility(own.visibility)],
        "posting:default:sensitive": own.is_sensitive,
        "posting:default:language": own.post_language or None,
        "posting:default:quote_policy": "nobody",
        "reading:expand:media": "default",
        "reading:expand:spoilers": False,
        "reading:autoplay:gifs": False,
    })


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
    return request.json(request.entities.account(account))


async def show_many(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await list_accounts(conn, request.query.ids("id"))
    return request.json([request.entities.account(account) for account in found.values()])


async def lookup(request: Request) -> Reply:
    handle = without_own_domain(request.query.required("acct"), request).removeprefix("@")
    name, _, domain = handle.partition("@")
    async with request.database.read() as conn:
        account = await find_account_by_name(conn, name, domain)
    if account is None:
        raise NotFound
    return request.json(request.entities.account(account))


async def search(request: Request) -> Reply:
    query = request.query
    async with request.database.read() as conn:
        found = await search_accounts(
            conn, request.viewer_id, without_own_domain(query.required("q"), request),
            limit=request.page(40).limit, offset=request.offset(), only_followed=query.flag("following"),
        )
    return request.json([request.entities.account(account) for account in found])


async def statuses(request: Request) -> Reply:
    """What an account wrote, as far as the viewer may see it."""
    query, page = request.query, request.page(20)
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
        ids = await list_account_post_ids(
            conn, account.id, request.viewer_id, page, only_media=query.flag("only_media"),
            without_replies=query.flag("exclude_replies"), without_boosts=query.flag("exclude_reblogs"),
            only_pinned=query.flag("pinned"), hashtag=query.text("tagged") or None,
        )
        views = await list_post_views(conn, ids, request.viewer_id)
    return request.listed(list(zip([view.post.id for view in views], request.statuses(views), strict=True)))


async def followers(request: Request) -> Reply:
    return await _collection(request, "followers")


async def following(request: Request) -> Reply:
    return await _collection(request, "following")


async def _collection(request: Request, name: str) -> Reply:
    async with request.database.read() as conn:
        account = await get_account(conn, request.id())
        rows: Sequence[tuple[int, Account]] = []
        if not account.hides_collections or account.id == request.viewer_id:
            rows = await list_related(conn, name, account.id, request.viewer_id, request.page(40))
    return request.listed([(row_id, request.entities.account(other)) for row_id, other in rows])


async def _own(request: Request, viewer: Viewer) -> Reply:
    async with request.database.read() as conn:
        waiting = await count_requests(conn, viewer.id) if viewer.account.is_locked else 0
    return request.json(request.entities.own_account(viewer, waiting))


async def _uploaded(request: Request, params: Params, purpose: Purpose) -> str | None:
    """The key of a new avatar or header; None when an empty one was sent, which takes the picture away."""
    file = params.file(purpose)
    if file is None:
        return None
    if request.context.limits.spend("media", request.viewer.id).is_spent:
        raise TooMany("Too many requests", retry_after=1800)
    upload = await upload_picture(request.database, request.context.store, request.account, file.content, purpose=purpose)
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


def _fields(params: Params) -> list[tuple[str, str]] | None:
    if "fields_attributes" not in params:
        return None
    return [(group.text("name"), group.text("value")) for group in params.children("fields_attributes")]


def _preferences(own: Preferences, source: Params) -> Preferences:
    changes: dict[str, object] = {}
    if "privacy" in source:
        visibility = VISIBILITY_OF.get(source.text("privacy"))
        if visibility is None:
            raise Invalid(FieldError("source", "inclusion", "This visibility does not exist."))
        changes["visibility"] = int(visibility)
    if "sensitive" in source:
        changes["is_sensitive"] = source.flag("sensitive")
    if "language" in source:
        language = source.text("language")
        if len(language) > 8:
            raise Malformed("The parameter %(name)s cannot be read.", name="source[language]")
        changes["post_language"] = language
    return msgspec.structs.replace(own, **changes)


_READ = "read:accounts"
ROUTES = [
    Route("GET", "/api/v1/accounts/verify_credentials", verify_credentials, Access.MEMBER, "read:accounts|profile"),
    Route("PATCH", "/api/v1/accounts/update_credentials", update_credentials, Access.MEMBER, "write:accounts", most_bytes=None),
    Route("PUT", "/api/v1/accounts/update_credentials", update_credentials, Access.MEMBER, "write:accounts", most_bytes=None),
    Route("GET", "/api/v1/profile", profile, Access.MEMBER, "read:accounts|profile"),
    Route("PATCH", "/api/v1/profile", update_profile, Access.MEMBER, "write:accounts", most_bytes=None),
    Route("PUT", "/api/v1/profile", update_profile, Access.MEMBER, "write:accounts", most_bytes=None),
    Route("DELETE", "/api/v1/profile/avatar", delete_avatar, Access.MEMBER, "write:accounts"),
    Route("DELETE", "/api/v1/profile/header", delete_header, Access.MEMBER, "write:accounts"),
    Route("GET", "/api/v1/preferences", preferences, Access.MEMBER, _READ),
    Route("GET", "/api/v1/accounts", show_many, Access.PUBLIC, _READ),
    Route("GET", "/api/v1/accounts/lookup", lookup, Access.PUBLIC, _READ),
    Route("GET", "/api/v1/accounts/search", search, Access.MEMBER, _READ, limit="search"),
    Route("GET", "/api/v1/accounts/{id}", show, Access.PUBLIC, _READ),
    Route("GET", "/api/v1/accounts/{id}/statuses", statuses, Access.PUBLIC, "read:statuses"),
    Route("GET", "/api/v1/accounts/{id}/followers", followers, Access.PUBLIC, _READ),
    Route("GET", "/api/v1/accounts/{id}/following", following, Access.PUBLIC, _READ),
]
