"""Measures how far the standby is behind, on both hosts, four times a second, and records it for the other processes.

`run/following.json` is written by the agent and read by `moot status`, `/readyz`, `/metrics` and `moot standby`. The primary
knows what would be lost with it: the age of its oldest write that the standby has not confirmed. It follows from the
positions that its WAL had in the last seconds, so it is right while the link is cut, and needs no clock of the other host.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.portability.host import PRIMARY, STANDBY
from folkmoot.portability.hosts.peers import FILE as PEERS_FILE
from folkmoot.portability.postgres_settings import LOGICAL
from folkmoot.portability.standby import queries
from folkmoot.portability.standby.model import ALARM_SECONDS, CONNECTED, Following, Stage
from folkmoot.portability.standby.queries import Receiving, Sending
from folkmoot.portability.synchronous import Mode

log = logging.getLogger(__name__)
FILE = "run/following.json"
_EVERY = 0.25
_SILENT = 3.0  # seconds; a primary writes something each second
_STALE = 5.0  # seconds after which the record says nothing about now
_MOST_SAMPLES = 1000
_BEGINNING = 10.0  # seconds of following, after which writes wait if they should
_STAGES = {"streaming": Stage.STREAMING, "catchup": Stage.CATCHING_UP, "startup": Stage.CATCHING_UP, "backup": Stage.SEEDING}


class Positions:
    """When the WAL reached which position. Old samples are thinned out, so that weeks without a standby need little memory."""

    def __init__(self, age: float = 0.0) -> None:
        """`age`: of the oldest unconfirmed write, when another process measured before."""
        self._samples: deque[tuple[float, int]] = deque()
        self._last = 0
        self._age = age

    def lag(self, now: float, position: int, confirmed: int) -> float:
        """Notes the position; returns the age of the oldest write that is not confirmed."""
        if position > self._last:
            self._samples.append((now - self._age, position))
            self._last, self._age = position, 0.0
        while self._samples and self._samples[0][1] <= confirmed:
            self._samples.popleft()
        if len(self._samples) > _MOST_SAMPLES:
            self._samples = deque([self._samples[0], *list(self._samples)[1::2]])
        return max(0.0, now - self._samples[0][0]) if self._samples else 0.0


class MissingMedia(Protocol):
    """How many files the standby still has to fetch, and their size."""

    @property
    def missing(self) -> int: ...

    @property
    def missing_bytes(self) -> int: ...


class Meter:
    """The measurement of one process. It continues the one of the process before, whose last record is `before`."""

    def __init__(self, before: Following | None = None, left_at: Callable[[], int] = lambda: 0) -> None:
        """`left_at`: where this host has left the log of the one that it replaced, in bytes; 0 if it replaced none."""
        lag = before.lag_seconds if before else 0.0
        self._positions = Positions(lag)
        self._current_at = clock.monotonic() - lag
        self._stage = before.stage if before else None
        self._left_at = left_at
        self._since = before.since if before else 0.0
        self.peer_stage: Stage | None = None  # what the primary last said about this standby
        self.wanted, self.active, self.is_bound = Mode.NONE, Mode.NONE, False  # as in `Following`

    def of_primary(self, sending: Sending) -> Following:
        if not sending.has_slot:
            return self._state(PRIMARY, Stage.NONE, 0, 0.0)
        lag = self._positions.lag(clock.monotonic(), sending.position, sending.confirmed)
        state = self._state(PRIMARY, _stage_of(sending), max(0, sending.position - sending.confirmed), lag)
        # Once a host that was replaced has followed, its slot is beyond the position at which the logs parted.
        is_replaced = state.stage is Stage.AWAY and not sending.is_logical and sending.confirmed <= self._left_at()
        return msgspec.structs.replace(state, is_logical=sending.is_logical, is_replaced=is_replaced)

    def of_standby(self, receiving: Receiving, media: MissingMedia) -> Following:
        now = clock.monotonic()
        behind = max(0, receiving.known - receiving.replayed) if receiving.known else 0
        is_connected = receiving.silence is not None and receiving.silence < _SILENT
        if is_connected and not behind:
            self._current_at = now
        if is_connected:
            self.peer_stage = None
            stage = Stage.STREAMING if now - self._current_at < _SILENT else Stage.CATCHING_UP
        else:
            stage = Stage.LOST if self.peer_stage is Stage.LOST else Stage.AWAY
        state = self._state(STANDBY, stage, behind, now - self._current_at)
        return msgspec.structs.replace(
            state, media_missing=media.missing, media_missing_bytes=media.missing_bytes, is_logical=receiving.is_logical
        )

    def _state(self, role: str, stage: Stage, behind: int, lag: float) -> Following:
        now = clock.now().timestamp()
        if stage is not self._stage:
            if self._stage is not None:
                log.info("the standby is %s (before: %s)", stage, self._stage)
            self._stage, self._since = stage, now
        return Following(role=role, stage=stage, since=self._since, measured_at=now, lag_bytes=behind, lag_seconds=round(lag, 3),
                         wanted=self.wanted, active=self.active, is_bound=self.is_bound)


def _stage_of(sending: Sending) -> Stage:
    if sending.wal_status == "lost":
        return Stage.LOST
    return _STAGES.get(sending.state, Stage.AWAY)


async def measure(
    dsn: str, slot: Callable[[], str], folder: Path, meter: Meter, media: MissingMedia, before: Callable[[], None] = lambda: None
) -> None:
    """Measures and records until it is cancelled. `slot`: the name of that of the peer, "" without a peer. `before`: called each time."""
    connection: asyncpg.Connection | None = None
    try:
        while True:
            try:
                if connection is None or connection.is_closed():
                    connection = await asyncpg.connect(dsn, timeout=5, server_settings={"application_name": "folkmoot following"})
                before()
                state = await _measured(connection, slot(), meter, media)
                await asyncio.to_thread(record, folder, state)
            except (*UNREACHABLE, asyncpg.PostgresError) as error:  # it starts, stops, or its disk is full
                log.debug("the following cannot be measured: %r", error)
                if connection:
                    connection.terminate()
                connection = None
            await asyncio.sleep(_EVERY)
    finally:
        if connection:
            connection.terminate()


async def _measured(connection: asyncpg.Connection, slot: str, meter: Meter, media: MissingMedia) -> Following:
    if await queries.is_standby(connection):
        return meter.of_standby(await queries.get_receiving(connection), media)
    return meter.of_primary(await queries.get_sending(connection, slot))


def record(folder: Path, state: Following) -> None:
    """Writes the record. After a crash it may be missing, since nothing depends on it."""
    file = folder / FILE
    temporary = file.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(msgspec.json.encode(state))
    temporary.rename(file)


def find_following(folder: Path) -> Following | None:
    """The last record, with the time that has passed since; None if this host has no peer. Reads one small file."""
    if not (folder / PEERS_FILE).exists():
        return None
    with suppress(FileNotFoundError, msgspec.DecodeError):
        state = msgspec.json.decode((folder / FILE).read_bytes(), type=Following)
        age = clock.now().timestamp() - state.measured_at
        if age < _STALE:
            return state
        return msgspec.structs.replace(state, stage=Stage.AWAY, lag_seconds=round(state.lag_seconds + age, 3))
    return None


def replaced_text(peer: str = "NAME") -> str:
    """Of a host that this one took over from: what makes it a standby, or ends the pair."""
    return (
        "this host took over from the other one, which does not become its standby by itself. Run on that one: moot standby --again. If it"
        f" is gone for good: moot host remove {peer}"
    )


def is_behind(folder: Path) -> bool:
    """Whether the database of this standby should not be shown: it may lack what its primary wrote seconds ago, as after its start."""
    if (folder / "postgres" / LOGICAL).exists():  # it has no caches, and is no standby to PostgreSQL
        return True
    state = find_following(folder)
    return state is not None and not (state.role == STANDBY and state.stage is Stage.STREAMING)


def warnings(state: Following | None) -> list[str]:
    """Sentences for the operator; empty if all is well."""
    if state is None:
        return []
    return [*_following_warnings(state), *synchronous_warnings(state)]


def synchronous_warnings(state: Following) -> list[str]:
    """Of a primary: what waits for the standby although it is away, or does not although it should."""
    is_close = state.stage in CONNECTED and state.lag_seconds <= ALARM_SECONDS
    if state.role != PRIMARY:
        return []
    if state.active is Mode.ALL and not is_close:
        return ["ALARM: all writes wait for the standby. To go on without it: moot host release"]
    if state.active is not Mode.NONE and state.active is not state.wanted:
        return [f"replication.synchronous is {state.wanted}, but {state.active} writes wait until the standby agrees"]
    is_beginning = state.stage is Stage.STREAMING and state.measured_at - state.since < _BEGINNING
    if state.active is Mode.NONE and state.wanted is not Mode.NONE and not is_beginning:
        return [f"replication.synchronous is {state.wanted}, but no standby confirms writes, so they are on this host only"]
    return []


def _following_warnings(state: Following) -> list[str]:
    if state.stage in (Stage.NONE, Stage.SEEDING):
        return []
    since = f"{datetime.fromtimestamp(state.since, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if state.stage is Stage.LOST:
        return ["the standby was away for too long and cannot go on: run moot standby --again on it"]
    if state.stage is Stage.AWAY:
        if state.is_replaced:
            return [f"no standby follows: {replaced_text()}"]
        if state.role == STANDBY:
            return [f"this standby has no connection to its primary since {since}; it connects again by itself when the primary answers"]
        return [f"the standby is not connected since {since}; it connects again by itself when it runs and reaches this host"]
    if state.lag_seconds > ALARM_SECONDS and state.active is not Mode.ALL:
        return [f"the standby is {state.lag_seconds:.1f} s behind: a failover now would lose the writes of that time"]
    return []
