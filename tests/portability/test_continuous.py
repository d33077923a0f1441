"""A base and the write-ahead log after it: everything that was committed before the last push comes back."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from folkmoot.commands.offsite import is_due, next_form
from folkmoot.portability import tables
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite import child
from folkmoot.portability.offsite.chain import State, read_state
from folkmoot.portability.offsite.copying import Copying
from folkmoot.portability.offsite.finding import find_chain
from folkmoot.portability.offsite.recovery import Chain, check_files, recovered
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.rebuild import RestoreMismatch
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.runs import CONTINUOUS, DUMP
from tests import series
from tests.portability.copied import Copied, running_copy


@pytest.fixture(autouse=True)
def same_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other tests, a base that goes after all other processes would take minutes. Its priority has a test of its own."""
    monkeypatch.setattr(child, "lower_priority", lambda **_: None)


@pytest.fixture(scope="module")
def copied() -> Iterator[Copied]:
    with running_copy() as built:
        built.execute("CREATE TABLE written (id int PRIMARY KEY, text text NOT NULL)")
        yield built


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


def test_each_flipped_bit_of_a_base_and_its_log_is_found_before_postgresql_starts(
    copied: Copied, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In what was fetched. Bits that flip in the repository itself are found by the tests of damage."""
    copied.base()
    copied.execute("INSERT INTO written VALUES (400, 'po druhém základu')")
    copied.push()
    chain = copied.chain()
    assert chain
    chance, folder = series.dice("flips"), open_folder / "fetched-once"
    chain.repository.fetch(chain.base.id, folder / "fetched", 0, NoProgress())
    for number, (snapshot, _) in enumerate(chain.pushes):
        chain.repository.fetch(snapshot.id, folder / f"push-{number}", 0, NoProgress())
    check_files(chain, folder)
    files = [file for file in folder.rglob("*") if file.is_file() and file.stat().st_size and "about" not in file.parts]
    named = sorted(file for file in files if file.name in ("backup_manifest", "pg_control", "PG_VERSION"))
    for number in range(series.length(12, 1000)):
        file = named[number % len(named)] if number < 4 else chance.choice(files)
        bit = chance.randrange(file.stat().st_size * 8)
        content = bytearray(file.read_bytes())
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        with pytest.raises(RestoreMismatch):
            check_files(chain, folder)
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
    check_files(chain, folder)
    (folder / "fetched" / "postgres" / "postgresql.auto.conf.d").write_text("restore_command = 'rm -rf /'\n")
    with pytest.raises(RestoreMismatch):
        check_files(chain, folder)


def test_a_manifest_of_another_host_is_not_used(copied: Copied) -> None:
    """A repository key alone does not make a base that is restored: the signature must lead to the recovery key."""
    copied.base()
    copied.push()
    found = copied.chain()
    assert found
    stranger = RecoveryKey.new().authority.public_key().public_bytes_raw()
    assert find_chain(copied.repository, stranger, copied.repository.snapshots()) is None


def test_a_full_spool_ends_the_chain_and_a_new_base_begins_another(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository is away until the spool is full; the disk is not filled, and the copy goes on when it is back."""
    copied.spool.stop()
    target, away = copied.repository.target, copied.source.data.path.parent / "away"
    copying = Copying(copied.source, target, copied.key, copied.spool.binaries, epoch=1, spool_bytes=4 * 16 * 2**20, push_seconds=0)
    assert target.folder

    def tick_until(condition: Callable[[State], object]) -> None:
        deadline = time.monotonic() + 600
        while not condition(copying.state):
            copying.tick()
            assert time.monotonic() < deadline, copying.state
            time.sleep(0.05)

    try:
        tick_until(lambda state: state.chain and state.pushes and not state.said)
        first = copying.state.chain
        target.folder.rename(away)
        tick_until(lambda state: state.said)
        for _ in range(6):
            copied.execute("SELECT pg_logical_emit_message(true, 'test', 'x')", "SELECT pg_switch_wal()")
        tick_until(lambda state: not state.chain)
        assert copying.state.spool_bytes <= 5 * 16 * 2**20
        assert copying.state.said
        copying.retry_base_now()
        copying.tick()
        tick_until(lambda _: not copying.is_making_base)
        assert list(copied.spool.folder.iterdir()) == [], "without a chain nothing waits on the disk"
        away.rename(target.folder)
        copying.retry_base_now()
        tick_until(lambda state: state.chain and state.pushes and not state.said)
        assert copying.state.chain != first
        chain = copied.chain()
        assert chain
        assert chain.manifest.chain == copying.state.chain
    finally:
        copying.stop()
    assert read_state(copied.source.data.path) == copying.state
    elsewhere = Target.of_folder(away)
    other = Copying(copied.source, elsewhere, copied.key, copied.spool.binaries, epoch=1, spool_bytes=4 * 16 * 2**20, push_seconds=0)
    assert (other.state.chain, other.state.confirmed_at) == ("", None), "a chain does not go on in a repository that has no base of it"


@pytest.mark.parametrize(("hour_now", "good_hours_ago", "latest_hours_ago", "is_due_now"), [
    (4, 25, 25, True), (4, 0.5, 0.5, False), (2, 20, 20, False), (2, 24, 24, True), (4, 25, 0.5, False), (4, None, None, True),
])
def test_the_nightly_run_is_due_once_a_night_and_an_hour_after_a_failure(
    hour_now: int, good_hours_ago: float | None, latest_hours_ago: float | None, is_due_now: bool
) -> None:
    now = datetime(2026, 11, 29, hour_now, tzinfo=ZoneInfo("Europe/Prague"))
    good, latest = (None if hours is None else now - timedelta(hours=hours) for hours in (good_hours_ago, latest_hours_ago))
    assert is_due(now, 3, good, latest) is is_due_now


@pytest.mark.parametrize(("ages", "form"), [
    ({}, CONTINUOUS), ({CONTINUOUS: 5.0}, DUMP), ({CONTINUOUS: 90.0, DUMP: 5.0}, CONTINUOUS), ({CONTINUOUS: 5.0, DUMP: 90.0}, DUMP),
])
def test_nightly_drills_take_turns(ages: dict[str, float], form: str) -> None:
    assert next_form(ages) == form
