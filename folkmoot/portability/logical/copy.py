"""Copies a running database to another server by logical replication while members write, and compares both.

The other server may have another major version, or another architecture: it gets the schema as SQL and the rows as values.
"""

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

from folkmoot.base import clock, write_gate
from folkmoot.base.errors import Problem
from folkmoot.portability import tables
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import dump_schema, require_space
from folkmoot.portability.logical import queries
from folkmoot.portability.moving.queries import get_size
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import Binaries
from folkmoot.portability.postgres_settings import quoted_connection
from folkmoot.portability.progress import Progress

HOLD_SECONDS, DRAIN_SECONDS = 10.0, 3.0
_CATCH_UP_SECONDS = 4.0  # of a hold
_WORKERS = {"max_worker_processes": "16", "max_logical_replication_workers": "8", "max_sync_workers_per_subscription": "4"}
_SPARE = 512 * 2**20
_LEFT_OUT = ("SET transaction_timeout", "\\restrict", "\\unrestrict")  # what an older server does not know, and what is meant for psql


class LogicalProblem(Problem):
    """A logical copy or move is impossible, or failed before anything was changed."""

    code = "logical"


@dataclass(frozen=True)
class Source:
    """The database that is copied. `dsn` is for this process, `folder` (of its socket) for the new server."""

    dsn: str
    folder: str
    password: str
    major: int
    slot: str = queries.NAME

    @property
    def connection(self) -> str:
        return quoted_connection(
            host=self.folder, dbname="folkmoot", user="folkmoot", password=self.password, application_name=self.slot, connect_timeout="10"
        )


class LogicalCopy:
    """`home`: the data directory of the new server while it is made."""

    def __init__(self, source: Source, home: DataDirectory, binaries: Binaries, progress: Progress) -> None:
        self.source = source
        self.server = Postgres(home, binaries, _WORKERS)
        self._home = home
        self._progress = progress

    async def clear(self) -> None:
        """Removes what an earlier copy has left on both sides. Its server ends first, which a killed command leaves for a moment."""
        if self._home.path.exists():
            with suppress(FileNotFoundError), self._home.server_lock():
                pass
            shutil.rmtree(self._home.path)
        source = await self._connect()
        try:
            await queries.unpublish(source, self.source.slot)
        finally:
            await source.close()

    async def start(self) -> None:
        """Starts the new server with the same password, because it takes the place of the other one, and with the same schema."""
        source = await self._connect()
        try:
            if await queries.get_wal_level(source) != "logical":
                raise LogicalProblem("The running PostgreSQL does not write what a logical copy needs. Restart its network once, then"
                                     " run the command again.")
            require_space(self._home.path, await get_size(source) + _SPARE, "A copy of the database")
        finally:
            await source.close()
        self._home.prepare()
        self._home.write(self._home.path / "secrets" / "postgres-password", self.source.password.encode())
        self.server.start()
        await self.server.create_database()
        schema = self._home.path / "schema.sql"
        dump_schema(self.source.dsn, self.source.major, schema)
        target = await asyncpg.connect(self.server.dsn)
        try:
            lines = schema.read_text("utf-8").splitlines()
            await target.execute("\n".join(line for line in lines if not line.startswith(_LEFT_OUT)))
            await queries.grant_cache_rights(target)
        finally:
            await target.close()

    async def copy(self) -> None:
        """Subscribes to all tables, and returns when the new server has them and follows."""
        source = await self._connect()
        try:
            await queries.publish(source)
            system = await queries.get_system(source)
        finally:
            await source.close()
        target = await asyncpg.connect(self.server.dsn)
        try:
            await queries.subscribe(target, self.source.connection, self.source.slot, system)
            while (copied := await queries.get_copied(target)).ready < copied.tables or not copied.tables:
                if await queries.count_apply_errors(target):
                    raise LogicalProblem("The new server could not store a row; %(log)s says which.", log=self._home.path / "postgres.log")
                await asyncio.sleep(0.1)
            await queries.analyze(target)
        finally:
            await target.close()

    async def compare(self) -> dict[str, tables.Table]:
        """Both servers show the same moment, which lies in a hold that ends before they are read. Raises LogicalProblem."""
        watcher = await self._connect()
        source = target = None
        try:
            async with write_gate.hold(self.source.dsn, HOLD_SECONDS, drain=DRAIN_SECONDS):
                source = await tables.connect(self.source.dsn)
                await queries.take_snapshot(source)
                await self.await_applied(watcher)
                target = await tables.connect(self.server.dsn)
                await queries.take_snapshot(target)
            expected = await tables.fingerprint(source, self._progress, left_out=())
            found = await tables.fingerprint(target, self._progress, left_out=())
        finally:
            for one in (watcher, source, target):
                if one:
                    one.terminate()
        if differences := tables.difference(expected, found):
            raise LogicalProblem("The new server differs: %(first)s. Nothing was changed.", first=differences[0])
        return expected

    async def await_applied(self, source: asyncpg.Connection) -> None:
        """Waits, while writes are held, until the new server has stored everything."""
        position, deadline = await queries.get_position(source), clock.monotonic() + _CATCH_UP_SECONDS
        while not await queries.is_applied(source, self.source.slot, position):
            if clock.monotonic() > deadline:
                raise LogicalProblem("The new server did not catch up within %(seconds)d s, so the old one goes on. Try again when less is"
                                     " written.", seconds=_CATCH_UP_SECONDS)
            await asyncio.sleep(0.01)

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.source.dsn, server_settings={"lock_timeout": "5s"})
