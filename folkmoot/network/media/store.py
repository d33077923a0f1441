"""Pictures on disk: one immutable file per content, named by its SHA-256.

Files are written whole (temporary name, fsync, rename) and are never changed, so a copy of the folder made while the
network runs is always good.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from folkmoot.base import clock


class MediaStore:
    """The folder `media` of a data directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: bytes, extension: str) -> Path:
        name = sha256.hex()
        return self._folder / name[:2] / f"{name}.{extension}"

    def write(self, sha256: bytes, extension: str, content: bytes) -> None:
        """Stores a file, if it is not there."""
        path = self.path(sha256, extension)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{clock.token(6)}")
        with open(temporary, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self, sha256: bytes, extension: str) -> None:
        self.path(sha256, extension).unlink(missing_ok=True)

    def list_older_than(self, moment: datetime) -> Iterator[tuple[bytes, str]]:
        """(hash, extension) of the files that were written before `moment`; unfinished ones of then are removed."""
        for path in self._folder.glob("??/*"):
            if path.stat().st_mtime >= moment.timestamp():
                continue
            if path.name.startswith("."):
                path.unlink(missing_ok=True)
            else:
                yield bytes.fromhex(path.stem), path.suffix[1:]
