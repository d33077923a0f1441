"""Watches which hosts accept writes: a write through the gate of each host, again and again, and its role at the same time."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.errors import Problem
from folkmoot.portability.host import FILE, PRIMARY, HostState
from folkmoot.portability.host import Host as HostFile
from tests.hosts.history import Accepted, Event, Fenced
from tests.hosts.host import Host

_EVERY = 0.02  # seconds
_WRITE = "SELECT epoch FROM host_state WHERE pg_current_xact_id() IS NOT NULL"  # a transaction with an id writes its commit


class Watch:
    """In a thread of its own, so that tests may block."""

    def __init__(self, hosts: list[Host]) -> None:
        self.history: list[Event] = []
        self._hosts = hosts
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()))
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        self._thread.join()

    def accepting(self) -> dict[str, int]:
        """The hosts that have accepted writes, and how many."""
        names = [event.host for event in self.history if isinstance(event, Accepted)]
        return {name: names.count(name) for name in names}

    async def _watch(self) -> None:
        await asyncio.gather(*(watching for host in self._hosts for watching in (self._write(host), self._read_role(host))))

    async def _write(self, host: Host) -> None:
        database: Database | None = None
        while not self._ending.is_set():
            sent_at = time.monotonic()
            try:
                if database is None:
                    database = await Database.open(host.dsn, epoch=HostFile(host.files).writing_epoch, readers=1, writers=2, listen=False)
                async with database.write() as tx:
                    epoch = await tx.fetchval(_WRITE)
                self.history.append(Accepted(host.name, epoch, sent_at, time.monotonic()))
            except (Problem, OSError):
                pass  # refused, or no database
            await asyncio.sleep(_EVERY)
        if database:
            await database.close()

    async def _read_role(self, host: Host) -> None:
        """A fence counts from when it was first seen until it was last seen: so the file cannot have been ahead of the test."""
        fenced_at: float | None = None
        seen_at = 0.0
        while not self._ending.is_set():
            role = _role(host)
            if role == PRIMARY and fenced_at is not None:
                self.history.append(Fenced(host.name, fenced_at, seen_at))
                fenced_at = None
            elif role not in (PRIMARY, ""):
                seen_at = time.monotonic()
                fenced_at = fenced_at or seen_at
            await asyncio.sleep(_EVERY / 4)
        if fenced_at is not None:
            self.history.append(Fenced(host.name, fenced_at, seen_at))


def _role(host: Host) -> str:
    """An empty text if the file is missing."""
    try:
        return msgspec.json.decode((host.files / FILE).read_bytes(), type=HostState).role
    except OSError:
        return ""


@contextmanager
def watching(*hosts: Host) -> Iterator[Watch]:
    """Watches while the block runs. The history is complete afterwards."""
    watch = Watch(list(hosts))
    try:
        yield watch
    finally:
        watch.end()
