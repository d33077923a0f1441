"""Copies the database of the primary with `pg_basebackup`, verifies the copy, and puts it into place.

The copy is made in `DATA/postgres.new` and renamed when it is complete and on the disk, so a killed seeding leaves
nothing that a server could start from; the next one removes the leftovers and begins again. If the connection breaks, the
copy is repeated. The slot on the primary keeps all WAL since the preparation. The copy takes its part at the end, not by a
second stream: a killed `pg_basebackup` leaves the process of that stream behind, which never ends.
"""

import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

from folkmoot.base.errors import Problem
from folkmoot.base.file_store import sync_disk
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import require_space
from folkmoot.portability.postgres_binaries import Binaries, available_majors, find_binaries_of, runnable_by
from folkmoot.portability.postgres_settings import REPLICATION_ROLE, REPLICATION_SECRET, SIGNAL
from folkmoot.portability.progress import Progress, folder_size
from folkmoot.portability.service_user import child_setup, plain_environment
from folkmoot.portability.standby.model import Facts
from folkmoot.portability.standby.verification import CHECKSUMS, MANIFEST, verify

_SPACE = 1.5  # times the size of the primary's data
_PAUSES = (1, 2, 4, 8, 15, 30)  # seconds between attempts
_LOST = re.compile(r"could not (connect|receive|send|read)|connection to server|server closed|terminat|timeout")
_FINAL = re.compile(r"authentication failed|does not exist|pg_hba|No space left")  # waiting does not help


class SeedingProblem(Problem):
    """The database of the primary cannot be copied to this host."""

    code = "seeding"


def check(facts: Facts, folder: Path) -> Binaries:
    """The PostgreSQL that can follow that primary. Raises a Problem with one sentence if this host cannot copy it; changes nothing."""
    if facts.postgresql not in available_majors():
        raise SeedingProblem(
            "The primary runs PostgreSQL %(theirs)d, which this host does not have, so its log is useless here. Copy rows: stop this"
            " network, then run moot standby --again", theirs=facts.postgresql,
        )
    if facts.machine != platform.machine():
        raise SeedingProblem(
            "The primary is a machine of the architecture %(theirs)s and this one is %(ours)s, so the log of one is useless to the other."
            " Copy rows instead: stop this network, then run moot standby --again", theirs=facts.machine, ours=platform.machine(),
        )
    require_room(facts, folder)
    return find_binaries_of(facts.postgresql)


def require_room(facts: Facts, folder: Path) -> None:
    """Raises a Problem if the disk is too small."""
    present = folder_size(folder / "media")
    needed = int(_SPACE * (facts.database_bytes + max(0, facts.media_bytes - present)))
    require_space(folder, needed, f"A standby of “{facts.network}”")


def seed(directory: DataDirectory, binaries: Binaries, socket_folder: Path, facts: Facts, progress: Progress) -> int:
    """Replaces the database of this host, if there is one, by a copy of the primary; returns the number of copied files.

    `socket_folder`: where the primary's PostgreSQL is reached. No server may run in `directory`; the caller holds its lock.
    Raises SeedingProblem, DamagedCopy.
    """
    unfinished, replaced, final = (directory.path / name for name in ("postgres.new", "postgres.old", "postgres"))
    with directory.server_lock() as lock:  # waits for the processes of a killed copy
        _copy(directory, runnable_by(directory.owner, binaries), socket_folder, unfinished, lock, facts.database_bytes, progress)
        files = verify(unfinished, progress)
        _forget_primary(directory, unfinished / "postgresql.auto.conf")
        directory.write(unfinished / SIGNAL, b"")
        (unfinished / MANIFEST).unlink()  # it describes the copy, not the server that it becomes
        progress.step("writing to disk")
        sync_disk(directory.path)
        shutil.rmtree(replaced, ignore_errors=True)
        if final.exists():
            final.rename(replaced)
        unfinished.rename(final)
        sync_disk(directory.path)
        shutil.rmtree(replaced, ignore_errors=True)
    return files


def _forget_primary(directory: DataDirectory, file: Path) -> None:
    """The primary may have been a standby before; where it found its own primary is of no use here."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    directory.write(file, "".join(line for line in lines if not line.startswith("primary_")).encode())


def _copy(
    directory: DataDirectory, binaries: Binaries, socket_folder: Path, target: Path, lock: int, total: int, progress: Progress
) -> None:
    """Copies the server, again if the connection breaks."""
    for pause in (*_PAUSES, 0):
        shutil.rmtree(target, ignore_errors=True)
        progress.step("copying the database", total)
        why = _run_base_backup(directory, binaries, socket_folder, target, lock, total, progress)
        if not why:
            return
        if not pause or _FINAL.search(why) or not _LOST.search(why):
            break
        progress.step(f"waiting for the primary ({pause} s)")
        time.sleep(pause)
    shutil.rmtree(target, ignore_errors=True)
    raise SeedingProblem("The database of the primary could not be copied: %(why)s. Run the same command again.", why=why.rstrip("."))


def _run_base_backup(
    directory: DataDirectory, binaries: Binaries, socket_folder: Path, target: Path, lock: int, total: int, progress: Progress
) -> str:
    """Returns why the copy failed, or ""."""
    command: list[str | Path] = [
        binaries.folder / "pg_basebackup", "--pgdata", target, "--wal-method=fetch", "--checkpoint=fast", "--no-sync",
        f"--manifest-checksums={CHECKSUMS}", "--no-password", "--host", socket_folder, "--username", REPLICATION_ROLE,
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=directory.path, pass_fds=(lock,),
        env={**plain_environment(), "PGPASSWORD": directory.secret(REPLICATION_SECRET)}, preexec_fn=child_setup(directory.owner),
    ) as process:
        while True:
            try:
                _, errors = process.communicate(timeout=0.3)
                break
            except subprocess.TimeoutExpired:
                progress.at(min(total, folder_size(target)))
    if process.returncode == 0:
        return ""
    lines = errors.decode(errors="replace").strip().splitlines() or [f"pg_basebackup ended with {process.returncode}"]
    return next((why for line in lines if (why := line.partition("error: ")[2])), lines[0])
