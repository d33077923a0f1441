"""Pages of accounts: the profile with its posts, followers, and buttons such as follow, mute and block."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.ids import time_of
from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import find_account_by_handle, get_account
from folkmoot.network.endorsements.actions import endorse, stop_endorsing
from folkmoot.network.endorsements.model import ON_PROFILE
from folkmoot.network.endorsements.queries import list_endorsed
from folkmoot.network.featured.queries import list_featured
from folkmoot.network.filters.matching import apply_filters
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.posts.queries import list_account_post_ids, list_withheld_boosts
from folkmoot.network.relations import actions
from folkmoot.network.relations.model import Relation
from folkmoot.network.relations.queries import get_relation, list_related
from folkmoot.network.sessions.queries import is_operator
from folkmoot.network.timelines.queries import list_entries
from folkmoot.web.request import KEEPING_FORM, Request
from folkmoot.web.timelines import page_links

_BESIDE = Page(limit=ON_PROFILE + 1)  # one more than is shown, to know whether there are others
_KEPT_FOR = 2.0  # seconds after which visitors without an account see new posts, pins and hashtags


def _tab(tab: str) -> Handler:
    """The profile with one of its lists: posts, with_replies, media."""

    async def handle(request: Request) -> Reply:
        async with request.database.read() as conn:
            account = await _find_account(conn, request)
            relation = await _relation(conn, request, account) if account.is_suspended else None
        if account.is_suspended:
            return await _suspended(request, account, relation)
        return await _profile(request, account, tab)

    return handle


async def _suspended(request: Request, account: Account, relation: Relation | None) -> Reply:
    """Of a suspended account only what the viewer can end, such as a follow or a block. Others are told that there is nothing."""
    if relation is None or not relation.can_be_ended:
        raise NotFound
    return await request.show("accounts/suspended.html", account=account.shown_to_others(), relation=relation)


async def _profile(request: Request, account: Account, tab: str, note: str | None = None, errors: Mapping[str, str] | None = None) -> Reply:
    """`note`: the viewer's note about the account, if it was not accepted."""
    page = request.page()
    async with request.database.read() as conn:
        ids = await list_account_post_ids(
            conn, account.id, request.viewer_id, page, without_replies=tab == "posts", only_media=tab == "media",
            without_boosts=tab == "media", without_direct=True,
        )
        is_first = page.max_id is None and page.min_id is None
        pinned_ids = await list_account_post_ids(
            conn, account.id, request.viewer_id, page, only_pinned=True
        ) if tab == "posts" and is_first else []
        entries = await list_entries(conn, [*pinned_ids, *(id_ for id_ in ids if id_ not in pinned_ids)], request.viewer_id)
        relation = await _relation(conn, request, account)
        withheld = await _withheld_boosts(conn, request, account, page, ids) if tab == "posts" else []
        featured = await list_featured(conn, account.id) if tab == "posts" and is_first else []
        endorsed = await list_endorsed(conn, account.id, request.viewer_id, _BESIDE) if tab == "posts" and is_first else []
        is_team = await is_operator(conn, account.id)
    views = await request.chosen_views(entries)
    request.note_shown(views, [account, *(one for _, one in endorsed)], kept_for=_KEPT_FOR)
    views = apply_filters(request.filters, FilterContext.ACCOUNT, views)
    pinned = [view for view in views if view.post.id in pinned_ids]
    if relation and note is not None:
        relation = msgspec.structs.replace(relation, note=note)
    return await request.show(
        "accounts/show.html", 422 if errors else 200, account=account, is_team=is_team, relation=relation, tab=tab, pinned=pinned,
        withheld=withheld, featured=featured, endorsed=[one for _, one in endorsed], most_endorsed=ON_PROFILE,
        views=[view for view in views if view.post.id not in pinned_ids], errors=errors or {},
        **page_links(page, ids),
    )


def _related(name: str) -> Handler:
    """The followers of an account, or the accounts that it follows."""

    async def handle(request: Request) -> Reply:
        page = request.page()
        async with request.database.read() as conn:
            account = await _account(conn, request)
            is_own = account.id == request.viewer_id
            hides = account.hides_collections and not is_own
            rows = [] if hides else await list_related(conn, name, account.id, request.viewer_id, page, with_suspended=is_own)
            relation = await _relation(conn, request, account)
            is_team = await is_operator(conn, account.id)
        return await request.show(
            "accounts/people.html", account=account, is_team=is_team, relation=relation, kind=name, hides=hides,
            accounts=[other.shown_to_others() for _, other in rows], tab=name, **page_links(page, [row_id for row_id, _ in rows]),
        )

    return handle


async def endorsed(request: Request) -> Reply:
    """The accounts that an account recommends."""
    page = request.page()
    async with request.database.read() as conn:
        account = await _account(conn, request)
        rows = await list_endorsed(conn, account.id, request.viewer_id, page)
        relation = await _relation(conn, request, account)
        is_team = await is_operator(conn, account.id)
    return await request.show(
        "accounts/people.html", account=account, is_team=is_team, relation=relation, kind="endorsed", hides=False,
        accounts=[other for _, other in rows], tab="endorsed", **page_links(page, [row_id for row_id, _ in rows]),
    )


async def _find_account(conn: ReadConn, request: Request) -> Account:
    """The account of the path, also a suspended one. Raises NotFound."""
    account = await find_account_by_handle(conn, request.value("name"), request.context.settings.domain)
    if account is None:
        raise NotFound
    return account


async def _account(conn: ReadConn, request: Request) -> Account:
    """The account of the path. Raises NotFound, also for a suspended one."""
    account = await _find_account(conn, request)
    if account.is_suspended:
        raise NotFound
    return account


async def _relation(conn: ReadConn, request: Request, account: Account) -> Relation | None:
    """The viewer's relation to the account; None without a viewer and for their own account."""
    if request.viewer_id in (None, account.id):
        return None
    return await get_relation(conn, request.viewer.id, account.id)


async def _withheld_boosts(
    conn: ReadConn, request: Request, account: Account, page: Page, shown_ids: Sequence[int]
) -> list[tuple[int, datetime]]:
    """On the viewer's own profile: the boosted posts in the span of the page that the viewer may no longer see."""
    if request.viewer_id != account.id:
        return []
    is_full = len(shown_ids) >= page.limit
    below = shown_ids[0] if is_full and page.min_id is not None else page.below
    above = shown_ids[-1] if is_full and page.min_id is None else page.above
    found = await list_withheld_boosts(conn, account.id, below, above)
    return [(post_id, time_of(post_id)) for post_id in found]


async def note(request: Request) -> Reply:
    """Keeps the viewer's note about an account. With an error the profile comes back with what was written."""
    text = request.form.text("note")
    try:
        request.require_allowance("note")
        async with request.database.write() as tx:
            await actions.write_note(tx, request.account, request.id(), text)
    except KEEPING_FORM as problem:
        async with request.database.read() as conn:
            account = await get_account(conn, request.id())
        if account.is_suspended:
            raise NotFound from problem
        errors = {"note": next(iter(request.problems(problem, "note").values()))}
        return await _profile(request, account, "posts", note=text, errors=errors)
    return request.back()


Verb = Callable[[WriteTx, Account, int], Awaitable[Relation]]


def _button(verb: Verb) -> Handler:
    async def handle(request: Request) -> Reply:
        async with request.database.write() as tx:
            relation = await verb(tx, request.account, request.id())
            account = await get_account(tx, request.id())
        if account.is_suspended and not relation.can_be_ended:  # then its page is gone for the viewer
            return request.back(f"/@{request.account.acct}/following", without=f"/@{account.acct}")
        return request.back()

    return handle


_VERBS: dict[str, Verb] = {
    "follow": actions.follow, "unfollow": actions.unfollow, "mute": actions.mute, "unmute": actions.unmute, "block": actions.block,
    "unblock": actions.unblock, "endorse": endorse, "unendorse": stop_endorsing,
    "remove": actions.remove_follower, "accept": actions.accept_follower, "reject": actions.reject_follower,
}
ROUTES = [
    Route("GET", "/@{name}", _tab("posts"), Access.PUBLIC, is_open=True),
    Route("GET", "/@{name}/with_replies", _tab("with_replies"), Access.PUBLIC, is_open=True),
    Route("GET", "/@{name}/media", _tab("media"), Access.PUBLIC, is_open=True),
    Route("GET", "/@{name}/followers", _related("followers"), Access.PUBLIC),
    Route("GET", "/@{name}/following", _related("following"), Access.PUBLIC),
    Route("GET", "/@{name}/recommended", endorsed, Access.PUBLIC),
    Route("POST", "/accounts/{id}/note", note, Access.MEMBER, keeps_form=True),
    *(Route("POST", f"/accounts/{{id}}/{name}", _button(verb), Access.MEMBER, limit="follow" if name == "follow" else "")
      for name, verb in _VERBS.items()),
]
