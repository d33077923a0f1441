"""PostgreSQL's own programs write a database into a folder and read it back: `pg_dump` and `pg_restore`.

One file per table, not compressed: so the repository recognises what has not changed since the last backup, and
compresses by itself. The dump is written to disk first; out of a pipe, a dump that broke off would still become a backup.
"""

import os
import shutil
import subprocess
from pathlib import Path

from folkmoot.base.errors import Problem
from folkmoot.portability.postgres import Binaries, PostgresProblem, becoming, find_binaries, major_of
from folkmoot.portability.progress import Progress, bytes_below
from folkmoot.portability.tables import LEFT_OUT, without_password

_JOBS = "2"


class DumpProblem(Problem):
    """The database cannot be written out or read back."""

    code = "dump"


def dump(dsn: str, server: str, snapshot: str, target: Path, total: int, progress: Progress) -> None:
    """Writes what the exported `snapshot` sees. `server`: its version."""
    program = tools_for(int(server.split(".")[0])).folder / "pg_dump"
    options = ["--format=directory", "--compress=0", f"--jobs={_JOBS}", f"--snapshot={snapshot}", "--no-unlogged-table-data",
               "--no-owner", "--no-privileges", "--lock-wait-timeout=15s", *(f"--exclude-table-data=public.{name}" for name in LEFT_OUT)]
    _run("write the database out", [str(program), *options, f"--file={target}"], dsn, target, total, progress)


def load(dsn: str, binaries: Binaries, source: Path, grows: Path, total: int, progress: Progress) -> None:
    """Fills an empty database from a dump."""
    options = ["--format=directory", f"--jobs={_JOBS}", "--no-owner", "--no-privileges", "--exit-on-error"]
    _run("read the database back", [str(binaries.folder / "pg_restore"), *options, str(source)], dsn, grows, total, progress)


def tools_for(major: int) -> Binaries:
    """Programs that understand a server of this version: the private ones, else newer ones of the system."""
    found = find_binaries()
    if found.major >= major and (found.folder / "pg_dump").exists():
        return found
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "pg_dump").exists() and major_of(folder) >= major:
            return Binaries(folder, major_of(folder))
    raise PostgresProblem(
        "The database is PostgreSQL %(major)d, and no pg_dump of that version is here. Install postgresql-client-%(major)d.", major=major
    )


def _run(what: str, command: list[str], dsn: str, grows: Path, total: int, progress: Progress) -> None:
    address, password = without_password(dsn)
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "PGPASSWORD": password}
    with subprocess.Popen(
        [*command, f"--dbname={address}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
        preexec_fn=becoming(None),
    ) as process:
        while True:
            try:
                _, said = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                progress.at(min(total, bytes_below(grows)))
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["no reason given"]
        why = next((line for line in lines if "error:" in line), lines[-1]).partition("error: ")[2] or lines[-1]
        raise DumpProblem("PostgreSQL could not %(what)s: %(why)s.", what=what, why=why.rstrip("."), log_text="\n".join(lines))


def room_for(folder: Path, needed: int, what: str) -> None:
    """Raises DumpProblem when the disk of `folder`, or of the nearest one above that exists, is too small."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DumpProblem(
            "%(what)s needs %(needed)d MB, and the disk of %(folder)s has %(free)d MB left. Free some room, or name a folder on a"
            " larger disk.",
            what=what, needed=-(-needed // 10**6), folder=folder, free=free // 10**6,
        )
