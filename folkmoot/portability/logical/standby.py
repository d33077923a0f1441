"""A standby that follows by a subscription: what it does in a move that a physical one gets with the log (decision 0079).

The rows arrive, and with them the epoch that fences the old host. The positions of sequences do not; they are fetched when the old host
is fenced, before this one accepts to take over. Then the subscription ends.
"""

from urllib.parse import quote

import asyncpg

from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.sockets import peer_socket_folder
from folkmoot.portability.logical import queries
from folkmoot.portability.logical.copy import LogicalProblem
from folkmoot.portability.postgres_settings import LOGICAL

_SECONDS = 3.0  # for an answer: writes may be held


def is_logical(directory: DataDirectory) -> bool:
    """Whether the database of this host follows by a subscription."""
    return (directory.path / "postgres" / LOGICAL).exists()


def source_dsn(directory: DataDirectory) -> str:
    """The database of the peer, through the channel. Both hosts have the same password."""
    password = directory.secret("postgres-password")
    return f"postgresql://folkmoot:{password}@/folkmoot?host={quote(str(peer_socket_folder(directory)))}"


class LogicalStandby:
    """One per process. Each method does nothing if the database is that of a physical standby."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._source: asyncpg.Connection | None = None  # opened before the pause
        self._completed = ""  # the last fence

    async def prepare(self, session: asyncpg.Connection) -> None:
        """Before writes are held. Raises LogicalProblem if the schema of the primary is not the one that was copied."""
        if not await queries.is_subscribed(session):
            return
        source = await self._connected()
        if await queries.get_columns(session) != await queries.get_columns(source):
            raise LogicalProblem("The tables of the primary were changed after this host had copied them. On this host run: moot standby"
                                 " --again")

    async def complete(self, session: asyncpg.Connection, fence: str) -> None:
        """The old host is fenced, and this one has its last row. Can be repeated, and does no harm if the move is undone.

        `fence`: names the fence, after which the sequences stand still: they are fetched once, because writes wait.
        """
        if fence != self._completed and await queries.is_subscribed(session):
            await queries.set_sequences(session, await queries.get_sequences(await self._connected()))
            await queries.empty_caches(session)
            self._completed = fence

    async def part(self, session: asyncpg.Connection) -> None:
        """This host takes over: it follows nobody any more."""
        await queries.unsubscribe(session)
        (self._directory.path / "postgres" / LOGICAL).unlink(missing_ok=True)
        if self._source:
            self._source.terminate()

    async def _connected(self) -> asyncpg.Connection:
        if self._source is None or self._source.is_closed():
            try:
                self._source = await asyncpg.connect(source_dsn(self._directory), timeout=_SECONDS, command_timeout=_SECONDS)
            except (*UNREACHABLE, TimeoutError) as error:
                raise LogicalProblem("The database of the other host does not answer.", log_text=repr(error)) from error
        return self._source
