"""Replaces the processes of a running network by those of another release, on the order of `moot upgrade` (decision 0071).

The new processes accept requests on the same sockets before the old ones stop to. They are watched through `/readyz`;
if they fail, those before them run again at once. PostgreSQL runs on.
"""

import logging
import socket
from contextlib import suppress
from typing import Protocol

from folkmoot.base import clock
from folkmoot.commands.successor import Successor
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.upgrade import order as orders
from folkmoot.portability.upgrade.identity import own_code
from folkmoot.portability.upgrade.order import Launch, Order, Running, State
from folkmoot.portability.upgrade.probe import why_not_ready

_log = logging.getLogger(__name__)
_START_SECONDS = 60.0
_FAILS_FOR = 10.0  # seconds without a good answer, after which new processes have failed
_PROBE_PERIOD = 0.5
_AGAIN_SECONDS = 2.0
_STOP_SECONDS = 4.0


class OwnProcesses(Protocol):
    """The supervisor's own ones."""

    def retire(self) -> None: ...
    def resume(self) -> None: ...
    @property
    def are_alone(self) -> bool: ...


class Replacing:
    """`check` is called some times a second. `sockets`: for requests, and for those of the peer."""

    def __init__(
        self, settings: Settings, directory: DataDirectory, sockets: tuple[socket.socket, socket.socket], own: OwnProcesses
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._sockets = sockets
        self._own = own
        self._current: Successor | None = None  # None: the own processes
        self._before: Launch | None = None  # what ran before the current ones
        self._new: Successor | None = None  # is starting
        self._leaving: list[Successor] = []
        self._must_be_left_alone = False
        self._watched_until = self._good_at = self._probed_at = self._again_at = 0.0
        self._order = Order("", None, 0)
        orders.forget_order(directory)  # it was for a supervisor that has ended
        self._running = Running(own_code(), own_code())
        orders.note_running(directory, self._running)

    def check(self) -> None:
        """Carries out the next part of what is to be done."""
        self._leaving = [one for one in self._leaving if one.exit_code is None]
        if self._running.state is State.STARTING:
            self._await_start()
        elif self._running.state is State.WATCHING:
            self._watch()
        elif (order := orders.find_order(self._directory)) and order.id != self._running.order:
            self._begin(order)
        elif self._current and self._current.exit_code is not None:
            self._start_again()
        self._leave_alone()

    def stop(self) -> None:
        """Stops all successors, when the network stops."""
        running = [one for one in (self._current, self._new, *self._leaving) if one and one.exit_code is None]
        for one in running:
            one.stop()
        for one in running:
            one.wait(_STOP_SECONDS)
            if one.exit_code is None:
                one.kill()

    def _begin(self, order: Order) -> None:
        self._order, now = order, clock.monotonic()
        self._watched_until = now + _START_SECONDS
        if order.launch is None:
            self._note(State.STARTING)
            self._switch()
            return
        try:
            self._new = self._started(order.launch)
            self._note(State.STARTING)
        except OSError as error:
            self._note(State.RETURNED, f"it cannot be started: {error}")

    def _await_start(self) -> None:
        assert self._new
        if self._new.is_ready:
            self._switch()
        elif self._new.exit_code is not None:
            self._new = None
            self._note(State.RETURNED, "it ended while it started")
        elif clock.monotonic() > self._watched_until:
            self._new.kill()
            self._new = None
            self._note(State.RETURNED, f"it did not start within {_START_SECONDS:.0f} s")

    def _switch(self) -> None:
        """The new processes accept requests; those before them stop to."""
        old, self._before = self._current, self._current.launch if self._current else None
        self._current, self._new = self._new, None
        if old:
            self._retire(old)
        else:
            self._own.retire()
        if self._current is None:
            self._own.resume()
        self._must_be_left_alone = self._current is not None
        now = clock.monotonic()
        self._good_at, self._watched_until = now, now + self._order.watch
        self._note(State.WATCHING)

    def _watch(self) -> None:
        now = clock.monotonic()
        if self._current and self._current.exit_code is not None:
            self._return("it ended")
        elif now - self._probed_at >= _PROBE_PERIOD:
            self._probed_at = now
            host, port = self._sockets[0].getsockname()[:2]
            why = why_not_ready(host, port)
            if not why:
                self._good_at = now
                if now >= self._watched_until:
                    self._note(State.KEPT)
            elif clock.monotonic() - self._good_at > _FAILS_FOR:
                self._return(why)

    def _return(self, why: str) -> None:
        """Those before run again. They accept requests before the failed ones stop to."""
        failed, self._current = self._current, None
        if self._before:
            with suppress(OSError):
                self._current = self._started(self._before)
        if self._current is None:
            self._own.resume()
        elif failed is None:
            self._own.retire()
        if failed:
            self._retire(failed)
        self._must_be_left_alone = self._current is not None
        self._note(State.RETURNED, why)

    def _retire(self, one: Successor) -> None:
        if one.exit_code is None:
            one.retire()
            self._leaving.append(one)

    def _start_again(self) -> None:
        """The supervisor of the release in use has ended: it is started again."""
        now = clock.monotonic()
        if self._current and now >= self._again_at:
            _log.warning("the supervisor of release %s has ended and starts again", self._current.launch.code)
            self._again_at = now + _AGAIN_SECONDS
            with suppress(OSError):
                self._current = self._started(self._current.launch)
                self._must_be_left_alone = True

    def _leave_alone(self) -> None:
        if self._must_be_left_alone and self._own.are_alone and all(one.is_alone for one in self._leaving):
            self._must_be_left_alone = False
            if self._current:
                self._current.leave_alone()

    def _started(self, launch: Launch) -> Successor:
        return Successor(launch, self._settings, self._directory, self._sockets)

    def _note(self, state: State, why: str = "") -> None:
        launch = self._current.launch if self._current else None
        code = launch.code if launch else own_code()
        self._running = Running(code, own_code(), self._order.id, state, why, launch)
        orders.note_running(self._directory, self._running)
        wanted = self._order.launch.code if self._order.launch else own_code()
        if state is State.RETURNED:
            _log.error("release %s failed (%s); %s runs again", wanted, why, code)
        else:
            _log.warning("release %s: %s", wanted, state)
