"""Decides who may use a route, for HTML pages and the client API alike.

Each entry point identifies the caller (nobody, a browser session, an app's token), calls `admit`, and turns the Problem
into its own response. The checks run in this order, which clients of the API rely on:

    missing scope of the token    all routes with a scope            ScopeMissing
    nobody                        all but public routes              Unauthorized
    an app without a member       all but public and app routes      PersonMissing
    a log-in with an obstacle     all but public routes (1)          Forbidden
    a suspended account           all but routes `for_suspended`     Suspended
    a member without the role     moderator and operator routes      RoleMissing

(1) App routes admit members who are not confirmed or approved yet: their app requests the confirmation mail there.
Public routes are open to all, but the token of an obstructed or suspended member reads them as nobody. A frozen account
keeps the rights of members and loses those of its role. A route with an unknown access class is refused.
"""

from typing import NamedTuple

import msgspec

from folkmoot.base.errors import Forbidden, Invalid, Unauthorized
from folkmoot.http.routing import Access, Route
from folkmoot.network.sessions import scopes
from folkmoot.network.sessions.model import Role, TokenHolder, Viewer

_ROLES = {
    Access.MEMBER: Role.MEMBER, Access.MODERATOR: Role.MODERATOR, Access.OPERATOR: Role.OPERATOR,
}


class ScopeMissing(Forbidden):
    """The token does not have the scope of the route."""

    message = "You have not allowed this app to do that."


class PersonMissing(Invalid):
    """The token belongs to an app without a member, and the route needs a member."""

    message = "An app cannot do this by itself. Somebody has to log in with it."


class Suspended(Forbidden):
    """The member is suspended, and the route is not for suspended members."""

    message = "Your account is suspended."


class RoleMissing(Forbidden):
    """The member does not have the role that the route needs."""

    message = "This is for people with another role."


class Caller(NamedTuple):
    """Who sends a request: nobody, a browser (`viewer`), or an app (`holder`, and `viewer` if it acts for a member)."""

    viewer: Viewer | None = None
    holder: TokenHolder | None = None

    @classmethod
    def by_token(cls, holder: TokenHolder | None) -> "Caller":
        return cls(holder.viewer if holder else None, holder)


def admit(route: Route, caller: Caller) -> Caller:
    """Returns the caller that the handler of this route gets. Raises Unauthorized, Forbidden, PersonMissing."""
    viewer, holder = caller
    if holder and route.scope and not scopes.covers_any(holder.scopes, route.scope):
        raise ScopeMissing
    if route.access is Access.PUBLIC:
        return _public_caller(route, caller)
    if viewer is None and holder is None:
        raise Unauthorized
    if route.access is Access.APP and holder:
        if viewer and viewer.login.disabled_at:
            raise Forbidden(viewer.login.obstacle)
        _require_not_suspended(route, viewer)
        return caller  # members who are not confirmed yet request the mail here
    role = _ROLES.get(route.access)
    if role is None:
        raise Forbidden(log_text=f"unknown access class {route.access!r}")
    if viewer is None:
        raise PersonMissing
    if viewer.login.obstacle:
        raise Forbidden(viewer.login.obstacle)
    _require_not_suspended(route, viewer)
    if not viewer.holds(role):
        raise RoleMissing
    return caller


def _public_caller(route: Route, caller: Caller) -> Caller:
    """The caller on a public route. A suspended browser session gets a page; a token without access reads as nobody."""
    viewer, holder = caller
    if holder is None:
        _require_not_suspended(route, viewer)
        return caller
    if viewer and (viewer.login.obstacle or viewer.is_suspended):
        return Caller(None, msgspec.structs.replace(holder, viewer=None))
    return caller


def _require_not_suspended(route: Route, viewer: Viewer | None) -> None:
    if viewer and viewer.is_suspended and not route.for_suspended:
        raise Suspended
