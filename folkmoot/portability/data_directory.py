"""The data directory: everything that a network is, in one place.

    postgres/   the private database        secrets/   keys, readable by the owner only
    media/      pictures, named by hash     outbox/    mails, while no SMTP server is set
    host.json   role and epoch of this host            folkmoot.toml   settings (may be missing)

One `moot up` at a time holds it. Started by root, everything in it belongs to the unprivileged user as whom the
network runs. That user could put a link where root is about to write: what root does in here follows none.
"""

import errno
import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability import host
from folkmoot.portability.host import HostState


class DataDirectoryProblem(Problem):
    """The data directory cannot be used as it is."""

    code = "data_directory"


_LONGEST_END = 60.0  # seconds for a server to end whose starter was killed, on a busy machine
_ADVICE = {
    errno.ENOSPC: "Free some room, or name another folder",
    errno.EDQUOT: "Free some room, or name another folder",
    errno.EACCES: "Let it belong to the user that starts Folkmoot, or name another folder",
    errno.EPERM: "Let it belong to the user that starts Folkmoot, or name another folder",
}


class DataDirectory:
    """One data directory, and whom its files belong to."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.owner = service_user() if os.geteuid() == 0 else None
        self._lock: IO[str] | None = None
        self._processes: int | None = None  # kept open: the lock lives as long as this process and its children

    def prepare(self) -> None:
        """Makes what is missing. Raises DataDirectoryProblem for a folder that is something else's."""
        try:
            if self.path.exists() and any(self.path.iterdir()) and not self._is_ours():
                raise DataDirectoryProblem(
                    "%(path)s is not empty and was not made by Folkmoot. Name another folder with --data.", path=self.path
                )
            if self.owner and not can_reach(self.owner, self.path):
                raise DataDirectoryProblem(
                    "The network runs as the user %(user)s, who cannot enter the folder above %(path)s. Name another one with"
                    " --data, as in --data /var/lib/folkmoot.", user=self.owner.pw_name, path=self.path,
                )
            self._make_top()
            for name in ("media", "secrets", "outbox", "run"):
                (self.path / name).mkdir(exist_ok=True, mode=0o700)
                self.give(self.path / name)
            if not self.host_file.exists():
                self.write(self.host_file, msgspec.json.encode(HostState()))
        except OSError as error:
            raise DataDirectoryProblem(
                "%(path)s cannot be used: %(why)s. %(advice)s with --data.", path=error.filename or self.path, why=error.strerror,
                advice=_ADVICE.get(error.errno or 0, "Name another folder"),
            ) from error

    def _make_top(self) -> None:
        """The folder itself. Those above it that are missing are open to all, whatever the umask."""
        missing = [folder for folder in self.path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o755)
            if self.owner:
                folder.chmod(0o755)
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.give(self.path.resolve())
        if self.owner:  # as of a copy that root made; the settings stay the operator's, they may hold a password
            for entry in os.scandir(self.path):
                if entry.name != "folkmoot.toml":
                    self.give(Path(entry.path))
            version = self.path / "postgres" / "PG_VERSION"
            if version.exists() and version.stat().st_uid != self.owner.pw_uid:
                raise DataDirectoryProblem(
                    "The files in %(path)s belong to another user, as after a copy. Run: chown -R %(user)s: %(path)s",
                    path=self.path, user=self.owner.pw_name,
                )

    @property
    def host_file(self) -> Path:
        return self.path / host.FILE

    def has_secret(self, name: str) -> bool:
        return (self.path / "secrets" / name).exists()

    def secret(self, name: str) -> str:
        """A secret of this network: made once, kept in a file that only its owner reads."""
        file = self.path / "secrets" / name
        if not file.exists():
            self.write(file, secrets.token_urlsafe(48).encode())
        return file.read_text().strip()

    def write(self, file: Path, content: bytes) -> None:
        """Writes a small file so that after a crash it is there whole, or not at all."""
        temporary = file.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        self.give(temporary)
        temporary.rename(file)

    def note_port(self, port: int) -> None:
        """For the other commands, to which nobody says on which port the network listens."""
        self.write(self.path / "run" / "port", str(port).encode())

    def port(self) -> int | None:
        file = self.path / "run" / "port"
        return int(file.read_text()) if file.exists() else None

    def give(self, path: Path) -> None:
        if self.owner and path.lstat().st_uid != self.owner.pw_uid:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)

    def lock(self) -> None:
        """Holds the directory for this process. Raises DataDirectoryProblem if another process holds it."""
        file = self.path / "lock"
        self._lock = os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+")
        self.give(file)
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

    def wait_for_orphans(self, seconds: float, say: Callable[[str], None]) -> None:
        """Waits until the processes of a run whose supervisor was killed have ended, as the kernel has told them to.

        The supervisor holds a shared lock that its children inherit: so nobody else's process is ever taken for one of
        them. Raises DataDirectoryProblem when they are still there after `seconds`.
        """
        file = self.path / "run" / "processes"
        self._processes = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self.give(file)
        deadline, is_said = time.monotonic() + seconds, False
        while True:
            try:
                fcntl.flock(self._processes, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not is_said:
                    say("Waiting for the processes of the previous run to end.")
                    is_said = True
                if time.monotonic() > deadline:
                    raise DataDirectoryProblem(
                        "Processes of the previous run in %(path)s have not ended after %(seconds)d s. End them, or start the machine"
                        " anew; `fuser -v %(file)s` shows them.", path=self.path, seconds=seconds, file=file,
                    ) from None
                time.sleep(0.05)
        fcntl.flock(self._processes, fcntl.LOCK_SH)

    @contextmanager
    def server_lock(self) -> Iterator[int]:
        """The lock that the PostgreSQL in here inherits, as a file, and holds until its last process has ended.

        Waits for a server whose starter was killed: it would take the socket of the next with it. Raises DataDirectoryProblem.
        """
        file = self.path / "run" / "postgres-processes"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self.give(file)
            deadline = time.monotonic() + _LONGEST_END
            while not _locked(descriptor):
                if time.monotonic() > deadline:
                    raise DataDirectoryProblem(
                        "The previous PostgreSQL in %(path)s has not ended after %(seconds)d s; `fuser -v %(file)s` shows it.",
                        path=self.path, seconds=_LONGEST_END, file=file,
                    )
                time.sleep(0.02)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def alone(self, work: str) -> Iterator[None]:
        """For one of its kind at a time, such as a backup. Raises DataDirectoryProblem while another is under way."""
        file = self.path / f"{work}.lock"
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+") as lock:
            self.give(file)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataDirectoryProblem(
                    "A %(work)s of %(path)s is under way already. Wait until it has ended.", work=work, path=self.path
                ) from None
            yield

    def clear(self, work: str) -> None:
        """Removes what a killed backup or drill left, unless one is under way. Whoever may not, leaves it to the next of its kind."""
        folder = self.path / work
        with suppress(DataDirectoryProblem, OSError):
            if folder.exists():
                with self.alone(work):
                    shutil.rmtree(folder)

    def leave_lock(self) -> None:
        """In a child process: lets go of the inherited lock, so that it ends with the process that took it."""
        if self._lock:
            self._lock.close()

    def _is_ours(self) -> bool:
        return self.host_file.exists() or all(
            entry.name in {"folkmoot.toml", "lock", "lost+found", "media", "secrets", "outbox", "run"}
            for entry in self.path.iterdir()
        )


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
    """Whether every folder above, as far as there are any yet, is open to this user, who is in no group."""
    return all(_allows(user, folder, 1) for folder in file.resolve().parents if folder.exists())


def can_read(user: pwd.struct_passwd, file: Path) -> bool:
    """Whether this user can get to this file, or folder, and read it."""
    return can_reach(user, file) and _allows(user, file.resolve(), 5 if file.is_dir() else 4)


def _allows(user: pwd.struct_passwd, path: Path, needed: int) -> bool:
    status = path.stat()
    shift = 6 if status.st_uid == user.pw_uid else 3 if status.st_gid == user.pw_gid else 0
    return status.st_mode >> shift & needed == needed


def become(user: pwd.struct_passwd | None) -> None:
    """Gives up root's rights for good. Nothing to do for who is not root."""
    if user and os.geteuid() == 0:
        os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)  # libraries look into the home
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
