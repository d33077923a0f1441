"""The encrypted repository off this host: restic, called as a program. Nothing else here knows its options.

A repository is a folder today. Other targets of restic (`sftp:`, `s3:`, `rest:`) get in through `Repository.at`; what
they still need is said there. What restic says is turned into one sentence each; its passwords travel in the
environment of the process and in pipes, never in arguments.
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
from folkmoot.portability.postgres import becoming
from folkmoot.portability.progress import Progress, bytes_below

_TAG = "folkmoot"
_HOST = "host"
_LOCKED = "already locked"


class RepositoryProblem(Problem):
    """The repository cannot be reached, opened, read or written."""

    code = "repository"


class WrongRepositoryKey(RepositoryProblem):
    """None of the repository's keys is opened by this password."""

    code = "wrong_repository_key"


class Snapshot(msgspec.Struct, frozen=True):
    """One backup as restic knows it."""

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
    """What a run of restic stored: the snapshot, how many files and bytes it holds, and how many bytes were new."""

    snapshot: str
    files: int
    bytes: int
    added: int


class Repository:
    """One repository and one password that opens it.

    `is_read_only`: leaves no lock, so that a read-only copy will do. `is_host`: whether the password is that of a host's
    own key, and not of the recovery key.
    """

    def __init__(self, folder: Path, password: str, *, is_read_only: bool = False, is_host: bool = False) -> None:
        self.folder = folder
        self._password = password
        self._is_read_only = is_read_only
        self._is_host = is_host

    @staticmethod
    def at(place: str) -> Path:
        """The folder that `place` names. Raises RepositoryProblem for what is no folder, and where restic is missing.

        NOTE: for another target, `place` goes to restic as it is; then `exists` has to ask restic, and
        `folkmoot/portability/damage.py` has to read through it.
        """
        if re.match(r"[a-z0-9]{2,}:", place):
            raise RepositoryProblem(
                "%(place)s is no folder, and a repository is a folder for now. Mount the other disk and name it.", place=place
            )
        if not shutil.which("restic"):
            raise RepositoryProblem(
                "restic is not installed, and backups are kept with it. Debian, Ubuntu: apt-get install restic. macOS: brew install restic."
            )
        return Path(place).absolute()

    @property
    def exists(self) -> bool:
        return (self.folder / "config").exists()

    def require(self) -> None:
        """Raises RepositoryProblem when there is none."""
        if not self.exists:
            raise RepositoryProblem(
                "There is no repository in %(place)s. Is the disk mounted, and the folder the one that was given to moot backup --to?",
                place=self.folder,
            )

    def create(self) -> None:
        if self.folder.exists() and any(self.folder.iterdir()):
            raise RepositoryProblem("%(place)s is not empty and is no repository. Name another folder.", place=self.folder)
        self._run("make the repository", "init", "--repository-version", "2")

    def add_host(self, password: str) -> None:
        """A second password that opens the repository: that of a host."""
        with _readable(password) as pipe:
            self._run("let this host in", "key", "add", "--user", _HOST, "--new-password-file", f"/dev/fd/{pipe}", pass_fds=[pipe])

    def snapshots(self) -> list[Snapshot]:
        """All backups, the newest first. Raises WrongRepositoryKey."""
        listed = msgspec.json.decode(self._run("list what is there", "snapshots", "--json") or b"[]", type=list[Snapshot] | None) or []
        return sorted(listed, key=lambda snapshot: snapshot.time, reverse=True)

    def store(self, folder: Path, names: list[str], *, like: str | None, compresses: bool, progress: Progress) -> Stored:
        """Stores these folders below `folder` as one snapshot. `like`: an earlier one, whose unchanged files are not read.

        Media files never change and are named by their content, so a new link or a new place means nothing. Not to
        compress costs a quarter less processor time.
        """
        same = ["--parent", like] if like else []
        options = ["--json", "--tag", _TAG, "--host", _TAG, "--ignore-ctime", "--ignore-inode", *same,
                   "--compression", "auto" if compresses else "off"]
        stored = None
        try:
            for message in self._messages("store the backup", folder, "backup", *options, *names):
                if message.message_type == "status":
                    progress.at(message.bytes_done)
                elif message.message_type == "summary":
                    stored = Stored(
                        self._whole(message.snapshot_id), message.total_files_processed, message.total_bytes_processed, message.data_added
                    )
        except RepositoryProblem:
            if stored:  # files that could not be read: restic kept a snapshot all the same
                self.forget([stored.snapshot])
            raise
        if stored is None:
            raise RepositoryProblem("restic ended without saying what it stored. Run this again.")
        return stored

    def _whole(self, short: str) -> str:
        """restic names a new snapshot by the beginning of its id. NOTE: another target has to be asked for the list."""
        return next((file.name for file in (self.folder / "snapshots").glob(f"{short}*")), short)

    def read_folder(self, snapshot: str, name: str) -> dict[str, bytes]:
        """The files of one small folder of a snapshot."""
        archive = self._run("read the backup", "dump", snapshot, f"/{name}")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return {member.name.removeprefix(f"{name}/"): tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]

    def listing(self, snapshot: str) -> tuple[Snapshot, dict[str, int]]:
        """A snapshot, and path and size of each of its files."""
        found, files = None, {}
        for message in self._messages("list the files of the backup", None, "ls", "--json", snapshot):
            if message.struct_type == "snapshot" and message.time:
                found = Snapshot(message.id, message.time)
            elif message.type == "file":
                files[message.path] = message.size
        assert found
        return found, files

    def fetch(self, snapshot: str, target: Path, total: int, progress: Progress) -> None:
        """Writes a snapshot's files below `target`. restic says nothing meanwhile, so the target's size is watched."""
        with self._started(None, "restore", snapshot, "--target", str(target), keeps_output=False) as (process, errors):
            while True:
                try:
                    process.wait(0.5)
                    break
                except subprocess.TimeoutExpired:
                    progress.at(min(total, bytes_below(target)))
            self._judge("read the backup", process.returncode, errors)

    def check(self, *, reads_data: bool) -> list[str]:
        """What restic itself finds wrong: lost and damaged files. Empty when all is well."""
        options = ["--read-data"] if reads_data else []
        complaints = self._checked(options)
        if any(_LOCKED in line for line in complaints):
            self._unlock()
            complaints = self._checked(options)
        if any(_LOCKED in line for line in complaints):
            raise self._in_use()
        return complaints

    def _checked(self, options: list[str]) -> list[str]:
        """Ends with the first complaint: restic goes on asking for a lost file for minutes, as if it were a bad line."""
        with self._started(None, "check", *options, keeps_output=False) as (process, errors):
            while process.poll() is None and not _complaints(_said(errors)):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            complaints = _complaints(_said(errors))
            if not complaints:
                self._judge("check the repository", process.returncode, errors)
            return complaints

    def forget(self, snapshots: Iterable[str]) -> None:
        """Removes backups, and what only they held."""
        self._run("remove old backups", "forget", "--quiet", "--prune", *snapshots)

    def _run(self, what: str, *arguments: str, pass_fds: Collection[int] = ()) -> bytes:
        for is_last in (False, True):
            with self._started(None, *arguments, pass_fds=pass_fds) as (process, errors):
                assert process.stdout
                output = process.stdout.read()
                process.wait()
                if process.returncode and not is_last and _LOCKED in _said(errors).decode(errors="replace"):
                    self._unlock()
                    continue
                self._judge(what, process.returncode, errors)
                return output
        raise AssertionError("unreachable")

    def _in_use(self) -> RepositoryProblem:
        return RepositoryProblem(
            "The repository in %(place)s is in use, perhaps by a backup. Run this again when it has ended.", place=self.folder
        )

    def _unlock(self) -> None:
        """Removes the locks of processes that are gone, those of a killed backup; living ones stay."""
        with self._started(None, "unlock") as (process, _):
            process.wait()

    def _messages(self, what: str, folder: Path | None, *arguments: str) -> Iterator[_Message]:
        with self._started(folder, *arguments) as (process, errors):
            assert process.stdout
            for line in process.stdout:
                if line.startswith(b"{"):
                    yield msgspec.json.decode(line, type=_Message)
            process.wait()
            self._judge(what, process.returncode, errors)

    @contextmanager
    def _started(
        self, folder: Path | None, *arguments: str, pass_fds: Collection[int] = (), keeps_output: bool = True
    ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RESTIC_")}
        environment |= {"RESTIC_PASSWORD": self._password, "RESTIC_PROGRESS_FPS": "4", "RESTIC_KEY_HINT": self._key_hint()}
        reads = self._is_read_only and arguments[0] not in ("init", "key", "backup", "forget")
        command = ["restic", "-r", str(self.folder), "--no-cache", *(["--no-lock"] if reads else []), *arguments]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if keeps_output else subprocess.DEVNULL, stderr=errors,
                cwd=folder, env=environment, pass_fds=pass_fds, preexec_fn=becoming(None),
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
        """Which key this password probably opens: trying one costs restic half a second, on purpose."""
        for file in (self.folder / "keys").glob("*"):
            with suppress(OSError, ValueError):
                if (msgspec.json.decode(file.read_bytes(), type=dict).get("username") == _HOST) == self._is_host:
                    return file.name
        return ""

    def _judge(self, what: str, code: int, errors: IO[bytes]) -> None:
        """One sentence for what went wrong. Code 3: a snapshot was made, but some files could not be read."""
        if not code:
            return
        said = _said(errors).decode(errors="replace").strip()
        if "wrong password or no key found" in said:
            raise WrongRepositoryKey("This key does not open the repository in %(place)s.", place=self.folder)
        if _LOCKED in said:
            raise self._in_use()
        if "no space left" in said:
            raise RepositoryProblem("The disk is full. Free some space and run the command again; earlier backups are intact.")
        lines = [line.removeprefix("Fatal: ").strip() for line in said.splitlines() if line.strip()] or ["no reason given"]
        raise RepositoryProblem(
            "restic could not %(what)s: %(why)s.", what=what, why=lines[-1].rstrip("."), log_text=said,
        )


@contextmanager
def _readable(text: str) -> Iterator[int]:
    """A pipe out of which the text can be read."""
    pipe, end = os.pipe()
    os.write(end, text.encode())
    os.close(end)
    try:
        yield pipe
    finally:
        os.close(pipe)


def _complaints(said: bytes) -> list[str]:
    """What `restic check` says of files, without what it says of itself."""
    lines = [line.strip().rstrip(".") for line in said.decode(errors="replace").splitlines()]
    return [line for line in lines if line and not line.startswith(("Fatal:", "Load(", "using temporary"))]


def _said(errors: IO[bytes]) -> bytes:
    errors.seek(0)
    return errors.read()
