"""The logical move of a host to another version of PostgreSQL. The table at the end is the whole of it.

1. A server of the new version gets the schema, then subscribes to all tables: it copies them and follows.
2. Writes are held for a moment, until it has everything; both servers then show the same state in one transaction each. Writes go
   on while all tables are compared by number of rows and hash.
3. Writes are held again. When the new server has the last of them, it gets the positions of all sequences and the next epoch,
   and is stopped. Readers wait from then on. Raising the epoch of the old one is the decision: it never writes again. Then the
   folders are exchanged.

Killed before the decision, everything begins anew; killed after it, the same command completes it.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from folkmoot.base import clock, restarts, write_gate
from folkmoot.base.driver_errors import LOST
from folkmoot.base.write_gate import Hold
from folkmoot.portability import tables
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.logical import queries
from folkmoot.portability.logical.copy import DRAIN_SECONDS, HOLD_SECONDS, LogicalCopy, LogicalProblem, Source
from folkmoot.portability.logical.swap import NEXT, SwapOrder, find_swap, order_swap
from folkmoot.portability.moving.queries import read_last_writes
from folkmoot.portability.postgres import RESTART, Postgres
from folkmoot.portability.postgres_binaries import Binaries
from folkmoot.portability.progress import Progress
from folkmoot.portability.queries import get_epoch
from folkmoot.portability.upgrade.journal import DONE, FAILED, STARTED, Journal

_COMPLETE = "complete"  # file in the folder of the new server: it has everything, and the epoch in the file
_QUIET_SECONDS = 2.0  # in which statements that read must end
_READY_SECONDS = 120.0


class Name(StrEnum):
    """The steps, in order. FENCE is the decision."""

    START = "new server"
    COPY = "copy"
    COMPARE = "compare"
    HOLD = "hold"
    COMPLETE = "complete"
    FENCE = "fence"
    EXCHANGE = "exchange"
    AWAIT = "await"


@dataclass(frozen=True)
class Moved:
    """What was compared; nothing if an earlier run had compared it."""

    tables: int
    rows: int


class LogicalMove:
    """One run. `dsn`: of the running database."""

    def __init__(self, directory: DataDirectory, dsn: str, old_major: int, binaries: Binaries, progress: Progress) -> None:
        self._directory = directory
        self._dsn = dsn
        self._old_major, self._major = old_major, binaries.major
        self._progress = progress
        self._next = DataDirectory(directory.path / NEXT)
        source = Source(dsn, str(Postgres(directory).socket_folder), directory.secret("postgres-password"), old_major)
        self._copy = LogicalCopy(source, self._next, binaries, progress)
        self._compared: dict[str, tables.Table] = {}
        self._epoch = Host(directory.path).epoch
        self._mark = directory.path / RESTART
        self._journal = Journal(directory)
        self._open = AsyncExitStack()
        self._hold: Hold | None = None
        self._is_fenced = False  # the decision has been made
        self.held_at: float | None = None  # when writing paused for the change

    async def run(self) -> Moved:
        """Raises LogicalProblem, after which the old server is as it was, unless the decision has been made."""
        try:
            for step in STEPS[await self._first() :]:
                await self._take(step)
        except BaseException:
            restarts.end(self._mark)
            await self._open.aclose()
            if not (self._is_fenced or await self._is_decided()):
                self._copy.server.stop()
                await self._copy.clear()
            raise
        await self._open.aclose()
        return Moved(len(self._compared), sum(one.rows for one in self._compared.values()))

    async def _first(self) -> int:
        """The number of the first step that an earlier run has not done."""
        self._is_fenced = self._is_exchanged() or find_swap(self._directory) is not None or await self._is_decided()
        if self._is_fenced:
            return [step.name for step in STEPS].index(Name.EXCHANGE)
        await self._copy.clear()
        return 0

    async def _take(self, step: "Step") -> None:
        self._progress.step(step.sentence)
        release = f"PostgreSQL {self._major}"
        self._journal.append(release, step.name, STARTED)
        try:
            await step.act(self)
        except BaseException as error:
            self._journal.append(release, step.name, FAILED, why=f"{type(error).__name__}: {error}")
            raise
        self._journal.append(release, step.name, DONE)

    async def _is_decided(self) -> bool:
        """Whether the old server was fenced by an earlier run, so that only the change is left to do."""
        source = await asyncpg.connect(self._dsn)
        try:
            epoch = await get_epoch(source)
        finally:
            await source.close()
        mark = self._next.path / _COMPLETE
        return epoch == self._epoch + 1 and mark.exists() and mark.read_text() == str(epoch)

    async def start(self) -> None:
        await self._copy.start()

    async def copy(self) -> None:
        await self._copy.copy()

    async def compare(self) -> None:
        self._compared = await self._copy.compare()

    async def hold(self) -> None:
        for dsn in (self._dsn, self._copy.server.dsn):  # so that the servers stop faster
            connection = await asyncpg.connect(dsn)
            await queries.checkpoint(connection)
            await connection.close()
        self.held_at = clock.monotonic()
        self._hold = await self._open.enter_async_context(write_gate.hold(self._dsn, HOLD_SECONDS, drain=DRAIN_SECONDS))

    async def complete(self) -> None:
        """Gives the new server what it still lacks, and stops it."""
        source, target = await asyncpg.connect(self._dsn), await asyncpg.connect(self._copy.server.dsn)
        try:
            await self._copy.await_applied(source)
            if await read_last_writes(source) != await read_last_writes(target):
                raise LogicalProblem("The new server lacks the last writes. Nothing was changed; try again.")
            await queries.set_sequences(target, await queries.get_sequences(source))
            await queries.unsubscribe(target)
            await queries.set_epoch(target, self._epoch + 1)
            await target.close()
            self._copy.server.stop()
            self._next.write(self._next.path / _COMPLETE, str(self._epoch + 1).encode())
            await self._await_readers(source)
        finally:
            source.terminate()
            target.terminate()

    async def _await_readers(self, source: asyncpg.Connection) -> None:
        """Lets no statement begin, and waits until those that run have ended; a longer one is then interrupted."""
        restarts.announce(self._mark)
        await asyncio.sleep(restarts.SEEN_SECONDS)
        deadline = clock.monotonic() + _QUIET_SECONDS
        while clock.monotonic() < deadline and not await queries.is_quiet(source):
            await asyncio.sleep(0.01)

    async def fence(self) -> None:
        assert self._hold
        await self._hold.raise_epoch(self._epoch + 1)
        self._is_fenced = True

    async def exchange(self) -> None:
        """Orders the exchange, and stops the old server; the supervisor carries the order out when it starts it again."""
        if self._is_exchanged():
            return
        if find_swap(self._directory) is None:
            order_swap(self._directory, SwapOrder(self._epoch + 1, f"postgres.{self._old_major}-{self._epoch}"))
        restarts.announce(self._mark)
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self._directory.path / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGINT)

    def _is_exchanged(self) -> bool:
        return find_version(self._directory) == self._major

    async def await_new_server(self) -> None:
        """Waits until the supervisor has exchanged the servers, and members can write again."""
        deadline = clock.monotonic() + _READY_SECONDS
        while find_swap(self._directory) or not await self._is_new():
            if clock.monotonic() > deadline:
                raise LogicalProblem("The new server does not answer after two minutes; %(log)s says why.",
                                     log=self._directory.path / "postgres.log")
            await asyncio.sleep(0.02)
        remove_rest(self._directory)

    async def _is_new(self) -> bool:
        try:
            connection = await asyncpg.connect(self._dsn)
        except (*LOST, asyncpg.PostgresError):
            return False
        try:
            return bool(connection.get_server_version().major == self._major)
        finally:
            await connection.close()


def find_version(directory: DataDirectory) -> int:
    """The version that made the database; 0 while the folders are exchanged."""
    with suppress(FileNotFoundError):
        return int((directory.path / "postgres" / "PG_VERSION").read_text())
    return 0


def remove_rest(directory: DataDirectory) -> None:
    """Removes what is left of a move after the exchange."""
    shutil.rmtree(directory.path / NEXT, ignore_errors=True)


@dataclass(frozen=True)
class Step:
    """One row of the table."""

    name: Name
    sentence: str
    act: Callable[[LogicalMove], Awaitable[None]]


STEPS = (
    Step(Name.START, "starting the new server", LogicalMove.start),
    Step(Name.COPY, "copying all tables", LogicalMove.copy),
    Step(Name.COMPARE, "comparing all tables", LogicalMove.compare),
    Step(Name.HOLD, "holding writes", LogicalMove.hold),
    Step(Name.COMPLETE, "receiving the last writes", LogicalMove.complete),
    Step(Name.FENCE, "fencing the old server", LogicalMove.fence),  # no return from here on
    Step(Name.EXCHANGE, "exchanging the servers", LogicalMove.exchange),
    Step(Name.AWAIT, "waiting for the new server", LogicalMove.await_new_server),
)
