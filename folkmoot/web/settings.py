"""Settings pages: profile, appearance, password, sessions and apps, invitations, requests, mutes and blocks."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from folkmoot.base import i18n
from folkmoot.base.errors import Invalid, TooMany
from folkmoot.base.languages import KNOWN
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.accounts import actions as accounts
from folkmoot.network.accounts.model import Account, ProfileField
from folkmoot.network.accounts.queries import lock_account
from folkmoot.network.media.actions import clear_replaced, upload_picture
from folkmoot.network.media.model import Purpose
from folkmoot.network.relations.queries import list_related
from folkmoot.network.sessions import actions, invitations, queries
from folkmoot.network.sessions.model import Preferences
from folkmoot.network.sessions.password_change import change_password
from folkmoot.web.request import KEEPING_FORM, Request
from folkmoot.web.timelines import page_links

_CHOICES: dict[str, tuple[Any, ...]] = {
    "theme": ("system", "light", "dark"), "contrast": ("normal", "more"), "text_size": (100, 115, 130, 150), "visibility": (0, 1, 2, 3),
    "quote_policy": (0, 1, 2), "post_language": ("", *KNOWN),
}


async def menu(request: Request) -> Reply:
    return await request.show("settings/index.html")


async def show_profile(request: Request) -> Reply:
    return await _profile_page(request, request.account, {})


async def save_profile(request: Request) -> Reply:
    """Changes the profile. With an error nothing is changed, and the form comes back as it was sent."""
    form = request.form
    draft = accounts.ProfileDraft(
        display_name=form.optional_text("display_name"), bio=form.optional_text("note"),
        fields=_rows(form) if "field_name_0" in form else None,
        is_locked=form.flag("is_locked"), is_bot=form.flag("is_bot"), is_discoverable=form.flag("is_discoverable"),
        is_indexable=form.flag("is_indexable"), hides_collections=form.flag("hides_collections"),
    )
    try:
        request.require_allowance("display_name")
        keys = {purpose: await _picture(request, form, purpose) for purpose in (Purpose.AVATAR, Purpose.HEADER)}
        async with request.database.write() as tx:
            account = await lock_account(tx, request.viewer.id)
            account = await accounts.update_profile(tx, account, draft, request.context.settings.base_url)
            avatar_key = _chosen(form, Purpose.AVATAR, keys, account.avatar_key)
            header_key = _chosen(form, Purpose.HEADER, keys, account.header_key)
            if (avatar_key, header_key) != (account.avatar_key, account.header_key):
                await accounts.set_pictures(tx, account, avatar_key=avatar_key, header_key=header_key)
            actions.forget_viewer(tx, account.id)
    except KEEPING_FORM as problem:
        return await _profile_page(request, _as_written(request.account, draft), request.problems(problem, "display_name"), 422)
    finally:  # replaced pictures, or those of a refused form
        await clear_replaced(request.database, request.context.store, request.viewer.id)
    return request.redirect("/settings/profile?saved=1")


async def show_appearance(request: Request) -> Reply:
    return await _appearance_page(request, request.viewer.login.preferences, {})


async def save_appearance(request: Request) -> Reply:
    form = request.form
    before = request.viewer.login.preferences
    language = form.text("language") if "language" in form else request.language
    read: dict[str, Callable[[str], Any]] = {
        "theme": form.text, "contrast": form.text, "text_size": form.integer, "visibility": form.integer, "quote_policy": form.integer,
        "post_language": form.text,
    }
    chosen = {name: reader(name) for name, reader in read.items() if name in form}  # fields that are not sent stay unchanged
    switches = {"shortcuts": form.flag("shortcuts"), "is_sensitive": form.flag("is_sensitive")}
    wrong = [name for name, value in chosen.items() if value not in _CHOICES[name]] + ["language"] * (language not in i18n.LANGUAGES)
    fitting = {name: value for name, value in chosen.items() if name not in wrong}
    preferences = msgspec.structs.replace(before, **fitting, **switches)
    if wrong:
        return await _appearance_page(request, preferences, dict.fromkeys(wrong, request.sentence("There is no such choice.")), 422)
    async with request.database.write() as tx:
        await actions.change_preferences(tx, request.viewer, preferences, language)
    return request.redirect("/settings/appearance?saved=1")


async def _appearance_page(request: Request, own: Preferences, errors: dict[str, str], status: int = 200) -> Reply:
    return await request.show("settings/appearance.html", status, sizes=_CHOICES["text_size"], own=own, errors=errors)


async def show_password(request: Request) -> Reply:
    return await request.show("settings/password.html", errors={})


async def save_password(request: Request) -> Reply:
    form = request.form
    try:
        request.require_allowance()
        await change_password(
            request.database, request.viewer, form.text("old_password"), form.text("password"),
            multiplier=request.context.settings.limits.multiplier,
        )
    except Invalid as problem:
        return await request.show("settings/password.html", 422, errors=request.problems(problem))
    except TooMany as problem:
        return await request.show("settings/password.html", 422, errors={"old_password": request.over_limit(problem)})
    return request.redirect("/settings/password?saved=1")


_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)


async def show_sessions(request: Request) -> Reply:
    async with request.database.read() as conn:
        sessions = await queries.list_sessions(conn, request.viewer.id)
        tokens = await queries.list_tokens(conn, request.viewer.id)
    return await request.show("settings/sessions.html", sessions=sessions, tokens=tokens, browser_name=browser_name)


def browser_name(agent: str) -> str:
    """The common name of a browser, such as `Firefox, Android`. The first match decides, because browsers also name the
    older browsers that they are compatible with."""
    found = [next((name for word, name in words if word in agent), "") for words in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found)) or agent[:40]


async def end_session(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.end_sessions(tx, request.viewer, only=request.id())
    return request.redirect("/settings/sessions?ended=1")


async def end_other_sessions(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.end_sessions(tx, request.viewer, but=request.viewer.session_id)
    return request.redirect("/settings/sessions?ended=1")


async def revoke_token(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.revoke_token(tx, request.viewer, request.id())
    return request.redirect("/settings/sessions?ended=1")


async def show_invitations(request: Request) -> Reply:
    return await _invitations_page(request, {})


async def invite(request: Request) -> Reply:
    form = request.form
    try:
        request.require_allowance("uses")
        async with request.database.write() as tx:
            await invitations.invite(tx, request.viewer, uses=form.integer("uses") or 0, days=form.integer("days") or 0)
    except Invalid as problem:
        return await _invitations_page(request, request.problems(problem), 422, uses=form.text("uses"), days=form.text("days"))
    return request.redirect("/settings/invitations")


async def withdraw_invitation(request: Request) -> Reply:
    async with request.database.write() as tx:
        await invitations.withdraw_invitation(tx, request.viewer, request.id())
    return request.redirect("/settings/invitations")


def _related(name: str) -> Handler:
    """A list of accounts: requests, mutes, blocks."""

    async def handle(request: Request) -> Reply:
        page = request.page()
        async with request.database.read() as conn:
            rows = await list_related(conn, name, request.viewer.id, None, page, with_suspended=name != "requests")
        return await request.show(
            "settings/people.html", kind=name, accounts=[account.shown_to_others() for _, account in rows],
            **page_links(page, [row_id for row_id, _ in rows]),
        )

    return handle


async def _profile_page(request: Request, account: Account, errors: dict[str, str], status: int = 200) -> Reply:
    return await request.show("settings/profile.html", status, account=account, errors=errors)


async def _invitations_page(request: Request, errors: dict[str, str], status: int = 200, *, uses: str = "1", days: str = "7") -> Reply:
    async with request.database.read() as conn:
        listed = await queries.list_invitations(conn, request.viewer.id)
    return await request.show("settings/invitations.html", status, invitations=listed, errors=errors, uses=uses, days=days)


async def _picture(request: Request, form: Params, purpose: Purpose) -> str | None:
    """Stores a newly chosen picture and returns its key. Raises Invalid, with the purpose as field."""
    file = form.file(purpose)
    if file is None:
        return None
    try:
        request.spend_upload()
        upload = await upload_picture(
            request.database, request.context.store, request.account, file.content, purpose=purpose,
            most_bytes=request.context.settings.media.max_bytes,
        )
    except Invalid as problem:
        raise Invalid(*(dataclasses.replace(error, field=purpose) for error in problem.errors), log_text=problem.log_text) from problem
    return upload.key


def _chosen(form: Params, purpose: Purpose, keys: dict[Purpose, str | None], present: str | None) -> str | None:
    return keys[purpose] or (None if form.flag(f"remove_{purpose}") else present)


def _as_written(account: Account, draft: accounts.ProfileDraft) -> Account:
    """The profile with the values of a refused form, to show them again."""
    written = {name: value for name, value in msgspec.structs.asdict(draft).items() if value is not None}
    if "fields" in written:
        written["fields"] = tuple(ProfileField(name, value, "") for name, value in written["fields"])
    return msgspec.structs.replace(account, **written)


def _rows(form: Params) -> list[tuple[str, str]]:
    return [(form.text(f"field_name_{number}"), form.text(f"field_value_{number}")) for number in range(accounts.MOST_FIELDS)]


Page = Callable[[Request], Awaitable[Reply]]
_GET: dict[str, Page] = {
    "": menu, "/profile": show_profile, "/appearance": show_appearance, "/password": show_password, "/sessions": show_sessions,
    "/invitations": show_invitations, "/requests": _related("requests"), "/mutes": _related("mutes"), "/blocks": _related("blocks"),
}
_POST: dict[str, Page] = {
    "/appearance": save_appearance, "/password": save_password, "/sessions/others/end": end_other_sessions,
    "/sessions/{id}/end": end_session, "/tokens/{id}/revoke": revoke_token, "/invitations": invite,
    "/invitations/{id}/withdraw": withdraw_invitation,
}
_KEEPS_FORM = ("/password", "/invitations")  # forms that are shown again over a limit
ROUTES = [
    *(Route("GET", f"/settings{path}", page, Access.MEMBER) for path, page in _GET.items()),
    *(Route("POST", f"/settings{path}", page, Access.MEMBER, keeps_form=path in _KEEPS_FORM) for path, page in _POST.items()),
    Route("POST", "/settings/profile", save_profile, Access.MEMBER, most_bytes=None, keeps_form=True),
]
