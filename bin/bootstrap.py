"""Makes the virtual environment that `bin/moot`, `bin/test` and `bin/check` run in. Standard library only.

The environment is made anew when the pinned requirements or the Python change, and once when two commands start
together. It stands in `.venv` of the clone or, where the clone cannot be written, in the user's cache.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent


def stop(sentence: str) -> None:
    sys.exit(f"folkmoot: {sentence}")


def environment(requirements: str) -> Path:
    """The environment's folder, with what `requirements/NAME.txt` pins installed."""
    if sys.version_info < (3, 11):
        stop(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Install it and try again.")
    wanted = CLONE / "requirements" / f"{requirements}.txt"
    stamp = hashlib.sha256(wanted.read_bytes() + sys.version.encode() + sys.executable.encode()).hexdigest()
    folder = _place(requirements)
    done = folder / "folkmoot-stamp"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != stamp:
            _make(folder, wanted)
            done.write_text(stamp)
    return folder


def _place(requirements: str) -> Path:
    name = ".venv" if requirements == "runtime" else f".venv-{requirements}"
    if os.access(CLONE, os.W_OK):
        return CLONE / name
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "folkmoot" / (hashlib.sha256(str(CLONE).encode()).hexdigest()[:12] + name)


def _make(folder: Path, wanted: Path) -> None:
    print("folkmoot: installing what this version needs (about a minute, once) …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stop(f"Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv (or python{version}-venv).")
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check",
               "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(wanted)]
    if subprocess.run(install).returncode:
        shutil.rmtree(folder, ignore_errors=True)
        stop("the packages could not be installed; pip's last lines above say why. Is there a network, and room on the disk?")


def run(requirements: str, module: str, arguments: list[str]) -> None:
    """Runs a module in the environment, in place of this process. Training has an environment of its own: it needs more."""
    if requirements == "runtime" and arguments[:2] == ["detector", "train"]:
        requirements = "train"
    python = str(environment(requirements) / "bin" / "python")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CLONE), os.environ.get("PYTHONPATH")]))
    os.execv(python, [python, "-m", module, *arguments])
