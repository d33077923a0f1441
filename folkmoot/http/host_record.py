"""Answers `/.well-known/folkmoot-host`: which host this is, in which role and epoch. Each host answers for itself.

The record is signed when somebody asks, at most every few seconds unless the role has changed.
"""

from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.http.replies import Reply
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host, HostState
from folkmoot.portability.names.paths import RECORD_PATH

__all__ = ["RECORD_PATH", "HostRecord"]
_SECONDS = 5


class HostRecord:
    """The ASGI application of the record."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._host = Host(settings.data)
        self._made: tuple[HostState, float, bytes] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = self._body()
        reply = Reply(body, 200) if body else Reply(b'{"error":"This host has no key to sign a record with."}', 404)
        reply.headers += [(b"cache-control", b"public, max-age=%d" % _SECONDS), (b"access-control-allow-origin", b"*")]
        await reply(scope, receive, send)

    def _body(self) -> bytes:
        """The record; empty if this host cannot sign one."""
        from folkmoot.portability.names.record import make_record

        state, now = self._host.state, clock.monotonic()
        if self._made is None or self._made[0] != state or now - self._made[1] > _SECONDS:
            record = make_record(self._settings, DataDirectory(self._settings.data), state)
            self._made = state, now, msgspec.json.encode(record) if record else b""
        return self._made[2]
