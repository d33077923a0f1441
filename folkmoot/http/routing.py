"""Routes: a path, a method, who may use it, and which limit counts.

Every route stands in one table with its access class; `moot routes` prints them, and a test refuses one without. The
tree below finds a route in a few dictionary look-ups, however many there are: with Starlette's list of patterns, 150
routes cost as much as half a page.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Handler = Callable[[Any], Awaitable[Any]]


class Access(StrEnum):
    """Who may use a route."""

    PUBLIC = "public"
    APP = "app"  # a program with a token, also without a person
    MEMBER = "member"
    JUROR = "juror"
    MODERATOR = "moderator"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Route:
    """`path` has parameters in braces. `scope` is what a token must be allowed; `limit` names a row of `base/limits.py`.

    `most_bytes` of a body; None: as large as the settings let an upload be. `deprecated_at`: seconds since 1970, for
    what programs should stop calling (RFC 9745). On a public route `scope` counts only for who comes with a token.
    `for_suspended`: also for a member who is suspended: what was decided, how to object, the way out.
    `keeps_form`: of pages. Over a limit the handler still runs, calls `request.require_allowance` and shows the form again.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    scope: str = ""
    limit: str = ""
    most_bytes: int | None = 1024 * 1024
    deprecated_at: int = 0
    for_suspended: bool = False
    keeps_form: bool = False


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
        self.routes = list(routes)
        for route in self.routes:
            node = self._root
            for segment in route.path.strip("/").split("/"):
                node = _grow(node, segment)
            if route.method in node.routes:
                raise ValueError(f"two routes for {route.method} {route.path}")
            node.routes[route.method] = route

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        """(the routes of the path by verb, the parameters in it); no routes for a path that nobody answers."""
        if not path.isprintable():  # a line end, NUL or the like: no address of ours has one
            return {}, {}
        values: list[str] = []
        node = _walk(self._root, path.strip("/").split("/"), 0, values)
        if node is None:
            return {}, {}
        return node.routes, dict(zip(_names(node), values, strict=True)) if values else {}


def _grow(node: _Node, segment: str) -> _Node:
    """The node below, made where it is missing. `@{name}` is a parameter whose value begins with an @ sign."""
    if segment.startswith(("{", "@{")):
        if node.parameter is None:
            node.parameter = _Node()
        node.parameter.name = segment
        return node.parameter
    return node.children.setdefault(segment, _Node())


def _walk(node: _Node, segments: list[str], place: int, values: list[str]) -> _Node | None:
    if place == len(segments):
        return node if node.routes else None
    segment = segments[place]
    child = node.children.get(segment)
    if child:
        found = _walk(child, segments, place + 1, values)
        if found:
            return found
    if node.parameter and segment and segment.startswith("@") == node.parameter.name.startswith("@"):
        values.append(segment.removeprefix("@") if node.parameter.name.startswith("@") else segment)
        found = _walk(node.parameter, segments, place + 1, values)
        if found:
            return found
        values.pop()
    return None


def _names(node: _Node) -> list[str]:
    route = next(iter(node.routes.values()))
    return [segment.strip("@{}") for segment in route.path.strip("/").split("/") if segment.startswith(("{", "@{"))]
