"""Admission: every access class with every kind of caller, through the real applications of both entry points."""

from typing import Any, cast

import pytest

from folkmoot.api.application import ApiApplication
from folkmoot.base.db import WriteTx
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route, Router
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.model import Role
from folkmoot.web.application import WebApplication
from tests.village import Village, Visitor

CLASSES = [*Access, cast(Access, "guest")]  # the last one is unknown
MEMBERS = ["member", "moderator", "operator", "unconfirmed", "awaiting", "disabled", "frozen", "suspended", "frozen_operator"]
_OBSTACLES = {"unconfirmed": "confirmed_at = NULL", "awaiting": "approved_at = NULL", "disabled": "disabled_at = now()"}
_EFFECTS = {"frozen": AccountEffect.FROZEN, "suspended": AccountEffect.SUSPENDED, "frozen_operator": AccountEffect.FROZEN}
_SENTENCES = {
    "scope": "This action is outside the authorized scopes",
    "token": "The access token is invalid",
    "person": "This method requires an authenticated user",
    "role": "This action is not allowed",
    "unconfirmed": "Your login is missing a confirmed e-mail address.",
    "awaiting": "Your login is currently pending approval.",
    "disabled": "Your login is currently disabled.",
    "suspended": "Your login is currently disabled.",
    "unknown": "You are not allowed to do this.",
}
# The answer of the API per class (public, app, member, moderator, operator, unknown): the viewer that the handler
# gets ("-": none), or the status and the reason.
_API = {
    "nobody": ["-", *["401 token"] * 5],
    "wrong": ["401 token"] * 6,
    "app": ["-", "-", *["422 person"] * 3, "403 unknown"],
    "unscoped": ["403 scope"] * 6,
    "unconfirmed": ["-", "unconfirmed", *["403 unconfirmed"] * 3, "403 unknown"],
    "awaiting": ["-", "awaiting", *["403 awaiting"] * 3, "403 unknown"],
    "disabled": ["-", *["403 disabled"] * 4, "403 unknown"],
    "suspended": ["-", *["403 suspended"] * 4, "403 unknown"],
    "frozen": [*["frozen"] * 3, *["403 role"] * 2, "403 unknown"],
    "frozen_operator": [*["frozen_operator"] * 3, *["403 role"] * 2, "403 unknown"],
    "member": [*["member"] * 3, *["403 role"] * 2, "403 unknown"],
    "moderator": [*["moderator"] * 4, "403 role", "403 unknown"],
    "operator": [*["operator"] * 5, "403 unknown"],
}
# The same for pages. 303 redirects to the log-in; a session is not a token, so routes of class app refuse it.
_PAGES = {
    **{name: ["-", *["303"] * 5] for name in ("nobody", "wrong", *_OBSTACLES)},
    "suspended": ["403"] * 6,
    "frozen": ["frozen", "403", "frozen", *["404"] * 2, "403"],
    "frozen_operator": ["frozen_operator", "403", "frozen_operator", *["404"] * 2, "403"],
    "member": ["member", "403", "member", *["404"] * 2, "403"],
    "moderator": ["moderator", "403", *["moderator"] * 2, "404", "403"],
    "operator": ["operator", "403", *["operator"] * 3, "403"],
}


async def _answer_viewer(request: Any) -> Reply:
    viewer = request.holder.viewer if hasattr(request, "holder") and request.holder else getattr(request, "signed_in", None)
    return Reply(viewer.account.username.encode() if viewer else b"-")


def _routes(**more: Any) -> Router:
    return Router(Route(method, f"/{access}", _answer_viewer, access, **more) for access in CLASSES for method in ("GET", "POST"))


async def _settle(village: Village) -> None:
    for name in MEMBERS:
        await village.settle(name, role=Role("operator" if name == "frozen_operator" else name if name in list(Role) else "member"))
    async with village.database.write() as tx:
        for name, change in _OBSTACLES.items():
            await tx.execute(f"UPDATE logins SET {change} WHERE account_id = $1", village.people[name].id)
        for name, effect in _EFFECTS.items():
            await set_effect(tx, village.people[name].id, effect)


async def _token(village: Village, tx: WriteTx, name: str) -> str:
    app = await register_app(tx, "Zvonek", ["app://zpet"], "read write")
    granted = "read" if name == "unscoped" else "write:statuses"
    whose = None if name == "app" else village.people["member" if name == "unscoped" else name].id
    return await issue_token(tx, app.id, whose, granted)


async def test_the_api_admits_by_class(village: Village) -> None:
    await _settle(village)
    api = ApiApplication(village.front._api._context, _routes(scope="write:statuses|write:media"))
    for name, expected in _API.items():
        async with village.database.write() as tx:
            token = "" if name == "nobody" else "guessed" if name == "wrong" else await _token(village, tx, name)
        for access, wanted in zip(CLASSES, expected, strict=True):
            answer = await Visitor(api, token=token).get(f"/{access}")
            status, _, reason = wanted.partition(" ")
            if reason:
                assert (answer.status, answer.json) == (int(status), {"error": _SENTENCES[reason]}), (name, access)
            else:
                assert (answer.status, answer.text) == (200, wanted), (name, access)


async def test_pages_admit_by_class(village: Village) -> None:
    await _settle(village)
    web = WebApplication(village.front._pages._context, _routes())
    for name, expected in _PAGES.items():
        session = "guessed" if name == "wrong" else "" if name == "nobody" else (await village.by_browser(name)).cookies["folkmoot"]
        for access, wanted in zip(CLASSES, expected, strict=True):
            answer = await Visitor(web, session=session).get(f"/{access}")
            assert answer.text == wanted if answer.status == 200 else str(answer.status) == wanted, (name, access, answer.status)
            if wanted == "303":
                assert answer.headers["location"] == f"/log_in?next=/{access}"
            if name == "suspended":
                assert "/statements" in answer.text  # the page links to the reasons
        unsafe = await Visitor(web, session=session).post("/operator")
        # A submitted form is not redirected to the log-in, and the form of an operator still needs its token.
        assert str(unsafe.status) == {"303": "401", "operator": "403"}.get(expected[4], expected[4]), name


@pytest.mark.parametrize("access", [Access.PUBLIC, Access.MEMBER, Access.MODERATOR])
async def test_suspended_members_may_use_routes_for_suspended(village: Village, access: Access) -> None:
    await _settle(village)
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET role = 'operator' WHERE account_id = $1", village.people["suspended"].id)
        token = await _token(village, tx, "suspended")
    context, router = village.front._api._context, _routes(for_suspended=True)
    session = (await village.by_browser("suspended")).cookies["folkmoot"]
    page = await Visitor(WebApplication(context, router), session=session).get(f"/{access}")
    program = await Visitor(ApiApplication(context, router), token=token).get(f"/{access}")
    has_a_role = access is Access.MODERATOR
    assert (page.status, program.status) == ((404, 403) if has_a_role else (200, 200))
    if not has_a_role:
        assert (page.text, program.text) == ("suspended", "-" if access is Access.PUBLIC else "suspended")
