"""A store of pictures that fetches what this host does not have when somebody wants to see it.

So a restored network shows every picture while most are still in the repository, and a standby, or a host to which a
network has just moved, while most are still being copied from the other host.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.errors import NotHereYet, Problem
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.offsite.coming import read_coming
from folkmoot.portability.offsite.wanted import Wanted
from folkmoot.portability.standby.media import fetch_file

log = logging.getLogger(__name__)
_LARGEST = 128 * 2**20
_SECONDS = 10.0  # for one picture from the other host: somebody waits
_PAUSE = 5.0  # after a failure, so that a page full of pictures does not wait for each
_LOOK_SECONDS = 0.1


class FetchingStore:
    """A `FileStore`. Only `size` fetches: callers ask for it before they read. `seconds`: the longest wait for the repository."""

    def __init__(self, local: FileStore, data: Path, *, seconds: float = 20.0) -> None:
        self._local = local
        self._data = data
        self._seconds = seconds
        self._host = Host(data)
        self._peers = Peers(DataDirectory(data))
        self._wanted = Wanted(data)
        self._running: dict[FileName, asyncio.Task[None]] = {}
        self._paused_until = 0.0

    async def size(self, name: FileName) -> int | None:
        """Raises NotHereYet if the file is to come from the repository, but comes now neither from there nor from the other host."""
        size, not_yet = await self._local.size(name), None
        if size is None and (coming := read_coming(self._data)):
            try:
                size = await self._from_repository(name, is_stopped=bool(coming.said))
            except NotHereYet as problem:
                not_yet = problem
        if size is None and self._peers.one() and clock.monotonic() >= self._paused_until:
            await self._fetch(name)
            size = await self._local.size(name)
        if size is None and not_yet:
            raise not_yet
        return size

    async def _from_repository(self, name: FileName, *, is_stopped: bool) -> int | None:
        """Asks the process that fetches pictures. None if the repository does not have this one, or has it damaged."""
        if is_stopped or not self._wanted.ask(name):
            raise NotHereYet
        deadline = clock.monotonic() + self._seconds
        while self._wanted.waits(name):
            if clock.monotonic() > deadline:
                raise NotHereYet
            await asyncio.sleep(_LOOK_SECONDS)
        size = await self._local.size(name)
        if size is None and (coming := read_coming(self._data)) and coming.said:  # it stopped meanwhile
            raise NotHereYet
        return size

    async def _fetch(self, name: FileName) -> None:
        """Fetches a file once, however many requests wait for it."""
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.create_task(self._fetched(name))
            task.add_done_callback(lambda _task: self._running.pop(name))
        await asyncio.shield(task)

    async def _fetched(self, name: FileName) -> None:
        from folkmoot.portability.hosts.client import open_client

        try:
            async with asyncio.timeout(_SECONDS), open_client(DataDirectory(self._data), epoch=lambda: self._host.epoch) as client:
                await fetch_file(self._data / "media", client.fetch, name, _LARGEST)
        except FileNotFoundError:
            log.debug("the other host does not have the picture %s either", name.path)
        except (Problem, OSError, TimeoutError) as error:
            self._paused_until = clock.monotonic() + _PAUSE
            log.info("a picture could not be fetched from the other host: %s", error)

    async def write(self, name: FileName, content: bytes) -> None:
        await self._local.write(name, content)

    async def add(self, name: FileName, source: Path) -> None:
        await self._local.add(name, source)

    def read(self, name: FileName, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return self._local.read(name, start, end)

    async def remove(self, name: FileName) -> None:
        await self._local.remove(name)

    def list_older_than(self, moment: datetime) -> AsyncIterator[FileName]:
        return self._local.list_older_than(moment)

    async def copy_to(self, name: FileName, target: Path) -> bool:
        return await self._local.copy_to(name, target)
