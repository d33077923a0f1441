"""Numbers for Prometheus: how many requests, how long, what failed. Shared by all processes of one machine.

Each process writes into two files of one folder (`prometheus_client`'s own way for several processes), and whoever is
asked at `/metrics` adds them up. Without the folder, the numbers are those of one process. The files are mapped into
memory, and a page of them that finds no room on the disk would kill the process: so their room is taken beforehand,
and a process that starts again goes on in the files of the one before.
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_name = ""
_ROOM = 1024 * 1024  # as `prometheus_client` makes them


def share_in(folder: Path, names: Iterable[str]) -> None:
    """Before anything is measured: the folder in which all processes of this machine write, each under its name."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink(missing_ok=True)
    for name in names:
        for kind in ("counter", "histogram"):
            (folder / f"{kind}_{name}.db").write_bytes(bytes(_ROOM))
    os.environ[FOLDER] = str(folder)


def speak_as(name: str) -> None:
    """In a process of several: under which of the names it writes."""
    global _name
    _name = name


@cache
def _meters() -> tuple[Any, Any]:
    """The counter and the clock of requests: one of each per process."""
    from prometheus_client import Counter, Histogram, values  # reads the environment when it is imported, so not before `share_in`

    if FOLDER in os.environ:  # whose file to write is settled here, after the fork, and not asked of the system at each count
        name = _name or os.getpid()
        values.ValueClass = values.MultiProcessValue(process_identifier=lambda: name)  # type: ignore[no-untyped-call]
    return (
        Counter("folkmoot_requests", "Requests answered", ["application", "status"]),
        Histogram("folkmoot_request_seconds", "Time to answer", ["application"], buckets=_BUCKETS),
    )


class Requests:
    """Counts and times requests by application and kind of answer."""

    def __init__(self) -> None:
        self._count, self._seconds = _meters()
        self._labelled = cache(lambda name, kind: (self._count.labels(name, f"{kind}xx"), self._seconds.labels(name)))

    def note(self, application: str, status: int, seconds: float) -> None:
        count, clock = self._labelled(application, status // 100)
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
