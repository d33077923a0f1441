"""One host: a data directory, and the commands and processes of a machine that has it."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from folkmoot.commands.options import settings_of
from tests.hosts.network import MEMBERS, WEB_PORT, Network
from tests.network_up import MOOT, environment_with

NAME = "http://folkmoot.test"  # the public address of the network, whichever host has it
_READY = 180  # seconds, on a busy machine
_PIECE = 16 * 1024 * 1024


class Host:
    """Made by `World.host`. `folder` outlives the power of the host, as a disk does."""

    def __init__(self, network: Network, name: str, folder: Path, disk: Path | None = None) -> None:
        self.name = name
        self.network = network
        self.data = folder / "data"
        self.disk = disk  # the folder as the test process sees it, if the disk is the host's own
        self.files = (disk or folder) / "data"  # the data directory as the test process sees it
        self.log = folder.with_suffix(".log")
        self.environment = {"FOLKMOOT_SERVER_BASE_URL": NAME, "FOLKMOOT_LIMITS_MULTIPLIER": "1000", "FOLKMOOT_SERVER_PROCESSES": "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """Where the host itself listens."""
        return self.network.address(self.name, self.name)

    def seen_from(self, other: "Host | None" = None) -> str:
        """The address at which another host reaches this one; without one: the members."""
        return self.network.address(self.name, other.name if other else MEMBERS)

    @property
    def dsn(self) -> str:
        """The host's PostgreSQL, for the test process: a socket is a file, so no cut link is in its way."""
        return settings_of(self.files).dsn

    def run(self, *command: str, typed: str | None = None, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs a command on this host and waits until it ends: `host.run("moot", "status")`."""
        return subprocess.run(
            self._command(command), capture_output=True, text=True, timeout=seconds, env=environment_with(self.environment),
            **({"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}),
        )

    def start(self, *command: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        """Starts a command on this host. Its output goes to `log`, else to a pipe."""
        command, environment = tuple(self._command(command)), environment_with(self.environment)
        if log is None:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        else:
            with open(log, "ab") as output:
                process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        self._started.append(process)
        return process

    def close(self) -> None:
        """After the end of the network, and so of all processes."""
        for process in self._started:
            process.wait(120)
            if process.stdout:
                process.stdout.close()

    def _command(self, command: tuple[str, ...]) -> list[str]:
        if command[0] == "moot":
            command = (*MOOT, *command[1:], "--data", str(self.data))
        return self.network.command(self.name, command)

    def begin(self, *options: str) -> None:
        """Starts `moot up`, without waiting."""
        assert not self.is_up, f"{self.name} is up"
        self._process = self.start("moot", "up", "--no-demo", "--host", self.address, "--port", str(WEB_PORT), *options, log=self.log)

    def up(self, *options: str) -> "Host":
        """Starts `moot up` and waits until it is ready."""
        self.begin(*options)
        self.until(lambda: self.get("/readyz").get("ready") is True, "is ready", _READY)
        return self

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def until(self, condition: Callable[[], bool], what: str, seconds: float = _READY) -> None:
        """Waits until a condition is true. Fails with the end of the log, at once if `moot up` has ended."""
        deadline = time.monotonic() + seconds
        while not condition():
            has_ended = self._process is not None and self._process.poll() is not None
            when = "before its end" if has_ended else f"after {seconds} s"
            is_over = has_ended or time.monotonic() > deadline
            assert not is_over, f"{self.name}: not true {when}: {what}\n{self.state()}"
            time.sleep(0.05)

    def state(self) -> str:
        """For the message of a failed test."""
        database = self.files / "postgres.log"
        said = database.read_text(errors="replace")[-2000:] if database.exists() else ""
        return "\n".join([*self.network.processes(self.name).values(), self.said()[-3000:], said])

    def said(self) -> str:
        """What `moot up` has logged."""
        return self.log.read_text() if self.log.exists() else ""

    def get(self, path: str) -> Any:
        """What this host answers itself; {} if it does not answer with JSON."""
        try:
            return json.loads(self.run("curl", "--silent", "--max-time", "5", f"http://{self.address}:{WEB_PORT}{path}").stdout)
        except ValueError:
            return {}

    def stop(self) -> None:
        """Ends `moot up` as an operator does."""
        assert self._process
        self.run("kill", (self.files / "lock").read_text())
        self._process.wait(120)

    def signal(self, number: signal.Signals, *patterns: str) -> list[int]:
        """Sends a signal to each process of this host with one of these texts in its name or command line; returns their ids."""
        found = [pid for pid, arguments in self.network.processes(self.name).items() if any(text in arguments for text in patterns)]
        if found:
            self.run("kill", f"-{int(number)}", *map(str, found))
        return found

    def kill(self) -> None:
        """Power off: nothing leaves this host any more, then all its processes end at once. Its data stay as they are."""
        self.network.power_off(self.name)
        if self._process:
            self._process.wait(120)

    def power_on(self) -> None:
        """The machine starts again, without its programs. Its links are whole."""
        self.network.power_on(self.name)

    def fill_disk(self, leave: int = 0) -> None:
        """Leaves this many bytes free on the disk of this host, which must be its own."""
        assert self.disk, f"{self.name} has no disk of its own"
        with open(self.disk / "ballast", "ab", 0) as ballast, suppress(OSError):  # the host may take the last bytes at the same moment
            while (free := shutil.disk_usage(self.disk).free) > leave:
                ballast.write(bytes(min(free - leave, _PIECE)))

    def free_disk(self) -> None:
        assert self.disk
        (self.disk / "ballast").unlink()
