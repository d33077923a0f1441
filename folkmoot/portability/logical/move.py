"""The logical move: copy to a new server while members write, compare, then change over in a short pause.

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
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

from folkmoot.base import clock, restarts, write_gate
from folkmoot.base.errors import Problem
from folkmoot.portability import tables
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import dump_schema, require_space
from folkmoot.portability.host import Host
from folkmoot.portability.logical import queries
from folkmoot.portability.logical.swap import NEXT, SwapOrder, order_swap
from folkmoot.portability.moving.queries import get_size, read_last_writes
from folkmoot.portability.postgres import RESTART, Binaries, Postgres
from folkmoot.portability.postgres_settings import quoted_connection
from folkmoot.portability.progress import Progress
from folkmoot.portability.queries import get_epoch

_COMPLETE = "complete"  # file in the folder of the new server: it has everything, and the epoch in the file
_HOLD_SECONDS, _DRAIN_SECONDS = 10.0, 3.0
_CATCH_UP_SECONDS = 4.0  # of a hold
_QUIET_SECONDS = 2.0  # in which statements that read must end
_WORKERS = {"max_worker_processes": "16", "max_logical_replication_workers": "8", "max_sync_workers_per_subscription": "4"}
_SPARE = 512 * 2**20


def _for_any_version(schema: str) -> str:
    """Without what an older server does not know, and what is meant for psql."""
    left_out = ("SET transaction_timeout", "\\restrict", "\\unrestrict")
    return "\n".join(line for line in schema.splitlines() if not line.startswith(left_out))


class LogicalProblem(Problem):
    """A logical move is impossible, or failed before anything was changed."""

    code = "logical"


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
        self._old_major = old_major
        self._binaries = binaries
        self._progress = progress
        self._next = DataDirectory(directory.path / NEXT)
        self._target = Postgres(self._next, binaries, _WORKERS)
        self._compared: dict[str, tables.Table] = {}
        self._epoch = Host(directory.path).epoch
        self._mark = directory.path / RESTART
        self.held_at: float | None = None  # when writing paused for the change

    async def run(self) -> Moved:
        """Raises LogicalProblem, after which the old server is as it was."""
        if await self._is_decided():
            self._change_over(self._epoch + 1)
            return Moved(0, 0)
        await self.clear()
        try:
            await self._copy()
            await self._compare()
            await self._finish()
            return Moved(len(self._compared), sum(one.rows for one in self._compared.values()))
        except BaseException:
            if not await self._is_decided():
                self._target.stop()
                await self.clear()
            raise

    async def clear(self) -> None:
        """Removes what an earlier run has left on both sides."""
        if self._next.path.exists():
            shutil.rmtree(self._next.path)
        source = await asyncpg.connect(self._dsn, server_settings={"lock_timeout": "5s"})
        try:
            await queries.unpublish(source)
        finally:
            await source.close()

    async def _is_decided(self) -> bool:
        """Whether the old server was fenced by an earlier run, so that only the change is left to do."""
        source = await asyncpg.connect(self._dsn)
        try:
            epoch = await get_epoch(source)
        finally:
            await source.close()
        mark = self._next.path / _COMPLETE
        return epoch == self._epoch + 1 and mark.exists() and mark.read_text() == str(epoch)

    async def _copy(self) -> None:
        source = await asyncpg.connect(self._dsn, server_settings={"lock_timeout": "5s"})
        try:
            if await queries.get_wal_level(source) != "logical":
                raise LogicalProblem("The running PostgreSQL does not write what a logical move needs. Restart the network once, then"
                                     " run the command again.")
            size = await get_size(source)
            require_space(self._directory.path, size + _SPARE, "A second copy of the database")
            self._progress.step("starting the new server")
            await self._start_target()
            self._progress.step("copying all tables")
            await queries.publish(source)
            target = await asyncpg.connect(self._target.dsn)
            try:
                await queries.subscribe(target, quoted_connection(host=str(Postgres(self._directory).socket_folder), dbname="folkmoot",
                                                                  user="folkmoot", password=self._directory.secret("postgres-password")))
                await self._await_copied(target)
                await queries.analyze(target)
            finally:
                await target.close()
        finally:
            await source.close()

    async def _start_target(self) -> None:
        """With the same password, because the server takes the place of the other one, and with the same schema."""
        self._next.prepare()
        self._next.write(self._next.path / "secrets" / "postgres-password", self._directory.secret("postgres-password").encode())
        self._target.start()
        await self._target.create_database()
        schema = self._next.path / "schema.sql"
        dump_schema(self._dsn, self._old_major, schema)
        target = await asyncpg.connect(self._target.dsn)
        try:
            await target.execute(_for_any_version(schema.read_text("utf-8")))
            await queries.grant_cache_rights(target)
        finally:
            await target.close()

    async def _await_copied(self, target: asyncpg.Connection) -> None:
        while (copied := await queries.get_copied(target)).ready < copied.tables or not copied.tables:
            if await queries.count_apply_errors(target):
                raise LogicalProblem("The new server could not store a row; %(log)s says which.", log=self._next.path / "postgres.log")
            await asyncio.sleep(0.1)

    async def _compare(self) -> None:
        """Both servers show the same moment, which lies in a hold that ends before they are read."""
        self._progress.step("comparing all tables")
        watcher = await asyncpg.connect(self._dsn)
        source = target = None
        try:
            async with write_gate.hold(self._dsn, _HOLD_SECONDS, drain=_DRAIN_SECONDS):
                source = await tables.connect(self._dsn)
                await queries.take_snapshot(source)
                await self._await_applied(watcher)
                target = await tables.connect(self._target.dsn)
                await queries.take_snapshot(target)
            self._compared = await tables.fingerprint(source, self._progress, left_out=())
            found = await tables.fingerprint(target, self._progress, left_out=())
        finally:
            for one in (watcher, source, target):
                if one:
                    one.terminate()
        if differences := tables.difference(self._compared, found):
            raise LogicalProblem("The new server differs: %(first)s. Nothing was changed.", first=differences[0])

    async def _await_applied(self, source: asyncpg.Connection) -> None:
        position, deadline = await queries.get_position(source), clock.monotonic() + _CATCH_UP_SECONDS
        while not await queries.is_applied(source, position):
            if clock.monotonic() > deadline:
                raise LogicalProblem("The new server did not catch up within %(seconds)d s, so the old one goes on. Try again when less is"
                                     " written.", seconds=_CATCH_UP_SECONDS)
            await asyncio.sleep(0.01)

    async def _finish(self) -> None:
        """Gives the new server what it still lacks, and fences the old one."""
        self._progress.step("changing over")
        epoch = self._epoch + 1
        source, target = await asyncpg.connect(self._dsn), await asyncpg.connect(self._target.dsn)
        try:
            await queries.checkpoint(source)
            await queries.checkpoint(target)
            self.held_at = clock.monotonic()
            async with write_gate.hold(self._dsn, _HOLD_SECONDS, drain=_DRAIN_SECONDS) as held:
                await self._await_applied(source)
                if await read_last_writes(source) != await read_last_writes(target):
                    raise LogicalProblem("The new server lacks the last writes. Nothing was changed; try again.")
                await queries.set_sequences(target, await queries.get_sequences(source))
                await queries.unsubscribe(target)
                await queries.set_epoch(target, epoch)
                await target.close()
                self._target.stop()
                self._next.write(self._next.path / _COMPLETE, str(epoch).encode())
                await self._await_readers(source)
                await held.raise_epoch(epoch)
                self._change_over(epoch)
        except BaseException:
            restarts.end(self._mark)
            raise
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

    def _change_over(self, epoch: int) -> None:
        """Orders the exchange, and stops the old server; the supervisor carries the order out when it starts it again."""
        order_swap(self._directory, SwapOrder(epoch, f"postgres.{self._old_major}-{epoch - 1}"))
        restarts.announce(self._mark)
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self._directory.path / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
