"""The unprivileged user that a network runs as if root starts it: its creation, what it can read, and processes that run as it.

Uses the standard library only, and knows no data directory.
"""

import ctypes
import fcntl
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SERVICE_USER = "folkmoot"
_ENGLISH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}  # error messages are read
_PR_SET_PDEATHSIG = 1
_LONGEST_WAIT_FOR_USERADD = 20.0  # seconds; another program may be changing the users of this machine


def service_user() -> pwd.struct_passwd:
    """The unprivileged user for a network that root starts: `folkmoot`, created if possible, else `nobody`.

    `useradd` looks for the user before it takes its own lock. Of two that run at the same time, the second one replaces the
    entry of the first by one with another id, which then owns files of nobody. So the creation is serialized.
    """
    with suppress(KeyError):
        return pwd.getpwnam(_SERVICE_USER)
    with _one_at_a_time():
        deadline = time.monotonic() + _LONGEST_WAIT_FOR_USERADD
        while True:
            with suppress(KeyError):  # another process may have created it meanwhile
                return pwd.getpwnam(_SERVICE_USER)
            if not _create_service_user() or time.monotonic() > deadline:
                return pwd.getpwnam("nobody")
            time.sleep(0.2)


def _create_service_user() -> bool:
    """Creates the user. Returns False if that is impossible, and True if it succeeded or if a second attempt may succeed."""
    for command in (
        ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", _SERVICE_USER],
        ["adduser", "-S", "-D", "-H", _SERVICE_USER],
    ):
        with suppress(OSError):
            made = subprocess.run(command, capture_output=True, text=True, env=_ENGLISH)
            is_locked = "lock" in made.stderr and os.access("/etc", os.W_OK)  # by another program that changes users
            if made.returncode == 0 or is_locked:
                return True
    return False


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Holds a lock of this machine that only root can take. Without a folder for it, there is no lock."""
    try:
        lock = os.open("/run/folkmoot-user.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def can_reach(user: pwd.struct_passwd, file: Path) -> bool:
    """Whether this user, who is in no group, can enter each existing parent folder."""
    return all(_allows(user, folder, 1) for folder in file.resolve().parents if folder.exists())


def can_read(user: pwd.struct_passwd, file: Path) -> bool:
    """Whether this user can reach and read this file or folder."""
    return can_reach(user, file) and _allows(user, file.resolve(), 5 if file.is_dir() else 4)


def _allows(user: pwd.struct_passwd, path: Path, needed: int) -> bool:
    status = path.stat()
    shift = 6 if status.st_uid == user.pw_uid else 3 if status.st_gid == user.pw_gid else 0
    return status.st_mode >> shift & needed == needed


def drop_privileges(user: pwd.struct_passwd | None) -> None:
    """Gives up the rights of root permanently. Does nothing if this process does not run as root."""
    if user and os.geteuid() == 0:
        os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)  # libraries read files in the home directory
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def plain_environment() -> dict[str, str]:
    """An environment without the PG* variables of the caller."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C"}


def child_setup(user: pwd.struct_passwd | None):  # type: ignore[no-untyped-def]
    """A `preexec_fn`: the child gives up the rights of root, and ends when its parent ends."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def prepare() -> None:
        drop_privileges(user)
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:  # the parent ended before the kernel was told to end this process with it
            os._exit(1)

    return prepare
