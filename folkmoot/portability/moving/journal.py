"""The journal of moves on this host: `DATA/move/journal.jsonl`, append-only, one JSON object per line.

It tells people what happened, and it keeps the two decisions that nothing else records: which moves this host has
refused for good, and which fence it has accepted. Those lines are synced before their effect. The lines of the write
pause are written at once and synced with the next one that is, because a power failure may lose only what is known from
`host.json`. A line that a crash cut off is ignored.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory, sync_folder

_RESERVE_BYTES = 64 * 1024
T = TypeVar("T")
What = Literal["probe", "action", "undo", "decision"]
REFUSED, ACCEPTED = "refused", "accepted"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`outcome`: started, done or failed; of a decision refused or accepted."""

    at: datetime
    move: str
    step: str
    what: What
    outcome: str
    facts: dict[str, Any] = {}


class Journal:
    """Appends lines and answers what was decided. Several processes of a host may use it at once."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._folder = directory.path / "move"
        self.file = self._folder / "journal.jsonl"

    def append(self, move: str, step: str, what: What, outcome: str, *, is_durable: bool = True, **facts: Any) -> None:
        """Adds a line. `is_durable`: it survives a power failure when this returns."""
        line = msgspec.json.encode(Line(at=clock.now(), move=move, step=step, what=what, outcome=outcome, facts=facts))
        self.on_reserve(lambda: self._append(line, is_durable))

    def _append(self, line: bytes, is_durable: bool) -> None:
        is_new = not self.file.exists()
        self._make_folder()
        descriptor = os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            written = (b"\n" if is_cut else b"") + line + b"\n"
            if os.write(descriptor, written) < len(written):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.file))
            if is_durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            self._directory.set_owner(self.file)
            sync_folder(self._folder)

    def reserve(self) -> None:
        """Takes some disk space before a move, so that a host with a full disk can still decide."""
        self._make_folder()
        self._directory.write(self._folder / "reserve", b"\0" * _RESERVE_BYTES)

    def on_reserve(self, work: Callable[[], T]) -> T:
        """Runs `work`; if there is no room left, once more with the reserved space."""
        try:
            return work()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not (self._folder / "reserve").exists():
                raise
            (self._folder / "reserve").unlink()
            return work()

    def lines(self) -> Iterator[Line]:
        """All complete lines, oldest first."""
        with suppress(FileNotFoundError):
            for text in self.file.read_bytes().splitlines():
                with suppress(msgspec.DecodeError):
                    yield msgspec.json.decode(text, type=Line)

    def has_refused(self, move: str) -> bool:
        return any(line.move == move and line.what == "decision" and line.outcome == REFUSED for line in self.lines())

    def accepted(self, move: str) -> dict[str, Any] | None:
        """The fence with which this host has accepted to take over."""
        found = [line.facts["fence"] for line in self.lines() if line.move == move and line.what == "decision" and line.outcome == ACCEPTED]
        return found[-1] if found else None

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """One process of this host at a time decides who may write. The kernel releases the lock of a killed one.

        The block must not await: another task of this process would wait for the lock and block this one.
        """
        self._make_folder()
        descriptor = os.open(self._folder / "deciding", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self._directory.set_owner(self._folder / "deciding")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self) -> None:
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._directory.set_owner(self._folder)
            sync_folder(self._folder.parent)
