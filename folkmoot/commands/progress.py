"""Progress bars on a terminal: one line per step, with rate and time left. Without a terminal nothing is shown."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from folkmoot.portability.progress import NoProgress, Progress


@contextmanager
def show_progress(as_json: bool) -> Iterator[Progress]:
    """Shows bars on standard error if it is a terminal. Standard output contains the answer only."""
    if as_json or not sys.stderr.isatty():
        yield NoProgress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("  {task.description:22}"), BarColumn(16), TextColumn("{task.fields[text]}"))
    with Bars(*columns, console=Console(stderr=True)) as bars:
        steps = _Steps(bars)
        yield steps
        steps.end()


@contextmanager
def log_kept_out() -> Iterator[None]:
    """Keeps what processes log of a move out of a terminal, where it would stand between the steps. The answer says it too."""
    log, silent = logging.getLogger("folkmoot.portability"), logging.NullHandler()
    before, log.propagate = log.propagate, False
    log.addHandler(silent)
    try:
        yield
    finally:
        log.propagate = before
        log.removeHandler(silent)


class _Steps:
    """Each step is a bar. A step of unknown size moves until the next one begins."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._task: Any = None

    def step(self, name: str, total: int = 0) -> None:
        self.end()
        number = self._bars.add_task(name, total=total or None, text="")
        self._task = next(task for task in self._bars.tasks if task.id == number)

    def at(self, done: int) -> None:
        task = self._task
        if task is not None and task.total:
            self._bars.update(task.id, completed=done)
            left = f", {_clock(task.time_remaining)} left" if task.time_remaining else ""
            rate = f", {task.speed / 1e6:.0f} MB/s" if task.speed else ""
            self._bars.update(task.id, text=f"{_megabytes(done)} of {_megabytes(task.total)} MB{rate}{left}")

    def end(self) -> None:
        """Completes the bar of the current step and shows its size and duration."""
        task = self._task
        if task is not None:
            size = f"{_megabytes(task.total)} MB in " if task.total else ""
            self._bars.update(task.id, total=task.total or 1, completed=task.total or 1, text=f"{size}{task.elapsed or 0:.1f} s")


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
