"""A test that failed while the machine stood still, or its clock was set, runs once more.

When a virtual machine goes on after a minute, each time-out of PostgreSQL and each deadline of a test has passed at once. That says
nothing about the code. The end of the run names the tests that ran twice.
"""

import threading
import time
from dataclasses import dataclass, field

import pytest
from _pytest.runner import runtestprotocol

_STEP, _STILL = 0.5, 5.0  # seconds
AGAIN = "ran_again"


@dataclass
class Watch:
    """Counts how often the time between two looks was far longer than the step, by either clock."""

    count: int = 0
    _last: tuple[float, float] = field(default_factory=lambda: (time.time(), time.monotonic()))

    def look(self, wall: float, monotonic: float) -> None:
        was, self._last = self._last, (wall, monotonic)
        if abs(wall - was[0]) > _STILL or monotonic - was[1] > _STILL:
            self.count += 1

    def run(self) -> None:
        while True:
            time.sleep(_STEP)
            self.look(time.time(), time.monotonic())

    def start(self) -> None:
        threading.Thread(target=self.run, name="standstill", daemon=True).start()


def run_test(watch: Watch, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Runs a test as pytest does, and once more if it failed and the machine stood still meanwhile."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    before = watch.count
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if watch.count > before and any(report.failed for report in reports):
        item._initrequest()  # type: ignore[attr-defined]
        item.user_properties.append((AGAIN, item.nodeid))
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def names_of(reporter: pytest.TerminalReporter) -> list[str]:
    """The tests that ran again."""
    reports = [report for kind in ("passed", "failed") for report in reporter.getreports(kind)]
    return sorted({str(value) for report in reports for key, value in report.user_properties if key == AGAIN})
