"""Makes the database of a new standby by a logical copy of its primary: for another architecture or version of PostgreSQL.

The copy is made in a data directory of its own and put into place when it is complete, compared, and on the disk. Started there, it
goes on following.
"""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.portability.data_directory import DataDirectory, sync_folder
from folkmoot.portability.logical.copy import LogicalCopy, Source
from folkmoot.portability.logical.standby import source_dsn
from folkmoot.portability.logical.swap import NEXT
from folkmoot.portability.postgres_binaries import Binaries, runnable_by
from folkmoot.portability.postgres_settings import LOGICAL
from folkmoot.portability.progress import Progress
from folkmoot.portability.tables import Table


def seed_logically(
    directory: DataDirectory, binaries: Binaries, socket_folder: Path, major: int, slot: str, progress: Progress
) -> dict[str, Table]:
    """Replaces the database of this host, if there is one; returns what was compared. `major`: of the primary, whose PostgreSQL is
    reached through `socket_folder`. No server may run in `directory`. Raises LogicalProblem."""
    home = DataDirectory(directory.path / NEXT)
    source = Source(source_dsn(directory), str(socket_folder), directory.secret("postgres-password"), major, slot)
    copy = LogicalCopy(source, home, runnable_by(directory.owner, binaries), progress)
    try:
        compared = asyncio.run(_copied(copy, progress))
    except BaseException:
        copy.server.stop()
        with suppress(*UNREACHABLE, TimeoutError):  # then the next attempt clears it; until then the slot keeps WAL within its limit
            asyncio.run(copy.clear())
        raise
    copy.server.stop()
    directory.write(home.path / "postgres" / LOGICAL, b"")
    replaced, final = directory.path / "postgres.old", directory.path / "postgres"
    with directory.server_lock():  # waits for a server that a killed command has left
        shutil.rmtree(replaced, ignore_errors=True)
        if final.exists():
            final.rename(replaced)
        (home.path / "postgres").rename(final)
        sync_folder(directory.path)
    for folder in (replaced, home.path):
        shutil.rmtree(folder, ignore_errors=True)
    return compared


async def _copied(copy: LogicalCopy, progress: Progress) -> dict[str, Table]:
    await copy.clear()
    progress.step("starting the new server")
    await copy.start()
    progress.step("copying all tables")
    await copy.copy()
    progress.step("comparing all tables")
    return await copy.compare()
