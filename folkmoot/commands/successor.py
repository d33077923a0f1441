"""The supervisor of another release, which takes the place of the processes of a running network (decision 0071).

The running supervisor starts it with the sockets on which requests arrive, and keeps PostgreSQL, so that no connection is
refused meanwhile. `Successor` is the running supervisor's side, `Predecessor` that of the new one.
"""

import os
import signal
import socket
import struct
import subprocess
from contextlib import suppress

from folkmoot import config
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.service_user import child_setup
from folkmoot.portability.upgrade.order import Launch

_READY, _ALONE = b"r", b"a"
_LENGTH = struct.Struct("!I")
_SECONDS = 30  # for the settings to arrive


class Successor:
    """The child process. It ends with this one."""

    def __init__(self, launch: Launch, settings: Settings, directory: DataDirectory, sockets: tuple[socket.socket, socket.socket]) -> None:
        self.launch = launch
        self._heard = b""
        self._pipe, theirs = socket.socketpair()
        passed = (*(one.fileno() for one in sockets), theirs.fileno(), directory.processes)
        variables = {name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "LD_LIBRARY_PATH", "PYTHONPATH")}
        with theirs:
            self._process = subprocess.Popen(
                [launch.python, "-P", "-m", "folkmoot.commands.successor_process", *map(str, passed)], pass_fds=passed, cwd="/",
                stdin=subprocess.DEVNULL, env={**variables, **launch.variables}, preexec_fn=child_setup(None),
            )
        content = config.sent(settings)
        with suppress(OSError):  # it has ended already
            self._pipe.settimeout(_SECONDS)
            self._pipe.sendall(_LENGTH.pack(len(content)) + content)
        self._pipe.setblocking(False)

    @property
    def is_ready(self) -> bool:
        """Whether it has started its processes."""
        return _READY in self._said()

    @property
    def is_alone(self) -> bool:
        """Whether none of its processes runs any more that only one of can run, such as the agent."""
        return self.exit_code is not None or _ALONE in self._said()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def _said(self) -> bytes:
        with suppress(OSError):
            self._heard += self._pipe.recv(16)
        return self._heard

    def leave_alone(self) -> None:
        """The processes of that kind have ended that ran before."""
        with suppress(OSError):
            self._pipe.send(_ALONE)

    def retire(self) -> None:
        """Others take its place; it answers on its open connections and ends."""
        self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


class Predecessor:
    """What the new supervisor gets from the running one."""

    def __init__(self, listener: int, for_peer: int, pipe: int, _processes: int) -> None:
        self.listener = socket.socket(fileno=listener)
        self.for_peer = socket.socket(fileno=for_peer)
        for one in (self.listener, self.for_peer):
            one.setblocking(False)
        self._pipe = socket.socket(fileno=pipe)
        self._is_gone = False

    def settings(self) -> Settings:
        self._pipe.settimeout(_SECONDS)
        (length,) = _LENGTH.unpack(self._received(_LENGTH.size))
        settings = config.received(self._received(length))
        self._pipe.setblocking(False)
        return settings

    def note_ready(self) -> None:
        self._pipe.send(_READY)

    def note_alone(self) -> None:
        """Only processes are left that others may run beside."""
        with suppress(OSError):
            self._pipe.send(_ALONE)

    @property
    def is_gone(self) -> bool:
        """Whether its processes have ended that only one of can run."""
        if not self._is_gone:
            with suppress(OSError):
                self._is_gone = self._pipe.recv(1) == _ALONE
        return self._is_gone

    def _received(self, length: int) -> bytes:
        content = b""
        while len(content) < length:
            part = self._pipe.recv(length - len(content))
            if not part:
                raise EOFError("the supervisor has ended")
            content += part
        return content
