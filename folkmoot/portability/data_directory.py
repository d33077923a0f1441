"""The data directory: everything that a network is, in one place.

    postgres/   the private database        secrets/   keys, readable by the owner only
    media/      pictures, named by hash     outbox/    mails, while no SMTP server is set
    host.json   role and epoch of this host            folkmoot.toml   settings (may be missing)

One `moot up` at a time holds it. Started by root, everything in it belongs to the unprivileged user that PostgreSQL
and the network's processes run as.
"""

import fcntl
import os
import pwd
import secrets
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from folkmoot.base.errors import Problem


class DataDirectoryProblem(Problem):
    """The data directory cannot be used as it is."""

    code = "data_directory"


class Host(msgspec.Struct, frozen=True):
    """`host.json`: what this host is. Only the host with the highest epoch writes."""

    role: str = "primary"
    epoch: int = 1


class DataDirectory:
    """One data directory, and whom its files belong to."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.owner = service_user() if os.geteuid() == 0 else None
        self._lock: IO[str] | None = None

    def prepare(self) -> None:
        """Makes what is missing. Raises DataDirectoryProblem for a folder that is something else's."""
        if self.path.exists() and any(self.path.iterdir()) and not self._is_ours():
            raise DataDirectoryProblem(
                "%(path)s is not empty and was not made by Folkmoot. Name another folder with --data.", path=self.path
            )
        try:
            for folder in (self.path, *(self.path / name for name in ("media", "secrets", "outbox", "run"))):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.give(folder)
            if not self.host_file.exists():
                self.write(self.host_file, msgspec.json.encode(Host()))
        except OSError as error:
            raise DataDirectoryProblem(
                "%(path)s cannot be written: %(why)s. Free some room or name another folder with --data.",
                path=self.path, why=error.strerror,
            ) from error

    @property
    def host_file(self) -> Path:
        return self.path / "host.json"

    def host(self) -> Host:
        return msgspec.json.decode(self.host_file.read_bytes(), type=Host)

    def secret(self, name: str) -> str:
        """A secret of this network: made once, kept in a file that only its owner reads."""
        file = self.path / "secrets" / name
        if not file.exists():
            self.write(file, secrets.token_urlsafe(48).encode())
        return file.read_text().strip()

    def write(self, file: Path, content: bytes) -> None:
        """Writes a small file so that after a crash it is there whole, or not at all."""
        temporary = file.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        self.give(temporary)
        temporary.rename(file)

    def give(self, path: Path) -> None:
        if self.owner and path.stat().st_uid != self.owner.pw_uid:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def lock(self) -> None:
        """Holds the directory for this process. Raises DataDirectoryProblem if another process holds it."""
        self._lock = open(self.path / "lock", "a+")  # noqa: SIM115 - held for the process's whole life
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            raise DataDirectoryProblem(
                "%(path)s is in use by process %(pid)s. Stop that one first, or name another folder with --data.",
                path=self.path, pid=self._lock.read().strip() or "?",
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def leave_lock(self) -> None:
        """In a child process: lets go of the inherited lock, so that it ends with the process that took it."""
        if self._lock:
            self._lock.close()

    def _is_ours(self) -> bool:
        return self.host_file.exists() or all(
            entry.name in {"folkmoot.toml", "lock", "lost+found", "media", "secrets", "outbox", "run"}
            for entry in self.path.iterdir()
        )


def service_user() -> pwd.struct_passwd:
    """The unprivileged user for a network that root starts: `folkmoot`, made if possible, else `nobody`."""
    with suppress(KeyError):
        return pwd.getpwnam("folkmoot")
    for command in (
        ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", "folkmoot"],
        ["adduser", "-S", "-D", "-H", "folkmoot"],
    ):
        with suppress(OSError):
            if subprocess.run(command, capture_output=True).returncode == 0:
                return pwd.getpwnam("folkmoot")
    return pwd.getpwnam("nobody")


def can_reach(user: pwd.struct_passwd, file: Path) -> bool:
    """Whether every folder above is open to this user, who is in no group."""
    for folder in file.resolve().parents:
        status = folder.stat()
        needed = 0o100 if status.st_uid == user.pw_uid else 0o010 if status.st_gid == user.pw_gid else 0o001
        if not status.st_mode & needed:
            return False
    return True


def can_run_us(user: pwd.struct_passwd) -> bool:
    """Whether this user could run our processes: reach the interpreter, its library and this code."""
    places = (sys.executable, os.path.realpath(sys.executable), os.__file__, __file__)
    return all(can_reach(user, Path(place)) for place in places)


def become(user: pwd.struct_passwd | None) -> None:
    """Gives up root's rights for good, in a child process."""
    if user:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
