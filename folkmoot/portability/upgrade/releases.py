"""The releases of this host, side by side: each in a folder of its own, with its code and its Python packages.

    /opt/folkmoot/  (made by moot install)  or  CLONE/.releases/  (beside a clone)
        0.2.0-3f2a91c08d44-a1b2c3/          folkmoot/ bin/ requirements/ … and .venv/; the file `complete` is written last
        current                              link to the release that the next start runs

Nothing that runs is changed: a release is built and tried before anything points to it, and the one before it stays.
"""

import compileall
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

import folkmoot
from folkmoot.base.errors import Problem
from folkmoot.base.migrate import Migration
from folkmoot.portability.program import open_to_all
from folkmoot.portability.upgrade.identity import code_of
from folkmoot.portability.upgrade.order import Launch

COMPLETE, CURRENT, BESIDE_CLONE = "complete", "current", ".releases"
_PARTS = ("folkmoot", "bin", "docs", "requirements", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
_LEAST_FREE = 2 * 10**9
_OWN = Path(folkmoot.__file__).resolve().parent.parent


class UpgradeProblem(Problem):
    """An upgrade is impossible, or a step of it failed."""

    code = "upgrade"


@dataclass(frozen=True)
class Release:
    """One release in its folder, which may not exist yet."""

    folder: Path
    code: str

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"

    @property
    def is_complete(self) -> bool:
        return (self.folder / COMPLETE).exists()

    def run(self, *arguments: str, what: str) -> str:
        """The output of a module or command of this release. Raises UpgradeProblem with its last line."""
        done = subprocess.run(
            [self.python, "-P", "-m", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/", env=self.environment()
        )
        if done.returncode:
            raise UpgradeProblem("The new release %(what)s: %(why)s", what=what, why=reason_of(done))
        return done.stdout.strip()

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_LIBRARY_PATH", "PYTHONHOME")}
        return {**kept, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def launch(self) -> Launch:
        """How the supervisor starts it; if root asks, copies are made of what the user of the network cannot read."""
        answer = self.run("folkmoot.portability.upgrade.launch", what="cannot be started by the user of the network")
        return msgspec.json.decode(answer.splitlines()[-1], type=Launch)


class Releases:
    """All releases of this host. `own`: the folder of the code that this command runs."""

    def __init__(self, own: Path = _OWN) -> None:
        self.is_installed = (own / COMPLETE).exists() and own.parent.name != BESIDE_CLONE
        self.is_beside_clone = not self.is_installed
        if (own / COMPLETE).exists():
            self.folder = own.parent
        else:
            self.folder = own / BESIDE_CLONE
        self.clone = self.folder.parent if self.is_beside_clone else None
        self._own = own

    @property
    def _lists(self) -> tuple[str, ...]:
        return ("runtime", "proxy") if self.is_installed else ("runtime",)

    def planned(self, source: Path) -> Release:
        """The release that the code in `source` is or will be. Raises UpgradeProblem if it is none."""
        missing = [name for name in ("folkmoot/__init__.py", *(f"requirements/{name}.txt" for name in self._lists))
                   if not (source / name).exists()]
        if missing:
            raise UpgradeProblem("%(source)s is no Folkmoot: %(missing)s is missing.", source=source, missing=missing[0])
        code = code_of(source)
        return Release(self.folder / f"{code}-{self._packages(source)[:6]}", code)

    def build(self, release: Release, source: Path, origin: str) -> None:
        """Copies the code and installs its packages. A killed build is repeated from the beginning."""
        if release.is_complete:
            return
        try:
            self.folder.mkdir(mode=0o755, exist_ok=True)
            if shutil.disk_usage(self.folder).free < _LEAST_FREE:
                raise UpgradeProblem("The disk of %(folder)s has less than 2 GB left. Free some space first.", folder=self.folder)
            shutil.rmtree(release.folder, ignore_errors=True)
            release.folder.mkdir(mode=0o755)
            for part in filter(Path.exists, (source / name for name in _PARTS)):
                if part.is_dir():
                    shutil.copytree(part, release.folder / part.name, ignore=_LEFT_OUT)
                else:
                    shutil.copy2(part, release.folder / part.name)
        except PermissionError as error:
            raise UpgradeProblem("%(folder)s cannot be written. Run the upgrade as its owner.", folder=self.folder) from error
        self._make_environment(release)
        compileall.compile_dir(release.folder / "folkmoot", quiet=2)
        (release.folder / "origin").write_text(f"{origin}\n")
        for folder in filter(Path.is_dir, (release.folder / part for part in _PARTS)):
            open_to_all(folder)
        release.folder.chmod(0o755)
        if code_of(release.folder) != release.code:
            raise UpgradeProblem("%(source)s changed while it was copied. Run the command again.", source=source)
        (release.folder / COMPLETE).touch()

    def _make_environment(self, release: Release) -> None:
        """The packages of the pinned list, each compared with its hash. An equal environment is copied, as hard links if possible."""
        environment = release.folder / ".venv"
        if self._packages(release.folder) == self._packages(self._own) and (Path(sys.prefix) / "pyvenv.cfg").exists():
            shutil.copytree(sys.prefix, environment, symlinks=True, copy_function=_link)
            return
        python = os.path.realpath(sys.executable)
        _require([python, "-m", "venv", str(environment)], "Its environment cannot be created")
        for name in self._lists:
            _require([
                str(release.python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps", "--require-hashes",
                "--only-binary", ":all:", "-r", str(release.folder / "requirements" / f"{name}.txt"),
            ], "Its packages cannot be installed")

    def _packages(self, folder: Path) -> str:
        """A hash of the pinned packages and of the Python that uses them."""
        found = hashlib.sha256(sys.version.encode())
        for name in self._lists:
            file = folder / "requirements" / f"{name}.txt"
            found.update(file.read_bytes() if file.exists() else b"")
        return found.hexdigest()

    @property
    def current(self) -> str:
        """The name of the release that the next start runs; "" if that is the clone itself."""
        with suppress(OSError):
            return os.readlink(self.folder / CURRENT)
        return ""

    def make_current(self, name: str) -> None:
        """Points to a release at once; `name` "" means the clone. Root may call this with a name that the network has written."""
        if name and ("/" in name or name.startswith(".") or not Release(self.folder / name, "").is_complete):
            raise UpgradeProblem("There is no complete release %(name)s in %(folder)s.", name=name, folder=self.folder)
        link, new = self.folder / CURRENT, self.folder / f"{CURRENT}.new"
        if not name:
            link.unlink(missing_ok=True)
            return
        if self.clone:
            (self.folder / "clone").write_text(_stamp_of(self.clone))  # bin/moot runs the clone again when its files change
        new.unlink(missing_ok=True)
        new.symlink_to(name)
        new.rename(link)

    def remove_old(self, kept: Collection[str]) -> list[str]:
        """Removes all releases but those whose names begin with one of `kept`."""
        removed = []
        for folder in self.folder.iterdir():
            if folder.is_dir() and not folder.is_symlink() and not folder.name.startswith(tuple(kept)):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
        return removed


def reason_of(done: "subprocess.CompletedProcess[str]") -> str:
    """Why a command failed: what it says with `--json`, else its last line."""
    with suppress(msgspec.DecodeError, KeyError, TypeError, IndexError):
        return str(msgspec.json.decode(done.stdout.splitlines()[-1])["message"])
    lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
    return lines[-1].removeprefix("folkmoot: ")


def migrations_in(folder: Path) -> list[Migration]:
    """Those of the code in this folder."""
    files = sorted((folder / "folkmoot" / "migrations").glob("[0-9]*.sql"))
    return [Migration(int(file.name[:4]), file.name, file.read_text("utf-8")) for file in files]


def _stamp_of(clone: Path) -> str:
    """As `bin/bootstrap.py` of the clone calculates it."""
    spec = importlib.util.spec_from_file_location("bootstrap", clone / "bin" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    return str(bootstrap.stamp_of_code())


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk, or files of another user
        shutil.copy2(source, target, follow_symlinks=False)
    return target


def _require(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise UpgradeProblem("%(what)s: %(why)s. Nothing was changed.", what=what, why=reason_of(done).rstrip("."))
