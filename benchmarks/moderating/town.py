"""A database with members, moderators and posts, but without a running network: its jobs and timers run when a simulated
clock says so."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.base.migrate import migrate
from folkmoot.base.queue.queries import retry_jobs
from folkmoot.config import Settings
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import get_login
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from tests.village import Village, settings_for, settle

_AT_ONCE = 8  # accounts
_MEMBERS_FOR = timedelta(days=60)  # reports of new accounts weigh less together (decision 0100)
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Town(Village):
    """Accounts are made by the real action. Posts are inserted with SQL, because it is not their way that is measured."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(database, settings)
        self.moderators: list[Viewer] = []

    async def members(self, prefix: str, count: int) -> list[Account]:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> Account:
            async with room:
                return await settle(self.database, f"{prefix}_{number:04d}")

        with clock.stopped_at(clock.now() - _MEMBERS_FOR):
            return list(await asyncio.gather(*map(one, range(count))))

    async def appoint(self, count: int) -> None:
        for number in range(count):
            account = await settle(self.database, f"moderator_{number:02d}", Role.MODERATOR)
            async with self.database.read() as conn:
                self.moderators.append(Viewer(account=account, login=await get_login(conn, account.id)))

    async def post(self, authors: Sequence[Account], moments: Sequence[datetime]) -> list[int]:
        """Inserts one public post for each moment, by the authors in turn; returns the ids."""
        rows = []
        for number, begins in enumerate(moments):
            author = authors[number % len(authors)]
            moment = begins + timedelta(milliseconds=number // len(authors))  # a millisecond has few ids for each author
            rows.append((ids.make_id(ids.shard_of(author.id), moment), author.id, f"Zpráva číslo {number} o návsi a lidech na ní.", moment))
        async with self.database.write() as tx:
            await tx.execute(
                "INSERT INTO posts (id, account_id, conversation_id, visibility, text, html, created_at)"
                f" SELECT id, account_id, id, {Visibility.PUBLIC:d}, text, text, created_at"
                " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[]) AS one (id, account_id, text, created_at)",
                *map(list, zip(*rows, strict=True)),
            )
        return [row[0] for row in rows]

    async def work_later(self) -> None:
        """Makes delayed jobs due, and runs all jobs."""
        async with self.database.write() as tx:
            await retry_jobs(tx, later_too=True)
        await self.work()

    async def analyze(self) -> None:
        """Collects the statistics of the planner, as autovacuum does within minutes; simulated days pass in seconds."""
        async with self.database.write() as tx:
            await tx.execute("ANALYZE")


@contextlib.asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """A new, empty database, which need not survive a crash: simulated days measure decisions, not disks."""
    with tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240
        data = DataDirectory(Path(folder) / "data")
        data.prepare()
        server = Postgres(data, configuration=_NOT_DURABLE)
        server.start()
        try:
            dsn = server.dsn_of("postgres")
            await migrate(dsn)
            database = await Database.open(dsn)
            yield Town(database, settings_for(data.path, dsn))
            await database.close()
        finally:
            server.stop()


def spread(start: datetime, over: timedelta, count: int) -> list[datetime]:
    """`count` moments at equal distances."""
    return [start + over * (number / count) for number in range(count)]
