"""One host of a move as a process of its own, for tests that kill it: `python -m tests.portability.mover ROLE HERE THERE [POINT]`.

ROLE `answer`: answers the messages of the other host, one line of JSON each, on a socket in its data directory. ROLE `drive`:
drives the move. ROLE `failover`: takes over, whatever becomes of the other host. POINT, such as `before fenced` or `after
move.promote`, is where the process kills itself: around the action of a step if it drives, around the answer to a message if it
answers. `within fence` and `within promote` are points inside the steps of a failover.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover import driver as failover_driver
from folkmoot.portability.failover.assembly import AnsweringHost
from folkmoot.portability.failover.assembly import handlers_of as failover_handlers
from folkmoot.portability.failover.standing import stand_handler
from folkmoot.portability.hosts.messages import Ask, Handler
from folkmoot.portability.moving import promotion
from folkmoot.portability.moving.driver import drive, look_at
from folkmoot.portability.moving.model import Options
from folkmoot.portability.moving.sides import OtherHost, OwnHost, handlers_of
from folkmoot.portability.moving.steps import STEPS
from folkmoot.portability.moving.table import Step
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_settings import slot_of

QUICK = Options(steady=0.1, wait=10, reverse=60)
_ANSWER_SECONDS = 20.0  # at least: a busy machine is not one that does not answer
Work = Callable[[Any], Awaitable[Any]]


def socket_of(data: Path) -> Path:
    return Postgres(DataDirectory(data)).socket_folder / "agent"


def own_host(here: Path, there: Path) -> OwnHost:
    data, other = DataDirectory(here), Postgres(DataDirectory(there))

    async def prepare() -> Path:
        await make_slot(other.dsn, slot_of(here.name))
        return other.socket_folder

    return OwnHost(ThisHost(data, Postgres(data).dsn, here.name), prepare)


async def make_slot(dsn: str, name: str) -> None:
    """As the other host does when it is asked to prepare for a standby."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", name)
    await connection.execute("SELECT pg_create_physical_replication_slot($1, true)", name)
    await connection.close()


def other_host(there: Path) -> OtherHost:
    return OtherHost(asking(there))


def asking(there: Path) -> Ask:
    """Asks the process that answers for a host."""
    async def ask(name: str, content: msgspec.Struct, answer: type[Any], *, seconds: float = 5) -> Any:
        try:
            async with asyncio.timeout(max(seconds, _ANSWER_SECONDS)):
                reader, writer = await asyncio.open_unix_connection(str(socket_of(there)), limit=2**20)
                writer.write(msgspec.json.encode({"name": name, "content": content}) + b"\n")
                line = await reader.readline()
                writer.close()
        except OSError as error:  # also TimeoutError
            raise Problem("The other host does not answer.") from error
        if not line:
            raise Problem("The other host ended while it answered.")
        said = msgspec.json.decode(line)
        if "problem" in said:
            raise Problem(said["problem"].replace("%", "%%"))
        return msgspec.convert(said["answer"], answer)

    return ask


def deadly(name: str, point: str, work: Work) -> Work:
    """`work`, which kills this process before or after it if that is the point."""
    async def killing(content: Any) -> Any:
        if point == f"before {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await work(content)
        if point == f"after {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return killing


def killed(*_: object, **__: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly_steps(point: str, steps: Sequence[Step[Any]]) -> list[Step[Any]]:
    return [replace(step, act=deadly(step.state.value, point, step.act)) for step in steps]


async def answer(own: OwnHost, socket: Path, point: str) -> None:
    messages = {
        message.name: Handler(message.name, message.content, deadly(message.name, point, message.answer))
        for message in [*handlers_of(own), *failover_handlers(own.this), stand_handler(own.this.directory)]
    }

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = msgspec.json.decode(await reader.readline())
        message = messages[said["name"]]
        try:
            reply: Any = {"answer": await message.answer(msgspec.convert(said["content"], message.content))}
        except Problem as problem:
            reply = {"problem": problem.message % problem.params if problem.params else problem.message}
        writer.write(msgspec.json.encode(reply) + b"\n")
        writer.close()

    server = await asyncio.start_unix_server(serve, str(socket), limit=2**20)
    async with server:
        sys.stdout.write("answering\n")
        sys.stdout.flush()
        await server.serve_forever()


async def main(role: str, here: Path, there: Path, point: str = "") -> None:
    own = own_host(here, there)
    if role == "answer":
        socket_of(here).unlink(missing_ok=True)
        await answer(own, socket_of(here), point)
    elif role == "drive":
        move = await look_at(own, other_host(there), QUICK)
        await drive(move, own.this.journal, steps=deadly_steps(point, STEPS))
    else:
        failover_driver._CATCH_UP_SECONDS = 60  # on a busy machine
        failover = failover_driver.Failover(
            own, AnsweringHost(asking(there)), there.name, failover_driver.Statements(accepts_loss=True)
        )
        await failover_driver.look(failover)
        if point == "within fence":  # the journal says that this host has accepted, and host.json does not yet
            own.this.change_state = killed  # type: ignore[method-assign]
        if point == "within promote":  # PostgreSQL is promoted, and nothing is written yet
            promotion.queries.insert_move = killed  # type: ignore[assignment]
        await failover_driver.drive(failover, steps=deadly_steps(point, failover_driver.STEPS))


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:]))
    except Problem as problem:
        sys.exit(problem.message % problem.params if problem.params else problem.message)
