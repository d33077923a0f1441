"""Limits of one machine: exact across processes, clock jumps, killed processes and many callers."""

import multiprocessing
import os
import signal
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from folkmoot.base import clock, windows
from folkmoot.base.limits import TABLE, Allowance, Limits, limit_of
from folkmoot.base.windows import WindowTable

NOON = datetime(2026, 11, 29, 12, 0, 1, tzinfo=UTC)
KEY = b"a secret of the tests"
_PROCESSES = 4
_COUNTER = """
import sys
from datetime import datetime
from pathlib import Path
from folkmoot.base import clock, windows
from folkmoot.base.limits import Limits
windows._PATIENCE = 100  # the machine may be too busy to run the holder of a lock for longer than a second
limits = Limits(100, Path(sys.argv[1]), b"a secret of the tests")
print("ready", flush=True)
sys.stdin.readline()
with clock.stopped_at(datetime.fromisoformat(sys.argv[2])):
    allowed = sum(not limits.spend("address", f"192.0.2.{number % 2}").is_spent for number in range(30_000))
print(allowed, flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / "limits.1"


def _at(limits: Limits, moment: datetime, name: str = "address", key: object = "192.0.2.1") -> Allowance:
    with clock.stopped_at(moment):
        return limits.spend(name, key)


def test_several_processes_allow_one_limit_between_them(file: Path) -> None:
    """Four processes at once, each with half of the limit for each of two addresses: exactly the limit is allowed."""
    started = [
        subprocess.Popen([sys.executable, "-c", _COUNTER, str(file), NOON.isoformat()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
        for _ in range(_PROCESSES)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=300)[0] for process in started]
    assert sum(map(int, answers)) == 2 * 30_000


def test_counts_outlive_the_processes(file: Path) -> None:
    for left in (299, 298):
        assert _at(Limits(1, file, KEY), NOON).remaining == left


def test_an_allowance_has_the_remaining_number_and_the_end_of_the_window() -> None:
    limits = Limits(0.01)
    found = [_at(limits, NOON + timedelta(seconds=number)) for number in range(4)]
    assert [(allowance.limit, allowance.remaining, allowance.is_spent) for allowance in found] == [
        (3, 2, False), (3, 1, False), (3, 0, False), (3, -1, True)]
    assert {allowance.reset_at for allowance in found} == {datetime(2026, 11, 29, 12, 5, tzinfo=UTC)}
    with clock.stopped_at(NOON):
        assert found[0].retry_after == 299
    assert not _at(limits, NOON + timedelta(seconds=299)).is_spent  # the next window


@pytest.mark.parametrize(("name", "jump"), [
    ("address", timedelta(seconds=-361)),
    *((name, timedelta(days=days)) for name in ("address", "follow") for days in (-400, -2, 1, 2)),
])
def test_a_clock_that_jumps_neither_locks_out_nor_opens_for_ever(file: Path, name: str, jump: timedelta) -> None:
    limits, other = Limits(1, file, KEY), Limits(1, file, KEY)
    most = TABLE[name].times

    def spend_all(moment: datetime) -> int:
        return sum(not _at((limits, other)[number % 2], moment, name).is_spent for number in range(most + 50))

    assert spend_all(NOON + jump) == most  # with the wrong clock
    assert spend_all(NOON) == most  # the clock is corrected: nobody is locked out
    assert spend_all(NOON + timedelta(seconds=2)) == 0  # and the limit is enforced again


def test_a_time_read_just_before_the_window_does_not_reset_it(file: Path) -> None:
    limits = Limits(0.01, file, KEY)
    begins = datetime(2026, 11, 29, 12, 5, tzinfo=UTC)
    for _ in range(4):
        last = _at(limits, begins)
    assert last.is_spent
    assert _at(limits, begins - timedelta(seconds=1)).is_spent
    assert _at(limits, begins).is_spent


def test_names_keys_and_owners_are_counted_apart(file: Path) -> None:
    limits = Limits(1, file, KEY)
    for _ in range(5):
        first = limits.spend_all(1, (("account", 1), ("token", 7), ("post", 1)))
    second = limits.spend_all(1, (("account", 1), ("token", 8)))
    third = limits.spend_all(2, (("account", 2),))
    assert [allowance.remaining for allowance in first] == [1495, 295, 295]
    assert [allowance.remaining for allowance in second] == [1494, 299]
    assert third[0].remaining == 1499


def test_the_file_holds_no_address_and_never_grows(file: Path) -> None:
    limits = Limits(1, file, KEY)
    size = file.stat().st_size
    for number in range(2000):
        limits.spend("address", f"192.0.2.{number}")
    content = file.read_bytes()
    assert len(content) == size == 8192 * 32 * 16
    assert b"192.0.2." not in content
    assert file.stat().st_mode & 0o777 == 0o600


def _count(table: WindowTable, owner: str, counter: tuple[str, int], moment: int) -> int:
    return table.count(table.locate(owner, [counter]), moment)[0][0]


def test_a_high_count_is_not_replaced_by_new_owners() -> None:
    """All in one bucket of 32 slots: ten times as many new counters replace each other."""
    table = WindowTable(None, KEY)
    for _ in range(50):
        _count(table, "bucket", ("heavy", 300), 1000)
    for number in range(320):
        _count(table, "bucket", (f"newcomer {number}", 300), 1000)
    assert _count(table, "bucket", ("heavy", 300), 1000) == 51


def test_expired_windows_are_replaced_first() -> None:
    table = WindowTable(None, KEY)
    for number in range(32):
        for _ in range(9):
            _count(table, "bucket", (f"old {number}", 300), 1000)
    for number in range(32):
        assert _count(table, "bucket", (f"new {number}", 300), 2000) == 1
    assert [_count(table, "bucket", (f"new {number}", 300), 2000) for number in range(32)] == [2] * 32


@pytest.mark.parametrize("is_shared", [False, True])
def test_bytes_of_a_window_are_not_taken_for_a_tag(file: Path, is_shared: bool) -> None:
    table = WindowTable(file if is_shared else None, KEY)
    table.count((7, [(b"counter1", 300)]), 1000)
    window = struct.pack("<II", 1200, 1)  # the end and the count that have just been stored
    assert table.count((7, [(window, 300)]), 1000) == [(1, 1200)]
    assert table.count((7, [(b"counter2", 300)]), 1000) == [(1, 1200)]
    assert table.count((7, [(window, 300)]), 1000) == [(2, 1200)]


def test_without_a_file_a_forked_process_counts_by_itself() -> None:
    table = WindowTable(None, KEY)
    assert _count(table, "owner", ("use", 300), 1000) == 1
    child = os.fork()
    if child == 0:
        _count(table, "owner", ("use", 300), 1000)
        os._exit(0)
    os.waitpid(child, 0)
    assert _count(table, "owner", ("use", 300), 1000) == 2


def _hold(file: str, ready: "multiprocessing.connection.Connection") -> None:
    table = WindowTable(Path(file), KEY)
    assert table._file is not None
    assert windows._lock(table._file, table.locate("192.0.2.1", [])[0])
    ready.send(True)
    signal.pause()


def _holder(file: Path) -> "multiprocessing.process.BaseProcess":
    """A process that stops while it holds the lock."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_hold, args=(str(file), there))
    process.start()
    assert here.recv()
    return process


def test_a_lock_that_others_take_in_turn_is_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty attempts in a row meet the lock of somebody else; the fifty-first gets it."""
    table = WindowTable(file, KEY)
    refusals = iter([BlockingIOError(), PermissionError()] * 25)

    def busy(*arguments: int) -> None:
        for refusal in refusals:
            raise refusal

    monkeypatch.setattr(windows, "lockf", busy)
    monkeypatch.setattr(windows, "_PATIENCE", 100.0)
    monkeypatch.setattr(windows, "_PAUSES", (0.0, 0.0))
    assert table._file is not None
    assert windows._lock(table._file, 0)


def test_a_killed_process_leaves_no_lock(file: Path) -> None:
    process = _holder(file)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    table = WindowTable(file, KEY)
    assert table._file is not None
    assert windows._lock(table._file, table.locate("192.0.2.1", [])[0])


def test_a_stopped_process_does_not_block_others(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    process = _holder(file)
    try:
        assert _at(Limits(1, file, KEY), NOON).remaining == 299
        assert "counting without the lock" in caplog.text
        assert not _count(WindowTable(file, KEY), "192.0.2.77", ("other", 300), 1000) > 1  # others do not even wait
    finally:
        process.kill()
        process.join()


def test_without_a_usable_file_the_process_counts_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "run").write_text("not a folder")
    limits = Limits(0.01, tmp_path / "run" / "limits.1", KEY)
    assert [_at(limits, NOON).is_spent for _ in range(4)] == [False, False, False, True]
    assert "limits are counted per process" in caplog.text


def test_a_multiplier_leaves_at_least_one() -> None:
    assert [limit_of("mail_by_pair", factor).times for factor in (0.01, 0.99, 1, 1000)] == [1, 2, 3, 3000]
    assert all(limit.seconds <= 86_400 for limit in TABLE.values())
