"""The installed program: a copy of the code below /opt/folkmoot with Python packages of its own.

    /opt/folkmoot/0.1.0-3f2a91c08d44/   folkmoot/ bin/ requirements/ … and .venv/
    /opt/folkmoot/current               link to the release that runs

The name contains a hash of the code and of the Python, so an unchanged release is not installed again. The clone can be
changed or deleted afterwards. The release before the current one is kept.
"""

import compileall
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import folkmoot
from folkmoot.portability.install.machine import InstallProblem, Machine, can_others_read
from folkmoot.portability.program import open_to_all

FOLDER = "/opt/folkmoot"
_CLONE = Path(folkmoot.__file__).resolve().parent.parent
_PARTS = ("folkmoot", "bin", "docs", "requirements", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml")
_LISTS = ("runtime", "proxy", "dns", "s3")  # files in requirements/
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
_LEAST_FREE = 2 * 10**9


class Release:
    """The release that this code is, on a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._python = Path(os.path.realpath(sys.executable))
        self.name = f"{folkmoot.__version__}-{self._hash()}"
        self.folder = machine.path(FOLDER) / self.name
        self._current = machine.path(FOLDER) / "current"

    @property
    def is_installed(self) -> bool:
        return (self.folder / "complete").exists()

    @property
    def is_current(self) -> bool:
        return self.is_installed and self._current.is_symlink() and os.readlink(self._current) == self.name

    def require(self) -> None:
        """Raises InstallProblem if this release cannot be installed."""
        if not (_CLONE / "requirements" / "runtime.txt").exists():
            raise InstallProblem("%(clone)s is not a clone: requirements/runtime.txt is missing. Run bin/moot install from a clone.",
                                 clone=_CLONE)
        if self._machine.is_live and not can_others_read(self._python):
            raise InstallProblem("%(python)s can be read by root only, but the network does not run as root. Install Python for everybody"
                                 " (apt-get install python3 python3-venv), then: FOLKMOOT_PYTHON=/usr/bin/python3 bin/moot install",
                                 python=self._python)
        parent = next(folder for folder in self.folder.parents if folder.exists())
        if not self.is_installed and shutil.disk_usage(parent).free < _LEAST_FREE:
            raise InstallProblem("The disk of %(folder)s has less than 2 GB left. Free some space first.", folder=parent)

    def install(self) -> None:
        """Copies the code and installs its packages, in a folder that gets its name when it is complete."""
        if self.is_installed:
            return
        folder = self.folder.with_name(self.name + ".new")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o755)
        for part in filter(Path.exists, (_CLONE / name for name in _PARTS)):
            if part.is_dir():
                shutil.copytree(part, folder / part.name, ignore=_LEFT_OUT)
            else:
                shutil.copy2(part, folder / part.name)
        shutil.rmtree(self.folder, ignore_errors=True)  # an incomplete one
        folder.rename(self.folder)  # an environment cannot be moved later
        self._make_environment()
        open_to_all(self.folder)
        (self.folder / "complete").touch()

    def make_current(self) -> None:
        """Switches to this release at once, and removes all but the one before."""
        before = os.readlink(self._current) if self._current.is_symlink() else ""
        if before != self.name:
            link = self._current.with_name("current.new")
            link.unlink(missing_ok=True)
            link.symlink_to(self.name)
            link.rename(self._current)
            for folder in self._current.parent.iterdir():
                if folder.is_dir() and not folder.is_symlink() and folder.name not in (before, self.name):
                    shutil.rmtree(folder)

    def _make_environment(self) -> None:
        """Installs the pinned packages and compiles the code, because the network cannot write here."""
        environment = self.folder / ".venv"
        self._machine.run(self._python, "-m", "venv", environment)
        for name in _LISTS:
            self._machine.run(
                environment / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps",
                "--require-hashes", "--only-binary", ":all:", "-r", self.folder / "requirements" / f"{name}.txt",
            )
        compileall.compile_dir(self.folder / "folkmoot", quiet=2)

    def _hash(self) -> str:
        found = hashlib.sha256(f"{self._python} {sys.version}".encode())
        for file in _files():
            found.update(f"{file.relative_to(_CLONE)}\n".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
        return found.hexdigest()[:12]


def remove_releases(machine: Machine) -> None:
    shutil.rmtree(machine.path(FOLDER), ignore_errors=True)


def _files() -> Iterator[Path]:
    """All files of a release in a fixed order."""
    for part in (_CLONE / name for name in _PARTS):
        if part.is_file():
            yield part
        for parent, folders, names in os.walk(part):
            folders[:] = sorted(set(folders) - _LEFT_OUT(parent, folders))
            yield from (Path(parent) / name for name in sorted(set(names) - _LEFT_OUT(parent, names)))

