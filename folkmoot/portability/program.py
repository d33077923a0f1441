"""The program, where the user that runs the network can read it.

Started by root, a network gives up root's rights. But a clone in root's home, or a Python below it, is closed to
everybody else. What is closed (interpreter, packages, code: each for itself) is copied once into a folder that only
root writes and everybody reads, and the command starts again from there. A copy is made anew when its original
changes; older ones go when nobody runs from them.
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
from pathlib import Path

import folkmoot
from folkmoot.portability.data_directory import become, can_read

PLACE = Path("/var/lib/folkmoot-program")
_CODE = Path(folkmoot.__file__).resolve().parent
_PACKAGES = Path(sysconfig.get_path("purelib"))
_PYTHON = Path(os.path.realpath(sys.executable))
_LIBRARY = Path(os.__file__).parent  # the interpreter's own modules
_NOT_NEEDED = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "turtledemo", "lib2to3", "ensurepip", "config-*")


def start_where_readable(user: pwd.struct_passwd) -> str:
    """Starts this command again from copies that the user can read. Returns if there is no need, or with why it cannot be."""
    closed_python = not all(can_read(user, path) for path in (_PYTHON, _LIBRARY, Path(os.__file__)))
    closed_packages = not all(can_read(user, path) for path in (_PACKAGES, *_PACKAGES.glob("click/__init__.py")))
    closed_code = not all(can_read(user, path) for path in (_CODE, _CODE / "cli.py"))
    if not (closed_python or closed_packages or closed_code or not can_read(user, Path(sys.executable))):
        return ""
    if PLACE in Path(sys.prefix).parents or PLACE in _CODE.parents:
        return f"the copy in {PLACE} cannot be read either"
    try:
        PLACE.mkdir(mode=0o755, exist_ok=True)
        PLACE.chmod(0o755)
        with open(PLACE / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            python = _copy_of_python() / "bin" / _PYTHON.name if closed_python else _PYTHON
            environment = _environment_for(python, closed_packages)
            code = _copy_of_code() if closed_code else _CODE.parent
    except OSError as error:
        return f"it could not be copied to {PLACE}: {error.strerror}"
    command = [str(environment / "bin" / "python"), "-P", "-m", "folkmoot"]
    variables = {**os.environ, "PYTHONPATH": str(code)}
    if closed_python:  # the interpreter looks for its library where it was built
        variables["LD_LIBRARY_PATH"] = str(python.parents[1] / "lib")
    if why := _why_it_does_not_run(command, variables, user, environment / "tried"):
        return f"the copy in {PLACE} does not run: {why}"
    for part in {python.parents[1], environment, code} if closed_python else {environment, code}:
        if part.parent == PLACE:
            _hold(part)
    os.execve(command[0], [*command, *sys.argv[1:]], variables)  # noqa: S606 - nobody's words are in it but the operator's


def _why_it_does_not_run(command: list[str], variables: dict[str, str], user: pwd.struct_passwd, mark: Path) -> str:
    """Tried once: a later start would pay for it with a quarter of a second."""
    if mark.exists():
        return ""
    tried = subprocess.run(
        [*command, "--version"], env=variables, cwd="/", capture_output=True, text=True, preexec_fn=lambda: become(user)
    )
    if tried.returncode:
        return (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    mark.touch()
    return ""


def _copy_of_python() -> Path:
    """The interpreter with its library and its modules, in the layout by which it finds them."""

    def make(folder: Path) -> None:
        (folder / "bin").mkdir(parents=True)
        shutil.copy2(_PYTHON, folder / "bin" / _PYTHON.name)
        shutil.copytree(_LIBRARY, folder / "lib" / _LIBRARY.name, symlinks=True, ignore=_NOT_NEEDED)
        for library in _LIBRARY.parent.glob("*.so*"):
            shutil.copy2(library, folder / "lib" / library.name, follow_symlinks=False)

    return _made("python", str(_PYTHON), [_PYTHON, _LIBRARY / "lib-dynload"], make)


def _environment_for(python: Path, is_closed: bool) -> Path:
    """A virtual environment with the packages of the one we run in: a copy of them where they are closed, else a link."""
    version = "python{}.{}".format(*platform.python_version_tuple())

    def make(folder: Path) -> None:
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(python)
        (folder / "pyvenv.cfg").write_text(f"home = {python.parent}\ninclude-system-site-packages = false\n")
        packages = folder / "lib" / version / "site-packages"
        packages.parent.mkdir(parents=True)
        if is_closed:
            shutil.copytree(_PACKAGES, packages, symlinks=True)
        else:
            packages.symlink_to(_PACKAGES)

    return _made("environment", f"{python} {_PACKAGES} {is_closed}", sorted(_PACKAGES.iterdir()), make)


def _copy_of_code() -> Path:
    def make(folder: Path) -> None:
        shutil.copytree(_CODE, folder / _CODE.name, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder / _CODE.name, quiet=2, stripdir=folder, prependdir=PLACE)

    return _made("code", str(_CODE), [path for path in sorted(_CODE.rglob("*")) if path.suffix != ".pyc"], make)


def _made(kind: str, source: str, files: list[Path], make: Callable[[Path], None]) -> Path:
    """The copy of this source as it is now: found, or made. Copies of how it was go, unless somebody runs from them."""
    stamp = hashlib.sha256(f"{sys.version} {source}".encode())
    for file in files:
        status = file.stat()
        stamp.update(f"{file} {status.st_size} {status.st_mtime_ns}".encode())
    family = f"{kind}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    place = PLACE / f"{family}-{stamp.hexdigest()[:12]}"
    if not place.exists():
        for old in PLACE.glob(f"{family}-*"):
            if not _is_held(old):
                shutil.rmtree(old, ignore_errors=True)
        making = place.with_name(place.name + ".new")
        make(making)
        _open_to_all(making)
        making.rename(place)
    return place


def _open_to_all(folder: Path) -> None:
    """For reading. Whoever copies may have a strict umask."""
    for parent, _, names in os.walk(folder):
        os.chmod(parent, 0o755)
        for name in names:
            file = Path(parent) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _hold(place: Path) -> None:
    """For as long as this process, and what it becomes, runs."""
    descriptor = os.open(place, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.set_inheritable(descriptor, True)


def _is_held(place: Path) -> bool:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
