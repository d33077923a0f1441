"""A whole network in separate processes, started by the command of the README, for tests with browsers and clients."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.forks import run_in_fork

ROOT = Path(__file__).resolve().parent.parent
MOOT = [sys.executable, "-m", "folkmoot"]
_RESTARTS = ("up", "web", "worker")
_SECONDS = 120
_PORTS = range(12_000, 21_000)
_given: set[int] = set()


def own_ports() -> range:
    """The ports of this test process: it may use one long after it was chosen, or again after a restart, so no other one shares them."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return _PORTS[int(number) :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]


def free_port() -> int:
    """A port on which nobody listens, below those that outgoing connections take; this process gets each of them once."""
    while True:
        port = random.SystemRandom().choice(own_ports())
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
            if port not in _given:
                _given.add(port)
                return port


def moot(*arguments: str, data: Path | None = None, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a `moot` command and waits until it ends. `typed`: its standard input."""
    where = ["--data", str(data)] if data else []
    command, variables = [*arguments, *where], environment_with(environment)
    if arguments[0] in _RESTARTS or "PYTHONPATH" in environment:  # another copy of the program
        return subprocess.run(
            [*MOOT, *command], capture_output=True, text=True, timeout=_SECONDS, env=variables, cwd=ROOT,
            **({"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}),
        )
    return run_in_fork("folkmoot.cli:main", ["moot", *command], variables, typed=typed or "", seconds=_SECONDS)


class NetworkUp:
    """A running `moot up` with a data directory and a free port."""

    def __init__(self, data: Path, *options: str, code: Path = ROOT, port: int = 0, **environment: str) -> None:
        assert not any(part.startswith("pytest-of-") for part in data.parts), "any start of pytest closes this folder to the network"
        self.data = data
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        command = [*MOOT, "up", "--data", str(data), "--port", str(self.port), *options]
        self.log = data.parent / f"{data.name}.log"
        with open(self.log, "w") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, cwd=code,
                env=environment_with({"FOLKMOOT_LIMITS_MULTIPLIER": "1000", **environment}),
            )

    def wait(self, seconds: float = 240) -> "NetworkUp":
        """Waits until the network is ready; stops it if it is not ready in time. On a busy machine a start takes a minute."""
        try:
            self._wait(time.monotonic() + seconds)
        except AssertionError:
            self.stop()
            raise
        return self

    def _wait(self, deadline: float) -> None:
        while "is running at" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the network did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)
        while self.get("/readyz").get("ready") is not True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the network does not answer:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)

    def get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(self.url + path, timeout=60) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return {}

    def stop(self) -> float:
        """Stops the network with SIGTERM; returns how many seconds that took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        return time.monotonic() - started


def environment_with(more: dict[str, str]) -> dict[str, str]:
    """The environment of commands that tests run, with more variables."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}
