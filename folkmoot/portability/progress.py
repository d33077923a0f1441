"""How long steps tell how far they are. Who shows it, and how, is the command's business."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol


class Progress(Protocol):
    """Hears of each step: its name and size, then how much of it is done."""

    def step(self, name: str, total: int = 0) -> None:
        """A new step begins. `total`: its bytes, 0 when nobody can know."""

    def at(self, done: int) -> None:
        """So many bytes of the step are done."""


class Quiet:
    """Hears and says nothing."""

    def step(self, name: str, total: int = 0) -> None:
        pass

    def at(self, done: int) -> None:
        pass


def bytes_below(folder: Path) -> int:
    """What the files of a folder come to, while somebody else is still writing them."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total
