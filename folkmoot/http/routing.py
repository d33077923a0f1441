"""Routes: a path, a method, an access class, and a limit.

All routes are in tables with their access class; `moot routes` prints them, and a test checks them. The tree below finds
a route with a few dictionary lookups, whatever the number of routes: Starlette's list of patterns took as long for 150
routes as half a page.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

USUAL_BYTES = 1024 * 1024
# Not printable by themselves, but part of words in several scripts and of emoji: the joiners and the tags of flags.
_INSIDE_WORDS = dict.fromkeys([0x200C, 0x200D, *range(0xE0020, 0xE0080)])
Handler = Callable[[Any], Awaitable[Any]]


class Access(StrEnum):
    """Who may use a route."""

    PUBLIC = "public"
    APP = "app"  # an app with a token, also without a member
    MEMBER = "member"
    MODERATOR = "moderator"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Route:
    """`path` has parameters in braces. `scope`: the scope that a token needs; on a public route it is checked only if there
    is a token. `limit` names a row of `base/limits.py`.

    `most_bytes`: maximum size of a body; None: that of uploads in the settings. `deprecated_at`: seconds since 1970, for
    routes that clients should no longer use (RFC 9745). `for_suspended`: suspended members may use it too: to read
    decisions, to appeal, to log out. `keeps_form`: for pages; over a limit the handler still runs, calls
    `request.require_allowance` and shows the form again. `is_open`: for pages; visitors without an account who read the same
    language all get the same bytes (`web/open_pages.py`). `form_is_open`: the form stands on such pages, which have no token.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    scope: str = ""
    limit: str = ""
    most_bytes: int | None = USUAL_BYTES
    deprecated_at: int = 0
    for_suspended: bool = False
    keeps_form: bool = False
    is_open: bool = False
    form_is_open: bool = False


@dataclass
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Finds the route of a path. A fixed segment wins over a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self._fixed: dict[str, dict[str, Route]] = {}  # by path, the routes without parameters: found without a walk
        self.routes = list(routes)
        for route in self.routes:
            node = self._root
            for segment in route.path.strip("/").split("/"):
                node = _child(node, segment)
            if route.method in node.routes:
                raise ValueError(f"two routes for {route.method} {route.path}")
            node.routes[route.method] = route
            if "{" not in route.path:
                self._fixed[route.path] = node.routes

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        """(the routes of the path by method, its parameters); no routes for an unknown path."""
        if path in self._fixed:
            return self._fixed[path], {}
        if not path.isprintable() and not path.translate(_INSIDE_WORDS).isprintable():  # a line break, NUL or the like: no route has one
            return {}, {}
        values: list[str] = []
        node = _match(self._root, path.strip("/").split("/"), 0, values)
        if node is None:
            return {}, {}
        return node.routes, dict(zip(_names(node), values, strict=True)) if values else {}


def largest_body(routers: Iterable[Router], scope: Any, *, upload_bytes: int) -> int:
    """The maximum size of the body of a request, in bytes. `upload_bytes`: that of routes for uploads."""
    for router in routers:
        routes, _ = router.find(scope["path"])
        if route := routes.get(scope["method"]):
            return upload_bytes if route.most_bytes is None else route.most_bytes
    return USUAL_BYTES


def _child(node: _Node, segment: str) -> _Node:
    """Returns the child node and creates it if missing. `@{name}` is a parameter whose value begins with an @ sign."""
    if segment.startswith(("{", "@{")):
        if node.parameter is None:
            node.parameter = _Node()
        node.parameter.name = segment
        return node.parameter
    if segment not in node.children:
        node.children[segment] = _Node()
    return node.children[segment]


def _match(node: _Node, segments: list[str], position: int, values: list[str]) -> _Node | None:
    if position == len(segments):
        return node if node.routes else None
    segment = segments[position]
    child = node.children.get(segment)
    if child:
        found = _match(child, segments, position + 1, values)
        if found:
            return found
    if node.parameter and segment and segment.startswith("@") == node.parameter.name.startswith("@"):
        values.append(segment.removeprefix("@") if node.parameter.name.startswith("@") else segment)
        found = _match(node.parameter, segments, position + 1, values)
        if found:
            return found
        values.pop()
    return None


def _names(node: _Node) -> list[str]:
    route = next(iter(node.routes.values()))
    return [segment.strip("@{}") for segment in route.path.strip("/").split("/") if segment.startswith(("{", "@{"))]
