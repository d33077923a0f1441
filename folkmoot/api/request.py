"""A request of the client API as handlers see it, and its responses."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from starlette.datastructures import Headers

from folkmoot.api import account_shapes as shapes
from folkmoot.api.entities import Entities
from folkmoot.api.status_fragments import Fragment
from folkmoot.api.stream_connection import Rendering
from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound
from folkmoot.base.ids import parse_id
from folkmoot.http.bodies import from_body, from_query, replay, whole_body
from folkmoot.http.context import Context
from folkmoot.http.fragments import FragmentCache, Quotes
from folkmoot.http.params import Params
from folkmoot.http.replies import JSON, Reply
from folkmoot.http.routing import USUAL_BYTES, Route
from folkmoot.network.accounts.model import Account, AccountStamp
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.filters.matching import FilterSet
from folkmoot.network.posts.model import PostView
from folkmoot.network.sessions.model import TokenHolder, Viewer
from folkmoot.network.timelines.model import Entry, Timeline

_CURSORS = ("max_id", "since_id", "min_id")
encode = msgspec.json.Encoder().encode


class Request:
    """One request; `holder` is the holder of the token, None without a token. `filters` are the viewer's; `entities` apply them."""

    __slots__ = (
        "_body", "_params", "_receive", "_values", "context", "entities", "filters", "fragments", "holder", "query", "rendering", "route",
        "scope",
    )

    def __init__(
        self, scope: Any, receive: Any, route: Route, values: dict[str, str], context: Context, entities: Entities,
        fragments: FragmentCache[Any], rendering: Rendering, holder: TokenHolder | None, filters: FilterSet | None = None,
    ) -> None:
        self.scope = scope
        self._receive = receive
        self.route = route
        self._values = values
        self.context = context
        self.entities = entities.filtered_by(filters)
        self.filters = filters
        self.fragments = fragments
        self.rendering = rendering
        self.holder = holder
        self.query = from_query(scope["query_string"])
        self._params: Params | None = None
        self._body: bytes | None = None

    @property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)

    @property
    def database(self) -> Database:
        return self.context.database

    @property
    def viewer(self) -> Viewer:
        """The logged-in viewer. Only for members' routes, where the application has checked that there is one."""
        assert self.holder is not None
        assert self.holder.viewer is not None
        return self.holder.viewer

    @property
    def account(self) -> Account:
        return self.viewer.account

    @property
    def viewer_id(self) -> int | None:
        """For public routes: the viewer's id, or None if nobody is logged in."""
        return self.holder.viewer.id if self.holder and self.holder.viewer else None

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    async def params(self) -> Params:
        """The parameters of query and body; the body takes precedence."""
        if self._params is None:
            most = self.route.most_bytes
            if most is None:
                most = self.context.settings.media.max_upload_bytes
            body = await from_body(self._receive, self.headers, most)
            self._params = Params({**self.query.tree(), **body.tree()})
        return self._params

    async def body(self) -> bytes:
        """The body as it was sent, for a signature. It can still be read as parameters."""
        if self._body is None:
            self._body = await whole_body(self._receive, self.headers, self.route.most_bytes or USUAL_BYTES)
            self._receive = replay(self._body)
        return self._body

    def id(self, name: str = "id") -> int:
        """An id in the path. Raises NotFound for an invalid id."""
        value = parse_id(self._values[name])
        if value is None:
            raise NotFound
        return value

    def value(self, name: str) -> str:
        return self._values[name]

    def json(self, answer: Any, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()) -> Reply:
        return Reply(encode(answer), status, JSON, headers)

    def listed(self, rows: Sequence[tuple[int, Any]]) -> Reply:
        """A page of (cursor, entity), with its Link header."""
        return Reply(encode([entity for _, entity in rows]), 200, JSON, self.links([cursor for cursor, _ in rows]))

    def links(self, cursors: Sequence[int | str]) -> list[tuple[bytes, bytes]]:
        """The Link header of a page: `next` is older, `prev` is newer. Empty for an empty page."""
        if not cursors:
            return []
        base = self.context.settings.base_url + _page_address(self.scope["path"], self.scope["query_string"])
        return [(b"link", f'<{base}max_id={cursors[-1]}>; rel="next", <{base}min_id={cursors[0]}>; rel="prev"'.encode())]

    async def timeline(self, timeline: Timeline, status: int = 200) -> Reply:
        """A page assembled from cached fragments. This is the most frequent request."""
        found = await self.fragments.gather(self.database, timeline.entries)
        self.context.impressions.add(self.viewer_id, [entry[2] for entry, _, _ in found])  # shown_id: by position, as it is quicker
        return Reply(await self._splice(found), status, JSON, self.links(timeline.ids))

    async def statuses(self, entries: Sequence[Entry]) -> bytes:
        """The JSON of a list of chosen statuses, assembled from cached fragments."""
        return await self._splice(await self.fragments.gather(self.database, entries))

    async def statuses_by_id(self, entries: Sequence[Entry]) -> dict[int, tuple[bytes, Fragment]]:
        """The JSON of each of them, with the fragment of what it shows."""
        found = await self.fragments.gather(self.database, entries)
        quotes = await self._quotes(found)
        return {one[0].id: (self.entities.spliced_page([one], self.viewer_id, quotes)[1:-1], one[1]) for one in found}

    async def _splice(self, found: Sequence[tuple[Entry, Any, Any]]) -> bytes:
        return self.entities.spliced_page(found, self.viewer_id, await self._quotes(found))

    async def _quotes(self, found: Sequence[tuple[Entry, Any, Any]]) -> Quotes[Fragment]:
        quoting = [entry.shown_id for entry, shown, _ in found if shown.has_quote]
        return await self.fragments.gather_quotes(self.database, quoting, self.viewer_id)

    async def kept_accounts(self, stamps: Sequence[AccountStamp]) -> dict[int, shapes.Account]:
        """Accounts by id, rendered already: from memory or, with one statement, from the database."""
        missing = [stamp.id for stamp in stamps if not self.entities.has_kept(stamp)]
        if missing:
            async with self.database.read() as conn:
                found = await list_accounts(conn, missing)
            for account in found.values():
                self.entities.keep_account(account)
            stamps = [found[stamp.id].stamp if stamp.id in found else stamp for stamp in stamps]
        return {stamp.id: self.entities.kept_account(stamp) for stamp in stamps if self.entities.has_kept(stamp)}

    def status(self, view: PostView) -> Reply:
        return Reply(self.entities.status_bytes(view, self.viewer_id))


@lru_cache(maxsize=512)  # most requests ask for the newest page of few addresses
def _page_address(path: str, query_string: bytes) -> str:
    """Path and query of a list without its cursors, to which a cursor can be added."""
    query = query_string.decode("latin-1")
    others = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key not in _CURSORS] if query else []
    return f"{quote(path)}?{urlencode(others) + '&' if others else ''}"
