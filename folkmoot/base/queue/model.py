"""What jobs are: declarations for the code, and structs for whoever looks at the queue. No input or output."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from folkmoot.base.db import Database

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (1, 10, 60, 600, 3600))
LONGEST_RUN = timedelta(minutes=10)
# Seconds that a job waits after each end of its worker while it ran; after one more it is parked. From the third on it had
# run alone, but whoever kills a worker from outside can meet an innocent one: so there is time between its last chances.
CRASH_PAUSES = (0.0, 0.0, 5.0, 30.0)


@dataclass(frozen=True)
class Job:
    """`handler(database, payload)` runs it. After each failure the next of the delays `retries` is waited; after the
    last one the job is parked. A run that takes longer than `limit` is a failure."""

    name: str
    payload: type[Any]
    handler: Callable[[Database, Any], Awaitable[None]]
    retries: Sequence[timedelta] = RETRIES
    limit: timedelta = LONGEST_RUN


@dataclass(frozen=True)
class Timed:
    """Runs at most once per `every` in the whole network, whatever the number of workers.

    `is_cleaning`: it deletes what is old, and waits an hour after the clock has jumped, so that what was written a
    moment ago does not look old.
    """

    name: str
    every: timedelta
    handler: Callable[[Database], Awaitable[None]]
    is_cleaning: bool = False
    limit: timedelta = LONGEST_RUN


class State(StrEnum):
    """Where a stored job stands. `later`: it waits for its moment, after a failure or because it was ordered so."""

    WAITING = "waiting"
    LATER = "later"
    RUNNING = "running"
    PARKED = "parked"


class StoredJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the queue holds it."""

    id: int
    name: str
    state: State
    age: float  # seconds since it was enqueued
    due_in: float  # seconds until it may run; negative for how long it has been due
    tries: int
    crashes: int
    last_error: str | None
    parked_at: datetime | None
    payload: bytes


class Claimed(msgspec.Struct, frozen=True):
    """A job that a worker has taken."""

    id: int
    name: str
    payload: bytes
    tries: int
    crashes: int


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    """The queue in numbers. `waiting` are all that are neither running nor parked, `oldest` is how many seconds the
    oldest of those that may run has been due."""

    waiting: int
    running: int
    parked: int
    oldest: float
    parked_by_name: dict[str, int]


class TimedState(msgspec.Struct, frozen=True):
    """When a timed job last ran, in seconds; negative when the clock was set back since. `failures`: in a row."""

    name: str
    age: float
    failures: int
    last_error: str | None
