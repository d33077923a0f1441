"""Watches over the parts of a network on one machine: starts them, starts again what ends, stops all of it.

What ends starts again at once, but later the more often it ends soon after its start, so that a part which cannot
live does not keep the machine busy. Each line on standard error is a sentence for whoever looks at three in the morning.
"""

import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from folkmoot.base import log, metrics
from folkmoot.base.errors import Problem
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres

_log = logging.getLogger(__name__)
_STEADY = 60.0  # who lived so many seconds ended by chance, and starts again at once
_LONGEST_PAUSE = 5.0
_DATABASE = "PostgreSQL"
_END_WITH_PARENT, _NAME = 1, 15  # options of prctl
_OFTEN = 5  # ends in a row, after which chance is unlikely


class Supervisor:
    """Starts the processes, starts again what dies, and stops all of it within five seconds."""

    def __init__(self, settings: Settings, directory: DataDirectory, listener: socket.socket, postgres: Postgres | None) -> None:
        self._settings = settings
        self._directory = directory
        self._listener = listener
        self._postgres = postgres
        self._work: dict[str, Callable[[], None]] = {}
        self._children: dict[int, str] = {}
        self._due: dict[str, float] = {}  # when who ended starts again
        self._started: dict[str, float] = {_DATABASE: time.monotonic()}
        self._ends: dict[str, int] = {}  # in a row, each soon after its start
        self._stopping = False
        self._is_ready = False
        self._starts_database = False

    def run(self, when_ready: Callable[[], None]) -> None:
        from folkmoot import app  # imported once, before the forks, so that the processes share it

        log.set_up(self._settings.log.level, self._settings.log.format)
        gc.collect()
        gc.freeze()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, self._stop)
        processes = self._settings.server.processes or min(4, os.cpu_count() or 1)
        for number in range(processes):
            self._work[f"web {number + 1}"] = lambda: app.run_web(self._settings, self._listener)
        metrics.create_files(self._directory.path / "run" / "metrics", [name.replace(" ", "-") for name in self._work])
        self._work["worker"] = lambda: app.run_worker(self._settings)
        try:
            for name in self._work:
                self._start(name)
            when_ready()
            self._is_ready = True
            while not self._stopping:
                self._watch()
        finally:
            self._end()

    def _start(self, name: str) -> None:
        self._started[name] = time.monotonic()
        if name == _DATABASE:
            self._start_database()
            return
        supervisor = os.getpid()
        pid = os.fork()
        if pid:
            self._children[pid] = name
            return
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor tells us, with SIGTERM
            self._directory.leave_lock()
            metrics.set_process_name(name.replace(" ", "-"))
            _name_process(f"moot {name}")
            if os.getppid() != supervisor:  # killed before the kernel knew that this process is to end with it
                raise Problem("the supervisor has ended")
            self._work[name]()
            code = 0
        except Problem as problem:
            _log.error("%s: %s", name, problem)
        except Exception:
            _log.exception("%s failed", name)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _start_database(self) -> None:
        """If it cannot live now, as on a full disk, it is tried again later, and the network stays to say so."""
        assert self._postgres is not None
        self._starts_database = True
        try:
            self._postgres.start()
        except (Problem, OSError) as error:
            why = getattr(error, "params", {}).get("why") or error
            self._note_end(_DATABASE, f"could not be started ({why})")
        finally:
            self._starts_database = False

    def _watch(self) -> None:
        """Notes who ended, starts who is due, and sleeps a little."""
        if self._postgres and not self._postgres.is_running and _DATABASE not in self._due:
            self._note_end(_DATABASE, "ended")
        pid, status = self._dead_child()
        if pid:
            self._note_end(self._children.pop(pid), _how(status))
        for name, moment in list(self._due.items()):
            if time.monotonic() >= moment:
                del self._due[name]
                self._start(name)
        if not pid:
            time.sleep(0.1)

    def _note_end(self, name: str, how: str) -> None:
        soon = time.monotonic() - self._started[name] < _STEADY
        ends = self._ends[name] = self._ends.get(name, 0) + 1 if soon else 1
        pause = min(_LONGEST_PAUSE, 0.1 * 2**ends)
        self._due[name] = time.monotonic() + pause
        advice = ""
        if ends == _OFTEN:
            why = f"Its last words are in {self._directory.path / 'postgres.log'}" if name == _DATABASE else "The lines above say why"
            advice = f" It has ended {ends} times in a row. {why}; `moot doctor` looks for the cause."
        _log.warning("%s %s and starts again in %.1f s.%s", name, how, pause, advice)

    def _dead_child(self) -> tuple[int, int]:
        for pid in self._children:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return found, status
        return 0, 0

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stopping = True
        # In the middle of filling a village, or of waiting for a database: nobody waits for that any more.
        if not self._is_ready or self._starts_database:
            sys.exit(0)

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 3
        while self._children and time.monotonic() < deadline:
            pid, _ = self._dead_child()
            if pid:
                del self._children[pid]
            else:
                time.sleep(0.02)
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        return "was killed (if not by you, then perhaps for want of memory: `dmesg` says so)"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return "ended by itself" if code == 0 else "failed"


def _name_process(name: str) -> None:
    """What `top` and `ps -o comm` call this process, and its end if the supervisor ends: on Linux, by the kernel."""
    if sys.platform == "linux":
        import ctypes

        system = ctypes.CDLL(None)
        system.prctl(_NAME, name.encode()[:15], 0, 0, 0)
        system.prctl(_END_WITH_PARENT, signal.SIGTERM)
