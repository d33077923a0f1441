"""A private PostgreSQL with a repository: what is needed to copy it there, with pictures, and to restore it. No web, no worker."""

import asyncio
import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncpg

from folkmoot.base.file_store import FileName, LocalFiles
from folkmoot.base.ids import make_id
from folkmoot.base.migrate import migrate
from folkmoot.portability.backup import Source
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.capture import receive, store_base, store_push
from folkmoot.portability.offsite.chain import State
from folkmoot.portability.offsite.finding import find_chain
from folkmoot.portability.offsite.hand_over import hand_over
from folkmoot.portability.offsite.recovery import Chain
from folkmoot.portability.offsite.spool import Spool
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import Binaries, binaries_for, runnable_by
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

    def add_pictures(self, number: int, size: int = 2000) -> list[FileName]:
        """Stores pictures of random content, and the rows that name them."""
        chance = random.Random(f"{self.source.data.path} {number} {size}")
        contents = [chance.randbytes(size) for _ in range(number)]
        names = [FileName(hashlib.sha256(content).digest(), "png") for content in contents]

        async def add() -> None:
            for name, content in zip(names, contents, strict=True):
                await self.source.store.write(name, content)
            connection = await asyncpg.connect(self.postgres.dsn)
            await connection.execute("SET session_replication_role = replica")  # there is no account
            await connection.executemany(
                "INSERT INTO media_files VALUES ($1, 'png', $2, 1)", [(name.sha256, size) for name in names]
            )
            await connection.executemany(
                "INSERT INTO media (id, key, account_id, mime, width, height, preview_width, preview_height, original_sha256,"
                " preview_sha256, created_at) VALUES ($1, $2, 1, 'image/png', 9, 9, 9, 9, $3, $3, now())",
                [(make_id(1), name.path, name.sha256) for name in names],
            )
            await connection.close()

        asyncio.run(add())
        return names

    def base(self) -> None:
        receive(self.source, self.spool)
        self.state = store_base(self.source, self.repository, self.key, self.spool.binaries, NoProgress())
        self.spool.remove_before(self.state.first)

    def push(self) -> None:
        self.state = store_push(self.source, self.repository, self.key, self.spool, self.state)

    def hand_over(self) -> None:
        """The repository belongs to the user of the network, as after `moot backup` by root."""
        if self.source.data.owner and self.repository.target.folder:
            hand_over(self.repository.target.folder, self.source.data.owner)

    @property
    def authority(self) -> bytes:
        return self.recovery.authority.public_key().public_bytes_raw()

    def chain(self) -> Chain | None:
        return find_chain(self.repository, self.authority, self.repository.snapshots())


@contextmanager
def running_copy(target: Target | None = None, binaries: Binaries | None = None) -> Iterator[Copied]:
    """`target`: the repository, by default a folder. `binaries`: of another PostgreSQL than the newest."""
    with new_open_folder() as folder:
        data = DataDirectory(folder / "data")
        data.prepare()
        data.secret("network-secret")
        postgres = Postgres(data, binaries, UNSAFE_BUT_FAST)
        postgres.start()
        asyncio.run(postgres.create_database())
        asyncio.run(migrate(postgres.dsn))
        recovery = RecoveryKey.new()
        key = BackupKey.new(recovery)
        key.keep(data)
        repository = Repository(target or Target.of_folder(folder / "repository"), key.repository)
        repository.create()
        source = Source(data, LocalFiles(data.path / "media"), postgres.dsn, "Folkmoot", "http://localhost", "0", b"secret")
        spool = Spool(data, runnable_by(data.owner, binaries_for(data)))
        spool.prepare()
        try:
            yield Copied(source, postgres, repository, key, recovery, spool)
        finally:
            spool.stop()
            postgres.stop()
