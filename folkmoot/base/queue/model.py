"""Types of the queue: declarations of jobs, and structs of stored ones. No input or output."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from folkmoot.base.db import Database

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (1, 10, 60, 600, 3600))
LONGEST_RUN = timedelta(minutes=10)
# Seconds that a job waits after each end of its worker while it ran; after one more end it is parked. From the third on it
# ran alone, but a worker that was killed from outside may have run a harmless job: so there are pauses before the last runs.
CRASH_PAUSES = (0.0, 0.0, 5.0, 30.0)


@dataclass(frozen=True)
class Job:
    """`handler(database, payload)` runs it. After each failure it waits for the next delay of `retries`; after the last
    one it is parked. A run longer than `limit` is a failure."""

    name: str
    payload: type[Any]
    handler: Callable[[Database, Any], Awaitable[None]]
    retries: Sequence[timedelta] = RETRIES
    limit: timedelta = LONGEST_RUN


@dataclass(frozen=True)
class Timed:
    """Runs at most once per `every` in the whole network, whatever the number of workers.

    `is_cleaning`: it deletes old records. It does not run for an hour after the clock has jumped, because new records
    could look old.
    """

    name: str
    every: timedelta
    handler: Callable[[Database], Awaitable[object]]
    is_cleaning: bool = False
    limit: timedelta = LONGEST_RUN


class State(StrEnum):
    """The state of a stored job. `later`: it is not due yet, after a failure or because it was enqueued with a delay."""

    WAITING = "waiting"
    LATER = "later"
    RUNNING = "running"
    PARKED = "parked"


class StoredJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job in the queue."""

    id: int
    name: str
    state: State
    age: float  # seconds since it was enqueued
    due_in: float  # seconds until it is due; negative if it is overdue
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
    """Numbers of the queue. `waiting`: jobs that are neither running nor parked. `oldest`: seconds since the first
    unclaimed job became due."""

    waiting: int
    running: int
    parked: int
    oldest: float
    parked_by_name: dict[str, int]


class TimedState(msgspec.Struct, frozen=True):
    """`age`: seconds since the last run; negative if the clock was set back since then. `failures`: in a row."""

    name: str
    age: float
    failures: int
    last_error: str | None
