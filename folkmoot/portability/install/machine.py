"""The machine that is installed on: its files, its programs, and whether it can be a host.

`root` is `/`, or the folder of a system that does not run, such as the image of a virtual machine: then files and users are
prepared, and nothing is started.
"""

import os
import pwd
import socket
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from folkmoot.base.errors import Problem
from folkmoot.portability.service_user import can_read

SYSTEMD = Path("/run/systemd/system")  # exists if systemd runs (sd_booted(3))
_ENGLISH = {**os.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive"}


class InstallProblem(Problem):
    """This machine cannot be installed on, or a step of the installation failed."""

    code = "install"


class Machine:
    """A Debian or Ubuntu with systemd. Paths are those of the installed system."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self.is_live = root == Path("/")

    def path(self, path: str | PurePosixPath) -> Path:
        return self.root / str(path).lstrip("/")

    def require(self) -> None:
        """Raises InstallProblem unless this is root on a machine that systemd runs."""
        if os.geteuid() != 0 and self.is_live:
            raise InstallProblem("moot install changes this machine, so only root can run it: sudo bin/moot install. Without root, use"
                                 " moot up, which changes nothing outside of its data directory.")
        if self.is_live and not SYSTEMD.is_dir():
            raise InstallProblem("moot install needs systemd, which does not run on this machine. Start the network with moot up from"
                                 " whatever starts programs here.")

    def run(self, *command: str | Path) -> str:
        """The output of a program. Raises InstallProblem with the last line of its error."""
        done = self._ended(command)
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
            raise InstallProblem("`%(command)s` failed: %(why)s", command=" ".join(map(str, command)), why=lines[-1])
        return done.stdout.strip()

    def answers(self, *command: str | Path) -> bool:
        """Whether a program ends with success."""
        return self._ended(command).returncode == 0

    def _ended(self, command: tuple[str | Path, ...]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(command, capture_output=True, text=True, env=_ENGLISH, stdin=subprocess.DEVNULL, cwd="/")
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: {error.strerror}")

    def systemctl(self, *arguments: str) -> None:
        self.run("systemctl", *([] if self.is_live else [f"--root={self.root}"]), *arguments)

    def is_active(self, unit: str) -> bool:
        return self.is_live and self.answers("systemctl", "is-active", "--quiet", unit)

    def user(self, name: str) -> tuple[int, int] | None:
        """The ids of a user and its group."""
        table = self.path("/etc/passwd")
        for line in table.read_text().splitlines() if table.exists() else []:
            fields = line.split(":")
            if fields[0] == name:
                return int(fields[2]), int(fields[3])
        return None

    def create_users(self, *names: str) -> None:
        """Creates the users of `/etc/sysusers.d`. The program ends with success even if it refused a line."""
        self.run("systemd-sysusers", *([] if self.is_live else [f"--root={self.root}"]))
        if missing := [name for name in names if self.user(name) is None]:
            raise InstallProblem("The users %(names)s could not be created. See: systemd-sysusers", names=", ".join(missing))

    def own(self, path: Path, user: str, group: str) -> None:
        """Changes the owner, if this is root. A link is never followed: other users may have made it."""
        if os.geteuid() == 0:
            owner, grouped = self.user(user), self.user(group)
            assert owner, f"{user} exists after create_users"
            assert grouped, f"{group} exists after create_users"
            os.chown(path, owner[0], grouped[1], follow_symlinks=False)

    def missing_packages(self, wanted: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
        """The packages none of whose files exists."""
        return [package for package, files in wanted if not any(self.path(file).exists() for file in files)]

    def install_package(self, package: str) -> str:
        """Installs a package of the distribution; returns why that is impossible, or "". A new machine may be updating itself."""
        wait = ("-o", "DPkg::Lock::Timeout=300")
        install = ("apt-get", *wait, "install", "-y", "-q", "--no-install-recommends", package)
        if self.answers(*install):
            return ""
        try:
            self.run("apt-get", *wait, "update", "-q")  # most often the list of packages is old
            self.run(*install)
        except InstallProblem as problem:
            return str(problem.params["why"])
        return ""

    def listener(self, address: str, port: int) -> str:
        """The program that prevents another one from listening there, or "?" if its name is unknown, or "" if nothing does."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return _program_on(port)
        return ""


def _program_on(port: int) -> str:
    """The name of a program that listens on a port."""
    sockets = {
        f"socket:[{fields[9]}]" for table in ("tcp", "tcp6") if Path(f"/proc/net/{table}").exists()
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with suppress(OSError):
            if any(os.readlink(file) in sockets for file in folder.iterdir()):
                return (folder.parent / "comm").read_text().strip()
    return "?"


def can_others_read(path: Path) -> bool:
    """Whether a user without rights can read a file: programs of the network must not be in root's home."""
    return can_read(pwd.getpwnam("nobody"), path)
