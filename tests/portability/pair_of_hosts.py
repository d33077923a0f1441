"""Two hosts of one network on this machine, each with its data directory and its PostgreSQL, for tests of moves.

The second host replicates the first over its socket. The pair is made once per process and copied for each test. Messages
between the hosts are encoded as on the wire and given to the handlers of the other one.
"""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Problem
from folkmoot.base.migrate import migrate
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover.assembly import handlers_of as failover_handlers
from folkmoot.portability.failover.standing import stand_handler
from folkmoot.portability.host import PRIMARY, Host, HostState
from folkmoot.portability.moving.model import Order
from folkmoot.portability.moving.rejoin import RejoinOrder, rejoin_if_ordered
from folkmoot.portability.moving.sides import OtherHost, OwnHost, handlers_of
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import find_binaries
from folkmoot.portability.postgres_settings import REPLICATION_SECRET, slot_of
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.standby import binding
from folkmoot.portability.standby.model import Facts
from folkmoot.portability.standby.queries import make_replication_role
from folkmoot.portability.standby.seeding import seed
from tests.conftest import UNSAFE_BUT_FAST, new_open_folder
from tests.portability.mover import make_slot
from tests.portability.standby import caught_up, make_standby
from tests.waiting import SECONDS

log = logging.getLogger(__name__)
_STARTER = ThreadPoolExecutor(2)  # its threads stay, because a server ends with the thread that started it
_FACTS = Facts(
    network="", address="", folkmoot="", schema=0, postgresql=0, machine="", epoch=0, database_bytes=1, media=0, media_bytes=0
)
FAST = {**UNSAFE_BUT_FAST, "wal_keep_size": "'128MB'", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass
class OneHost:
    """A host: its folder and server, and its answers to messages."""

    name: str
    data: DataDirectory
    server: Postgres
    is_cut: bool = False  # whether messages to it are lost
    peer: "OneHost | None" = None
    copies: int = 0  # how often its server was copied anew
    own: OwnHost = field(init=False)

    def __post_init__(self) -> None:
        self._begin()

    async def restart(self) -> None:
        """A new process: nothing is remembered but what is on the disk, and no session is left."""
        await self.own.release(Order(""))
        await self.own.this.close()
        self._begin()

    def _begin(self) -> None:
        self.own = OwnHost(ThisHost(self.data, self.server.dsn, self.name), self._prepare)

    async def _prepare(self) -> Path:
        assert self.peer
        await make_slot(self.peer.server.dsn, slot_of(self.name))
        return self.peer.server.socket_folder

    async def supervise(self) -> None:
        """Starts the server again when it has ended, as `moot up` does."""
        while True:
            if not self.server.is_running:
                try:
                    await asyncio.get_running_loop().run_in_executor(_STARTER, self.start)
                except Problem as problem:
                    log.warning("%s", problem.params)
            await asyncio.sleep(0.05)

    def start(self) -> None:
        """Like `moot up`. A standby reaches its primary directly, not through the channel."""
        assert self.peer
        rejoin_if_ordered(self.data, self.copy)
        self.server = Postgres(self.data, configuration={
            **FAST, "primary_conninfo": f"'{connection_to(self.peer.server)} application_name={slot_of(self.name)}'",
            "primary_slot_name": f"'{slot_of(self.name)}'",
        })
        self.server.start()

    def copy(self, order: RejoinOrder) -> int:
        """Copies the server of the other host anew, as the process that rejoins does."""
        assert self.peer
        asyncio.run(_allow_copies(self.peer.server.dsn, self.data.secret(REPLICATION_SECRET)))
        asyncio.run(make_slot(self.peer.server.dsn, slot_of(self.name)))
        seed(self.data, find_binaries(), Path(order.socket_folder), _FACTS, NoProgress())
        self.copies += 1
        return self.peer.state.epoch

    @property
    def state(self) -> HostState:
        return Host(self.data.path).state

    @property
    def other(self) -> OtherHost:
        """This host, as the other one sees it."""
        return OtherHost(self.ask)

    async def ask(self, name: str, content: msgspec.Struct, answer: type[Any], *, seconds: float = 5) -> Any:
        if self.is_cut:
            raise Problem("The other host does not answer.")
        handlers = [*handlers_of(self.own), *failover_handlers(self.own.this), *binding.handlers_of(self.data), stand_handler(self.data)]
        message = next(one for one in handlers if one.name == name)
        decoded = msgspec.json.decode(msgspec.json.encode(content), type=message.content)
        async with asyncio.timeout(max(seconds, SECONDS)):  # a busy machine is not one that does not answer
            return msgspec.json.decode(msgspec.json.encode(await message.answer(decoded)), type=answer)


@dataclass
class Pair:
    """`old` is the primary at the start of a test. The two exchange these names when the other one has become the primary."""

    old: OneHost
    new: OneHost

    @property
    def hosts(self) -> list[OneHost]:
        return [self.old, self.new]


class Writer:
    """Writes through the gate of a host, and remembers what was acknowledged."""

    def __init__(self, host: OneHost) -> None:
        self._host = host
        self.acknowledged: list[str] = []

    async def write(self, *, uncommitted: asyncio.Event | None = None) -> bool:
        """Whether the host accepted the write. `uncommitted`: the commit waits for it."""
        key = f"{self._host.name} {clock.token(6)}"
        epoch = Host(self._host.data.path).writing_epoch
        try:
            database = await Database.open(self._host.server.dsn, epoch=epoch, readers=1, writers=1, listen=False)
        except Problem:
            return False
        try:
            async with database.write() as tx:
                await tx.execute("INSERT INTO hashtags (key, name) VALUES ($1, $1)", key)
                if uncommitted:
                    await uncommitted.wait()
            self.acknowledged.append(key)
            return True
        except (Problem, asyncpg.PostgresError):
            return False
        finally:
            await database.close()


async def names_on(host: OneHost) -> set[str]:
    """What was written, as this host has it."""
    async with host.own.this.session() as session:
        return {row["name"] for row in await session.fetch("SELECT name FROM hashtags")}


@contextmanager
def running_pair() -> Iterator[Pair]:
    """For the tests of a module: starting two servers takes seconds."""
    with new_open_folder() as template, new_open_folder() as folder:
        pair = make_pair(template, folder)
        yield pair
        pair.new.server.stop()
        pair.old.server.stop()


@asynccontextmanager
async def supervised(pair: Pair, make_well: Callable[[Pair], Awaitable[None]]) -> AsyncIterator[Pair]:
    """The pair for one test, with fresh processes; `old` is the primary. Afterwards `make_well` leaves a primary and its standby."""
    if pair.new.state.role == PRIMARY:
        pair.old, pair.new = pair.new, pair.old
    tasks = [asyncio.create_task(host.supervise()) for host in pair.hosts]
    for host in pair.hosts:
        host.is_cut = False
        host._begin()
    yield pair
    await make_well(pair)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for host in pair.hosts:
        await host.own.this.close()


def make_pair(template: Path, folder: Path) -> Pair:
    """A running copy of the pair in `template`, which is made first if it does not exist."""
    if not (template / "new" / "host.json").exists():
        _make_template(template)
    servers = []
    for name in ("old", "new"):
        shutil.copytree(template / name, folder / name, symlinks=True)
        data = DataDirectory(folder / name)
        _give_to_owner(data)
        servers.append(OneHost(name, data, Postgres(data, configuration=FAST)))
    old, new = servers
    old.peer, new.peer = new, old
    old.start()
    asyncio.run(make_slot(old.server.dsn, slot_of(new.name)))
    new.start()
    return Pair(old, new)


def connection_to(server: Postgres) -> str:
    return f"host={server.socket_folder} user=folkmoot password={server._data.secret('postgres-password')}"


def _make_template(template: Path) -> None:
    data = DataDirectory(template / "old")
    data.prepare()
    server = Postgres(data, configuration=FAST)
    server.start()
    asyncio.run(_create(server))
    there, standby = make_standby(server.dsn, data.path / "secrets", template / "new", FAST)
    standby.start()
    asyncio.run(caught_up(server.dsn, standby.dsn))
    standby.stop()
    server.stop()
    (there.path / "postgres" / "postgresql.auto.conf").write_text("")


async def _create(server: Postgres) -> None:
    await server.create_database()
    await migrate(server.dsn)


async def _allow_copies(dsn: str, password: str) -> None:
    connection = await asyncpg.connect(dsn)
    await make_replication_role(connection, password)
    await connection.close()


def _give_to_owner(data: DataDirectory) -> None:
    if data.owner:
        for path in [data.path, *data.path.rglob("*")]:
            data.set_owner(path)
