"""Compares what is wanted with what is installed, and applies the difference.

The record is written twice: before the first change it names what will be there, so that a run that failed can be removed; its hashes and
its release come last, so that the next run repeats everything that this one did not reach.
"""

import fcntl
import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from folkmoot.portability.install import units
from folkmoot.portability.install.files import JOURNAL, SETTINGS, File, Wanted, files
from folkmoot.portability.install.machine import InstallProblem, Machine
from folkmoot.portability.install.record import BEGUN, RECORD, Installed, find_installed
from folkmoot.portability.install.release import Release, remove_releases
from folkmoot.portability.progress import Progress

_OWN_CADDYFILES = PurePosixPath("/etc/folkmoot/caddy.d")
NEW, CHANGED, EDITED, SAME = "new", "changed", "edited", "unchanged"
UNITS = (units.KEEPER_SOCKET, units.NETWORK_UNIT, units.PROXY_UNIT, units.CHECK_TIMER)
# Packages of the distribution, and the files of which one shows that this or an equal package is installed.
_PACKAGES = (
    ("logrotate", ("/usr/sbin/logrotate",)),
    ("restic", ("/usr/bin/restic", "/usr/local/bin/restic")),
    ("ffmpeg", ("/usr/bin/ffmpeg", "/usr/local/bin/ffmpeg")),
    ("systemd-timesyncd", ("/lib/systemd/systemd-timesyncd", "/usr/sbin/chronyd", "/usr/sbin/ntpd")),
)


@dataclass(frozen=True)
class Change:
    """A file and what will happen to it. EDITED: somebody changed it since, and a copy is kept."""

    file: File
    what: str


class Plan:
    """The difference between what is wanted and what is installed."""

    def __init__(self, machine: Machine, wanted: Wanted, sample: str) -> None:
        self.wanted = wanted
        self.release = Release(machine)
        self.installed = find_installed(machine) or Installed(str(wanted.data))
        self.machine = machine
        settings = machine.path(wanted.data / SETTINGS)
        text = settings.read_text("utf-8") if settings.exists() else sample
        self.changes = [Change(file, self._what(file)) for file in files(wanted, text)]
        self.packages = machine.missing_packages(_PACKAGES)
        self.missing: dict[str, str] = {}  # packages that could not be installed, and why: the network runs without them

    def _what(self, file: File) -> str:
        path, applied = self.machine.path(file.path), self.installed.files.get(str(file.path))
        if not path.exists():
            return NEW
        found = _hash(path.read_text("utf-8"))
        if found == _hash(file.content) == applied and path.stat().st_mode & 0o777 == file.mode:
            return SAME
        return EDITED if applied not in (None, BEGUN, found) and not file.is_data and found != _hash(file.content) else CHANGED

    @property
    def restarts(self) -> list[str]:
        """The units that start or restart; the network before Caddy, to which it gives certificates. None if this machine does not run."""
        if not self.machine.is_live:
            return []
        due = {change.file.restarts for change in self.changes if change.what != SAME}
        if self.installed.release != self.release.name:
            due |= {units.NETWORK_UNIT, units.PROXY_UNIT}
        due |= {unit for unit in UNITS if not self.machine.is_active(unit)}
        return [unit for unit in (JOURNAL, *UNITS) if unit in due]

    @property
    def is_empty(self) -> bool:
        is_same = self.release.is_current and all(one.what == SAME for one in self.changes)
        return is_same and not self.restarts and not (self.machine.is_live and self.packages)

    def require(self) -> None:
        """Raises InstallProblem if something of this machine would make the installation fail."""
        self.release.require()
        self._require_place()
        if not self.machine.is_live:
            return
        needed = ((units.PROXY_UNIT, "", 80), (units.PROXY_UNIT, "", 443), (units.NETWORK_UNIT, "127.0.0.1", self.wanted.port))
        for unit, address, port in needed:
            if not self.machine.is_active(unit) and (who := self.machine.listener(address, port)):
                raise InstallProblem("Port %(port)d is used by another program (%(who)s). Stop and remove that program, then run"
                                     " moot install again.", port=port, who=who)
        if not self.machine.is_active(units.NETWORK_UNIT) and _is_locked(Path(self.wanted.data) / "lock"):
            raise InstallProblem("The network in %(data)s is running already. Stop that `moot up`, then run moot install again.",
                                 data=self.wanted.data)

    def _require_place(self) -> None:
        data = self.wanted.data
        if not data.is_absolute() or data.parts[1:2] in (("home",), ("root",), ("run",), ("tmp",), ("dev",), ("proc",), ("sys",)):
            raise InstallProblem("The network cannot use %(data)s, because services see no home or temporary folders. Name another folder,"
                                 " such as --data /var/lib/folkmoot or --data /srv/folkmoot.", data=data)
        if any(character in str(data) for character in ' "\'%\\$\n'):
            raise InstallProblem("The path %(data)s has characters that units of systemd cannot have. Name another folder with --data.",
                                 data=data)

    def apply(self, progress: Progress) -> None:
        """Applies the difference; when this returns, the network runs if this machine does."""
        machine, wanted = self.machine, self.wanted
        self._record(self.installed.release, {str(one.file.path): BEGUN for one in self.changes} | self.installed.files)
        if self.packages and machine.is_live:
            progress.step(f"packages: {', '.join(self.packages)}")
            self.missing = {name: why for name in self.packages if (why := machine.install_package(name))}
        progress.step("program and its packages")
        self.release.install()
        progress.step("users and files")
        restarts = self.restarts
        self._write(next(change for change in self.changes if change.file.path.parent.name == "sysusers.d"))
        machine.create_users(units.USER, units.PROXY_USER)
        self._make_data_directory()
        machine.path(_OWN_CADDYFILES).mkdir(parents=True, exist_ok=True)
        for change in self.changes:
            self._write(change)
        for path in self.installed.files.keys() - {str(change.file.path) for change in self.changes}:
            if not _is_below(path, wanted.data):  # of an older version
                machine.path(path).unlink(missing_ok=True)
        self.release.make_current()
        progress.step("services")
        self._start(restarts)
        self._record(self.release.name, {str(one.file.path): _hash(one.file.content) for one in self.changes})

    def _record(self, release: str, files: dict[str, str]) -> None:
        record, path = Installed(str(self.wanted.data), release, self.wanted.acme, files), self.machine.path(RECORD)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = _write_file(path.with_name(path.name + ".new"), msgspec.json.format(msgspec.json.encode(record)), 0o600)  # a password's hash
        new.rename(path)

    def _make_data_directory(self) -> None:
        """Creates it, or gives an empty one to the network. Raises InstallProblem if it has data of another user."""
        data = self.machine.path(self.wanted.data)
        user, database = self.machine.user(units.USER), data / "postgres"
        if database.exists() and os.geteuid() == 0 and user and database.stat().st_uid != user[0]:
            raise InstallProblem("The files in %(data)s belong to another user, as after copying them. Run this, then moot install again:"
                                 " chown -R %(user)s: %(data)s", data=self.wanted.data, user=units.USER)
        for folder in (data, data / "secrets"):
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            folder.chmod(0o700)
            self.machine.own(folder, units.USER, units.USER)

    def _write(self, change: Change) -> None:
        file, path = change.file, self.machine.path(change.file.path)
        if change.what == SAME:
            return
        if change.what == EDITED:
            shutil.copy2(path, path.with_name(path.name + ".edited"))
        path.parent.mkdir(parents=True, exist_ok=True)
        new = _write_file(path.with_name(path.name + ".new"), file.content.encode(), file.mode)
        if (file.user, file.group) != ("root", "root"):
            self.machine.own(new, file.user, file.group)
        new.rename(path)

    def _start(self, restarts: list[str]) -> None:
        self.machine.systemctl("enable", *UNITS)
        if not self.machine.is_live:
            return
        self.machine.systemctl("daemon-reload")
        for unit in restarts:
            if not self.machine.answers("systemctl", "restart", unit):
                lines = self.machine.run("journalctl", "-u", unit, "-n", "3", "-o", "cat").splitlines() or ["no reason given"]
                raise InstallProblem("%(unit)s did not start: %(why)s. See: journalctl -u %(unit)s", unit=unit, why=lines[-1].rstrip("."))


def remove(machine: Machine) -> list[str]:
    """Removes everything but data, certificates, users and packages; returns the removed paths. Raises InstallProblem."""
    installed = find_installed(machine)
    if installed is None:
        raise InstallProblem("Nothing is installed here: %(record)s is missing.", record=machine.path(RECORD))
    for unit in reversed(UNITS):
        with suppress(InstallProblem):  # somebody removed it by hand
            machine.systemctl("disable", *(["--now"] if machine.is_live else []), unit)
    removed = removable(installed)
    for path in removed[:-1]:
        machine.path(path).unlink(missing_ok=True)
    remove_releases(machine)
    machine.path(RECORD).unlink()
    for folder in (_OWN_CADDYFILES, RECORD.parent):
        with suppress(OSError):  # the operator's own files stay
            machine.path(folder).rmdir()
    if machine.is_live:
        machine.systemctl("daemon-reload")
        machine.systemctl("restart", JOURNAL)
    return removed


def removable(installed: Installed) -> list[str]:
    """What a removal removes: files that are not among the data, and last the folder of the program."""
    return [*(path for path in installed.files if not _is_below(path, PurePosixPath(installed.data))), "/opt/folkmoot"]


def require_data(installed: Installed | None, data: PurePosixPath) -> None:
    """Raises InstallProblem if the installed network has its data elsewhere."""
    if installed and installed.data != str(data):
        raise InstallProblem(
            "The installed network has its data in %(old)s. To install with other data, first run: moot install --remove",
            old=installed.data,
        )


def _is_below(path: str, folder: PurePosixPath) -> bool:
    return folder in PurePosixPath(path).parents


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write_file(file: Path, content: bytes, mode: int) -> Path:
    """Writes a file that did not exist. The folder above may belong to another user, so no link is followed."""
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with suppress(FileNotFoundError):
            os.unlink(file.name, dir_fd=folder)
        descriptor = os.open(file.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            os.fsync(stream.fileno())
    finally:
        os.close(folder)
    return file


def _is_locked(file: Path) -> bool:
    if not file.exists():
        return False
    with open(file) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
