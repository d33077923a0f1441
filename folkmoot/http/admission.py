"""Who may use a route: decided here, once, for HTML pages and the client API.

Each entry point finds out who calls (nobody, a browser session, an app's token), asks `admit`, and puts the Problem
into its own words. Refusals are tried in this order, which clients of the API know:

    the token's scopes            every route that names one         ScopeMissing
    nobody                        all but public routes              Unauthorized
    an app without a person       all but public and app routes      PersonMissing
    a log-in with an obstacle     all but public routes (1)          Forbidden
    a suspended account           all but routes `for_suspended`     Suspended
    a member without the role     juror, moderator and operator      RoleMissing

(1) App routes admit who is not confirmed or not approved yet: their app asks there for the mail once more.
Public routes are open to all, but an app whose member is shut out reads them as nobody. A frozen account keeps what
members may read and do, and loses its role. An access class that stands in no table is refused.
"""

from typing import NamedTuple

import msgspec

from folkmoot.base.errors import Forbidden, Invalid, Unauthorized
from folkmoot.http.routing import Access, Route
from folkmoot.network.sessions import scopes
from folkmoot.network.sessions.model import Role, TokenHolder, Viewer

_ROLES = {
    Access.MEMBER: Role.MEMBER, Access.JUROR: Role.JUROR, Access.MODERATOR: Role.MODERATOR, Access.OPERATOR: Role.OPERATOR,
}


class ScopeMissing(Forbidden):
    """The token was given for other things."""

    message = "This app was not allowed to do that."


class PersonMissing(Invalid):
    """A token of an app itself, where a person is needed."""

    message = "An app cannot do this by itself. Somebody has to log in with it."


class Suspended(Forbidden):
    """A member who is suspended asks for what is not for them now."""

    message = "Your account is suspended."


class RoleMissing(Forbidden):
    """A member without the role that the route is for."""

    message = "This is for people with another role."


class Caller(NamedTuple):
    """Who sends a request: nobody, a browser (`viewer`), or an app (`holder`, and `viewer` if it stands for a person)."""

    viewer: Viewer | None = None
    holder: TokenHolder | None = None

    @classmethod
    def by_token(cls, holder: TokenHolder | None) -> "Caller":
        return cls(holder.viewer if holder else None, holder)


def admit(route: Route, caller: Caller) -> Caller:
    """The caller as the handler of this route sees them. Raises Unauthorized, Forbidden, PersonMissing."""
    viewer, holder = caller
    if holder and route.scope and not any(scopes.covers(holder.scopes, wanted) for wanted in route.scope.split("|")):
        raise ScopeMissing
    if route.access is Access.PUBLIC:
        return _reader(route, caller)
    if viewer is None and holder is None:
        raise Unauthorized
    if route.access is Access.APP and holder:
        if viewer and viewer.login.disabled_at:
            raise Forbidden(viewer.login.obstacle)
        _require_not_suspended(route, viewer)
        return caller  # who is not confirmed yet asks here for the mail once more
    role = _ROLES.get(route.access)
    if role is None:
        raise Forbidden(log_text=f"nobody has access of class {route.access!r}")
    if viewer is None:
        raise PersonMissing
    if viewer.login.obstacle:
        raise Forbidden(viewer.login.obstacle)
    _require_not_suspended(route, viewer)
    if not viewer.holds(role):
        raise RoleMissing
    return caller


def _reader(route: Route, caller: Caller) -> Caller:
    """Who reads a public route. A browser is told of a suspension on a page; for an app, whoever is shut out is nobody."""
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
