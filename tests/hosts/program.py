"""A child process that obeys commands: one line of JSON each, answered by one line."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.hosts.network import PATH

_FOLDER = Path(__file__).parent / "programs"


def python(name: str) -> list[str]:
    """The command that runs one of `programs`. These use the standard library only."""
    return [sys.executable, "-I", str(_FOLDER / f"{name}.py")]


class Program:
    """Ends with its standard input, so at the latest with the test process. Its first line of output is `self.first`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = " ".join(command)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PATH": PATH}
        )
        self.pid = self._process.pid
        self.first = self._line()

    def tell(self, **command: Any) -> str:
        """Sends a command and waits for the answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout
        assert self._process.stderr
        line = self._process.stdout.readline()
        assert line, f"{self._command} has ended: {self._process.stderr.read().decode()}"
        return line.decode().strip()

    def close(self) -> None:
        """Reads what it still says: a relay complains about each connection that its end cuts off, and waited for a full pipe."""
        self._process.communicate(timeout=30)
