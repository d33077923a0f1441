"""Pages that are the same for all visitors without an account who read one language: rendered once, and kept in memory.

Before a kept page is shown again, one statement checks that all its posts and accounts are as they were. What is hidden,
edited or deleted is therefore gone at the next read, in every process. What is added shows when the page has been kept for
as long as its handler allows; a reply or a like earlier, after FRESH_SECONDS and the folding of its count (decision 0121).

Requests for a page that come while a check of it runs share the next one, and those that come while it is rendered wait
for that: a link that everybody opens costs little more than its bytes. An open page contains nothing about its reader, no
form token and no cookie.
"""

import asyncio
import re
from collections import OrderedDict
from hashlib import sha256
from typing import Any

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.http.replies import Reply
from folkmoot.moderation.clauses.published import current
from folkmoot.network.posts.queries import is_unchanged
from folkmoot.network.posts.showing import Shown
from folkmoot.web.request import Request, address_of

FRESH_SECONDS = 2.0  # for which counts may be old: those of a post that everybody likes would change at each read
MOST_BYTES = 16 * 1024 * 1024  # per process
_LARGEST = 1024 * 1024  # a larger page is not kept
_BESIDE_BODY = 2000  # bytes that a page takes besides its body, roughly
_QUERY = re.compile(rb"(?:(?:before|after)=[0-9]{1,19})?")  # others are answered, but not kept: anybody can invent them
_LENGTHS = (b"content-length", b"content-encoding")
_Key = tuple[str, str, bool, str]


def is_open(request: Request) -> bool:
    """Whether this request gets what all visitors get."""
    return (
        request.route.is_open and request.signed_in is None and request.scope["method"] in ("GET", "HEAD")
        and not request.wants_part and _QUERY.fullmatch(request.scope["query_string"]) is not None
    )


class OpenPages:
    """The kept pages of a process. The least recently used ones are dropped."""

    def __init__(self, database: Database, most_bytes: int = MOST_BYTES) -> None:
        self._database = database
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pages: OrderedDict[_Key, _Page] = OrderedDict()
        self._rendering: dict[_Key, asyncio.Event] = {}

    async def answer(self, request: Request) -> Any:
        """The reply of the request's handler, or a kept one. Raises what the handler raises."""
        key = address_of(request.scope), request.language, request.takes_gzip, current().version
        page = await self._find(key)
        if page is None and (rendering := self._rendering.get(key)):
            await rendering.wait()
            page = await self._find(key)
        return page.reply(request) if page else await self._render(request, key)

    async def _find(self, key: _Key) -> "_Page | None":
        """The kept page, if it stands."""
        page = self._pages.get(key)
        if page is None:
            return None
        if page.is_too_old or not await page.stands(self._database):
            if self._pages.get(key) is page:  # nobody has replaced or dropped it meanwhile
                self._drop(key)
            return None
        if key in self._pages:
            self._pages.move_to_end(key)
        return page

    async def _render(self, request: Request, key: _Key) -> Any:
        began, ended = clock.monotonic(), asyncio.Event()
        self._rendering[key] = ended
        try:
            reply = await request.route.handler(request)
            if not isinstance(reply, Reply) or reply.status != 200 or request.shown is None:
                return reply
            page = _Page(reply, request.shown, began)
            self._keep(key, page)
            return page.reply(request)
        finally:
            ended.set()
            if self._rendering.get(key) is ended:
                del self._rendering[key]

    def _keep(self, key: _Key, page: "_Page") -> None:
        self._drop(key)
        if page.bytes > min(_LARGEST, self._most_bytes):
            return
        self._pages[key] = page
        self._bytes += page.bytes
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: _Key) -> None:
        if page := self._pages.pop(key, None):
            self._bytes -= page.bytes


class _Page:
    """A kept page, with the check that runs and the one that follows it."""

    def __init__(self, reply: Reply, shown: Shown, began: float) -> None:
        self._tag = b'"' + sha256(reply.body).hexdigest()[:32].encode() + b'"'
        self._body = reply.body
        self._headers = [*reply.headers, (b"etag", self._tag)]
        self._shown = shown
        self._began = began
        self._running: asyncio.Future[bool] | None = None
        self._next: asyncio.Future[bool] | None = None
        self.bytes = len(reply.body) + _BESIDE_BODY

    @property
    def is_too_old(self) -> bool:
        return clock.monotonic() - self._began > self._shown.kept_for

    async def stands(self, database: Database) -> bool:
        """Whether what it shows is unchanged, by a statement that starts now or later."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._check(database, self._running))
            self._next.add_done_callback(_note_failure)
        return await asyncio.shield(self._next)  # one reader who leaves does not end it for the others

    def reply(self, request: Request) -> Reply:
        """304 if the browser has it. That repeats all headers, because browsers replace those that they have kept."""
        if self._tag in request.headers.get("if-none-match", "").encode():
            reply = Reply(b"", 304)
            reply.headers = [header for header in self._headers if header[0] not in _LENGTHS]
            return reply
        reply = Reply(self._body)
        reply.headers = list(self._headers)
        return reply

    async def _check(self, database: Database, before: "asyncio.Future[bool] | None") -> bool:
        if before and not before.done():
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        is_old = clock.monotonic() - self._began > FRESH_SECONDS
        async with database.read() as conn:
            return await is_unchanged(conn, self._shown, with_counts=is_old)


def _note_failure(check: "asyncio.Future[bool]") -> None:
    """Reads the error of a check for which nobody waits any more; otherwise asyncio would log it as never retrieved."""
    if not check.cancelled():
        check.exception()
