"""Creates a standby of a running PostgreSQL without Folkmoot commands: base backup, signal file, streaming over the socket."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import STANDBY, HostState
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import find_binaries, runnable_by
from folkmoot.portability.service_user import child_setup, plain_environment
from tests.waiting import SECONDS


def make_standby(
    primary_dsn: str, secrets: Path, folder: Path, configuration: dict[str, str] | None = None
) -> tuple[DataDirectory, Postgres]:
    """A data directory whose PostgreSQL replicates `primary_dsn`; not started. `secrets`: the primary's folder of secrets."""
    folder.parent.chmod(0o755)
    data = DataDirectory(folder)
    data.prepare()
    for secret in secrets.iterdir():
        data.write(data.path / "secrets" / secret.name, secret.read_bytes())
    data.write(data.host_file, msgspec.json.encode(HostState(role=STANDBY)))
    address = urlsplit(primary_dsn)
    password = unquote(address.password or "")
    binaries = runnable_by(data.owner, find_binaries())
    subprocess.run(
        [binaries.folder / "pg_basebackup", "-D", data.path / "postgres", "-X", "stream", "--write-recovery-conf",
         "--checkpoint=fast", "--no-sync", "-d", f"host={unquote(address.query.partition('=')[2])} user=folkmoot password={password}"],
        check=True, capture_output=True, cwd="/", env=plain_environment(), preexec_fn=child_setup(data.owner),
    )
    assert (data.path / "postgres" / "standby.signal").exists()
    return data, Postgres(data, configuration=configuration)


async def caught_up(primary_dsn: str, standby_dsn: str) -> None:
    """Waits until the standby has replayed everything that is committed on the primary now."""
    primary, standby = await asyncpg.connect(primary_dsn), await asyncpg.connect(standby_dsn)
    try:
        await primary.execute("SELECT pg_switch_wal()")
        position = await primary.fetchval("SELECT pg_current_wal_flush_lsn()::text")
        async with asyncio.timeout(SECONDS):
            while not await standby.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", position):
                await asyncio.sleep(0.05)
    finally:
        await primary.close()
        await standby.close()


async def promote(standby_dsn: str, epoch: int) -> None:
    """Makes the server accept writes; the new epoch locks out the processes of the old primary."""
    connection = await asyncpg.connect(standby_dsn)
    try:
        assert await connection.fetchval("SELECT pg_promote(true, 30)")
        await connection.execute("UPDATE host_state SET epoch = $1", epoch)
    finally:
        await connection.close()


def copy_media(source: Path, target: Path) -> None:
    shutil.copytree(source / "media", target / "media", dirs_exist_ok=True)
