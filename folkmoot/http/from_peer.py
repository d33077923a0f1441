"""Requests that the other host of this network forwards. They arrive on a socket of their own, which only it can reach.

They are answered here and never forwarded again, so there are no loops. A write that the gate refuses before anything was
committed is answered with NOT_WRITTEN: only then does the other host send it again.
"""

from typing import Any
from urllib.parse import parse_qs

from folkmoot.base import write_gate
from folkmoot.base.db import Database
from folkmoot.base.write_gate import Attempt
from folkmoot.http.replies import Headers, Reply
from folkmoot.http.writing_host import WritingHost
from folkmoot.portability.hosts.sockets import PROBE_PATH

FROM_PEER = "folkmoot.from_peer"  # marks the scope of a request that came through the socket for the peer
CLIENT_HEADER = b"x-forwarded-for"  # the address of the client of the other host
NOT_WRITTEN = (b"x-folkmoot-not-written", b"1")


async def answer_probe(database: Database, hosts: WritingHost, scope: Any, receive: Any, send: Any) -> None:
    """Answers 200 if this host writes, and not in an older epoch than the host that asks."""
    known = parse_qs(scope["query_string"].decode("latin-1")).get("epoch", ["0"])[0]
    is_current = known.isdecimal() and int(known) <= hosts.epoch
    writes = is_current and await database.can_write()
    await Reply(b'{"writes":%s}' % (b"true" if writes else b"false"), 200 if writes else 503)(scope, receive, send)


def is_probe(scope: Any) -> bool:
    return bool(scope["type"] == "http" and scope["path"] == PROBE_PATH)


def restore_client(scope: Any) -> None:
    """Puts the address of the client into the scope; removes the header, which tells it to nobody else."""
    address = dict(scope["headers"]).get(CLIENT_HEADER, b"").decode("latin-1")
    scope["client"] = (address, 0) if address else None
    scope["headers"] = [header for header in scope["headers"] if header[0] != CLIENT_HEADER]


def mark_refusals(send: Any) -> Any:
    """Wraps `send`: the answer to a write that was refused, and has committed nothing, gets NOT_WRITTEN."""
    attempt = Attempt()
    write_gate.attempt.set(attempt)

    async def send_marked(message: Any) -> None:
        if message["type"] == "http.response.start" and not is_written(attempt, message["status"]):
            message["headers"] = [*message["headers"], NOT_WRITTEN]
        await send(message)

    return send_marked


def is_written(attempt: Attempt, status: int) -> bool:
    """False if the gate refused the request before anything was committed: it may be sent to another host."""
    return status != 503 or not attempt.is_refused or attempt.may_have_committed


def forwarded_headers(headers: Headers, client: Any) -> Headers:
    """The headers of a request as they are sent to the peer: without those of one connection, with the address of the client."""
    kept = [(name, value) for name, value in headers if name not in _OF_CONNECTION]
    if not any(name == b"host" for name, _ in kept):  # HTTP/1.0
        kept.append((b"host", b"peer"))
    return [*kept, (CLIENT_HEADER, client[0].encode("latin-1") if client else b"")]


_OF_CONNECTION = frozenset([
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    b"expect", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"content-length", b"date", b"server",
    NOT_WRITTEN[0],
])


def own_headers(headers: Headers) -> Headers:
    """The headers of a response from the peer, without those of one connection and those that this server adds itself."""
    return [(name.lower(), value) for name, value in headers if name.lower() not in _OF_CONNECTION or name.lower() == b"content-length"]
