"""Pictures that somebody wants to see now: empty files in `DATA/run/wanted`, named like the pictures.

Web processes create them and wait for the picture. The process that fetches pictures removes them when it has answered. So
one fetch serves all readers of a picture, in all web processes, and a process that is killed loses no question.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from folkmoot.base.file_store import FileName

_MOST = 200
_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,10}")


class Wanted:
    """The questions of one data directory."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "run" / "wanted"

    def ask(self, name: FileName) -> bool:
        """Asks for a picture; False if too many wait already."""
        marker = self._marker(name)
        if marker.exists():
            return True
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if len(os.listdir(self._folder)) >= _MOST:
            return False
        with suppress(FileExistsError):
            os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        return True

    def waits(self, name: FileName) -> bool:
        """Whether the question has no answer yet."""
        return self._marker(name).exists()

    def list(self) -> list[FileName]:
        try:
            found = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        return [FileName.of(name) for name in found if _NAME.fullmatch(name)]

    def answer(self, name: FileName) -> None:
        self._marker(name).unlink(missing_ok=True)

    def _marker(self, name: FileName) -> Path:
        return self._folder / Path(name.path).name
