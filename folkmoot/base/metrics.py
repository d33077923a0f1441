"""Metrics for Prometheus: number, duration and status of requests. Shared by all processes of one machine.

Each process writes two files in one folder (the multiprocess mode of `prometheus_client`), and the process that answers
`/metrics` adds them up. Without the folder, the numbers cover one process. The files are mapped into memory, and writing
to a page without space on the disk would kill the process: so the space is allocated in advance, and a restarted process
continues the files of its predecessor.
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_name = ""
_FILE_BYTES = 1024 * 1024  # as `prometheus_client` creates them


def create_files(folder: Path, names: Iterable[str]) -> None:
    """Creates the files of all processes of this machine, by their names. Must run before anything is measured."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink(missing_ok=True)
    for name in names:
        for kind in ("counter", "histogram"):
            (folder / f"{kind}_{name}.db").write_bytes(bytes(_FILE_BYTES))
    os.environ[FOLDER] = str(folder)


def set_process_name(name: str) -> None:
    """Selects the files of this process, by one of the names given to `create_files`."""
    global _name
    _name = name


@cache
def _meters() -> tuple[Any, Any, Any]:
    """The counter and the histogram of requests, and the counter of those that were refused: one of each per process."""
    from prometheus_client import Counter, Histogram, values  # reads the environment when it is imported, so not before `create_files`

    if FOLDER in os.environ:  # chosen once, after the fork, instead of calling getpid for each request
        name = _name or os.getpid()
        values.ValueClass = values.MultiProcessValue(process_identifier=lambda: name)  # type: ignore[no-untyped-call]
    return (
        Counter("folkmoot_requests", "Requests answered", ["application", "status"]),
        Histogram("folkmoot_request_seconds", "Time to answer", ["application"], buckets=_BUCKETS),
        Counter("folkmoot_requests_refused", "Requests refused because of overload, by the class of who sent them", ["sender"]),
    )


class Requests:
    """Counts and times requests by application and class of status."""

    def __init__(self) -> None:
        self._count, self._seconds, _ = _meters()
        self._labelled = cache(lambda name, kind: (self._count.labels(name, f"{kind}xx"), self._seconds.labels(name)))

    def note(self, application: str, status: int, seconds: float) -> None:
        count, clock = self._labelled(application, status // 100)
        count.inc()
        clock.observe(seconds)


class Refusals:
    """Counts requests that were refused because of overload, by class of sender."""

    def __init__(self) -> None:
        _, _, self._count = _meters()

    def note(self, sender: str) -> None:
        self._count.labels(sender).inc()


def report() -> bytes:
    """The metrics in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    if FOLDER not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
