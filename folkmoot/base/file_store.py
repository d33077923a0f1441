"""Stores files named by the SHA-256 of their content: an interface, and its implementation with a local folder.

Code that stores, serves, deletes or backs up files takes a `FileStore`, so that another one (S3-compatible, next) can
replace the folder. Files are written whole and never changed, so a copy made at any time is consistent. Every operation
may wait for a disk or a network, so all of them are asynchronous.
"""

import asyncio
import ctypes
import errno
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from folkmoot.base import clock

_CHUNK = 256 * 1024
_MANY = 20  # files, from which on it is quicker to write the whole disk than each file and its folder
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP)  # another disk, or a system that allows links to own files only


class FileName(NamedTuple):
    """The SHA-256 of the content, and the extension."""

    sha256: bytes
    extension: str

    @property
    def path(self) -> str:
        """Relative to the folder, or a key in other stores."""
        name = self.sha256.hex()
        return f"{name[:2]}/{name}.{self.extension}"

    @classmethod
    def of(cls, path: str) -> "FileName":
        parsed = PurePosixPath(path)
        return cls(bytes.fromhex(parsed.stem), parsed.suffix[1:])


class FileStore(Protocol):
    """Files by name. Writing a file that exists and removing one that does not are not errors."""

    async def write(self, name: FileName, content: bytes) -> None:
        """Stores a file; after this returns it survives a power failure."""

    async def add(self, name: FileName, source: Path) -> None:
        """Stores a finished file of this machine, which may be moved; after this returns it survives a power failure."""

    async def size(self, name: FileName) -> int | None:
        """In bytes; None if there is no such file."""

    def read(self, name: FileName, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, but not including, `end`. Raises FileNotFoundError."""

    async def remove(self, name: FileName) -> None: ...

    def list_older_than(self, moment: datetime) -> AsyncIterator[FileName]:
        """The files written before `moment`. Removes unfinished files of the same age."""

    async def copy_to(self, name: FileName, target: Path) -> bool:
        """Copies or links a file to a path on this machine, for a backup; False if there is no such file."""


class LocalFiles:
    """A `FileStore` in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, name: FileName, content: bytes) -> None:
        await asyncio.to_thread(self._write, self._folder / name.path, content)

    async def add(self, name: FileName, source: Path) -> None:
        await asyncio.to_thread(_move_durably, source, self._folder / name.path)

    async def add_all(self, files: Sequence[tuple[FileName, Path]]) -> None:
        """As `add` for each, with few waits for the disk: all contents are on it before the first one gets its name."""
        await asyncio.to_thread(self._add_all, files)

    async def size(self, name: FileName) -> int | None:
        try:
            status = (self._folder / name.path).lstat()
        except FileNotFoundError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    async def read(self, name: FileName, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        left = end - start if end is not None else None
        stream, chunk = await asyncio.to_thread(_begin, self._folder / name.path, start, left)
        with stream:
            while chunk:
                yield chunk
                left = left - len(chunk) if left is not None else None
                chunk = b"" if left == 0 else await asyncio.to_thread(stream.read, _at_once(left))

    async def remove(self, name: FileName) -> None:
        (self._folder / name.path).unlink(missing_ok=True)

    async def list_older_than(self, moment: datetime) -> AsyncIterator[FileName]:
        for folder in await asyncio.to_thread(lambda: sorted(self._folder.glob("??"))):
            for name in await asyncio.to_thread(_older_than, folder, moment.timestamp()):
                yield name

    async def copy_to(self, name: FileName, target: Path) -> bool:
        return await asyncio.to_thread(_link_or_copy, self._folder / name.path, target)

    def _add_all(self, files: Sequence[tuple[FileName, Path]]) -> None:
        if len(files) < _MANY:
            for name, source in files:
                _move_durably(source, self._folder / name.path)
            return
        sync_disk(self._folder)
        for name, source in files:
            (self._folder / name.path).parent.mkdir(parents=True, exist_ok=True)
            source.rename(self._folder / name.path)
        sync_disk(self._folder)

    def _write(self, path: Path, content: bytes) -> None:
        """Writes to a temporary name first, so that an incomplete file never has the final name."""
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_durably(path, path.with_name(f".{path.name}.{clock.token(6)}"), content)


def replace_durably(file: Path, temporary: Path, content: bytes) -> None:
    """Replaces a file by way of `temporary`: a power failure leaves the old content or the new one, whole."""
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.rename(file)
    _sync_folder(file.parent)


def sync_disk(folder: Path) -> None:
    """Writes everything of this disk: one call, instead of one for each file."""
    if sys.platform == "linux":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
        finally:
            os.close(descriptor)
    else:
        os.sync()


def _begin(path: Path, start: int, wanted: int | None) -> tuple[FileIO, bytes]:
    """The opened file and its first bytes: a thread costs more than to read a small file."""
    stream = path.open("rb", buffering=0)
    try:
        stream.seek(start)
        return stream, stream.read(_at_once(wanted))
    except BaseException:
        stream.close()
        raise


def _at_once(left: int | None) -> int:
    return _CHUNK if left is None else min(_CHUNK, left)


def _move_durably(source: Path, target: Path) -> None:
    """Moves a file within a disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as stream:
        os.fsync(stream.fileno())
    source.rename(target)
    _sync_folder(target.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _link_or_copy(source: Path, target: Path) -> bool:
    """Follows no symbolic link: else the owner of the folder could make a backup that root runs read other files."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copy2(source, target, follow_symlinks=False)
    if not stat.S_ISREG(target.lstat().st_mode):
        target.unlink()
        return False
    return True


def _older_than(folder: Path, moment: float) -> list[FileName]:
    found = []
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime >= moment:
                continue
        except FileNotFoundError:  # removed meanwhile
            continue
        if path.name.startswith("."):
            path.unlink(missing_ok=True)
        else:
            found.append(FileName.of(path.name))
    return found
