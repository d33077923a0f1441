"""Copies the pictures of the primary: all of them once, then each new one, and at once those that somebody wants to see.

A standby knows from its own database which files it needs. It fetches each by its hash, checks the hash, and stores it
atomically. Files that are older than two days and that no picture needs are removed. The copy leaves room on the link for
the WAL: few files at a time, with pauses.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeAlias

import asyncpg

from folkmoot.base import clock
from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.base.errors import Problem
from folkmoot.base.file_store import FileName, LocalFiles
from folkmoot.portability.hosts.messages import Content, Store
from folkmoot.portability.progress import NoProgress, Progress
from folkmoot.portability.standby import queries

log = logging.getLogger(__name__)
STORE = "media"  # the name of the store that the primary offers
Files: TypeAlias = Sequence[tuple[FileName, int]]

_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,10}")
_PAGE = 500
_PAGE_BYTES = 256 * 2**20
_AT_ONCE = 2
_PAUSE = 0.25  # of the time that a file took
_NEW_EVERY = 1.0
_ALL_EVERY = 3600.0
_RETRY = 3.0
_KEPT_UNNEEDED = timedelta(days=2)
_OVERLAP = 5000 << 22  # ids within five seconds before the newest: their transactions may have ended later
_ENCODED_WITHIN = 3_600_000 << 22  # ids of an hour: video and audio get their files when they are encoded


class Fetch(Protocol):
    """Fetches a file of the peer; None if the peer does not have it. Raises PeerUnreachable, PeerRefused."""

    def __call__(self, store: str, file: str) -> AbstractAsyncContextManager[AsyncIterator[bytes] | None]: ...


class WrongContent(Problem):
    """The fetched file is not the one that its name promises."""

    code = "wrong_content"


def offered(folder: Path) -> Store:
    """The other host's side: the pictures in `folder`, by hash and extension."""
    files = LocalFiles(folder)

    async def read(file: str) -> Content | None:
        if not _NAME.fullmatch(file) or (size := await files.size(name := FileName.of(file))) is None:
            return None
        return Content(size, files.read(name, 0, size))

    return Store(STORE, read)


async def fetch_file(folder: Path, fetch: Fetch, name: FileName, largest: int) -> None:
    """Fetches one file into the store in `folder`. Raises WrongContent, FileNotFoundError, PeerUnreachable."""
    unfinished = await _download(folder, fetch, name, largest)
    try:
        await LocalFiles(folder).add(name, unfinished)
    finally:  # a full disk must not fill further with each attempt
        unfinished.unlink(missing_ok=True)


async def _download(folder: Path, fetch: Fetch, name: FileName, largest: int) -> Path:
    """The temporary file with the right content, which may not be on the disk yet. Raises as `fetch_file`."""
    target = folder / name.path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{clock.token(6)}")
    try:
        size, digest = 0, hashlib.sha256()
        with unfinished.open("wb") as stream:
            async with fetch(STORE, target.name) as chunks:
                if chunks is None:
                    raise FileNotFoundError(target.name)
                async for chunk in chunks:
                    size += len(chunk)
                    if size > largest:
                        break
                    digest.update(chunk)
                    stream.write(chunk)
        if size > largest or digest.digest() != name.sha256:
            raise WrongContent(
                "The other host sent wrong content for the file %(name)s. moot doctor there checks its disk.", name=name.path
            )
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return unfinished


class MediaCopy:
    """Keeps the folder of pictures complete."""

    def __init__(self, folder: Path, fetch: Fetch, *, at_once: int = _AT_ONCE, pause: float = _PAUSE) -> None:
        self._pending, self._pending_bytes = 0, 0
        self._damaged: dict[FileName, int] = {}  # on the other host, with their sizes; tried again with the next complete pass
        self._folder = folder
        self._store = LocalFiles(folder)
        self._fetch = fetch
        self._permits = asyncio.Semaphore(at_once)
        self._pause = pause
        self._newest = 0
        self._why = ""

    @property
    def missing(self) -> int:
        """How many files are still to be fetched."""
        return self._pending + len(self._damaged)

    @property
    def missing_bytes(self) -> int:
        return self._pending_bytes + sum(self._damaged.values())

    async def run(self, dsn: str) -> None:
        """Copies until it is cancelled. What fails is tried again."""
        while True:
            try:
                connection = await asyncpg.connect(dsn, timeout=5, server_settings={"application_name": "folkmoot media"})
                try:
                    await self._follow(connection)
                finally:
                    connection.terminate()
            except Problem as problem:
                self._log_once(problem.message % problem.params)
            except UNREACHABLE as error:
                self._log_once(str(error))
            await asyncio.sleep(_RETRY)

    def _log_once(self, why: str) -> None:
        """The other host may be away for weeks."""
        if why != self._why:
            log.info("pictures are not copied: %s", why)
        self._why = why

    async def _follow(self, connection: asyncpg.Connection) -> None:
        """Everything once an hour, new pictures each second. A primary, too, gets back what its disk has lost."""
        while True:
            checked_at = clock.monotonic()
            await self.copy_all(connection, NoProgress())
            try:
                await self._remove_unneeded(connection)
            except OSError as error:
                log.warning("pictures that nothing needs cannot be removed: %s", error)
            while clock.monotonic() - checked_at < _ALL_EVERY:
                await self._copy_new(connection)
                await asyncio.sleep(_NEW_EVERY)

    async def copy_all(self, connection: asyncpg.Connection, progress: Progress) -> int:
        """Fetches every file that is missing; returns how many the other host does not have either, or has damaged."""
        self._damaged = {}
        self._newest = await queries.find_newest_upload(connection)
        missing: list[tuple[FileName, int]] = []
        after = b""
        while page := await queries.list_files(connection, after, _PAGE):
            missing += await self._missing(page)
            after = page[-1][0].sha256
        progress.step("copying pictures", sum(size for _, size in missing))
        return await self._fetch_all(missing, progress)

    async def _copy_new(self, connection: asyncpg.Connection) -> None:
        after, missing = self._newest - _OVERLAP, []
        while files := (page := await queries.list_new_files(connection, after, _PAGE)).files:
            missing += await self._missing(files)
            after = page.last_id
        missing += await self._missing(await queries.list_recordings(connection, self._newest - _ENCODED_WITHIN))
        await self._fetch_all([(name, size) for name, size in missing if name not in self._damaged], NoProgress())
        self._newest = max(self._newest, after)

    async def _missing(self, files: Files) -> list[tuple[FileName, int]]:
        return [(name, size) for name, size in files if await self._store.size(name) is None]

    async def _fetch_all(self, files: Files, progress: Progress) -> int:
        self._pending, self._pending_bytes = len(files), sum(size for _, size in files)
        total, lacking = self._pending_bytes, 0
        complete: list[tuple[FileName, Path]] = []

        async def one(name: FileName, size: int) -> None:
            nonlocal lacking
            async with self._permits:
                started = clock.monotonic()
                try:
                    complete.append((name, await _download(self._folder, self._fetch, name, size)))
                except FileNotFoundError:  # deleted meanwhile, or lost on the primary, which `moot doctor` there reports
                    lacking += 1
                except WrongContent as problem:
                    log.warning("%s", problem.message % problem.params)
                    self._damaged[name] = size
                    lacking += 1
                self._pending, self._pending_bytes = self._pending - 1, self._pending_bytes - size
                progress.at(total - self._pending_bytes)
                await asyncio.sleep(self._pause * (clock.monotonic() - started))

        for page in _pages(files):
            try:
                async with asyncio.TaskGroup() as group:
                    for name, size in page:
                        group.create_task(one(name, size))
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from failures
            finally:  # what has come stays
                await self._add_all(complete)
                complete.clear()
        return lacking

    async def _add_all(self, complete: Sequence[tuple[FileName, Path]]) -> None:
        try:
            await self._store.add_all(complete)
        finally:
            for _, unfinished in complete:
                unfinished.unlink(missing_ok=True)

    async def _remove_unneeded(self, connection: asyncpg.Connection) -> None:
        """Removes old files without a row, as the primary has done."""
        if not await queries.is_standby(connection):
            return  # the worker of a primary removes its files
        names: list[FileName] = []
        async for name in self._store.list_older_than(clock.now() - _KEPT_UNNEEDED):
            names.append(name)
        for start in range(0, len(names), _PAGE):
            page = names[start : start + _PAGE]
            known = await queries.list_known(connection, [name.sha256 for name in page])
            for name in page:
                if name.sha256 not in known:
                    await self._store.remove(name)


def _pages(files: Files) -> Iterator[Files]:
    """What is written to the disk together, and fetched again after a power failure: little, so that hardly anything is lost."""
    start = size = 0
    for number, (_, bytes_) in enumerate(files):
        size += bytes_
        if number - start + 1 == _PAGE or size >= _PAGE_BYTES:
            yield files[start : number + 1]
            start, size = number + 1, 0
    if start < len(files):
        yield files[start:]
