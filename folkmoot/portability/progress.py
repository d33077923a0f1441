"""The progress of long steps. Commands decide how to show it."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol


class Progress(Protocol):
    """Receives the name and size of each step, then how much of it is done."""

    def step(self, name: str, total: int = 0) -> None:
        """A new step begins. `total`: its bytes, 0 if unknown."""

    def at(self, done: int) -> None:
        """`done` bytes of the step are done."""


class NoProgress:
    """Ignores progress."""

    def step(self, name: str, total: int = 0) -> None:
        pass

    def at(self, done: int) -> None:
        pass


def folder_size(folder: Path) -> int:
    """The size of all files of a folder, also while another process writes them."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total
