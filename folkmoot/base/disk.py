"""Whether files can be written in a folder: `Disk` tries it, for the health checks."""

import asyncio
import errno
import os
from contextlib import suppress
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.shortage import BY_ERRNO, FULL

# PostgreSQL writes its log in segments of 16 MB and stops if there is no room for the next one.
LEAST_FREE = 32 * 2**20
_PROBE = b"\0" * 65536
_FRESH_SECONDS = 1.0


def measure(folder: Path) -> str:
    """Tries to write a file in `folder`. Returns why that is impossible or soon will be, or ""."""
    try:
        status = os.statvfs(folder)
        _write_and_remove(folder / f".probe-{clock.token(6)}")
    except OSError as error:
        if error.errno == errno.ENOSPC and _has_no_inodes(folder):
            return f"{FULL}: no inode is free"
        return BY_ERRNO.get(error.errno or 0) or f"no file can be written: {error.strerror}"
    free = status.f_bavail * status.f_frsize
    return f"{FULL}: {free // 2**20} MB are free" if free < LEAST_FREE else ""


def _has_no_inodes(folder: Path) -> bool:
    with suppress(OSError):
        status = os.statvfs(folder)
        return status.f_files > 0 and status.f_favail == 0
    return False


def _write_and_remove(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        if os.write(descriptor, _PROBE) < len(_PROBE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)
        file.unlink()


class Disk:
    """The disk of one folder, measured at most once per second, in a thread because a broken disk may not answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._measured_at = -_FRESH_SECONDS
        self._shortage = ""

    async def shortage(self) -> str:
        """Why files cannot be written, or ""."""
        if clock.monotonic() - self._measured_at >= _FRESH_SECONDS:
            self._measured_at = clock.monotonic()
            self._shortage = await asyncio.to_thread(measure, self._folder)
        return self._shortage
