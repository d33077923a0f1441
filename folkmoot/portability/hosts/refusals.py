"""One log line for each refused connection, but no more than the log of a small machine can take."""

import asyncio
import logging

log = logging.getLogger(__name__)
_MOST = 30  # lines
_SECONDS = 10.0


class Refused(Exception):
    """A connection that is not admitted, with the reason for the log."""


class Refusals:
    """Counts and logs refused connections."""

    def __init__(self) -> None:
        self._window_ends = 0.0
        self._count = 0

    def log(self, address: str, why: object) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._window_ends:
            if self._count > _MOST:
                log.warning("refused %d more connections", self._count - _MOST)
            self._window_ends, self._count = now + _SECONDS, 0
        self._count += 1
        if self._count <= _MOST:
            log.warning("refused a connection from %s: %s", address, why)
