"""Creates the virtual environment of `bin/moot`, `bin/test` and `bin/check`. Uses the standard library only.

The environment is created again when the pinned requirements or the Python change; a lock serializes commands that
start together. It is in `.venv` of the clone or, if the clone is read-only, in the cache folder of the user.

After `moot upgrade` the release that it chose runs instead, from `.releases` of the clone, with its own environment.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent


def fail(sentence: str) -> None:
    sys.exit(f"folkmoot: {sentence}")


def environment(requirements: str) -> Path:
    """The folder of the environment with the packages of `requirements/NAME.txt` installed."""
    if sys.version_info < (3, 11):
        fail(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Install it and try again.")
    wanted = CLONE / "requirements" / f"{requirements}.txt"
    stamp = hashlib.sha256(wanted.read_bytes() + sys.version.encode() + sys.executable.encode()).hexdigest()
    folder = _folder_of(requirements)
    done = folder / "folkmoot-stamp"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != stamp:
            _create(folder, wanted)
            done.write_text(stamp)
    return folder


def stamp_of_code() -> str:
    """Changes with every file of the code of this clone."""
    found = hashlib.sha256()
    for parent, folders, names in os.walk(CLONE / "folkmoot"):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            status = os.stat(os.path.join(parent, name))
            found.update(f"{os.path.relpath(parent, CLONE)}/{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return found.hexdigest()


def release_in_use() -> Path | None:
    """The folder of the release that `moot upgrade` chose. Changed code of the clone, as after `git pull`, takes precedence."""
    current, stamp = CLONE / ".releases" / "current", CLONE / ".releases" / "clone"
    if not current.is_symlink() or not (current / "complete").exists() or not stamp.exists() or stamp.read_text() != stamp_of_code():
        return None
    return current.resolve()


def _folder_of(requirements: str) -> Path:
    name = ".venv" if requirements == "runtime" else f".venv-{requirements}"
    if os.access(CLONE, os.W_OK):
        return CLONE / name
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "folkmoot" / (hashlib.sha256(str(CLONE).encode()).hexdigest()[:12] + name)


def _create(folder: Path, wanted: Path) -> None:
    print("folkmoot: installing Python packages (about a minute, once) …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    created = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True)
    if created.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        fail(f"Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv (or python{version}-venv).")
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check",
               "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(wanted)]
    if subprocess.run(install).returncode:
        shutil.rmtree(folder, ignore_errors=True)
        fail("the packages could not be installed; see the last lines of pip above. Is there an internet connection, and free disk space?")


def run(requirements: str, module: str, arguments: list[str]) -> None:
    """Replaces this process with a module in the environment. Training has its own environment with more packages."""
    if requirements == "runtime" and arguments[:2] == ["detector", "build"]:
        requirements = "train"
    release = release_in_use() if requirements == "runtime" else None
    folder = release / ".venv" if release else environment(requirements)
    python = str(folder / "bin" / "python")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(release or CLONE), os.environ.get("PYTHONPATH")]))
    os.execv(python, [python, "-P", "-m", module, *arguments])  # not what is in this folder, which may be the clone of an older release
