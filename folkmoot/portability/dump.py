"""Dumps a database into a folder and loads it again, with `pg_dump` and `pg_restore`.

One uncompressed file per table, so that the repository finds unchanged parts; it compresses by itself. The dump is
written to disk first: if it came from a pipe, an incomplete dump would become a backup.
"""

import os
import shutil
import subprocess
from pathlib import Path

from folkmoot.base.errors import Problem
from folkmoot.portability.postgres_binaries import Binaries, PostgresProblem, find_binaries, major_of
from folkmoot.portability.progress import NoProgress, Progress, folder_size
from folkmoot.portability.service_user import child_setup
from folkmoot.portability.tables import LEFT_OUT, without_password

_JOBS = "2"


class DumpProblem(Problem):
    """The database cannot be dumped or loaded."""

    code = "dump"


def dump(dsn: str, server: str, snapshot: str, target: Path, total: int, progress: Progress) -> None:
    """Dumps the data of the exported `snapshot`. `server`: the version of the server."""
    program = tools_for(int(server.split(".")[0])).folder / "pg_dump"
    options = ["--format=directory", "--compress=0", f"--jobs={_JOBS}", f"--snapshot={snapshot}", "--no-unlogged-table-data",
               "--no-owner", "--no-privileges", "--lock-wait-timeout=15s", *(f"--exclude-table-data=public.{name}" for name in LEFT_OUT)]
    _run("dump the database", [str(program), *options, f"--file={target}"], dsn, target, total, progress)


def dump_schema(dsn: str, major: int, target: Path) -> None:
    """Writes the schema alone as SQL. `major`: the version of the server."""
    program = tools_for(major).folder / "pg_dump"
    options = ["--format=plain", "--schema-only", "--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions",
               "--lock-wait-timeout=15s"]
    _run("dump the schema", [str(program), *options, f"--file={target}"], dsn, target, 0, NoProgress())


def load(dsn: str, binaries: Binaries, source: Path, grows: Path, total: int, progress: Progress) -> None:
    """Fills an empty database from a dump."""
    options = ["--format=directory", f"--jobs={_JOBS}", "--no-owner", "--no-privileges", "--exit-on-error"]
    _run("load the database", [str(binaries.folder / "pg_restore"), *options, str(source)], dsn, grows, total, progress)


def tools_for(major: int) -> Binaries:
    """PostgreSQL programs for a server of this version: the private ones, else newer ones of the system."""
    found = find_binaries()
    if found.major >= major and (found.folder / "pg_dump").exists():
        return found
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "pg_dump").exists() and major_of(folder) >= major:
            return Binaries(folder, major_of(folder))
    raise PostgresProblem(
        "The database is PostgreSQL %(major)d, but pg_dump of that version is not installed. Install postgresql-client-%(major)d.",
        major=major,
    )


def _run(what: str, command: list[str], dsn: str, grows: Path, total: int, progress: Progress) -> None:
    address, password = without_password(dsn)
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "PGPASSWORD": password}
    with subprocess.Popen(
        [*command, f"--dbname={address}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
        preexec_fn=child_setup(None),
    ) as process:
        while True:
            try:
                _, errors = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                progress.at(min(total, folder_size(grows)))
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines() or ["no reason given"]
        why = next((line for line in lines if "error:" in line), lines[-1]).partition("error: ")[2] or lines[-1]
        raise DumpProblem("PostgreSQL could not %(what)s: %(why)s.", what=what, why=why.rstrip("."), log_text="\n".join(lines))


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raises DumpProblem if the disk of `folder`, or of its nearest existing parent, has too little free space."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise DumpProblem(
            "%(what)s needs %(needed)d MB, but the disk of %(folder)s has only %(free)d MB free. Free some space, or name a folder"
            " on a larger disk.",
            what=what, needed=-(-needed // 10**6), folder=folder, free=free // 10**6,
        )
