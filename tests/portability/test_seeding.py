"""A copy of a running primary: made, verified, killed, repeated; and then it follows through its slot."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import STANDBY, HostState
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import find_binaries
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.standby.answers import Answers
from folkmoot.portability.standby.following import Meter, warnings
from folkmoot.portability.standby.model import Facts, Nothing, Stage
from folkmoot.portability.standby.queries import Sending, get_sending
from folkmoot.portability.standby.seeding import SeedingProblem, check, seed
from folkmoot.portability.standby.sharing import install_secrets
from folkmoot.portability.standby.verification import CHECKSUMS, MANIFEST, DamagedCopy, verify
from tests import series
from tests.conftest import UNSAFE_BUT_FAST, new_open_folder

DATABASE = "CREATE TABLE migrations (number int); INSERT INTO migrations VALUES (1);" \
    "CREATE TABLE media_files (sha256 bytea PRIMARY KEY, extension text, bytes int);" \
    "CREATE TABLE filler AS SELECT n, repeat('x', 200) AS t FROM generate_series(1, 20000) AS n"


PEER = Peer("ab" * 32, "there", "127.0.0.1:1", "", clock.now())


@dataclass
class Primary:
    """A running primary with some rows, and what it answers to a second host."""

    directory: DataDirectory
    server: Postgres
    answers: Answers

    def ask(self, sql: str, *args: object) -> object:
        return asyncio.run(_fetch(self.server.dsn, sql, *args))


async def _fetch(dsn: str, sql: str, *args: object) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql, *args) if args or sql.startswith("SELECT") else await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def primary() -> Iterator[Primary]:
    with new_open_folder() as folder:
        directory = DataDirectory(folder / "data")
        directory.prepare()
        server = Postgres(directory, configuration={**UNSAFE_BUT_FAST, "max_slot_wal_keep_size": "'32MB'", "max_wal_size": "'32MB'",
                                                    "wal_keep_size": "'16MB'"})
        server.start()
        asyncio.run(server.create_database())
        settings = Settings(data=directory.path, dsn=server.dsn, secret=b"s" * 40)
        built = Primary(directory, server, Answers(settings, directory, Peers(directory)))
        built.ask(DATABASE)
        Peers(directory).add(PEER)
        yield built
        server.stop()


@pytest.fixture
def standby(open_folder: Path) -> DataDirectory:
    directory = DataDirectory(open_folder / "standby")
    directory.prepare()
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=STANDBY)))
    return directory


def prepare(primary: Primary, standby: DataDirectory) -> tuple[Facts, Path]:
    facts = asyncio.run(primary.answers.describe(Nothing()))
    prepared = asyncio.run(primary.answers.prepare(Nothing()))
    install_secrets(standby, prepared.secrets)
    return facts, primary.server.socket_folder


def copied(primary: Primary, standby: DataDirectory) -> int:
    facts, source = prepare(primary, standby)
    return seed(standby, check(facts, standby.path), source, facts, NoProgress())


def started(primary: Primary, standby: DataDirectory) -> Postgres:
    """The server of the standby, which connects to the primary's own socket."""
    address = f"host={primary.server.socket_folder} user=folkmoot_replication password={standby.secret('replication-password')}"
    server = Postgres(standby, configuration={
        **UNSAFE_BUT_FAST, "primary_slot_name": f"'{PEER.slot}'", "primary_conninfo": f"'{address}'",
    })
    server.start()
    return server


def until(condition: object, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_copy_follows_through_its_slot_and_continues_after_a_restart_of_the_primary(primary: Primary, standby: DataDirectory) -> None:
    assert copied(primary, standby) > 900
    assert [entry.name for entry in standby.path.iterdir() if entry.name.startswith("postgres")] == ["postgres"]
    server = started(primary, standby)
    try:
        count = "SELECT count(*) FROM filler"
        for number in range(2):
            primary.ask("INSERT INTO filler VALUES (0, 'new')")
            until(lambda: asyncio.run(_fetch(server.dsn, count)) == primary.ask(count))
            assert primary.ask("SELECT active FROM pg_replication_slots WHERE slot_name = $1", PEER.slot) is True
            if not number:
                primary.server.stop()
                primary.server.start()
    finally:
        server.stop()


def test_every_difference_between_a_copy_and_its_manifest_is_found(primary: Primary, standby: DataDirectory) -> None:
    _, source = prepare(primary, standby)
    good = standby.path / "good"
    subprocess.run(
        [find_binaries().folder / "pg_basebackup", "--pgdata", good, f"--manifest-checksums={CHECKSUMS}", "--checkpoint=fast", "--no-sync"],
        env={"PGHOST": str(source), "PGUSER": "folkmoot_replication", "PGPASSWORD": standby.secret("replication-password")},
        check=True,
    )
    assert verify(good, NoProgress()) > 900
    largest = max((file for file in (good / "base").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    file = largest.relative_to(good)

    def change(path: Path, content: bytes) -> None:
        path.unlink()  # it is a hard link
        path.write_bytes(content)

    def flip(path: Path, position: int) -> None:
        content = bytearray(path.read_bytes())
        content[position] ^= 1
        change(path, content)

    manifest = (good / MANIFEST).stat().st_size
    size = largest.stat().st_size
    damages = {
        f"the file {file} has different content": lambda bad: flip(bad / file, 12345),
        f"the file {file} has {size - 1} bytes instead of {size}": lambda bad: change(bad / file, largest.read_bytes()[:-1]),
        f"the file {file} is missing": lambda bad: (bad / file).unlink(),
        "the file base/1/more is not in the manifest": lambda bad: (bad / "base" / "1" / "more").write_text("x"),
        "the file PG_VERSION is missing": lambda bad: ((bad / "PG_VERSION").unlink(), (bad / "PG_VERSION").symlink_to("/etc/hostname")),
        "truncated or was changed": lambda bad: flip(bad / MANIFEST, manifest // 2),
        "is truncated": lambda bad: change(bad / MANIFEST, (good / MANIFEST).read_bytes()[: manifest // 3]),
        "it has no manifest": lambda bad: (bad / MANIFEST).unlink(),
    }
    for number, (says, damage) in enumerate(damages.items()):
        bad = standby.path / f"bad{number}"
        shutil.copytree(good, bad, copy_function=os.link)
        damage(bad)
        with pytest.raises(DamagedCopy) as caught:
            verify(bad, NoProgress())
        assert says in str(caught.value.params["why"]), says


_SEED = """
import sys, msgspec
from pathlib import Path
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.postgres_binaries import find_binaries
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.standby.model import Facts
from folkmoot.portability.standby.seeding import seed
seed(DataDirectory(Path(sys.argv[1])), find_binaries(), Path(sys.argv[2]),
     msgspec.json.decode(sys.argv[3], type=Facts), NoProgress())
"""


def test_seeding_can_be_killed_at_any_moment_and_is_repeated(primary: Primary, standby: DataDirectory) -> None:
    facts, source = prepare(primary, standby)
    unfinished = standby.path / "postgres.new"
    moments = [unfinished.exists, lambda: (unfinished / "base").exists(), lambda: (unfinished / MANIFEST).exists()]
    dice = series.dice("seeding")
    stages: set[Stage] = set()
    meter = Meter()
    moments += [lambda end=time.monotonic() + 0.3 + dice.random() * 1.5: time.monotonic() > end] * series.length(1, 12)
    for moment in moments:
        process = subprocess.Popen([sys.executable, "-c", _SEED, standby.path, source, msgspec.json.encode(facts)])
        while not moment() and process.poll() is None:
            stages.add(meter.of_primary(asyncio.run(_sending(primary))).stage)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (standby.path / "postgres").exists() or process.returncode == 0 or _is_complete(standby)
        shutil.rmtree(standby.path / "postgres", ignore_errors=True)
    assert Stage.SEEDING in stages
    copied(primary, standby)
    assert not unfinished.exists()
    server = started(primary, standby)
    try:
        assert asyncio.run(_fetch(server.dsn, "SELECT pg_is_in_recovery()")) is True
    finally:
        server.stop()


def _is_complete(standby: DataDirectory) -> bool:
    """A folder with the final name is a whole standby, whenever the process was killed."""
    return (standby.path / "postgres" / "standby.signal").exists() and (standby.path / "postgres" / "global" / "pg_control").exists()


def test_a_copy_is_repeated_when_the_primary_restarts_meanwhile(primary: Primary, standby: DataDirectory) -> None:
    facts, source = prepare(primary, standby)
    for _ in range(10):
        process = subprocess.Popen([sys.executable, "-c", _SEED, standby.path, source, msgspec.json.encode(facts)])
        until(lambda process=process: (standby.path / "postgres.new" / "base").exists() or process.poll() is not None)
        primary.server.stop()
        if process.poll() is None:
            break
        shutil.rmtree(standby.path / "postgres")  # this machine was quicker
        primary.server.start()
    assert process.poll() is None
    primary.server.start()
    assert process.wait(60) == 0
    assert _is_complete(standby)


def test_a_standby_that_was_away_for_too_long_is_lost_and_seeded_again(primary: Primary, standby: DataDirectory) -> None:
    copied(primary, standby)
    meter = Meter()

    def stage() -> Stage:
        return meter.of_primary(asyncio.run(_sending(primary))).stage

    server = started(primary, standby)
    try:
        until(lambda: stage() is Stage.STREAMING)
    finally:
        server.stop()
    until(lambda: stage() is Stage.AWAY)
    assert len(warnings(meter.of_primary(asyncio.run(_sending(primary))))) == 1
    while stage() is not Stage.LOST:  # more WAL than the slot may keep
        primary.ask("INSERT INTO filler VALUES (0, 'more')")
        primary.ask("SELECT pg_switch_wal()")
        primary.ask("CHECKPOINT")
    assert "moot standby --again" in warnings(meter.of_primary(asyncio.run(_sending(primary))))[0]
    kept = standby.path / "media" / "ab" / "kept"
    kept.parent.mkdir()
    kept.write_text("a picture")
    copied(primary, standby)
    assert kept.exists()
    server = started(primary, standby)
    try:
        until(lambda: stage() is Stage.STREAMING)
    finally:
        server.stop()


async def _sending(primary: Primary) -> Sending:
    connection = await asyncpg.connect(primary.server.dsn)
    try:
        return await get_sending(connection, PEER.slot)
    finally:
        await connection.close()


def test_the_role_of_a_standby_may_copy_and_do_nothing_else(primary: Primary, standby: DataDirectory) -> None:
    prepare(primary, standby)
    folder, password = primary.server.socket_folder, standby.secret("replication-password")
    for database in ("folkmoot", "postgres"):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="rejects"):
            asyncio.run(asyncpg.connect(host=str(folder), user="folkmoot_replication", password=password, database=database))
    assert primary.ask("SELECT rolreplication AND NOT rolsuper FROM pg_roles WHERE rolname = 'folkmoot_replication'") is True
    settings = "SELECT setting::int > 0 FROM pg_settings WHERE name = $1"
    assert primary.ask(settings, "max_slot_wal_keep_size") is True
    assert primary.ask(settings, "wal_keep_size") is True
    if sys.platform == "linux":  # else a new standby and a killed server sync each of a thousand files before they start
        assert primary.ask("SELECT current_setting('recovery_init_sync_method')") == "syncfs"


@pytest.mark.parametrize(("change", "says"), [
    ({"postgresql": 99}, "The primary runs PostgreSQL 99, which this host does not have"),
    ({"machine": "riscv64"}, "of the architecture riscv64"),
    ({"database_bytes": 10**15}, "needs 1500000000 MB"),
])
def test_what_prevents_a_standby_is_one_sentence_before_anything_is_copied(
    primary: Primary, standby: DataDirectory, change: dict[str, object], says: str
) -> None:
    facts = msgspec.structs.replace(asyncio.run(primary.answers.describe(Nothing())), **change)
    with pytest.raises(Problem) as caught:
        check(facts, standby.path)
    assert says in caught.value.message % caught.value.params


def test_a_failure_that_will_not_pass_is_reported_at_once(primary: Primary, standby: DataDirectory) -> None:
    facts, source = prepare(primary, standby)
    standby.write(standby.path / "secrets" / "replication-password", b"wrong")
    before = time.monotonic()
    with pytest.raises(SeedingProblem) as caught:
        seed(standby, find_binaries(), source, facts, NoProgress())
    assert "password authentication failed" in caught.value.params["why"]
    assert time.monotonic() - before < 60
