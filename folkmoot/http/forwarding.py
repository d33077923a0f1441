"""Answers requests by the host that writes, while this one may not: a standby, a fenced host, or one whose writes are held.

A write waits, at most ten seconds, until one of the two hosts writes, and then runs there. It never runs twice: it is sent
on only if it was not run here, or if the write gate refused it before it had committed anything. Its body is kept until
then; a request that waits before it has run stays in the buffers of its connection instead.

Reads are answered here, except: by a fenced host, and by a standby that is seconds behind or whose schema is older than its
code, all go to the host that writes; on a standby those that fail here, those of pages on which moderators claim cases, those
of archives of members, and those of callers who have just written or heard of something, so that they see it. Streams follow the
host that writes, because only its processes hear of new posts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

from folkmoot.base import clock, write_gate
from folkmoot.base.errors import Malformed, Problem, Unavailable, WritesPaused
from folkmoot.base.socket_client import Broken, NotHttp, NotReached, SocketClient, SocketRequest
from folkmoot.base.write_gate import Attempt
from folkmoot.http.forwarded_socket import close_socket, forward_socket
from folkmoot.http.from_peer import NOT_WRITTEN, forwarded_headers, is_written, own_headers
from folkmoot.http.passing import Leaving, Passing
from folkmoot.http.problems import REFUSAL
from folkmoot.http.recent_writers import RecentWriters
from folkmoot.http.side_by_side import until_one_ends
from folkmoot.http.spooled_body import SpooledBody
from folkmoot.http.writing_host import LONGEST_WAIT, Where, WritingHost
from folkmoot.portability.names.paths import RECORD_PATH

log = logging.getLogger(__name__)
Application = Callable[[Any, Any, Any], Awaitable[None]]
_SAFE = frozenset(["GET", "HEAD", "OPTIONS"])
_STREAMS = ("/live/", "/api/v1/streaming")
_CLAIMS = "/moderate/"  # pages that claim a case when they are opened
_MEDIA = "/media/"  # files arrive on a standby a moment after their rows
_ARCHIVES = "/settings/export"  # files that only the host that writes has
_OF_THIS_HOST = frozenset(["/livez", "/readyz", "/metrics", RECORD_PATH])
_READ_SECONDS = 0.5  # that a read waits until it is known whether the peer writes
_FENCED_SECONDS = 3.0  # on a fenced host, whose database stands still: it may be days old
_STREAM_SILENCE = 40.0  # seconds; a stream sends something every 15
_RETRY_SECONDS = 0.02
TURNS = 32  # requests that waited and now run at the same time, so that after a hold reads are answered between them


class Forwarding:
    """One per process. `most_bytes`: of the body of a request. `callers`: by which the sender of a request is recognised."""

    def __init__(self, hosts: WritingHost, writers: RecentWriters, most_bytes: Callable[[Any], int], session_cookie: str) -> None:
        self._hosts = hosts
        self._writers = writers
        self._most_bytes = most_bytes
        self._session_cookie = session_cookie.encode()
        self._turns = asyncio.Semaphore(TURNS)

    def is_needless(self, scope: Any) -> bool:
        """Whether a request is simply answered here: most reads of a primary, and everything if there is no peer."""
        path = scope["path"]
        if path in _OF_THIS_HOST:
            return True
        if not self._hosts.is_primary:
            return not self._hosts.has_peer and not self._hosts.is_fenced
        if path.startswith(_STREAMS):
            return False
        return (scope["method"] in _SAFE and not path.startswith(_CLAIMS)) or not self._hosts.has_peer

    async def answer(self, here: Application, scope: Any, receive: Any, send: Any) -> None:
        """`here` answers on this host."""
        if scope["path"].startswith(_STREAMS) and not scope["path"].endswith("/health"):
            await self._stream(here, scope, receive, send)
            return
        body = SpooledBody(receive, self._most_bytes(scope))
        try:
            if scope["method"] in _SAFE and not (self._hosts.is_primary and scope["path"].startswith(_CLAIMS)):
                await self._read(here, scope, body, send)
            else:
                await self._write(here, scope, body, send)
        finally:
            body.close()

    async def _write(self, here: Application, scope: Any, body: SpooledBody, send: Any) -> None:
        deadline = clock.monotonic() + LONGEST_WAIT
        while True:
            turn = nullcontext() if self._hosts.is_decided else self._turns
            where = await self._hosts.for_write(deadline)
            async with turn:
                if await self._is_done(where, here, scope, body, send):
                    return
            await asyncio.sleep(_RETRY_SECONDS)

    async def _is_done(self, where: Where, here: Application, scope: Any, body: SpooledBody, send: Any) -> bool:
        """Answers a write, or returns False if it was refused and can run elsewhere."""
        if where is Where.PEER:
            return await self._answered_by_peer(here, scope, body, send)
        if where is Where.NOWHERE:
            body.rewind()
            await here(scope if not self._hosts.is_primary else _refused(scope, WritesPaused()), body.receive, send)
            return True
        write_gate.attempt.set(attempt := Attempt())
        return await _answered(here, scope, body, send, partial(is_written, attempt))

    async def _read(self, here: Application, scope: Any, body: SpooledBody, send: Any) -> None:
        """A read that fails here, as while the database becomes a standby, or whose file is not here yet, is answered by the peer."""
        path = scope["path"]
        is_elsewhere = self._hosts.is_fenced or self._hosts.is_behind or self._hosts.lacks_schema
        is_wanted = is_elsewhere or path.startswith((_CLAIMS, _ARCHIVES)) or self._writers.includes(self._callers(scope))
        missing = (503, 404) if path.startswith(_MEDIA) else (503,)
        if not is_wanted and await _answered(here, scope, body, send, lambda status: status not in missing):
            return
        deadline = self._read_deadline()
        for _ in range(2):  # the link may break, and be whole again before the deadline
            if await self._hosts.for_read(deadline) is not Where.PEER:
                break
            if await self._answered_by_peer(here, scope, body, send):
                return
        body.rewind()
        await here(scope, body.receive, send)

    def _read_deadline(self) -> float:
        return clock.monotonic() + (_FENCED_SECONDS if self._hosts.is_fenced else _READ_SECONDS)

    async def _answered_by_peer(self, here: Application, scope: Any, body: SpooledBody, send: Any) -> bool:
        """Sends the request to the peer and passes its response on; returns False if it was not run there."""
        try:
            size = await body.complete() if _has_body(scope) else 0
        except Problem as problem:
            await here(_refused(scope, problem), body.receive, send)
            return True
        passing = Passing(send)
        try:
            async with self._hosts.requests.send(self._request(scope, body, size)) as response:
                if NOT_WRITTEN in response.headers:
                    self._hosts.forget()
                    return False
                if scope["method"] not in _SAFE:
                    self._writers.note(self._callers(scope))
                await passing.respond(response.status, own_headers(response.headers), response.chunks)
        except NotReached as error:
            log.debug("the other host was not reached: %s", error)
            self._hosts.forget()
            return False
        except NotHttp as error:
            await here(_refused(scope, Malformed(log_text=str(error))), body.receive, send)
        except Broken as error:
            self._hosts.forget()
            if scope["method"] in _SAFE and not passing.has_started:
                return False
            log.warning("the other host did not answer a forwarded request: %s", error)
            if not passing.has_started:
                await here(_refused(scope, Unavailable(log_text=f"forwarded, the outcome is unknown: {error}")), body.receive, send)
        return True

    def _request(self, scope: Any, body: SpooledBody, size: int) -> SocketRequest:
        headers = forwarded_headers(scope["headers"], scope.get("client"))
        if size or scope["method"] not in _SAFE:
            headers.append((b"content-length", b"%d" % size))
        return SocketRequest(scope["method"], _target(scope), headers, body.chunks() if size else None)

    async def answer_socket(self, here: Application, scope: Any, receive: Any, send: Any) -> None:
        """As `_stream`, for WebSockets."""
        where = await self._hosts.for_read(self._read_deadline())
        leaving = Leaving(receive, "websocket.disconnect")
        self._hosts.add_stream(leaving.end_soon, where)
        try:
            if where is Where.PEER:
                await forward_socket(self._hosts.socket, scope, leaving, self._noting(scope, send))
            else:
                await here(scope, leaving.receive, send)
                if leaving.is_ended:
                    await close_socket(send)
        finally:
            self._hosts.remove_stream(leaving.end_soon)

    async def _stream(self, here: Application, scope: Any, receive: Any, send: Any) -> None:
        """Answers a stream until its client leaves or another host writes; the client then comes back and gets that one."""
        where = await self._hosts.for_read(self._read_deadline())
        leaving = Leaving(receive)
        self._hosts.add_stream(leaving.end_soon, where)
        try:
            if where is Where.PEER:
                await self._stream_from_peer(scope, leaving, send)
            else:
                await here(scope, leaving.receive, send)
        finally:
            self._hosts.remove_stream(leaving.end_soon)

    async def _stream_from_peer(self, scope: Any, leaving: Leaving, send: Any) -> None:
        client: SocketClient = self._hosts.streams
        request = SocketRequest(scope["method"], _target(scope), forwarded_headers(scope["headers"], scope.get("client")),
                                seconds=_STREAM_SILENCE)
        passing = Passing(self._noting(scope, send))

        async def pass_on() -> None:
            async with client.send(request) as response:
                await passing.respond(response.status, own_headers(response.headers), response.chunks)

        try:
            await until_one_ends(pass_on(), leaving.wait())
        except (NotReached, Broken):
            self._hosts.forget()
        await passing.end()

    def _noting(self, scope: Any, send: Any) -> Any:
        """Wraps `send` of a stream: who hears of something reads it there too, until it has arrived here."""
        callers = self._callers(scope)

        async def send_noted(message: Any) -> None:
            self._writers.note(callers)
            await send(message)

        return send_noted

    def _callers(self, scope: Any) -> list[bytes]:
        """What the sender of a request can be recognised by: address, session, token."""
        found = [scope["client"][0].encode()] if scope.get("client") else []
        for name, value in scope["headers"]:
            if name == b"authorization":
                found.append(value)
            elif name == b"cookie":
                found += [pair.strip() for pair in value.split(b";") if pair.strip().startswith(self._session_cookie + b"=")]
        return found


async def _answered(here: Application, scope: Any, body: SpooledBody, send: Any, is_answer: Callable[[int], bool]) -> bool:
    """Runs the request here. A response whose status is no answer is dropped."""
    is_dropped = False

    async def send_answer(message: Any) -> None:
        nonlocal is_dropped
        if message["type"] == "http.response.start":
            is_dropped = not is_answer(message["status"])
        if not is_dropped:
            await send(message)

    body.rewind()
    await here(dict(scope), body.receive, send_answer)
    return not is_dropped


def _has_body(scope: Any) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _target(scope: Any) -> bytes:
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path


def _refused(scope: Any, problem: Problem) -> Any:
    return {**scope, REFUSAL: problem}
