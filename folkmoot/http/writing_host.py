"""Where a write runs now: on this host, on its peer, or nowhere yet, as in the middle of a move.

Requests that must wait share one task, which reads the role of this host and asks the peer. The task ends a few seconds
after the last question, so an idle process does nothing.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.socket_client import SocketClient
from folkmoot.portability.host import PRIMARY, STANDBY, Host
from folkmoot.portability.hosts.sockets import PROBE_PATH

LONGEST_WAIT = 10.0  # seconds of a request
MOST_WAITING = 2000  # requests of one process
_ROLE_SECONDS = 0.02  # between looks at the file of the role
_LAG_SECONDS = 0.1  # between looks at the lag of a standby, which is measured four times a second
_PERIOD, _IDLE_PERIOD = 0.02, 0.5  # of the task, with and without a waiting request
_INTEREST_SECONDS = 5.0  # after the last question
_CONFIRMED_SECONDS = 2.0  # after which the peer is asked again
_CONNECTIONS, _STREAMS = 64, 2000


class Where(Enum):
    """Where a request is answered."""

    HERE = "here"
    PEER = "peer"
    NOWHERE = "nowhere"  # neither host writes; the request has waited long enough, or too many wait already


class WritingHost:
    """One per process. `socket`: leads to the web processes of the peer. `is_held`: whether writes here wait at the gate. `lags`:
    whether the database of a standby lacks what its primary wrote seconds ago."""

    def __init__(self, host: Host, socket: Path, is_held: Callable[[], bool], lags: Callable[[], bool] = lambda: False) -> None:
        self._host = host
        self._socket = socket
        self._is_held = is_held
        self._lags = lags
        self._is_behind, self._measured_at = False, 0.0
        self.requests = SocketClient(socket, self._probe, _CONNECTIONS)
        self.streams = SocketClient(socket, self._probe, _STREAMS)
        self._role, self._has_peer, self._looked_at = PRIMARY, False, 0.0
        self._peer_writes: bool | None = None  # None: not known
        self._confirmed_at = 0.0  # when the peer last was known to write; 0: never since this host was the primary
        self._asked_at = 0.0
        self._silent_since: float | None = None
        self._waiting = 0
        self._decision: asyncio.Future[Where] | None = None
        self._task: asyncio.Task[None] | None = None
        self.lacks_schema = False  # the schema of this standby is older than its code: reads may fail here
        self._streams: dict[Callable[[], None], Where] = {}  # what ends each open stream, and where it is answered

    @property
    def socket(self) -> Path:
        return self._socket

    @property
    def epoch(self) -> int:
        return self._host.epoch

    @property
    def is_primary(self) -> bool:
        self._look()
        return self._role == PRIMARY

    @property
    def is_fenced(self) -> bool:
        """Whether this host was the primary, and another one takes its place."""
        self._look()
        return self._role not in (PRIMARY, STANDBY)

    @property
    def is_behind(self) -> bool:
        """Whether this is a standby that would show an older state than its primary."""
        if self.is_primary:
            return False
        now = clock.monotonic()
        if now - self._measured_at >= _LAG_SECONDS:
            self._measured_at, self._is_behind = now, self._lags()
        return self._is_behind

    @property
    def has_peer(self) -> bool:
        self._look()
        return self._has_peer

    @property
    def peer_writes(self) -> bool:
        """Whether the peer is known to write. Otherwise it is asked soon."""
        self._keep_watching()
        return bool(self._peer_writes)

    @property
    def is_decided(self) -> bool:
        """Whether a write need not wait."""
        return self._now() is not None

    async def for_write(self, deadline: float) -> Where:
        """Where a request that writes runs; waits until `deadline` for one of the hosts to write."""
        if (where := self._now()) is not None:
            return where
        if not self._has_peer and self._role != PRIMARY:
            return Where.NOWHERE
        return await self._wait(deadline)

    async def for_read(self, deadline: float) -> Where:
        """Whether a read is answered by the peer because it writes. Waits until `deadline` if that is not known yet, or not any more:
        this host would show an older state than before. While no host has written since this one was fenced, nothing waits.
        """
        if self._role == PRIMARY or not self.has_peer:
            return Where.HERE
        if self._peer_writes is None or (not self._peer_writes and self._confirmed_at):
            await self._wait(deadline)
        self._keep_watching()
        return Where.PEER if self._peer_writes else Where.HERE

    def forget(self) -> None:
        """The peer could not be reached, or refused a write: it is asked again before the next request."""
        self._peer_writes = False

    def add_stream(self, end: Callable[[], None], where: Where) -> None:
        """`end` is called when the stream must be answered by another host."""
        self._streams[end] = where
        self._keep_watching()

    def remove_stream(self, end: Callable[[], None]) -> None:
        self._streams.pop(end, None)

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.requests.close()
        await self.streams.close()

    def _look(self) -> None:
        now = clock.monotonic()
        if now - self._looked_at >= _ROLE_SECONDS:
            self._looked_at, self._role, self._has_peer = now, self._host.role, self._socket.exists()
            if self._role == PRIMARY:
                self._confirmed_at = 0.0

    def _probe(self) -> bytes:
        return f"{PROBE_PATH}?epoch={self.epoch}".encode()

    def _now(self) -> Where | None:
        if self.is_primary:
            return None if self._is_held() else Where.HERE
        return Where.PEER if self._peer_writes else None

    async def _wait(self, deadline: float) -> Where:
        is_lost = self._silent_since is not None and clock.monotonic() - self._silent_since > LONGEST_WAIT
        self._keep_watching()
        if self._waiting >= MOST_WAITING or (is_lost and self._role != PRIMARY):
            return Where.NOWHERE
        self._waiting += 1
        try:
            if self._decision is None:
                self._decision = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(max(0.0, deadline - clock.monotonic())):
                return await asyncio.shield(self._decision)
        except TimeoutError:
            return Where.NOWHERE
        finally:
            self._waiting -= 1

    def _keep_watching(self) -> None:
        self._asked_at = clock.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(), name="writing host")

    async def _watch(self) -> None:
        while self._streams or self._waiting or clock.monotonic() - self._asked_at < _INTEREST_SECONDS:
            if not self.is_primary:
                await self._ask_peer()
            if (where := self._now()) is not None:
                self._decide(where)
                self._end_streams(where)
            await asyncio.sleep(_PERIOD if self._waiting else _IDLE_PERIOD)
        self._peer_writes = self._silent_since = None

    async def _ask_peer(self) -> None:
        now = clock.monotonic()
        if self._peer_writes and now - self._confirmed_at < _CONFIRMED_SECONDS:
            return
        self._peer_writes = await self.requests.check()
        if self._peer_writes:
            self._confirmed_at, self._silent_since = clock.monotonic(), None
        elif self._silent_since is None:
            self._silent_since = now

    def _decide(self, where: Where) -> None:
        decision, self._decision = self._decision, None
        if decision and not decision.done():
            decision.set_result(where)

    def _end_streams(self, where: Where) -> None:
        for end in [end for end, answered in self._streams.items() if answered is not where]:
            del self._streams[end]
            end()
