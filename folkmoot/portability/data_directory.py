"""The data directory: all data of a network in one folder.

    postgres/   the private database        secrets/   keys, readable by the owner only
    media/      pictures, named by hash     outbox/    mails, if no SMTP server is set
    exports/    archives of members          host.json  role and epoch of this host
    offsite/    state and spool of the continuous copy
    folkmoot.toml   settings (may be missing)

One `moot up` at a time locks it. If root starts the network, everything in it belongs to the unprivileged user that the
network runs as. That user could create symbolic links where root writes, so root never follows links here.
"""

import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability import host
from folkmoot.portability.host import HostState
from folkmoot.portability.service_user import can_reach, service_user


class DataDirectoryProblem(Problem):
    """The data directory cannot be used as it is."""

    code = "data_directory"


JOURNAL_END = "journal.end"  # file in the data directory: the signed end of the moderation journal
_LONGEST_END = 60.0  # seconds in which an orphaned PostgreSQL must end, on a busy machine
_ADVICE = {
    errno.ENOSPC: "Free some space, or name another folder",
    errno.EDQUOT: "Free some space, or name another folder",
    errno.EACCES: "Change its owner to the user that starts Folkmoot, or name another folder",
    errno.EPERM: "Change its owner to the user that starts Folkmoot, or name another folder",
}


class DataDirectory:
    """One data directory. `owner`: the user that its files belong to, if root runs this process."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.owner = service_user() if os.geteuid() == 0 else None
        self._lock: IO[str] | None = None
        self._processes: int | None = None  # stays open: this process and its children hold the lock until they end

    def prepare(self, state: HostState | None = None) -> None:
        """Creates missing parts. `state`: of a new host, by default that of a primary.

        Raises DataDirectoryProblem if the folder contains other files or cannot be used.
        """
        try:
            if self.path.exists() and any(self.path.iterdir()) and not self._is_network():
                raise DataDirectoryProblem(
                    "%(path)s is not empty and was not made by Folkmoot. Name another folder with --data.", path=self.path
                )
            if self.owner and not can_reach(self.owner, self.path):
                raise DataDirectoryProblem(
                    "The network runs as the user %(user)s, who cannot enter the folder above %(path)s. Name another folder,"
                    " for example --data /var/lib/folkmoot.", user=self.owner.pw_name, path=self.path,
                )
            self._make_top()
            for name in ("media", "secrets", "outbox", "exports", "run"):
                (self.path / name).mkdir(exist_ok=True, mode=0o700)
                self.set_owner(self.path / name)
            if not self.host_file.exists():
                self.write(self.host_file, msgspec.json.encode(state or HostState()))
        except OSError as error:
            raise DataDirectoryProblem(
                "%(path)s cannot be used: %(why)s. %(advice)s with --data.", path=error.filename or self.path, why=error.strerror,
                advice=_ADVICE.get(error.errno or 0, "Name another folder"),
            ) from error

    def _make_top(self) -> None:
        """Creates the folder itself. Missing parent folders are created open to all users, whatever the umask."""
        missing = [folder for folder in self.path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o755)
            if self.owner:
                folder.chmod(0o755)
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.set_owner(self.path.resolve())
        if self.owner:  # root may have copied them; the settings file stays the operator's, it may contain a password
            for entry in os.scandir(self.path):
                if entry.name != "folkmoot.toml":
                    self.set_owner(Path(entry.path))
            version = self.path / "postgres" / "PG_VERSION"
            if version.exists() and version.stat().st_uid != self.owner.pw_uid:
                raise DataDirectoryProblem(
                    "The files in %(path)s belong to another user, as after copying them. Run: chown -R %(user)s: %(path)s",
                    path=self.path, user=self.owner.pw_name,
                )

    @property
    def host_file(self) -> Path:
        return self.path / host.FILE

    def has_secret(self, name: str) -> bool:
        return (self.path / "secrets" / name).exists()

    def secret(self, name: str) -> str:
        """A secret of this network: created once, stored in a file that only its owner can read."""
        file = self.path / "secrets" / name
        if not file.exists():
            self.write(file, secrets.token_urlsafe(48).encode())
        return file.read_text().strip()

    def write(self, file: Path, content: bytes, *, is_durable: bool = True) -> None:
        """Writes a small file atomically: after a crash it is complete or unchanged, and after this returns it stays.

        Not durable: for a state of this moment.
        """
        temporary = _unfinished(file)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if is_durable:
                os.fsync(stream.fileno())
        self.set_owner(temporary)
        temporary.rename(file)
        if is_durable:
            sync_folder(file.parent)

    def record_port(self, port: int) -> None:
        """Stores the port that the network listens on, for the other commands."""
        self.write(self.path / "run" / "port", str(port).encode())

    def port(self) -> int | None:
        file = self.path / "run" / "port"
        return int(file.read_text()) if file.exists() else None

    def set_owner(self, path: Path) -> None:
        if self.owner and path.lstat().st_uid != self.owner.pw_uid:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)

    def lock(self) -> None:
        """Locks the directory for this process. Raises DataDirectoryProblem if another process has locked it."""
        file = self.path / "lock"
        self._lock = os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+")
        self.set_owner(file)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            raise DataDirectoryProblem(
                "%(path)s is in use by process %(pid)s. Stop that process first, or name another folder with --data.",
                path=self.path, pid=self._lock.read().strip() or "?",
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def is_in_use(self) -> bool:
        """Whether a process has locked it."""
        return _is_locked(self.path / "lock")

    def wait_for_orphans(self, seconds: float, say: Callable[[str], None]) -> None:
        """Waits until the processes of a killed supervisor have ended; the kernel signals them to end.

        The supervisor holds a shared lock that its children inherit, so no unrelated process is mistaken for one of
        them. Raises DataDirectoryProblem if they still run after `seconds`.
        """
        file = self.path / "run" / "processes"
        self._processes = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self.set_owner(file)
        deadline, is_reported = time.monotonic() + seconds, False
        while True:
            try:
                fcntl.flock(self._processes, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not is_reported:
                    say("Waiting for the processes of the previous run to end.")
                    is_reported = True
                if time.monotonic() > deadline:
                    raise DataDirectoryProblem(
                        "Processes of the previous run in %(path)s have not ended after %(seconds)d s. List them with"
                        " `fuser -v %(file)s` and end them, or restart the machine.", path=self.path, seconds=seconds, file=file,
                    ) from None
                time.sleep(0.05)
        fcntl.flock(self._processes, fcntl.LOCK_SH)

    @property
    def processes(self) -> int:
        """The lock file that all processes of the network hold, for one that does not inherit it."""
        assert self._processes is not None, "wait_for_orphans has opened it"
        return self._processes

    @contextmanager
    def server_lock(self) -> Iterator[int]:
        """A lock file that PostgreSQL and its processes inherit and hold until the last of them has ended.

        Waits for a server whose parent was killed: when it ends, it removes its socket, which may be that of the next
        server. Raises DataDirectoryProblem.
        """
        file = self.path / "run" / "postgres-processes"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self.set_owner(file)
            deadline = time.monotonic() + _LONGEST_END
            while not _locked(descriptor):
                if time.monotonic() > deadline:
                    raise DataDirectoryProblem(
                        "The previous PostgreSQL in %(path)s has not ended after %(seconds)d s. End it; `fuser -v %(file)s` shows it.",
                        path=self.path, seconds=_LONGEST_END, file=file,
                    )
                time.sleep(0.02)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def exclusively(self, work: str) -> Iterator[None]:
        """Allows one run of `work`, such as a backup, at a time. Raises DataDirectoryProblem while another one runs."""
        file = self.path / f"{work}.lock"
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+") as lock:
            self.set_owner(file)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataDirectoryProblem(
                    "Another %(work)s of %(path)s is running. Wait until it has ended.", work=work, path=self.path
                ) from None
            yield

    def is_running(self, work: str) -> bool:
        """Whether a process does `work`, such as a backup, at the moment."""
        return _is_locked(self.path / f"{work}.lock")

    def remove_leftovers(self, work: str) -> None:
        """Removes the folder of a killed backup or drill, or the rest of a restore, unless one is running.

        Errors are left to the next run.
        """
        folder = self.path / work
        with suppress(DataDirectoryProblem, OSError):
            if folder.exists():
                with self.exclusively(work):
                    shutil.rmtree(folder)

    def close_inherited_lock(self) -> None:
        """In a child process: closes the inherited lock, so that it is released when the parent ends."""
        if self._lock:
            self._lock.close()

    def _is_network(self) -> bool:
        """Whether the folder is a network, or the beginning of one: a first start can be killed at any moment."""
        begun = {"folkmoot.toml", "lock", "lost+found", "media", "secrets", "outbox", "exports", "run", _unfinished(self.host_file).name}
        return self.host_file.exists() or all(entry.name in begun for entry in self.path.iterdir())


def _unfinished(file: Path) -> Path:
    """Where `write` writes, before it renames."""
    return file.with_suffix(".new")


def sync_folder(folder: Path) -> None:
    """Makes the entries of a folder survive a power failure: without this a renamed file may come back under its old name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_locked(file: Path) -> bool:
    """Whether another process holds the lock of this file. None does if there is no file."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return not _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
