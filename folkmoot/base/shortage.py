"""What an error says is short: the disk is full, over a quota or read-only, too many files are open, or PostgreSQL has no memory.

Without asyncio: the command line needs it for its sentences, and most commands start in less time than asyncio takes to import.
"""

import errno
import os

from folkmoot.base.errors import StorageFull, Unavailable

FULL = "the disk is full"
BY_ERRNO = {
    errno.ENOSPC: FULL, errno.EDQUOT: "the disk quota is used up", errno.EROFS: "the file system is read-only",
    errno.EMFILE: "too many files are open", errno.ENFILE: "too many files are open", errno.EIO: "the disk reports an error",
}
_BY_SQLSTATE = {"53100": FULL, "53200": "PostgreSQL is out of memory", "53300": "PostgreSQL has too many connections"}
_STORAGE = frozenset([FULL, BY_ERRNO[errno.EDQUOT], BY_ERRNO[errno.EROFS], BY_ERRNO[errno.EIO]])
_REMEDIES = {
    FULL: "Free some space and run the command again", BY_ERRNO[errno.EDQUOT]: "Free some space, or raise the quota",
    BY_ERRNO[errno.EROFS]: "`dmesg` says why; mount it for writing again",
    BY_ERRNO[errno.EMFILE]: "Raise the limit: ulimit -n 4096, or LimitNOFILE= of the service",
    BY_ERRNO[errno.EIO]: "`dmesg` says more; replace the disk and restore a backup",
    _BY_SQLSTATE["53200"]: "Raise max_locks_per_transaction or the memory of its machine",
    _BY_SQLSTATE["53300"]: "Raise max_connections, or lower database.readers and database.writers",
}


def find_shortage(error: BaseException | None) -> str:
    """What this error, or a cause of it, says is short; "" if none does."""
    while error is not None:
        found = BY_ERRNO.get(error.errno or 0, "") if isinstance(error, OSError) else _of_database(error)
        if found:
            return found
        error = error.__cause__ or error.__context__
    return ""


def _of_database(error: BaseException) -> str:
    if found := _BY_SQLSTATE.get(getattr(error, "sqlstate", None) or ""):
        return found
    # PostgreSQL reports a read-only file system as a missing right.
    return BY_ERRNO[errno.EROFS] if getattr(error, "sqlstate", None) == "42501" and os.strerror(errno.EROFS) in str(error) else ""


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
