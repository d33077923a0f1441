"""Supervises the processes of a network on one machine: starts, restarts and stops them.

A process that exits is restarted at once. If it exits again soon after its start, the delay doubles up to a maximum, so
that crash loops do not keep the machine busy. Each exit is logged as one sentence for the operator.

During an upgrade the supervisor of another release takes the place of these processes (`replacing.py`).
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

import asyncpg

from folkmoot.base import log, metrics, systemd
from folkmoot.base.errors import Problem
from folkmoot.base.restarts import Restarts
from folkmoot.commands.child import describe_exit, start_child
from folkmoot.commands.optional import REJOIN, optional_processes
from folkmoot.commands.replacing import Replacing
from folkmoot.commands.successor import Predecessor
from folkmoot.config import Settings
from folkmoot.http.server import LEAVING_SECONDS, STOP_SECONDS
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts.sockets import bind_private, web_socket
from folkmoot.portability.postgres import RESTART, Postgres
from folkmoot.portability.postgres_log import limit_log
from folkmoot.portability.postgres_settings import SIGNAL

_log = logging.getLogger(__name__)
_BACKLOG = 1024  # connections of the peer that wait to be accepted
_STABLE = 60.0  # seconds; an exit after a longer run is no crash loop
_MAX_DELAY = 5.0
_STOP_SECONDS = 3.0
_LEAVING_SECONDS = LEAVING_SECONDS + STOP_SECONDS + 1.0  # of retired processes
_LOG_EVERY = 60.0  # seconds between looks at the size of the log of PostgreSQL
_DATABASE, _WORKER = "PostgreSQL", "worker"
WEB_NICENESS = 5  # the worker goes first on a busy machine: posts are accepted no faster than their effects follow
_OFTEN = 5  # exits in a row, after which the log advises to search for the cause


class Supervisor:
    """Starts the processes, restarts those that end, and stops all of them within five seconds."""

    def __init__(
        self, settings: Settings, directory: DataDirectory, listener: socket.socket, postgres: Postgres | None,
        predecessor: Predecessor | None = None, on_primary: Callable[[], None] = lambda: None,
    ) -> None:
        """`predecessor`: the supervisor whose processes this one replaces; it keeps PostgreSQL. `on_primary`: called when this
        host becomes the primary while it runs, for migrations that only a primary can apply."""
        self._settings = settings
        self._predecessor = predecessor
        self._replacing: Replacing | None = None
        self._retired: set[int] = set()  # processes whose place others take
        self._is_retired = False
        self._directory = directory
        self._listener = listener
        self._postgres = postgres
        self._targets: dict[str, Callable[[], None]] = {}
        self._children: dict[int, str] = {}
        self._due: dict[str, float] = {}  # when an ended process starts again
        self._started: dict[str, float] = {_DATABASE: time.monotonic()}
        self._exits: dict[str, int] = {}  # number of exits in a row, each soon after a start
        self._stopping = False
        self._is_ready = False
        self._announce: Callable[[], None] | None = None
        self._starts_database = False
        self._log_due = 0.0
        self._host = Host(directory.path)
        self._on_primary = on_primary
        self._was_primary = True
        self._optional = optional_processes(settings, directory, postgres)
        self._restarts = Restarts(directory.path / RESTART)

    def run(self, when_ready: Callable[[], None]) -> None:
        """Until a signal to stop. `when_ready` is called once, when the database answers; that of a standby may need its primary."""
        from folkmoot import processes  # imported once before the forks, so that the processes share its memory

        log.set_up(self._settings.log.level, self._settings.log.format)
        gc.collect()
        gc.freeze()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, self._stop)
        signal.signal(signal.SIGUSR1, self._leave if self._predecessor else signal.SIG_IGN)
        for_peer = self._predecessor.for_peer if self._predecessor else self._listen_for_peer()
        for number in range(self._settings.server.processes or min(4, os.cpu_count() or 1)):
            self._targets[f"web {number + 1}"] = lambda: processes.run_web(self._settings, self._listener, for_peer)
        metrics.create_files(self._directory.path / "run" / "metrics", [name.replace(" ", "-") for name in self._targets])
        self._targets[_WORKER] = lambda: processes.run_worker(self._settings)
        self._required = list(self._targets)
        if self._predecessor is None:
            self._replacing = Replacing(self._settings, self._directory, (self._listener, for_peer), self)
        try:
            for name in self._required:
                self._start(name)
            self._was_primary = self._host.role == PRIMARY
            self._targets |= {name: process.run for name, process in self._optional.items()}
            if self._postgres and not self._postgres.is_running:
                self._due[_DATABASE] = time.monotonic()
                self._announce = when_ready
            elif self._was_primary:
                when_ready()
            else:  # of a host that does not write, the schema may be older than this code: the other host answers then
                self._announce = when_ready
                self._announce_once()
            self._is_ready = True
            systemd.notify("READY=1")
            while not self._stopping:
                self._check()
        finally:
            systemd.notify("STOPPING=1")
            if self._replacing:
                self._replacing.stop()
            self._stop_children()

    def _listen_for_peer(self) -> socket.socket:
        listening = bind_private(self._directory, web_socket(self._directory))
        listening.listen(_BACKLOG)
        listening.setblocking(False)
        return listening

    def _start(self, name: str) -> None:
        self._started[name] = time.monotonic()
        if name == _DATABASE:
            self._start_database()
            return
        niceness = 0 if name in (_WORKER, *self._optional) else WEB_NICENESS
        self._children[start_child(name, self._targets[name], self._directory, niceness)] = name

    def _start_database(self) -> None:
        """Starts PostgreSQL. If that fails, as on a full disk, it is retried; the other processes keep running and report it.

        Does not wait for that of a standby, which may need its primary, and so the agent.
        """
        assert self._postgres is not None
        self._starts_database = True
        try:
            self._postgres.start(until_ready=not (self._directory.path / "postgres" / SIGNAL).exists())
        except (Problem, OSError) as error:
            why = getattr(error, "params", {}).get("why") or error
            self._schedule_restart(_DATABASE, f"could not be started ({why})")
        finally:
            self._starts_database = False

    def _check(self) -> None:
        """Records ended processes, starts those that are due, and sleeps for a moment."""
        if self._postgres and not self._postgres.is_running and _DATABASE not in self._due:
            if self._awaits_rejoin() or self._restarts.is_announced:
                self._due[_DATABASE] = time.monotonic()
            else:
                self._schedule_restart(_DATABASE, "ended")
        if self._announce and self._postgres and self._postgres.is_ready:
            self._announce_once()
        if self._postgres and time.monotonic() >= self._log_due:
            self._log_due = time.monotonic() + _LOG_EVERY
            limit_log(self._directory)
        self._follow_role()
        pid, status = self._reap()
        if pid:
            name = self._children.pop(pid)
            if pid in self._retired:
                self._retired.discard(pid)
            elif name not in self._optional or self._optional[name].is_needed():
                self._schedule_restart(name, describe_exit(status))
        for name, process in self._optional.items():
            if self._may_run(name) and name not in self._due and name not in self._children.values() and process.is_needed():
                self._start(name)
        for name, due_at in list(self._due.items()):
            if time.monotonic() >= due_at and not (name == _DATABASE and self._awaits_rejoin()):
                del self._due[name]
                self._start(name)
        if self._replacing:
            self._replacing.check()
        if not pid:
            time.sleep(0.1)

    def _announce_once(self) -> None:
        announce, self._announce = self._announce, None
        try:
            if announce:
                announce()
        except Problem as problem:  # it has ended again, or its schema is that of another release
            _log.warning("%s", problem.message % problem.params)

    def _may_run(self, name: str) -> bool:
        """Whether an optional process is this supervisor's, and not that of another release."""
        return name == REJOIN or (not self._is_retired and (self._predecessor is None or self._predecessor.is_gone))

    def retire(self) -> None:
        """Ends all processes but those of the database, because others take their place. Web processes answer what still arrives."""
        self._is_retired = True
        self._due = {name: due for name, due in self._due.items() if name == _DATABASE}
        for pid in [pid for pid, name in self._children.items() if name != REJOIN and pid not in self._retired]:
            self._retired.add(pid)
            os.kill(pid, signal.SIGTERM if self._is_single(pid) else signal.SIGUSR1)

    def resume(self) -> None:
        """Starts all processes after `retire`."""
        self._is_retired = False
        for name in self._required:
            self._start(name)

    @property
    def are_alone(self) -> bool:
        """Whether no retired process runs any more that only one of can run."""
        return not any(self._is_single(pid) for pid in self._retired)

    def _is_single(self, pid: int) -> bool:
        return not self._children[pid].startswith("web ")

    def _leave(self, _number: int, _frame: Any) -> None:
        self.retire()
        self._stopping = True

    def _follow_role(self) -> None:
        """A standby that was promoted, or a primary that was confirmed, may run newer code than its schema is for."""
        is_primary = self._host.role == PRIMARY
        if is_primary and not self._was_primary and not self._is_retired:
            try:
                self._on_primary()
            except (Problem, OSError, asyncpg.PostgresError) as error:  # PostgreSQL may still be replaying: again in a moment
                _log.debug("the schema cannot be checked yet: %s", error)
                return
        self._was_primary = is_primary

    def _awaits_rejoin(self) -> bool:
        return self._optional[REJOIN].is_needed() or REJOIN in self._children.values()

    def _schedule_restart(self, name: str, how: str) -> None:
        soon = time.monotonic() - self._started[name] < _STABLE
        exits = self._exits[name] = self._exits.get(name, 0) + 1 if soon else 1
        delay = min(_MAX_DELAY, 0.1 * 2**exits)
        self._due[name] = time.monotonic() + delay
        advice = ""
        if exits == _OFTEN:
            why = f"The end of {self._directory.path / 'postgres.log'} says why" if name == _DATABASE else "The lines above say why"
            advice = f" It has ended {exits} times in a row. {why}; `moot doctor` searches for the cause."
        _log.warning("%s %s and starts again in %.1f s.%s", name, how, delay, advice)

    def _reap(self) -> tuple[int, int]:
        for pid in self._children:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return found, status
        return 0, 0

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stopping = True
        # It may be creating the demo or waiting for the database: do not wait for that.
        if not self._is_ready or self._starts_database:
            sys.exit(0)

    def _stop_children(self) -> None:
        """Retired web processes end by themselves if others take their place; if the network stops, they are stopped too."""
        is_replaced = self._is_retired and self._predecessor is not None
        for pid in self._children.keys() - (self._retired if is_replaced else set()):
            os.kill(pid, signal.SIGTERM)
        deadline, is_noted = time.monotonic() + (_LEAVING_SECONDS if is_replaced else _STOP_SECONDS), False
        while self._children and time.monotonic() < deadline:
            pid, _ = self._reap()
            if self._predecessor and not is_noted and self.are_alone:
                self._predecessor.note_alone()
                is_noted = True
            if pid:
                del self._children[pid]
                self._retired.discard(pid)
            else:
                time.sleep(0.02)
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
