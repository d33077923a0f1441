"""The encrypted off-site repository. Runs restic as a program; no other module knows its options.

A repository is a folder today. `Repository.locate` says what other targets of restic (`sftp:`, `s3:`, `rest:`) need.
Each error of restic becomes one sentence. Passwords are passed in the environment and in pipes, never in arguments.
"""

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.postgres import child_setup
from folkmoot.portability.progress import Progress, folder_size

_TAG = "folkmoot"
_HOST = "host"
_LOCKED = "already locked"


class RepositoryProblem(Problem):
    """The repository cannot be reached, opened, read or written."""

    code = "repository"


class WrongRepositoryKey(RepositoryProblem):
    """The password opens none of the keys of the repository."""

    code = "wrong_repository_key"


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot of restic."""

    id: str
    time: datetime

    @property
    def name(self) -> str:
        return self.id[:8]


class _Message(msgspec.Struct):
    """A line of `restic --json`."""

    message_type: str = ""
    struct_type: str = ""
    type: str = ""
    path: str = ""
    size: int = 0
    bytes_done: int = 0
    total_bytes: int = 0
    snapshot_id: str = ""
    data_added: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0
    id: str = ""
    time: datetime | None = None


class Stored(msgspec.Struct, frozen=True):
    """What a run of restic stored: the id of the snapshot, its files and bytes, and the bytes that were new."""

    snapshot: str
    files: int
    bytes: int
    added: int


class Repository:
    """One repository and a password that opens it.

    `is_read_only`: creates no lock, so that a read-only copy can be used. `is_host`: the password is of a host key, not of
    the recovery key.
    """

    def __init__(self, folder: Path, password: str, *, is_read_only: bool = False, is_host: bool = False) -> None:
        self.folder = folder
        self._password = password
        self._is_read_only = is_read_only
        self._is_host = is_host

    @staticmethod
    def locate(location: str) -> Path:
        """The folder of a repository. Raises RepositoryProblem if `location` is not a folder or restic is missing.

        NOTE: to support another target, pass `location` to restic unchanged; `exists` must then ask restic, and
        `folkmoot/portability/damage.py` must read through restic.
        """
        if re.match(r"[a-z0-9]{2,}:", location):
            raise RepositoryProblem(
                "%(location)s is not a folder, and a repository must be a folder for now. Mount the other disk, and name a folder on it.",
                location=location,
            )
        if not shutil.which("restic"):
            raise RepositoryProblem(
                "restic is not installed, and backups need it. Debian, Ubuntu: apt-get install restic. macOS: brew install restic."
            )
        return Path(location).absolute()

    @property
    def exists(self) -> bool:
        return (self.folder / "config").exists()

    def require(self) -> None:
        """Raises RepositoryProblem when there is none."""
        if not self.exists:
            raise RepositoryProblem(
                "There is no repository in %(folder)s. Is the disk mounted? Is this the folder that was given to moot backup --to?",
                folder=self.folder,
            )

    def create(self) -> None:
        if self.folder.exists() and any(self.folder.iterdir()):
            raise RepositoryProblem("%(folder)s is not empty and is not a repository. Name another folder.", folder=self.folder)
        self._run("create the repository", "init", "--repository-version", "2")

    def add_host(self, password: str) -> None:
        """Adds the password of a host key."""
        with _pipe_with(password) as pipe:
            self._run("add the key of this host", "key", "add", "--user", _HOST, "--new-password-file", f"/dev/fd/{pipe}", pass_fds=[pipe])

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, the newest first. Raises WrongRepositoryKey."""
        found = msgspec.json.decode(self._run("list the backups", "snapshots", "--json") or b"[]", type=list[Snapshot] | None) or []
        return sorted(found, key=lambda snapshot: snapshot.time, reverse=True)

    def store(self, folder: Path, names: list[str], *, parent: str | None, compresses: bool, progress: Progress) -> Stored:
        """Stores the folders `names` of `folder` as one snapshot. `parent`: an earlier one, whose unchanged files are not read.

        Media files never change and are named by their content, so ctime and inode are ignored. Without compression it
        needs a quarter less processor time.
        """
        from_parent = ["--parent", parent] if parent else []
        options = ["--json", "--tag", _TAG, "--host", _TAG, "--ignore-ctime", "--ignore-inode", *from_parent,
                   "--compression", "auto" if compresses else "off"]
        stored = None
        try:
            for message in self._messages("store the backup", folder, "backup", *options, *names):
                if message.message_type == "status":
                    progress.at(message.bytes_done)
                elif message.message_type == "summary":
                    stored = Stored(
                        self._full_id(message.snapshot_id), message.total_files_processed, message.total_bytes_processed, message.data_added
                    )
        except RepositoryProblem:
            if stored:  # some files could not be read, but restic stored a snapshot
                self.forget([stored.snapshot])
            raise
        if stored is None:
            raise RepositoryProblem("restic ended without reporting what it stored. Run the command again.")
        return stored

    def _full_id(self, short: str) -> str:
        """restic prints the beginning of a new id only. NOTE: for another target, list the snapshots instead."""
        return next((file.name for file in (self.folder / "snapshots").glob(f"{short}*")), short)

    def read_folder(self, snapshot: str, name: str) -> dict[str, bytes]:
        """The files of one small folder of a snapshot."""
        archive = self._run("read the backup", "dump", snapshot, f"/{name}")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return {member.name.removeprefix(f"{name}/"): tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]

    def listing(self, snapshot: str) -> tuple[Snapshot, dict[str, int]]:
        """A snapshot, with path and size of each of its files."""
        found, files = None, {}
        for message in self._messages("list the files of the backup", None, "ls", "--json", snapshot):
            if message.struct_type == "snapshot" and message.time:
                found = Snapshot(message.id, message.time)
            elif message.type == "file":
                files[message.path] = message.size
        assert found
        return found, files

    def fetch(self, snapshot: str, target: Path, total: int, progress: Progress) -> None:
        """Restores a snapshot into `target`. restic reports no progress, so the size of `target` is measured."""
        with self._running(None, "restore", snapshot, "--target", str(target), keeps_output=False) as (process, errors):
            while True:
                try:
                    process.wait(0.5)
                    break
                except subprocess.TimeoutExpired:
                    progress.at(min(total, folder_size(target)))
            self._raise_for("read the backup", process.returncode, errors)

    def check(self, *, reads_data: bool) -> list[str]:
        """The errors that `restic check` reports: missing and damaged files. Empty if there are none."""
        options = ["--read-data"] if reads_data else []
        errors_found = self._checked(options)
        if any(_LOCKED in line for line in errors_found):
            self._unlock()
            errors_found = self._checked(options)
        if any(_LOCKED in line for line in errors_found):
            raise self._in_use()
        return errors_found

    def _checked(self, options: list[str]) -> list[str]:
        """Stops at the first error, because restic retries a missing file for minutes, as if a connection had failed."""
        with self._running(None, "check", *options, keeps_output=False) as (process, errors):
            while process.poll() is None and not _file_errors(_read_errors(errors)):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            errors_found = _file_errors(_read_errors(errors))
            if not errors_found:
                self._raise_for("check the repository", process.returncode, errors)
            return errors_found

    def forget(self, snapshots: Iterable[str]) -> None:
        """Removes snapshots, and data that only they contain."""
        self._run("remove old backups", "forget", "--quiet", "--prune", *snapshots)

    def _run(self, what: str, *arguments: str, pass_fds: Collection[int] = ()) -> bytes:
        for is_last in (False, True):
            with self._running(None, *arguments, pass_fds=pass_fds) as (process, errors):
                assert process.stdout
                output = process.stdout.read()
                process.wait()
                if process.returncode and not is_last and _LOCKED in _read_errors(errors).decode(errors="replace"):
                    self._unlock()
                    continue
                self._raise_for(what, process.returncode, errors)
                return output
        raise AssertionError("unreachable")

    def _in_use(self) -> RepositoryProblem:
        return RepositoryProblem(
            "The repository in %(folder)s is in use, perhaps by a backup. Run the command again when it has ended.", folder=self.folder
        )

    def _unlock(self) -> None:
        """Removes the locks of processes that have ended, such as a killed backup."""
        with self._running(None, "unlock") as (process, _):
            process.wait()

    def _messages(self, what: str, folder: Path | None, *arguments: str) -> Iterator[_Message]:
        with self._running(folder, *arguments) as (process, errors):
            assert process.stdout
            for line in process.stdout:
                if line.startswith(b"{"):
                    yield msgspec.json.decode(line, type=_Message)
            process.wait()
            self._raise_for(what, process.returncode, errors)

    @contextmanager
    def _running(
        self, folder: Path | None, *arguments: str, pass_fds: Collection[int] = (), keeps_output: bool = True
    ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RESTIC_")}
        environment |= {"RESTIC_PASSWORD": self._password, "RESTIC_PROGRESS_FPS": "4", "RESTIC_KEY_HINT": self._key_hint()}
        reads = self._is_read_only and arguments[0] not in ("init", "key", "backup", "forget")
        command = ["restic", "-r", str(self.folder), "--no-cache", *(["--no-lock"] if reads else []), *arguments]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if keeps_output else subprocess.DEVNULL, stderr=errors,
                cwd=folder, env=environment, pass_fds=pass_fds, preexec_fn=child_setup(None),
            )
            try:
                yield process, errors
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
                if process.stdout:
                    process.stdout.close()

    def _key_hint(self) -> str:
        """The key that this password probably opens. Each wrong key costs half a second, because restic's key derivation is slow."""
        for file in (self.folder / "keys").glob("*"):
            with suppress(OSError, ValueError):
                if (msgspec.json.decode(file.read_bytes(), type=dict).get("username") == _HOST) == self._is_host:
                    return file.name
        return ""

    def _raise_for(self, what: str, code: int, errors: IO[bytes]) -> None:
        """Raises RepositoryProblem with one sentence if `code` is not 0. Code 3: some files could not be read."""
        if not code:
            return
        text = _read_errors(errors).decode(errors="replace").strip()
        if "wrong password or no key found" in text:
            raise WrongRepositoryKey("This key does not open the repository in %(folder)s.", folder=self.folder)
        if _LOCKED in text:
            raise self._in_use()
        if "no space left" in text:
            raise RepositoryProblem("The disk is full. Free some space and run the command again; earlier backups are intact.")
        lines = [line.removeprefix("Fatal: ").strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
        raise RepositoryProblem(
            "restic could not %(what)s: %(why)s.", what=what, why=lines[-1].rstrip("."), log_text=text,
        )


@contextmanager
def _pipe_with(text: str) -> Iterator[int]:
    """A pipe that contains the text; yields the end for reading."""
    pipe, writing_end = os.pipe()
    os.write(writing_end, text.encode())
    os.close(writing_end)
    try:
        yield pipe
    finally:
        os.close(pipe)


def _file_errors(text: bytes) -> list[str]:
    """The lines of `restic check` about files, without those about its own run."""
    lines = [line.strip().rstrip(".") for line in text.decode(errors="replace").splitlines()]
    return [line for line in lines if line and not line.startswith(("Fatal:", "Load(", "using temporary"))]


def _read_errors(errors: IO[bytes]) -> bytes:
    errors.seek(0)
    return errors.read()
