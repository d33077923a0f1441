"""Numbers for Prometheus: how many requests, how long, what failed. Shared by all processes of one machine.

Each process writes into small files of one folder (`prometheus_client`'s own way for several processes), and whoever
is asked at `/metrics` adds them up. Without the folder, the numbers are those of one process.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_in(folder: Path) -> None:
    """Before anything is measured: the folder in which all processes of this machine write."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink(missing_ok=True)
    os.environ[FOLDER] = str(folder)


@cache
def _meters() -> tuple[Any, Any]:
    """The counter and the clock of requests: one of each per process."""
    from prometheus_client import Counter, Histogram, values  # reads the environment when it is imported, so not before `share_in`

    if FOLDER in os.environ:  # whose file to write is settled here, after the fork, and not asked of the system at each count
        pid = os.getpid()
        values.ValueClass = values.MultiProcessValue(process_identifier=lambda: pid)  # type: ignore[no-untyped-call]
    return (
        Counter("folkmoot_requests", "Requests answered", ["door", "status"]),
        Histogram("folkmoot_request_seconds", "Time to answer", ["door"], buckets=_BUCKETS),
    )


class Requests:
    """Counts and times requests by door and kind of answer."""

    def __init__(self) -> None:
        self._count, self._seconds = _meters()
        self._labelled = cache(lambda door, kind: (self._count.labels(door, f"{kind}xx"), self._seconds.labels(door)))

    def note(self, door: str, status: int, seconds: float) -> None:
        count, clock = self._labelled(door, status // 100)
        count.inc()
        clock.observe(seconds)


def report() -> bytes:
    """The text that Prometheus reads."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    if FOLDER not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
