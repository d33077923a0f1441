"""What a removed host still knows: its copies of the secrets are refused once they are exchanged, and the rest is listed."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.config import Mail, Moderation, Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.exposure.model import NETWORK, POSTGRES, REPLICATION, REPOSITORY
from folkmoot.portability.exposure.passwords import exchange_password, exchange_replication_password, order_new_password
from folkmoot.portability.exposure.record import accept, note_removal, outstanding, unchanged
from folkmoot.portability.exposure.repository import exchange_key
from folkmoot.portability.host import STANDBY, HostState
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.offsite.queries import set_own_password
from folkmoot.portability.offsite.target import Credentials, locate
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_settings import REPLICATION_ROLE, REPLICATION_SECRET
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.repository import Repository
from folkmoot.portability.restic import WrongRepositoryKey
from folkmoot.portability.standby.queries import make_replication_role
from folkmoot.portability.standby.sharing import collect_secrets

PEER = Peer("ab" * 32, "north", "192.0.2.7:8421", "", clock.now())


@pytest.fixture
def directory(open_folder: Path) -> DataDirectory:
    made = DataDirectory(open_folder / "data")
    made.prepare()
    return made


@pytest.fixture
async def server(directory: DataDirectory) -> AsyncIterator[Postgres]:
    """The database of a primary that had a standby."""
    postgres = Postgres(directory)
    postgres.start()
    try:
        await postgres.create_database()
        connection = await asyncpg.connect(postgres.dsn)
        await make_replication_role(connection, directory.secret(REPLICATION_SECRET))
        await connection.close()
        yield postgres
    finally:
        postgres.stop()


def settings_of(directory: DataDirectory, **sections: Any) -> Settings:
    return Settings(data=directory.path, secret=directory.secret("network-secret").encode(), **sections)


async def can_replicate(server: Postgres, password: str) -> bool:
    """Whether a standby with this password is admitted."""
    try:
        connection = await asyncpg.connect(
            host=str(server.socket_folder), user=REPLICATION_ROLE, password=password, server_settings={"replication": "true"}
        )
    except asyncpg.InvalidPasswordError:
        return False
    connection.terminate()
    return True


async def can_log_in(server: Postgres, password: str) -> bool:
    try:
        connection = await asyncpg.connect(server.dsn_of("postgres"), password=password)
    except asyncpg.InvalidPasswordError:
        return False
    await connection.close()
    return True


async def test_the_passwords_of_the_database_that_a_removed_host_knows_are_refused(directory: DataDirectory, server: Postgres) -> None:
    settings, known = settings_of(directory), {name: directory.secret(name) for name in (REPLICATION_SECRET, "postgres-password")}
    Peers(directory).add(PEER)
    assert not await exchange_replication_password(directory, server.dsn)  # the peer needs it
    assert await can_replicate(server, known[REPLICATION_SECRET])
    note_removal(settings, directory, PEER)
    Peers(directory).remove("north")
    assert {REPLICATION, POSTGRES} <= {secret.name for secret in outstanding(settings, directory)}
    assert await exchange_replication_password(directory, server.dsn)
    assert not await can_replicate(server, known[REPLICATION_SECRET])
    assert await can_replicate(server, directory.secret(REPLICATION_SECRET))
    order_new_password(directory)
    assert "postgres-password.next" not in collect_secrets(settings, directory)
    assert await can_log_in(server, known["postgres-password"])  # the processes that run use it
    await exchange_password(directory, server)
    assert not await can_log_in(server, known["postgres-password"])
    assert await can_log_in(server, directory.secret("postgres-password"))
    assert not {REPLICATION, POSTGRES} & {secret.name for secret in outstanding(settings, directory)}


async def test_a_killed_start_completes_the_new_password(directory: DataDirectory, server: Postgres) -> None:
    order_new_password(directory)
    ordered = (directory.path / "secrets" / "postgres-password.next").read_text()
    order_new_password(directory)
    Peers(directory).add(PEER)
    await exchange_password(directory, server)  # not while a peer has the same one
    Peers(directory).remove("north")
    connection = await asyncpg.connect(server.dsn)
    await set_own_password(connection, ordered)  # then it was killed
    await connection.close()
    for _ in range(2):
        await exchange_password(directory, server)
        assert directory.secret("postgres-password") == ordered
    assert await can_log_in(server, ordered)


async def test_a_standby_changes_no_password(directory: DataDirectory) -> None:
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=STANDBY)))
    assert not await exchange_replication_password(directory, "postgresql:///nowhere")


@pytest.mark.slow
def test_the_key_of_the_copies_that_a_removed_host_knows_opens_them_no_more(directory: DataDirectory, tmp_path: Path) -> None:
    if not shutil.which("restic"):
        pytest.skip("restic is missing")
    recovery = RecoveryKey.new()
    target = locate(str(tmp_path / "repository"), Credentials("", "", directory.path / "secrets"))
    by_words = Repository(target, recovery.repository_password)
    by_words.create()
    known = BackupKey.new(recovery)
    known.keep(directory)
    by_words.add_host(known.repository)
    settings = settings_of(directory)
    note_removal(settings, directory, PEER)
    assert REPOSITORY in {secret.name for secret in outstanding(settings, directory)}
    exchange_key(target, directory, recovery)
    with pytest.raises(WrongRepositoryKey):
        Repository(target, known.repository, is_host=True).snapshots()
    own = BackupKey.find(directory)
    assert own
    assert own.authority == known.authority
    assert own.signing != known.signing
    assert Repository(target, own.repository, is_host=True).snapshots() == []
    assert REPOSITORY not in {secret.name for secret in outstanding(settings, directory)}
    exchange_key(target, directory, recovery)  # as after a kill between the new key and the removal of the old one
    assert len(by_words.host_keys()) == 1


def test_what_only_a_provider_can_exchange_is_listed_until_it_has_changed(directory: DataDirectory) -> None:
    before, after = (settings_of(directory, mail=Mail(host="mail.example.org", password=word)) for word in ("known", "another"))
    assert outstanding(before, directory) == []
    note_removal(before, directory, PEER)
    assert {secret.name for secret in outstanding(before, directory)} == {"mail"}
    assert {secret.name for secret in unchanged(before, directory)} == {"mail", NETWORK}  # that one stays, and is no task
    assert outstanding(after, directory) == []
    assert outstanding(before, directory)  # as it was: nothing is confirmed by hand
    note_removal(after, directory, msgspec.structs.replace(PEER, id="cd" * 32, name="south"))
    assert {secret.name for secret in outstanding(after, directory)} == {"mail"}
    Peers(directory).add(msgspec.structs.replace(PEER, id="cd" * 32, name="south"))
    assert outstanding(after, directory) == []  # it is trusted again
    Peers(directory).remove("south")
    accept(directory)
    assert outstanding(after, directory) == []


def test_a_second_removal_forgets_nothing_of_the_first(directory: DataDirectory) -> None:
    settings = settings_of(directory, mail=Mail(host="mail.example.org", password="known to north"))
    note_removal(settings, directory, PEER)
    directory.write(directory.path / "secrets" / "dns-credentials", b"known to both")
    note_removal(settings, directory, msgspec.structs.replace(PEER, id="cd" * 32, name="south"))
    assert {secret.name for secret in outstanding(settings, directory)} == {"mail", "dns"}


def test_the_key_of_the_webhook_is_named_until_it_is_exchanged(directory: DataDirectory) -> None:
    before = Moderation(webhook_url="https://duty.example.org/", webhook_secret="known to north, and long enough.")
    note_removal(settings_of(directory, moderation=before), directory, PEER)
    assert [secret.name for secret in outstanding(settings_of(directory, moderation=before), directory)] == ["webhook"]
    after = msgspec.structs.replace(before, webhook_secret="known to nobody but the receiver")
    assert not outstanding(settings_of(directory, moderation=after), directory)
