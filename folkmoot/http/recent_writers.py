"""Who wrote a moment ago through this host while another one writes: they read there until their writes have arrived here.

A table of times in one file that all processes of a machine share, with a place for each hash of an address, a session or
a token. Two callers in one place only mean that one of them reads at the other host without need.
"""

import hashlib
import mmap
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from folkmoot.base import clock

SECONDS = 10  # longer than a standby usually lags behind
_PLACES = 65_536
_TIME = struct.Struct("<I")  # seconds since 1970
_BYTES = _PLACES * _TIME.size


class RecentWriters:
    """Without a file, the table of this process only. `key` keeps the places secret."""

    def __init__(self, file: Path | None, key: bytes) -> None:
        self._key = hashlib.sha256(key).digest()
        self._table = mmap.mmap(-1, _BYTES)
        if file:
            with suppress(OSError):
                self._table = _shared(file)

    def note(self, callers: Iterable[bytes]) -> None:
        now = int(clock.now().timestamp())
        for caller in callers:
            _TIME.pack_into(self._table, self._place(caller), now)

    def includes(self, callers: Iterable[bytes]) -> bool:
        """Whether one of these callers wrote within the last seconds."""
        now = int(clock.now().timestamp())
        return any(0 <= now - _TIME.unpack_from(self._table, self._place(caller))[0] <= SECONDS for caller in callers)

    def _place(self, caller: bytes) -> int:
        digest = hashlib.blake2b(caller, key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "little") % _PLACES * _TIME.size


def _shared(file: Path) -> mmap.mmap:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _BYTES)  # writing to a page without space on the disk would kill the process
        return mmap.mmap(descriptor, _BYTES)
    finally:
        os.close(descriptor)
