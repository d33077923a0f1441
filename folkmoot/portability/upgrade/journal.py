"""The journal of upgrades on this host: `DATA/upgrade/journal.jsonl`, append-only, one JSON object per line.

It tells people what happened, and a second run what was done already. A line that a crash cut off is ignored.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.upgrade.order import FOLDER, make_folder

STARTED, DONE, FAILED = "started", "done", "failed"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`release`: the name of the new one."""

    at: datetime
    release: str
    step: str
    outcome: str
    facts: dict[str, Any] = {}


class Journal:
    """One process of a host writes it at a time (`DataDirectory.exclusively`)."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self.file = directory.path / FOLDER / "journal.jsonl"

    def append(self, release: str, step: str, outcome: str, **facts: Any) -> None:
        """Adds a line that survives a power failure."""
        line = msgspec.json.encode(Line(at=clock.now(), release=release, step=step, outcome=outcome, facts=facts))
        make_folder(self._directory)
        descriptor = os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (b"\n" if is_cut else b"") + line + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._directory.set_owner(self.file)

    def lines(self) -> Iterator[Line]:
        """All complete lines, oldest first."""
        with suppress(FileNotFoundError):
            for text in self.file.read_bytes().splitlines():
                with suppress(msgspec.DecodeError):
                    yield msgspec.json.decode(text, type=Line)

    def is_done(self, release: str, step: str, within: timedelta) -> bool:
        """Whether the last attempt of the step succeeded, not too long ago."""
        found = [line for line in self.lines() if (line.release, line.step) == (release, step) and line.outcome != STARTED]
        return bool(found) and found[-1].outcome == DONE and clock.now() - found[-1].at < within

    def last(self, step: str) -> Line | None:
        """The last line of a step that was done."""
        found = [line for line in self.lines() if (line.step, line.outcome) == (step, DONE)]
        return found[-1] if found else None
