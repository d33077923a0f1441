"""A network for a simulation, on a database that is thrown away, in a process of its own; and several of them at once.

The database is PostgreSQL as a network has it, except that it need not survive a crash. It is never that of a network.
"""

import asyncio
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.migrate import migrate
from folkmoot.config import Settings
from folkmoot.moderation.jury.synthetic import World
from folkmoot.moderation.simulation.results import Played

_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_LOOKS_EVERY = 0.5  # seconds, of the process that shows the progress
_counts: Any = None  # in a process that plays: how many cases of each network are decided
_end: Any = None  # in a process that plays: set when it is to stop


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One network to play. `number`: among all, for the progress."""

    number: int
    world: World
    seed: int


def play_all(tasks: Sequence[Task], tell: Callable[[int], None]) -> list[Played]:
    """Plays each network in a process, as many at once as there are processors. `tell` hears how many cases are decided in all.

    An interruption, or the failure of one network, ends all of them, and their databases are removed first.
    """
    context = multiprocessing.get_context("spawn")
    counts, end = context.Array("i", max(1, len(tasks))), context.Event()
    workers = max(1, min(len(tasks), os.cpu_count() or 1))
    with ProcessPoolExecutor(workers, context, _remember, (counts, end)) as pool:
        futures: list[Future[bytes]] = [pool.submit(_play, msgspec.msgpack.encode(task)) for task in tasks]
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, _LOOKS_EVERY, FIRST_COMPLETED)
                for future in done:
                    future.result()
                tell(sum(counts[:]))
        except BaseException:
            end.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [msgspec.msgpack.decode(future.result(), type=Played) for future in futures]


@contextmanager
def throw_away_settings(secret: bytes) -> Iterator[Settings]:
    """The settings of an empty network with a running, migrated database, which is removed at the end."""
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.postgres import Postgres

    with tempfile.TemporaryDirectory(prefix="folkmoot-simulation-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user if root has started it
        data = DataDirectory(Path(folder) / "data")
        data.prepare()
        server = Postgres(data, configuration=_NOT_DURABLE)
        server.start()
        try:
            asyncio.run(server.create_database())
            asyncio.run(migrate(server.dsn))
            yield Settings(data=data.path, dsn=server.dsn, secret=secret)
        finally:
            server.stop()


def _remember(counts: Any, end: Any) -> None:
    """An interruption from the keyboard reaches all processes; in one of the pool it would leave the others waiting for ever."""
    global _counts, _end
    _counts, _end = counts, end
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _play(order: bytes) -> bytes:
    task = msgspec.msgpack.decode(order, type=Task)
    with throw_away_settings(f"simulation {task.seed}".encode()) as settings:
        return msgspec.msgpack.encode(asyncio.run(_run(settings, task)))


async def _run(settings: Settings, task: Task) -> Played:
    from folkmoot.moderation.simulation.course import Course

    def note(decided: int) -> None:
        if _end.is_set():
            raise asyncio.CancelledError
        _counts[task.number] = decided

    database = await Database.open(settings.dsn, listen=False)
    try:
        with clock.drawn_from(f"simulation {task.seed}"):
            return await Course(database, settings, task.world, task.seed, note).run()
    finally:
        await database.close()
