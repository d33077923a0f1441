"""An announced restart of the database server: whoever needs it meanwhile waits for its end instead of failing.

The mark is a small file that says until when to wait at the most. It is written before the server is stopped, and again when the
server answers. A reading of it costs a system call, so each process looks at most a hundred times a second.
"""

import asyncio
import os
from pathlib import Path

from folkmoot.base import clock

LONGEST = 10.0  # seconds that anybody waits
_LOOK_SECONDS = 0.01
_POLL_SECONDS = 0.02
SEEN_SECONDS = 3 * _LOOK_SECONDS  # after an announcement; then every process that is not overloaded has seen it


def announce(mark: Path, seconds: float = LONGEST) -> None:
    """The server will stop in a moment, and answer again within so many seconds."""
    _write(mark, clock.monotonic() + seconds)


def end(mark: Path) -> None:
    """The server answers again. Does nothing if no restart was announced."""
    if mark.exists():
        _write(mark, clock.monotonic())


def _write(mark: Path, until: float) -> None:
    temporary = mark.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)  # no secret, and perhaps written by root
    with os.fdopen(descriptor, "w") as stream:
        stream.write(repr(until))
    temporary.rename(mark)


class Restarts:
    """What one process knows of them. Without a mark, as for a server that is not ours, there are none."""

    def __init__(self, mark: Path | None = None) -> None:
        self._mark = mark
        self._until = self._looked_at = -LONGEST

    @property
    def is_announced(self) -> bool:
        """Whether the server is about to stop, or stopped. A mark that a reboot has left is too far in the future to be true."""
        if self._mark is None:
            return False
        now = clock.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._look(now)
        return 0 < self._until - now <= LONGEST

    @property
    def is_recent(self) -> bool:
        """Whether what has just failed may have failed because of a restart."""
        if self._mark is None:
            return False
        now = clock.monotonic()
        self._look(now)
        return -LONGEST < self._until - now <= LONGEST

    async def over(self) -> None:
        """Waits until the server answers again, or should."""
        while self.is_announced:
            await asyncio.sleep(_POLL_SECONDS)

    def _look(self, now: float) -> None:
        assert self._mark is not None
        self._looked_at = now
        try:
            self._until = float(self._mark.read_text())
        except (OSError, ValueError):
            self._until = -LONGEST
