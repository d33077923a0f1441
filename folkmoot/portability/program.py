"""Copies of the program that the user who runs the network can read.

A network that root starts gives up the rights of root. But other users cannot read a clone in root's home, or a Python
below it. Each unreadable part (interpreter, packages, code) is copied once into a folder that only root writes and
everybody can read, and the command restarts from there. A part is copied again when its original changes; old copies
are removed when no process uses them.
"""

import compileall
import fcntl
import hashlib
import os
import platform
import pwd
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import folkmoot
from folkmoot.portability.service_user import can_read, drop_privileges

COPIES = Path("/var/lib/folkmoot-program")
_CODE = Path(folkmoot.__file__).resolve().parent
_PACKAGES = Path(sysconfig.get_path("purelib"))
_PYTHON = Path(os.path.realpath(sys.executable))
_LIBRARY = Path(os.__file__).parent  # the interpreter's own modules
_NOT_NEEDED = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "turtledemo", "lib2to3", "ensurepip", "config-*")


@dataclass(frozen=True)
class ReadableCopy:
    """How a copy of this program is started. `parts`: the folders in COPIES that it consists of."""

    python: Path
    variables: dict[str, str]
    parts: list[Path]


class NotReadable(Exception):
    """No copy could be made that the user can read; says why."""


def restart_from_readable_copy(user: pwd.struct_passwd) -> str:
    """Restarts this command from copies that the user can read. Returns "" if that is not needed, else why it is impossible."""
    try:
        copy = find_readable_copy(user)
    except NotReadable as error:
        return str(error)
    if copy is None:
        return ""
    for part in copy.parts:
        _lock_copy(part)
    command = [str(copy.python), "-P", "-m", "folkmoot", *sys.argv[1:]]
    os.execve(command[0], command, {**os.environ, **copy.variables})  # noqa: S606 - the arguments come from the operator only


def find_readable_copy(user: pwd.struct_passwd) -> ReadableCopy | None:
    """A copy that runs, made if it is missing; None if the user can read the program as it is. Raises NotReadable."""
    copies_python = not all(can_read(user, path) for path in (_PYTHON, _LIBRARY, Path(os.__file__)))
    copies_packages = not all(can_read(user, path) for path in (_PACKAGES, *_PACKAGES.glob("click/__init__.py")))
    copies_code = not all(can_read(user, path) for path in (_CODE, _CODE / "cli.py"))
    if not (copies_python or copies_packages or copies_code or not can_read(user, Path(sys.executable))):
        return None
    if COPIES in Path(sys.prefix).parents or COPIES in _CODE.parents:
        raise NotReadable(f"the copy in {COPIES} cannot be read either")
    try:
        COPIES.mkdir(mode=0o755, exist_ok=True)
        COPIES.chmod(0o755)
        with open(COPIES / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            python = _copy_of_python() / "bin" / _PYTHON.name if copies_python else _PYTHON
            environment = _environment_for(python, copies_packages)
            code = _copy_of_code() if copies_code else _CODE.parent
    except OSError as error:
        raise NotReadable(f"it could not be copied to {COPIES}: {error.strerror}") from error
    started, variables = environment / "bin" / "python", {"PYTHONPATH": str(code)}
    if copies_python:  # the interpreter looks for its library where it was built
        variables["LD_LIBRARY_PATH"] = str(python.parents[1] / "lib")
    command = [str(started), "-P", "-m", "folkmoot"]
    if why := _why_it_does_not_run(command, {**os.environ, **variables}, user, environment / "tried"):
        raise NotReadable(f"the copy in {COPIES} does not run: {why}")
    used = {python.parents[1], environment, code} if copies_python else {environment, code}
    return ReadableCopy(started, variables, [part for part in used if part.parent == COPIES])


def _why_it_does_not_run(command: list[str], variables: dict[str, str], user: pwd.struct_passwd, mark: Path) -> str:
    """Runs the copy once and marks it as tried, because each run costs a quarter of a second."""
    if mark.exists():
        return ""
    tried = subprocess.run(
        [*command, "--version"], env=variables, cwd="/", capture_output=True, text=True, preexec_fn=lambda: drop_privileges(user)
    )
    if tried.returncode:
        return (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    mark.touch()
    return ""


def _copy_of_python() -> Path:
    """The interpreter with its library and modules, in the layout that it expects."""

    def make(folder: Path) -> None:
        (folder / "bin").mkdir(parents=True)
        shutil.copy2(_PYTHON, folder / "bin" / _PYTHON.name)
        shutil.copytree(_LIBRARY, folder / "lib" / _LIBRARY.name, symlinks=True, ignore=_NOT_NEEDED)
        for library in _LIBRARY.parent.glob("*.so*"):
            shutil.copy2(library, folder / "lib" / library.name, follow_symlinks=False)

    return _cached_copy("python", str(_PYTHON), [_PYTHON, _LIBRARY / "lib-dynload"], make)


def _environment_for(python: Path, copies_packages: bool) -> Path:
    """A virtual environment with the packages of the current one: copied if unreadable, else linked."""
    version = "python{}.{}".format(*platform.python_version_tuple())

    def make(folder: Path) -> None:
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(python)
        (folder / "pyvenv.cfg").write_text(f"home = {python.parent}\ninclude-system-site-packages = false\n")
        packages = folder / "lib" / version / "site-packages"
        packages.parent.mkdir(parents=True)
        if copies_packages:
            shutil.copytree(_PACKAGES, packages, symlinks=True)
        else:
            packages.symlink_to(_PACKAGES)

    return _cached_copy("environment", f"{python} {_PACKAGES} {copies_packages}", sorted(_PACKAGES.iterdir()), make)


def _copy_of_code() -> Path:
    def make(folder: Path) -> None:
        shutil.copytree(_CODE, folder / _CODE.name, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder / _CODE.name, quiet=2, stripdir=folder, prependdir=COPIES)

    return _cached_copy("code", str(_CODE), [path for path in sorted(_CODE.rglob("*")) if path.suffix != ".pyc"], make)


def _cached_copy(kind: str, source: str, files: list[Path], make: Callable[[Path], None]) -> Path:
    """The copy of the current source, made if missing. Removes copies of older states that no process uses."""
    stamp = hashlib.sha256(f"{sys.version} {source}".encode())
    for file in files:
        status = file.stat()
        stamp.update(f"{file} {status.st_size} {status.st_mtime_ns}".encode())
    family = f"{kind}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    copy = COPIES / f"{family}-{stamp.hexdigest()[:12]}"
    if not copy.exists():
        for old in COPIES.glob(f"{family}-*"):
            if not _is_in_use(old):
                shutil.rmtree(old, ignore_errors=True)
        unfinished = copy.with_name(copy.name + ".new")
        make(unfinished)
        open_to_all(unfinished)
        unfinished.rename(copy)
    return copy


def open_to_all(folder: Path) -> None:
    """Makes all files readable by all users, whatever the umask."""
    for parent, _, names in os.walk(folder):
        os.chmod(parent, 0o755)
        for name in names:
            file = Path(parent) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _lock_copy(copy: Path) -> None:
    """Locks the copy while this process runs, also after `exec`."""
    descriptor = os.open(copy, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.set_inheritable(descriptor, True)


def _is_in_use(copy: Path) -> bool:
    descriptor = os.open(copy, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
