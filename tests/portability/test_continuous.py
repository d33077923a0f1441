"""A base and the write-ahead log after it: everything that was committed before the last push comes back."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base.file_store import LocalFiles
from folkmoot.base.migrate import migrate
from folkmoot.portability import tables
from folkmoot.portability.backup import Source
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.capture import receive, store_base, store_push
from folkmoot.portability.offsite.chain import State
from folkmoot.portability.offsite.recovery import Chain, find_chain, recovered
from folkmoot.portability.offsite.spool import Spool
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres import Postgres, find_binaries, runnable_by
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.repository import Repository
from tests.conftest import UNSAFE_BUT_FAST, new_open_folder


@dataclass
class Copied:
    """A running database with a repository, and what is needed to copy it there."""

    source: Source
    postgres: Postgres
    repository: Repository
    key: BackupKey
    recovery: RecoveryKey
    spool: Spool
    state: State = field(default_factory=State)

    def execute(self, *statements: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.postgres.dsn)
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(execute())

    def base(self) -> None:
        receive(self.source, self.spool)
        self.state = store_base(self.source, self.repository, self.key, self.spool.binaries, NoProgress())
        self.spool.remove_before(self.state.first)

    def push(self) -> None:
        self.state = store_push(self.source, self.repository, self.key, self.spool, self.state)

    @property
    def authority(self) -> bytes:
        return self.recovery.authority.public_key().public_bytes_raw()

    def chain(self) -> Chain | None:
        return find_chain(self.repository, self.authority, self.repository.snapshots())


@pytest.fixture(scope="module")
def copied() -> Iterator[Copied]:
    with new_open_folder() as folder:
        data = DataDirectory(folder / "data")
        data.prepare()
        data.secret("network-secret")
        postgres = Postgres(data, configuration=UNSAFE_BUT_FAST)
        postgres.start()
        asyncio.run(postgres.create_database())
        asyncio.run(migrate(postgres.dsn))
        recovery = RecoveryKey.new()
        key = BackupKey.new(recovery)
        repository = Repository(Target.of_folder(folder / "repository"), key.repository)
        repository.create()
        source = Source(data, LocalFiles(data.path / "media"), postgres.dsn, "Folkmoot", "http://localhost", "0", b"secret")
        spool = Spool(data, runnable_by(data.owner, find_binaries()))
        spool.prepare()
        built = Copied(source, postgres, repository, key, recovery, spool)
        built.execute("CREATE TABLE written (id int PRIMARY KEY, text text NOT NULL)")
        yield built
        spool.stop()
        postgres.stop()


async def _state(dsn: str) -> tuple[dict[str, tables.Table], int]:
    connection = await tables.connect(dsn)
    found = await tables.fingerprint(connection, NoProgress())
    count = await connection.fetchval("SELECT count(*) FROM written")
    await connection.close()
    return found, count


def _restore(chain: Chain, folder: Path) -> tuple[dict[str, tables.Table], int]:
    owner = DataDirectory(folder)
    stage = folder / "stage"
    stage.mkdir()
    owner.set_owner(stage)
    with recovered(chain, stage, owner, NoProgress()) as (network, postgres):
        again = Postgres(network)
        assert again.dsn == postgres.dsn
        return asyncio.run(_state(postgres.dsn))


def test_everything_before_the_last_push_comes_back(copied: Copied, open_folder: Path) -> None:
    """Without a checkpoint or a switch of the segment: the segment that is being written is copied as it is."""
    copied.execute("INSERT INTO written SELECT n, 'před základem' FROM generate_series(1, 100) AS n")
    copied.base()
    copied.execute("INSERT INTO written SELECT n, 'po základu' FROM generate_series(101, 150) AS n")
    copied.push()
    copied.execute("SELECT pg_switch_wal()", "INSERT INTO written VALUES (160, 'v dalším segmentu')", "SELECT pg_switch_wal()")
    copied.push()
    copied.execute("INSERT INTO written VALUES (200, 'poslední')")
    copied.push()
    before = asyncio.run(_state(copied.postgres.dsn))
    copied.execute("INSERT INTO written VALUES (300, 'po posledním odeslání')")
    chain = copied.chain()
    assert chain
    assert len(chain.pushes) == 1, "the newest push contains everything in the spool"
    assert _restore(chain, open_folder) == before
    copied.spool.remove_before(copied.spool.finished()[-1])  # a bounded spool
    copied.push()
    chain = copied.chain()
    assert chain
    assert len(chain.pushes) == 2
    (open_folder / "second").mkdir()
    assert _restore(chain, open_folder / "second")[1] == before[1] + 1
