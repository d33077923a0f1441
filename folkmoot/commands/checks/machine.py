"""Checks of the machine and of the files in the data directory. They work without a database."""

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.disk import LEAST_FREE, measure
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.config import Settings

_LEAST_MEMORY = 200 * 2**20
_LEAST_OPEN_FILES = 1024
_LARGEST_LOG = 200 * 2**20
_LEAST_SHARED_MEMORY = 16 * 2**20
_ABANDONED_SECONDS = 86_400
_LEFTOVERS = ("backup", "drill", "restoring", "postgres.new")


def check_machine(settings: Settings) -> Iterator[Finding]:
    yield from _disk(settings.data)
    yield from _temporary(Path(tempfile.gettempdir()))
    yield from _memory(Path("/proc/meminfo"), Path("/dev/shm"))
    yield from _open_files()
    yield from _programs()
    yield from _access(settings)
    yield from _parts(settings)
    yield from _owner(settings.data)
    yield from _leftovers(settings.data)
    yield from _database_log(settings.data / "postgres.log")


def _disk(data: Path) -> Iterator[Finding]:
    if short := measure(data):
        yield Finding("disk.writable", BROKEN, short, "nothing can be saved, and PostgreSQL stops when its log needs room",
                      f"free some space, or move {data} to a larger disk; the network recovers by itself")
    else:
        yield Finding("disk.writable", GOOD, "files can be written")
    usage = shutil.disk_usage(data)
    share = round(100 * usage.free / usage.total)
    free = f"{usage.free / 2**30:.1f} GB free on the disk ({share} %)"
    if usage.free < max(LEAST_FREE, 2**30) and share < 10:
        yield Finding(
            "disk.space", BROKEN, free, "when it is full, nothing can be saved", f"free some space, or move {data} to a larger disk",
        )
    elif share < 10:
        yield Finding("disk.space", WARNING, free, "a full disk stops all writing", f"free some space, or move {data} to a larger disk")
    else:
        yield Finding("disk.space", GOOD, free)
    status = os.statvfs(data)
    if status.f_files and status.f_favail < status.f_files / 20:
        yield Finding("disk.inodes", WARNING, f"{status.f_favail} inodes are free on the disk of {data}",
                      "without a free one no file can be created, although space is left", "remove small files, or use another file system")


def _temporary(folder: Path) -> Iterator[Finding]:
    if short := measure(folder):
        yield Finding("disk.temporary", WARNING, f"{folder}: {short}", "backups and uploads use temporary files",
                      f"free some space in {folder}, or set TMPDIR")


def _memory(table: Path, shared: Path) -> Iterator[Finding]:
    if table.exists():
        available = next((1024 * int(line.split()[1]) for line in table.read_text().splitlines() if line.startswith("MemAvailable")), 2**40)
        text = f"{available >> 20} MB of memory are available"
        if available < _LEAST_MEMORY:
            yield Finding("memory.available", WARNING, text, "the system may kill PostgreSQL or a web process",
                          "add memory or swap, or set server.processes = 1")
        else:
            yield Finding("memory.available", GOOD, text)
    if shared.exists() and shutil.disk_usage(shared).free < _LEAST_SHARED_MEMORY:
        yield Finding("memory.shared", BROKEN, f"{shared} has only {shutil.disk_usage(shared).free >> 20} MB left",
                      "PostgreSQL needs shared memory to start", f"mount {shared} larger, in a container with --shm-size=128m")


def _programs() -> Iterator[Finding]:
    from folkmoot.network.recordings.encoding.programs import is_installed

    if is_installed():
        yield Finding("programs.ffmpeg", GOOD, "ffmpeg is installed: members can publish video and audio")
    else:
        yield Finding("programs.ffmpeg", WARNING, "ffmpeg is not installed", "video and audio are refused", "apt-get install ffmpeg")


def _open_files() -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _LEAST_OPEN_FILES:
        yield Finding(
            "files.limit", WARNING, f"a process may open only {soft} files", "each visitor and each connection to the database is one",
            "ulimit -n 4096 before moot up, or LimitNOFILE=4096 in the unit of systemd",
        )


def _access(settings: Settings) -> Iterator[Finding]:
    """Who may read secrets and database files."""
    for name in ("secrets", "postgres"):
        folder = settings.data / name
        if folder.exists() and folder.stat().st_mode & 0o077:
            yield Finding(f"access.{name}", BROKEN, f"other users of this machine can read {folder}",
                          "it contains keys, passwords and private messages", f"chmod -R go= {folder}")
        else:
            yield Finding(f"access.{name}", GOOD, f"{name}: no other user of this machine can read it")
    file = settings.data / "folkmoot.toml"
    has_password = settings.mail.password or settings.secrets.network or settings.secrets.database or "@" in settings.database.url
    if has_password and file.exists() and file.stat().st_mode & 0o077:
        yield Finding(
            "access.settings", WARNING, f"other users of this machine can read {file}", "it contains a password", f"chmod 600 {file}",
        )


def _parts(settings: Settings) -> Iterator[Finding]:
    """Whether the data directory is complete."""
    from folkmoot.portability.host import Host, HostProblem
    from folkmoot.portability.postgres_binaries import available_majors

    data = settings.data
    missing = [name for name in ("media", "secrets", "outbox", "run") if not (data / name).is_dir()]
    if missing:
        yield Finding("data.parts", BROKEN, f"missing in {data}: {', '.join(missing)}", "the network cannot store them",
                      "moot up creates missing folders; if they were lost, restore a backup")
    if not settings.database.url and (data / "postgres").exists() and not (data / "postgres" / "PG_VERSION").exists():
        yield Finding(
            "data.postgres", BROKEN, f"{data / 'postgres'} is not a database", "all posts and accounts are in it", "restore a backup",
        )
    elif not settings.database.url and (data / "postgres").exists():
        yield from _version(int((data / "postgres" / "PG_VERSION").read_text()), available_majors())
    try:
        Host(data)
    except HostProblem as problem:
        yield Finding("data.host", BROKEN, problem.message % problem.params, "without it no process knows whether it may write",
                      "restore host.json from a copy of the data directory")


def _version(made: int, available: frozenset[int]) -> Iterator[Finding]:
    """Whether the PostgreSQL that made the database is here, and whether a newer one is."""
    if made not in available:
        yield Finding(
            "postgres.version", BROKEN, f"the database was made by PostgreSQL {made}, which is not installed", "no other one can read it",
            f"apt-get install postgresql-{made}; or restore a backup with moot restore, into the newest one",
        )
    elif made < max(available):
        yield Finding("postgres.version", GOOD, f"the database is PostgreSQL {made}, and a newer one is here. To change to it while members"
                      f" write: moot upgrade --postgres {max(available)}")


def _owner(data: Path) -> Iterator[Finding]:
    """Files of different owners, as after a copy by root."""
    names = [name for name in ("postgres", "media", "secrets", "run", "outbox", "exports") if (data / name).exists()]
    owners = {(data / name).stat().st_uid for name in names}
    if len(owners) > 1:
        yield Finding(
            "data.owner", BROKEN, f"folders in {data} belong to different users",
            "the network runs as one user and cannot use the others",
            f"chown -R USER: {data}, with the user that runs the network (for root: folkmoot)",
        )


def _leftovers(data: Path) -> Iterator[Finding]:
    for name in _LEFTOVERS:
        folder = data / name
        if folder.exists() and clock.now().timestamp() - folder.stat().st_mtime > _ABANDONED_SECONDS:
            yield Finding("data.leftovers", WARNING, f"{folder} was left over over a day ago", "it may use a lot of space",
                          "if no backup, drill or restore runs: moot up removes it at its next start")


def _database_log(log: Path) -> Iterator[Finding]:
    """The size of the log of PostgreSQL, and whether PostgreSQL has crashed lately."""
    if not log.exists():
        return
    size = log.stat().st_size
    if size > _LARGEST_LOG:
        yield Finding(
            "postgres.log", WARNING, f"{log} has {size >> 20} MB", "it grows for ever if an error repeats",
            f"read its end, then: truncate -s 0 {log}",
        )
    with log.open("rb") as stream:
        stream.seek(max(0, size - 65536))
        lines = stream.read().decode(errors="replace").splitlines()
    if panics := [line for line in lines if " PANIC: " in line]:
        yield Finding("postgres.panic", WARNING, f"PostgreSQL has crashed: {panics[-1].partition(' PANIC: ')[2].strip()}",
                      "it recovers, but the cause may return", f"the end of {log} says more")
