"""The encrypted off-site repository: its snapshots, and what is stored in it and read from it.

`restic.py` runs the program, `offsite/target.py` says where the repository is. A snapshot has a kind, which is one of its
tags: a dump with pictures, a base backup, or a piece of the write-ahead log.
"""

import io
import os
import pwd
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec

from folkmoot.portability.offsite.target import Credentials, RepositoryProblem, Target, locate
from folkmoot.portability.progress import Progress, folder_size
from folkmoot.portability.restic import HOST_KEY, LOCKED, Missing, Refused, RepositoryAway, Restic, WrongRepositoryKey, text_of

__all__ = [
    "DUMP", "NEEDS", "Credentials", "Missing", "Refused", "Repository", "RepositoryAway", "RepositoryProblem", "Snapshot", "Stored",
    "Target", "WrongRepositoryKey", "locate",
]
_TAG = "folkmoot"
_KIND = "kind="
NEEDS = "needs="  # a tag: another snapshot with pictures of this one
DUMP = "dump"  # the kind of a snapshot without a tag that says another one


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot of restic."""

    id: str
    time: datetime
    tags: list[str] | None = None

    @property
    def name(self) -> str:
        return self.id[:8]

    @property
    def kind(self) -> str:
        return self.tag(_KIND) or DUMP

    def tag(self, prefix: str) -> str:
        """What follows `prefix` in the first tag that begins with it."""
        return next(iter(self.tags_of(prefix)), "")

    def tags_of(self, prefix: str) -> list[str]:
        """What follows `prefix` in the tags that begin with it."""
        return [tag.removeprefix(prefix) for tag in self.tags or () if tag.startswith(prefix)]


class _Key(msgspec.Struct, frozen=True, rename="camel"):
    """A key of the repository, as restic lists it."""

    id: str
    user_name: str


class Stored(msgspec.Struct, frozen=True):
    """What a run of restic stored: the id of the snapshot, its files and bytes, and the bytes that were new."""

    snapshot: str
    files: int
    bytes: int
    added: int


class Repository:
    """One repository and a password that opens it.

    `is_read_only`: creates no lock, so that a read-only copy can be used. `is_host`: the password is of a host key, not of
    the recovery key. `cache`: a folder for what restic reads again and again, if it runs often. `runs_as`: the user that
    root runs restic as.
    """

    def __init__(
        self, target: Target, password: str, *, is_read_only: bool = False, is_host: bool = False, cache: Path | None = None,
        runs_as: pwd.struct_passwd | None = None,
    ) -> None:
        self.target = target
        self._restic = Restic(target, password, is_read_only=is_read_only, is_host=is_host, cache=cache, runs_as=runs_as)

    def exists(self) -> bool:
        """Whether there is a repository, whatever opens it. Raises RepositoryProblem if its server does not say."""
        if self.target.folder:
            return (self.target.folder / "config").exists()
        try:
            self._restic.run("look for the repository", "cat", "config")
        except Missing:
            return False
        except WrongRepositoryKey:
            return True
        return True

    def require(self) -> None:
        """Raises RepositoryProblem when there is none."""
        if not self.exists():
            hint = " Is the disk mounted?" if self.target.folder else ""
            raise RepositoryProblem(
                "There is no repository in %(where)s.%(hint)s Is this the place that was given to moot backup --to?",
                where=self.target, hint=hint,
            )

    def create(self) -> None:
        folder = self.target.folder
        if folder and folder.exists() and any(folder.iterdir()):
            raise RepositoryProblem("%(folder)s is not empty and is not a repository. Name another folder.", folder=folder)
        self._restic.run("create the repository", "init", "--repository-version", "2")

    def add_host(self, password: str) -> None:
        """Adds the password of a host key."""
        with _pipe_with(password) as pipe:
            arguments = ["key", "add", "--user", HOST_KEY, "--new-password-file", f"/dev/fd/{pipe}"]
            self._restic.run("add the key of this host", *arguments, pass_fds=[pipe])

    def host_keys(self) -> list[str]:
        """The ids of all keys of hosts."""
        found = msgspec.json.decode(self._restic.run("list the keys", "key", "list", "--json"), type=list[_Key])
        return [key.id for key in found if key.user_name == HOST_KEY]

    def remove_keys(self, ids: Iterable[str]) -> None:
        """What they opened they open no more. Raises Refused if the server keeps everything."""
        for one in ids:
            self._restic.run("remove the key of a host", "key", "remove", one)

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, the newest first. Raises WrongRepositoryKey."""
        output = self._restic.run("list the backups", "snapshots", "--json") or b"[]"
        found = msgspec.json.decode(output, type=list[Snapshot] | None) or []
        return sorted(found, key=lambda snapshot: snapshot.time, reverse=True)

    def store(
        self, folder: Path, names: list[str], *, parent: str | None, compresses: bool, progress: Progress, kind: str = DUMP,
        tags: Iterable[str] = (),
    ) -> Stored:
        """Stores the folders `names` of `folder` as one snapshot. `parent`: an earlier one, whose unchanged files are not read.

        Media files never change and are named by their content, so ctime and inode are ignored. Without compression it
        needs a quarter less processor time.
        """
        options = ["--json", "--tag", _TAG, "--host", _TAG, "--ignore-ctime", "--ignore-inode", *(["--parent", parent] if parent else []),
                   "--compression", "auto" if compresses else "off"]
        for tag in ([f"{_KIND}{kind}"] if kind != DUMP else []) + list(tags):
            options += ["--tag", tag]
        stored = None
        try:
            for message in self._restic.messages("store the backup", folder, "backup", *options, *names):
                if message.message_type == "status":
                    progress.at(message.bytes_done)
                elif message.message_type == "summary":
                    stored = Stored(
                        message.snapshot_id, message.total_files_processed, message.total_bytes_processed, message.data_added
                    )
        except RepositoryProblem:
            if stored:  # some files could not be read, but restic stored a snapshot
                with suppress(Refused):  # it has no manifest, so it is no backup
                    self.forget([stored.snapshot])
            raise
        if stored is None:
            raise RepositoryProblem("restic ended without reporting what it stored. Run the command again.")
        return msgspec.structs.replace(stored, snapshot=self._full_id(stored.snapshot))

    def _full_id(self, short: str) -> str:
        """restic before 0.17 prints the beginning of a new id only."""
        if len(short) == 64:
            return short
        if self.target.folder:
            return next((file.name for file in (self.target.folder / "snapshots").glob(f"{short}*")), short)
        found = msgspec.json.decode(self._restic.run("list the backups", "snapshots", "--json", short), type=list[Snapshot] | None)
        return found[0].id if found else short

    def read_folder(self, snapshot: str, name: str) -> dict[str, bytes]:
        """The files of one small folder of a snapshot."""
        archive = self._restic.run("read the backup", "dump", snapshot, f"/{name}")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return {member.name.removeprefix(f"{name}/"): tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]

    def listing(self, snapshot: str) -> dict[str, int]:
        """Path and size of each file of a snapshot."""
        listed = self._restic.messages("list the files of the backup", None, "ls", "--json", snapshot)
        return {message.path: message.size for message in listed if message.type == "file"}

    def fetch(self, snapshot: str, target: Path, total: int, progress: Progress, patterns: Sequence[str] = ()) -> None:
        """Restores a snapshot into `target`, or what matches the patterns. restic reports no progress: the size of `target` is measured."""
        options = [part for pattern in patterns for part in ("--include", pattern)]
        command = ["restore", snapshot, "--target", str(target), *options]
        with self._restic.running(None, *command, keeps_output=False) as (process, errors):
            while True:
                try:
                    process.wait(0.5)
                    break
                except subprocess.TimeoutExpired:
                    progress.at(min(total, folder_size(target)))
            self._restic.raise_for("read the backup", process.returncode, errors)

    def check(self, *, reads_data: bool) -> list[str]:
        """The errors that `restic check` reports: missing and damaged files. Empty if there are none."""
        options = ["--read-data"] if reads_data else []
        errors_found = self._checked(options)
        if any(LOCKED in line for line in errors_found):
            self._restic.unlock()
            errors_found = self._checked(options)
        if any(LOCKED in line for line in errors_found):
            raise self._restic.in_use()
        return errors_found

    def _checked(self, options: list[str]) -> list[str]:
        """Stops at the first error, because restic retries a missing file for minutes, as if a connection had failed."""
        with self._restic.running(None, "check", *options, keeps_output=False) as (process, errors):
            while process.poll() is None and not _file_errors(text_of(errors)):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            errors_found = _file_errors(text_of(errors))
            if not errors_found:
                self._restic.raise_for("check the repository", process.returncode, errors)
            return errors_found

    def forget(self, snapshots: Iterable[str], *, prunes: bool = True) -> None:
        """Removes snapshots and, with `prunes`, the data that only they contain. Raises Refused if the server keeps everything."""
        self._restic.run("remove old backups", "forget", "--quiet", *(["--prune"] if prunes else []), *snapshots)


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


def _file_errors(text: str) -> list[str]:
    """The lines of `restic check` about files, without those about its own run."""
    lines = [line.strip().rstrip(".") for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(("Fatal:", "Load(", "using temporary"))]
