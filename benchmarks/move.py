"""The promises of moving to another host, on one machine: two hosts in network namespaces, members who write and read all the time.

    bulk copy     `moot standby --join` idle, and `--again` under load, against a plain copy of the same bytes in the same run
    moves         there and back under load, without delay and with 100 ms of round trip; the members keep a journal of
                  every acknowledgement, and the judge of the tests compares it with the database
    failover      a link that is cut, then a host without power; only if this release has `moot failover`
    backup        age of the continuous copy; restore on a bare host, against a copy that hashes; flipped bits in a repository
    kills         a sample of the points at which the tests kill either host during a move
    partitions    a sample of those of the tests

Each row has the load of the machine in the minute before it. Takes less than ten minutes on two idle cores.
"""

import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.backup import fill
from benchmarks.harness import Row, report, run
from folkmoot.base.file_store import sync_disk
from folkmoot.portability.damage import find_damage
from folkmoot.portability.progress import NoProgress
from tests import series
from tests.conftest import new_open_folder
from tests.hosts import test_partitions
from tests.hosts.history import Accepted, read_rows, wrong_epochs, wrong_streams, wrong_writes
from tests.hosts.host import Host
from tests.hosts.members.crowd import Crowd
from tests.hosts.pair import Pair, invited
from tests.hosts.watch import watching
from tests.hosts.world import World, new_world
from tests.network_up import ROOT, environment_with
from tests.portability import test_moving_killed as kills

FILES = int(os.environ.get("BENCH_FILES", "4000"))
POSTS = int(os.environ.get("BENCH_POSTS", "200000"))
RATE = float(os.environ.get("BENCH_RATE", "200"))
MOVES = int(os.environ.get("BENCH_MOVES", "6"))  # for each round trip
POINTS = int(os.environ.get("BENCH_POINTS", "6"))
PARTITIONS = int(os.environ.get("BENCH_PARTITIONS", "4"))
FLIPS = int(os.environ.get("BENCH_FLIPS", "200"))
WRITERS, LISTENERS = 40, 40
_STEADY = "1"  # seconds; an operator waits for a minute, which changes nothing of the pause
_SECONDS = 300
_PARTITION_SECONDS = 2.0
_SAMPLES = 10  # of the age of the continuous copy

_COPY = """
import hashlib, os, pathlib, sys
is_hashing, target = sys.argv[1] == "hash", pathlib.Path(sys.argv[2])
for source in map(pathlib.Path, sys.argv[3:]):
    for file in sorted(source.rglob("*")):
        if file.is_file():
            copy = target / source.name / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with open(file, "rb") as read, open(copy, "wb") as written:
                while piece := read.read(1 << 20):
                    if is_hashing:
                        digest.update(piece)
                    written.write(piece)
"""


def answer(host: Host, *command: str) -> dict[str, Any]:
    """The answer of a command; it must succeed."""
    done = host.run("moot", *command, "--json", seconds=_SECONDS)
    assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}\n{host.state()}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


def plain_copy(host: Host, *, is_hashing: bool = False) -> float:
    """MB/s of a program that reads and writes the database and the pictures of a host, and syncs the disk at the end.

    `is_hashing`: it computes their SHA-256 too, as whoever copies to or from a repository must. What was copied stays until the end of the
    world: ext4 looks for long before it gives a file the place of one that was deleted minutes ago, and who copies next would pay for that.
    """
    target = Path(tempfile.mkdtemp(dir=host.files.parent))
    sources = [host.files / "postgres" / "base", host.files / "media"]
    size = sum(file.stat().st_size for source in sources for file in source.rglob("*") if file.is_file())
    sync_disk(host.files)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _COPY, "hash" if is_hashing else "copy", target, *map(str, sources)], check=True)
    sync_disk(host.files)
    return size / 1e6 / (time.perf_counter() - began)


def copied(joined: dict[str, Any]) -> float:
    """MB/s of a new standby: preparation, copy, verification, sync, and the first start of PostgreSQL."""
    return float((joined["bytes"] + joined["media_bytes"]) / 1e6 / joined["seconds"])


def copy_rows(plain: float, standby: float, how: str, target: float) -> list[Row]:
    return [
        Row(f"plain copy of the data, {how}", plain, "MB/s"),
        Row(f"new standby, {how}: copied, verified, started", standby, "MB/s"),
        Row(f"bulk copy relative to the plain copy, {how}", standby / plain, "ratio", f">= {target}", standby / plain >= target),
    ]


async def bulk_copy(pair: Pair, rows: list[Row]) -> None:
    """Makes the standby, twice: once while nobody writes, once while members write. Starts it afterwards."""
    join = invited(pair)
    await fill(pair.primary.files, FILES, POSTS)
    joined = pair.standby.run(*join, seconds=_SECONDS)
    assert joined.returncode == 0, joined.stderr
    idle = copied(json.loads(joined.stdout.splitlines()[-1]))
    rows += copy_rows(plain_copy(pair.primary), idle, "idle", 0.4)
    (pair.standby.files / "media").rename(pair.standby.files.parent / "copied before")  # else they would not be copied again
    (pair.standby.files / "media").mkdir()
    shutil.chown(pair.standby.files / "media", *_owner(pair.standby.files))
    crowd = await Crowd.settle(pair.world, pair.primary, WRITERS, LISTENERS)
    crowd.begin(pair.primary, RATE)
    plain = plain_copy(pair.primary)
    loaded = copied(answer(pair.standby, "standby", "--again"))
    journal = crowd.end()
    rows += copy_rows(plain, loaded, "under load", 0.2)
    rows.append(Row("failed requests during that copy", len(journal.failures) + len(journal.failed_reads), "requests", "0",
                    not journal.failures and not journal.failed_reads))
    pair.standby.up()


def _owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


async def moves(pair: Pair, rows: list[Row], round_trip: float, most_ms: float) -> None:
    """Moves there and back under load. Afterwards the standby of the start is the primary if the number of moves is odd."""
    how = f"{round_trip * 1000:.0f} ms of round trip" if round_trip else "loopback"
    pair.world.shape(pair.primary, pair.standby, round_trip=round_trip)
    crowd = await Crowd.settle(pair.world, pair.primary, WRITERS, LISTENERS)
    crowd.begin(pair.primary, RATE)
    pauses, took = [], []
    with watching(pair.primary, pair.standby) as watch:
        for _ in range(MOVES):
            moved = answer(pair.primary, "move", "--yes", "--steady", _STEADY)
            pauses.append(float(moved["pause_ms"]))
            took.append(sum(moved["took"].values()))
            pair.primary, pair.standby = pair.standby, pair.primary
            crowd.turn_to(pair.primary)
            await asyncio.sleep(1)
        journal = crowd.end()
    found = await read_rows(pair.primary.dsn)
    pair.world.shape(pair.primary, pair.standby)
    pause, wrong = statistics.median(pauses), wrong_writes(journal, found)
    problems = [*wrong, *wrong_streams(journal), *wrong_epochs(watch.history)]
    for problem in problems[:10]:
        print(f"move, {how}: {problem}", file=sys.stderr)
    rows += [
        Row(f"move, {how}: moves under load", len(pauses), "moves"),
        Row(f"move, {how}: acknowledged writes", len(journal.acknowledged) / journal.seconds, "1/s"),
        Row(f"move, {how}: writing paused, median", pause, "ms", f"<= {most_ms:.0f}", pause <= most_ms),
        Row(f"move, {how}: writing paused, longest", max(pauses), "ms", "<= 10000", max(pauses) <= 10_000),
        Row(f"move, {how}: longest wait of a member who wrote", journal.longest_wait * 1000, "ms"),
        Row(f"move, {how}: longest wait of a member who read", journal.longest_read * 1000, "ms"),
        Row(f"move, {how}: failed requests", len(journal.failures) + len(journal.failed_reads), "requests", "0",
            not journal.failures and not journal.failed_reads),
        Row(f"move, {how}: writes lost or doubled", len(wrong), "writes", "0", not wrong),
        Row(f"move, {how}: posts that an open stream did not show", len(wrong_streams(journal)), "posts", "0", not wrong_streams(journal)),
        Row(f"move, {how}: two hosts wrote", len(wrong_epochs(watch.history)), "times", "0", not wrong_epochs(watch.history)),
        Row(f"move, {how}: longest break of a stream", journal.longest_break * 1000, "ms", "<= 10000", journal.longest_break <= 10),
        Row(f"move, {how}: whole command", statistics.median(took), "s"),
    ]


async def failover(pair: Pair, rows: list[Row]) -> None:
    """The primary is cut off, loses its power, and its standby takes over. Nothing if this release cannot do that."""
    if pair.standby.run("moot", "failover", "--help").returncode:
        print("failover: this release has no moot failover, so its rows are missing", file=sys.stderr)
        return
    crowd = await Crowd.settle(pair.world, pair.primary, WRITERS, LISTENERS)
    crowd.begin(pair.primary, RATE)
    await asyncio.sleep(5)
    pair.world.cut(pair.primary, pair.standby)
    cut_at = time.monotonic()
    await asyncio.sleep(_PARTITION_SECONDS)  # members still write to the primary: this is what an asynchronous standby lacks
    pair.primary.kill()
    died_at = time.monotonic()
    crowd.turn_to(pair.standby)
    with watching(pair.standby) as watch:
        ordered_at = time.monotonic()
        answer(pair.standby, "failover", "--other-host-is-off", "--yes")
        journal = crowd.end()
    found = await read_rows(pair.standby.dsn)
    posts = [write for write in journal.acknowledged if write.kind == "post"]
    lost = [write for write in posts if write.key not in found.posts]
    before_cut = [write for write in lost if (write.acked_at or 0) < cut_at - 1]
    first = min(event.acked_at for event in watch.history if isinstance(event, Accepted)) - ordered_at
    member = min((write.acked_at or 0) for write in journal.acknowledged if (write.acked_at or 0) > ordered_at) - ordered_at
    rows += [
        Row("failover: from the command to the first acknowledged write", first, "s", "<= 10", first <= 10),
        Row("failover: to the first one of a member, whose connection to the lost host must time out first", member, "s"),
        Row("failover, asynchronous: seconds without link before the end", died_at - cut_at, "s"),
        Row("failover, asynchronous: acknowledged posts lost of that time", len(lost), "posts"),
        Row("failover, asynchronous: lost although older than a second when the link broke", len(before_cut), "posts", "0", not before_cut),
    ]


def backup(world: World, primary: Host, rows: list[Row]) -> None:
    """Backup, restore on a bare host, and bits that are flipped in a small repository."""
    small = world.host("small").up()
    folder = world.folder / "repositories"
    folder.mkdir()
    folder.chmod(0o777)
    made = small.run("moot", "backup", "--to", str(folder / "small"), "--json", seconds=_SECONDS)
    assert made.returncode == 0, made.stderr
    small.stop()
    rows.append(_flipped(folder / "small"))
    made = primary.run("moot", "backup", "--to", str(folder / "large"), "--json", seconds=_SECONDS)
    assert made.returncode == 0, made.stderr
    (folder / "key").write_text(" ".join(json.loads(made.stdout.splitlines()[0])["recovery_key"]))
    rows.append(_behind(primary))
    plain = plain_copy(primary, is_hashing=True)
    size = sum(file.stat().st_size for part in ("postgres/base", "media") for file in (primary.files / part).rglob("*") if file.is_file())
    bare = world.host("bare")
    began = time.perf_counter()
    answer(bare, "restore", "--from", str(folder / "large"), "--key-file", str(folder / "key"))
    restored = size / 1e6 / (time.perf_counter() - began)
    rows += [
        Row("restore on a bare host: everything, compared", restored, "MB/s"),
        Row("one process that reads, hashes, writes and syncs the same", plain, "MB/s"),
        Row("restore relative to that process", restored / plain, "ratio", ">= 0.3", restored / plain >= 0.3),
    ]


def _behind(primary: Host) -> Row:
    """How old the continuous copy becomes between two pushes: what would be lost with both hosts."""
    deadline, found = time.monotonic() + _SECONDS, []
    while len(found) < _SAMPLES:
        time.sleep(4)
        behind = answer(primary, "status")["offsite"]["behind_seconds"]
        found += [] if behind is None else [float(behind)]
        assert time.monotonic() < deadline, "there is no continuous copy"
    return Row("both hosts lost: age of the continuous copy, oldest", max(found), "s", "<= 60", max(found) <= 60)


def _flipped(repository: Path) -> Row:
    """One bit at a time in a copy of a repository; a restore looks for damage first, with the same function."""
    dice = random.Random(4711)
    files = [file for folder in ("keys", "snapshots", "index", "data") for file in (repository / folder).rglob("*") if file.is_file()]
    found = 0
    for number in range(FLIPS):
        file = files[number % len(files)]
        content = bytearray(file.read_bytes())
        bit = dice.randrange(len(content) * 8)
        content[bit // 8] ^= 1 << bit % 8
        file.chmod(0o600)
        file.write_bytes(content)
        found += find_damage(repository, NoProgress()) == [str(file.relative_to(repository))]
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
    return Row(f"flipped bits found, of {FLIPS}", found, "bits", str(FLIPS), found == FLIPS)


async def killed() -> list[Row]:
    """Kills either host at points of a move, as the tests do: one host writes, nothing is lost, the move can be finished."""
    dice, survived = random.Random(4711), 0
    with new_open_folder() as template, new_open_folder() as folder:
        async with kills.running_stage(template, folder) as stage:
            for number, point in enumerate(dice.sample(list(kills.points()), POINTS)):
                await kills.survive(stage, point, number)
                survived += 1
    return [Row(f"kills during a move survived, of {POINTS} of {len(list(kills.points()))} points", survived, "points", str(POINTS),
                survived == POINTS)]


def partitions() -> Row:
    """Random partitions with failovers in between, by the test of them; it must really run here."""
    whole = test_partitions.PARTITIONS["none"]
    environment = environment_with({series.LONG: "1", series.PART: f"1/{whole // PARTITIONS}"})
    chosen = [str(test_partitions.__file__), "-k", "in_random_partitions and none and namespaces"]
    command = [sys.executable, "-m", "pytest", "-n0", "-q", *chosen]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    has_passed = done.returncode == 0 and "1 passed" in done.stdout
    if not has_passed:
        print(done.stdout[-4000:], file=sys.stderr)
    return Row(f"random partitions, one host writes at a time, of {PARTITIONS}", PARTITIONS if has_passed else 0, "partitions",
               str(PARTITIONS), has_passed)


async def measure() -> list[Row]:
    rows: list[Row] = []
    with new_world() as world:
        pair = Pair(world, world.host("primary"), world.host("standby"))
        await bulk_copy(pair, rows)
        await moves(pair, rows, 0.0, 500)
        await moves(pair, rows, 0.1, 2000)
        backup(world, pair.primary, rows)
        await failover(pair, rows)
    return [*rows, *await killed(), partitions()]


if __name__ == "__main__":
    report("move", run(measure()))
