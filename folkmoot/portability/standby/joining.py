"""Makes this host a standby of its paired primary, from nothing or anew: checks, preparation, database, pictures.

The database follows the primary from the moment that its copy is complete, also while pictures are still copied; else a
long copy could need more WAL than the slot may keep. Each step can be repeated, so the same command goes on after a kill.
"""

import asyncio
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec
import uvloop

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import JOURNAL_END, DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, Host, HostState
from folkmoot.portability.hosts.client import PeerClient
from folkmoot.portability.hosts.messages import PeerUnreachable
from folkmoot.portability.logical.seeding import seed_logically
from folkmoot.portability.offsite.coming import keep_of_primary
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import available_majors, find_binaries, find_binaries_of
from folkmoot.portability.postgres_settings import LOGICAL, SIGNAL
from folkmoot.portability.progress import Progress
from folkmoot.portability.standby.answers import DESCRIBE, PREPARE
from folkmoot.portability.standby.media import MediaCopy
from folkmoot.portability.standby.model import Facts, Nothing, Prepared
from folkmoot.portability.standby.seeding import check, require_room, seed
from folkmoot.portability.standby.sharing import install_secrets, install_settings
from folkmoot.portability.synchronous import forget_bound

_PREPARE_SECONDS = 30.0
_MEDIA_AT_ONCE = 4
_RETRY = 3.0


class JoiningProblem(Problem):
    """This host cannot become a standby."""

    code = "joining"


@dataclass(frozen=True)
class Joined:
    """What was copied. `files`: of the database, 0 if it was complete before. `lacking`: pictures that the primary lacks too.

    `tables`: that were compared, if rows were copied instead of files.
    """

    facts: Facts
    files: int
    tables: int
    lacking: int
    seconds: float


def is_replaced_by(directory: DataDirectory, facts: Facts) -> bool:
    """Whether this host was a primary, and the one that said this became it in a higher epoch. Changes nothing."""
    host = Host(directory.path)
    return (directory.path / "postgres").exists() and host.role in (PRIMARY, RETURNING, FENCED) and host.epoch < facts.epoch


def require_no_primary(directory: DataDirectory) -> None:
    """Raises JoiningProblem if this data directory contains a network of its own, which a copy would replace."""
    if (directory.path / "postgres").exists() and Host(directory.path).role == PRIMARY:
        raise JoiningProblem(
            "%(path)s contains a network whose primary this host is. A standby would replace it. Name an empty folder with --data.",
            path=directory.path,
        )


def is_complete(directory: DataDirectory) -> bool:
    """Whether a copy of the primary is in place."""
    return any((directory.path / "postgres" / mark).exists() for mark in (SIGNAL, LOGICAL))


async def ask_primary(directory: DataDirectory, connect: Callable[[], PeerClient]) -> Facts:
    """What the primary says about itself. Raises a Problem if it is none, or an older one."""
    async with connect() as client:
        facts = await client(DESCRIBE, Nothing(), Facts, seconds=_PREPARE_SECONDS)
    if facts.epoch < (epoch := Host(directory.path).epoch):
        raise JoiningProblem(
            "The other host is the primary of epoch %(theirs)d, but this host has seen epoch %(ours)d. It must not follow an older"
            " primary: find the current one, and see moot status on both.", theirs=facts.epoch, ours=epoch,
        )
    return facts


async def describe(directory: DataDirectory, connect: Callable[[], PeerClient]) -> Facts:
    """What the primary says about itself. Raises a Problem if this host cannot follow its log."""
    facts = await ask_primary(directory, connect)
    check(facts, directory.path)
    return facts


async def plan(directory: DataDirectory, connect: Callable[[], PeerClient], *, wants_rows: bool = False) -> tuple[Facts, bool]:
    """What the primary says about itself, and whether rows are copied: if the two hosts are not alike, or if that is wanted.

    Raises a Problem if this host cannot follow it.
    """
    facts = await ask_primary(directory, connect)
    if wants_rows or not is_alike(facts):
        require_room(facts, directory.path)
        return facts, True
    check(facts, directory.path)
    return facts, False


def is_alike(facts: Facts) -> bool:
    """Whether a server of this host can use the files of the primary's."""
    return facts.machine == platform.machine() and facts.postgresql in available_majors()


def copy_database(
    directory: DataDirectory, connect: Callable[[], PeerClient], socket_folder: Path, facts: Facts, progress: Progress
) -> int:
    """Copies the server of the primary, with its secrets and settings; returns the number of files. Pictures stay as they are."""
    _prepare(directory, connect)
    return seed(directory, find_binaries_of(facts.postgresql), socket_folder, facts, progress)


def copy_rows(
    directory: DataDirectory, connect: Callable[[], PeerClient], socket_folder: Path, facts: Facts, progress: Progress
) -> int:
    """The same for a server of another kind, the newest one of this host; returns the number of tables."""
    slot = _prepare(directory, connect).slot
    return len(seed_logically(directory, find_binaries(), socket_folder, facts.postgresql, slot, progress))


def follow_primary(
    directory: DataDirectory, connect: Callable[[], PeerClient], socket_folder: Path, progress: Progress, *, again: bool = False,
    wants_rows: bool = False,
) -> Joined:
    """`socket_folder`: where the primary's PostgreSQL is reached. `again`: a complete database is replaced too. `wants_rows`: also
    from a primary that is alike.

    Returns with the server stopped. Raises a Problem with one sentence; the same command goes on.
    """
    began = clock.monotonic()
    facts, is_by_rows = asyncio.run(plan(directory, connect, wants_rows=wants_rows))
    files = tables = 0
    if again or not is_complete(directory):
        if not again:  # a host that joins anew has the journal of its primary, whatever it was before
            (directory.path / JOURNAL_END).unlink(missing_ok=True)
        directory.write(directory.host_file, msgspec.json.encode(HostState(role=STANDBY, epoch=facts.epoch)))
        if is_by_rows:
            tables = copy_rows(directory, connect, socket_folder, facts, progress)
        else:
            files = copy_database(directory, connect, socket_folder, facts, progress)
    server = Postgres(directory)
    progress.step("starting PostgreSQL")
    server.start()
    try:
        lacking = _copy_media(directory, server.dsn, connect, progress)
    finally:
        server.stop()
    return Joined(facts, files, tables, lacking, clock.monotonic() - began)


def _prepare(directory: DataDirectory, connect: Callable[[], PeerClient]) -> Prepared:
    """Asks the primary for a slot, and takes over its secrets and settings."""
    async def ask() -> Prepared:
        async with connect() as client:
            return await client(PREPARE, Nothing(), Prepared, seconds=_PREPARE_SECONDS)

    forget_bound(directory)  # before the primary hears of it
    prepared = asyncio.run(ask())
    install_secrets(directory, prepared.secrets)
    install_settings(directory, prepared.settings)
    keep_of_primary(directory, prepared.pictures)
    return prepared


def _copy_media(directory: DataDirectory, dsn: str, connect: Callable[[], PeerClient], progress: Progress) -> int:
    """Copies all pictures, while the server follows. Waits for a primary that cannot be reached."""
    while True:
        try:
            return uvloop.run(_copy_media_once(directory, dsn, connect, progress))
        except PeerUnreachable:
            progress.step("waiting for the primary")
            time.sleep(_RETRY)


async def _copy_media_once(directory: DataDirectory, dsn: str, connect: Callable[[], PeerClient], progress: Progress) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        async with connect() as client:
            copy = MediaCopy(directory.path / "media", client.fetch, at_once=_MEDIA_AT_ONCE, pause=0)
            return await copy.copy_all(connection, progress)
    finally:
        await connection.close()
