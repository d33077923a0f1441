"""The folder of a world. Each is locked by its test process; the next world removes those that nobody holds."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = "folkmoot-hosts-"


@contextmanager
def new_folder() -> Iterator[Path]:
    """A new folder that other system users can read. Removed at the end, or by the next world if this process is killed."""
    with _alone():
        _remove_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        folder.chmod(0o755)
        lock = _take(folder / "lock")
    assert lock
    try:
        yield folder
    finally:
        with _alone():
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()


@contextmanager
def _alone() -> Iterator[None]:
    """Only one process at a time creates or removes folders: one that has no lock file yet is not a leftover."""
    with open(Path(tempfile.gettempdir()) / f"{PREFIX}{os.geteuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_leftovers() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/"):
        with suppress(OSError):  # the folder of another user
            if lock := _take(folder / "lock"):
                shutil.rmtree(folder)
                lock.close()


def _take(file: Path) -> IO[str] | None:
    """Locks the file; None if another process holds it."""
    lock = open(file, "w")  # noqa: SIM115 -- stays open as long as the lock is held
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
