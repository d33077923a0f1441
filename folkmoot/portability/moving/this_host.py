"""What every order needs of this host: its id, its state, its journal, and one session of its database."""

import asyncio
import logging
import platform
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.base.driver_errors import LOST, UNREACHABLE, unavailable_of
from folkmoot.base.errors import Problem, Unavailable
from folkmoot.base.migrate import known
from folkmoot.base.write_gate import WITHOUT_STANDBY
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, ROLES, Host, HostState, Role
from folkmoot.portability.hosts.model import Roster
from folkmoot.portability.moving import queries
from folkmoot.portability.moving.journal import Journal
from folkmoot.portability.moving.model import DatabaseCondition, HostCondition
from folkmoot.portability.moving.rejoin import find_order

_log = logging.getLogger(__name__)
_ASK_SECONDS = 5.0


class Web(Protocol):
    """The web processes of this host."""

    async def is_running(self) -> bool:
        """Whether one of them answers."""

    async def is_forwarding(self, epoch: int) -> bool:
        """Whether a request to them is answered by the other host, which writes in this epoch or a later one."""


class ThisHost:
    """One per process. `id`: as the other host knows it. Without `web` its web processes are not asked."""

    def __init__(self, directory: DataDirectory, dsn: str, host_id: str, web: Web | None = None) -> None:
        self.directory = directory
        self.dsn = dsn
        self.id = host_id
        self.journal = Journal(directory)
        self._host = Host(directory.path)
        self._web = web
        self.find_addresses: Callable[[], list[str]] = list  # public ones, as the settings say
        self._session: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()  # for the session: one statement at a time

    @property
    def state(self) -> HostState:
        return self._host.state

    def change_state(self, **changes: object) -> HostState:
        """Writes `host.json`; when this returns the change survives a power failure, and nothing was done before it.

        Raises Conflict for a change of role that no lifecycle has.
        """
        before = self.state
        after = msgspec.structs.replace(before, **changes)
        if after.role != before.role:
            ROLES.step(before.role, after.role)
        self.journal.on_reserve(lambda: self.directory.write(self.directory.host_file, msgspec.json.encode(after)))
        _log.warning("This host was %s in epoch %d and is %s in epoch %d now.", before.role, before.epoch, after.role, after.epoch)
        return after

    def fence_against(self, epoch: int, by: str) -> None:
        """A host that learns of a higher epoch of the host `by` remembers it. A primary stops writing at once: that one was promoted."""
        with self.journal.deciding():
            state = self.state
            if epoch <= state.highest:
                return
            if state.role in (PRIMARY, RETURNING):
                self.change_state(role=FENCED, to=by, move="", seen=epoch)
                self.journal.append("", FENCED, "decision", "fenced", epoch=epoch, by=by)
            else:
                self.change_state(seen=epoch)

    def leave(self, roster: Roster) -> None:
        """The operator has signed a roster without this host. A primary stops writing at once."""
        with self.journal.deciding():
            state = self.state
            if state.role in (PRIMARY, RETURNING):
                self.change_state(role=FENCED, to="", move="", seen=max(state.seen, state.epoch + 1, roster.epoch))
                self.journal.append("", FENCED, "decision", "fenced", roster=roster.number)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """The session of this process for moves, kept open because a move is in a hurry. Raises Unavailable."""
        async with self._turn:
            if self._session is None or self._session.is_closed():
                try:
                    self._session = await asyncpg.connect(
                        self.dsn, timeout=_ASK_SECONDS, command_timeout=30,
                        server_settings={"application_name": "folkmoot move", **WITHOUT_STANDBY},
                    )
                except (*UNREACHABLE, TimeoutError) as error:
                    raise Unavailable(log_text=f"database: {error!r}") from error
            try:
                yield self._session
            except Exception as error:
                if unavailable := unavailable_of(error, is_closed=self._session.is_closed()):
                    raise unavailable from error
                raise

    async def condition(self) -> HostCondition:
        state = self.state
        order = find_order(self.directory)
        database, is_web_running, is_forwarding = await asyncio.gather(self._database(), self._is_web_running(), self._is_forwarding(state))
        return HostCondition(
            host=self.id, role=Role(state.role), epoch=state.epoch, to=state.to, move=state.move, database=database,
            schema=known()[-1].number, machine=platform.machine(), free_bytes=_free_bytes(self.directory.path), now=clock.now(),
            is_web_running=is_web_running, is_forwarding=is_forwarding, rejoining=order.sentence if order else "",
            addresses=self.find_addresses(),
        )

    async def close(self) -> None:
        if self._session:
            with suppress(*LOST, TimeoutError):
                await self._session.close(timeout=2)

    async def _is_web_running(self) -> bool:
        return self._web is None or await self._web.is_running()

    async def _is_forwarding(self, state: HostState) -> bool | None:
        return await self._web.is_forwarding(state.epoch + 1) if self._web and state.role == FENCED else None

    async def _database(self) -> DatabaseCondition | None:
        try:
            async with self.session() as session:
                return await queries.read_database(session)
        except (Problem, asyncpg.PostgresError) as error:
            _log.info("The database does not answer: %s", error)
            return None


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
