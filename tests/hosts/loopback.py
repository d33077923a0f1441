"""Hosts without namespaces: each has a loopback address, and one more at which each other node sees it, where a relay listens.

Links are cut, delayed and limited for TCP only, packets are not lost but held, and the processes of a host do not all end
in the same moment. Disks are not limited.
"""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tests.hosts.network import AGENT_PORT, MEMBERS, WEB_PORT, Links
from tests.hosts.program import Program, python

_MOST_NODES = 15
_MARK = "FOLKMOOT_TEST_HOST"  # in the environment of each process of a host


class Loopback(Links):
    """Addresses 127.77.WORLD.x. The number of the world is locked by its test process."""

    kind = "loopback"

    def __init__(self) -> None:
        super().__init__()
        self._lock, self._world = _free_world()
        self._is_on: set[str] = set()
        self._shapes: dict[tuple[str, str], tuple[float, float]] = {}
        self._relay = Program(python("relay"))

    def address(self, node: str, seen_from: str) -> str:
        return f"127.77.{self._world}.{16 * self.numbers[seen_from] + self.numbers[node] + 1}"

    def members_addresses(self) -> list[str]:
        return [self.address(MEMBERS, MEMBERS)]  # the network sees the relay's address anyway

    def power_on(self, node: str) -> None:
        if node not in self.numbers:
            self.numbers[node] = len(self.numbers)
            assert len(self.numbers) <= _MOST_NODES
            for other in self.numbers:
                for source, target in ((node, other), (other, node)):
                    if source != target != MEMBERS:
                        self._listen(source, target)
        self._is_on.add(node)
        self.switch(node, is_on=True)

    def _listen(self, source: str, target: str) -> None:
        for port in (WEB_PORT, AGENT_PORT):
            self._relay.tell(listen=self.address(target, source), port=port, to=self.address(target, target), source=source, target=target)

    def power_off(self, node: str) -> None:
        self.switch(node, is_on=False)
        self._is_on.remove(node)
        self._kill(node)

    def _kill(self, node: str) -> None:
        """Stops all processes before it kills them, so that none reacts to the end of another."""
        stopped: set[int] = set()
        while found := self.processes(node).keys() - stopped:
            for pid in found:
                _send(pid, signal.SIGSTOP)
            stopped |= found
        for pid in stopped:
            _send(pid, signal.SIGKILL)

    def command(self, node: str, arguments: Sequence[str]) -> list[str]:
        assert node in self._is_on, f"{node} is switched off"
        return [sys.executable, "-c", _UNTIL_PARENT_ENDS, str(os.getpid()), f"{_MARK}={self._world}-{node}", *arguments]

    def processes(self, node: str) -> dict[int, str]:
        """Those with the mark of the node, and their descendants: PostgreSQL gets an environment of its own."""
        listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,comm=,args="], capture_output=True, text=True, check=True).stdout
        rows = [(int(pid), int(parent), arguments) for pid, parent, arguments in (line.split(None, 2) for line in listed.splitlines())]
        found = {pid: arguments for pid, _, arguments in rows if _is_marked(pid, f"{_MARK}={self._world}-{node}")}
        while more := {pid: arguments for pid, parent, arguments in rows if parent in found and pid not in found}:
            found.update(more)
        return found

    def shape(self, source: str, target: str, delay: float, rate: float) -> None:
        self._shapes[source, target] = (delay, rate)
        self.change(source, target, is_open=self.is_open(source, target))

    def change(self, source: str, target: str, *, is_open: bool) -> None:
        delay, rate = self._shapes.get((source, target), (0.0, 0.0))
        self._relay.tell(source=source, target=target, open=is_open, delay=delay, rate=rate)

    def close(self) -> None:
        for node in self._is_on:
            self._kill(node)
        self._relay.close()
        self._lock.close()


# The kernel ends the process with the one that started it. This survives the change to another program, but not to another user:
# what Folkmoot starts as its service user ends with its supervisor.
_UNTIL_PARENT_ENDS = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
name, _, value = sys.argv[2].partition("=")
os.environ[name] = value
os.execvp(sys.argv[3], sys.argv[3:])
"""


def _free_world() -> tuple[IO[str], int]:
    for number in range(1, 255):
        lock = open(Path(tempfile.gettempdir()) / f"folkmoot-loopback-{os.geteuid()}-{number}.lock", "w")  # noqa: SIM115 -- held until `close`
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock, number
        except BlockingIOError:
            lock.close()
    raise AssertionError("too many worlds at once")


def _is_marked(pid: int, mark: str) -> bool:
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
