"""Whether files can be written: the disk may be full, over a quota, without inodes or read-only, or too many files are open.

`find_shortage` reads the reason from an error, also from one that PostgreSQL sent. `Disk` tries it, for the health checks.
"""

import asyncio
import errno
import os
from contextlib import suppress
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.errors import StorageFull, Unavailable

# PostgreSQL writes its log in segments of 16 MB and stops if there is no room for the next one.
LEAST_FREE = 32 * 2**20
_PROBE = b"\0" * 65536
_FRESH_SECONDS = 1.0
_FULL = "the disk is full"
_BY_ERRNO = {
    errno.ENOSPC: _FULL, errno.EDQUOT: "the disk quota is used up", errno.EROFS: "the file system is read-only",
    errno.EMFILE: "too many files are open", errno.ENFILE: "too many files are open", errno.EIO: "the disk reports an error",
}
_BY_SQLSTATE = {"53100": _FULL, "53200": "PostgreSQL is out of memory", "53300": "PostgreSQL has too many connections"}
_STORAGE = frozenset([_FULL, _BY_ERRNO[errno.EDQUOT], _BY_ERRNO[errno.EROFS], _BY_ERRNO[errno.EIO]])
_REMEDIES = {
    _FULL: "Free some space and run the command again", _BY_ERRNO[errno.EDQUOT]: "Free some space, or raise the quota",
    _BY_ERRNO[errno.EROFS]: "`dmesg` says why; mount it for writing again",
    _BY_ERRNO[errno.EMFILE]: "Raise the limit: ulimit -n 4096, or LimitNOFILE= of the service",
    _BY_ERRNO[errno.EIO]: "`dmesg` says more; replace the disk and restore a backup",
    _BY_SQLSTATE["53200"]: "Raise max_locks_per_transaction or the memory of its machine",
    _BY_SQLSTATE["53300"]: "Raise max_connections, or lower database.readers and database.writers",
}


def find_shortage(error: BaseException | None) -> str:
    """What this error, or a cause of it, says is short; "" if none does."""
    while error is not None:
        found = _BY_ERRNO.get(error.errno or 0, "") if isinstance(error, OSError) else _of_database(error)
        if found:
            return found
        error = error.__cause__ or error.__context__
    return ""


def _of_database(error: BaseException) -> str:
    if found := _BY_SQLSTATE.get(getattr(error, "sqlstate", None) or ""):
        return found
    # PostgreSQL reports a read-only file system as a missing right.
    return _BY_ERRNO[errno.EROFS] if getattr(error, "sqlstate", None) == "42501" and os.strerror(errno.EROFS) in str(error) else ""


def shortage_problem(error: BaseException) -> Unavailable | None:
    """The Problem for an error that says that something is short; None for any other."""
    found = find_shortage(error)
    if not found:
        return None
    return (StorageFull if found in _STORAGE else Unavailable)(log_text=f"{found}: {error}")


def disk_sentence(error: BaseException) -> str:
    """One sentence for operators about such an error, with the remedy; "" for any other."""
    found = find_shortage(error)
    return f"{found[0].upper()}{found[1:]}. {_REMEDIES[found]}; saved data are intact." if found else ""


def measure(folder: Path) -> str:
    """Tries to write a file in `folder`. Returns why that is impossible or soon will be, or ""."""
    try:
        status = os.statvfs(folder)
        _write_and_remove(folder / f".probe-{clock.token(6)}")
    except OSError as error:
        if error.errno == errno.ENOSPC and _has_no_inodes(folder):
            return f"{_FULL}: no inode is free"
        return _BY_ERRNO.get(error.errno or 0) or f"no file can be written: {error.strerror}"
    free = status.f_bavail * status.f_frsize
    return f"{_FULL}: {free // 2**20} MB are free" if free < LEAST_FREE else ""


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
