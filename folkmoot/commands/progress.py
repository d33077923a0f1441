"""Progress on a terminal: one line for each step, with rate and time left. Elsewhere nothing is shown."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from folkmoot.portability.progress import Progress, Quiet


@contextmanager
def shown(as_json: bool) -> Iterator[Progress]:
    """Bars on standard error, if a person is looking; the answer on standard output stays alone."""
    if as_json or not sys.stderr.isatty():
        yield Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("  {task.description:24}"), BarColumn(24), DownloadColumn(), TransferSpeedColumn(), TextColumn("left"),
        TimeRemainingColumn(), TextColumn("took"), TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        steps = _Steps(bars)
        yield steps
        steps.end()


class _Steps:
    """Each step is a bar; one whose size nobody knows moves until the next begins."""

    def __init__(self, bars: "object") -> None:
        from rich.progress import Progress as Bars

        assert isinstance(bars, Bars)
        self._bars = bars
        self._task: int | None = None

    def step(self, name: str, total: int = 0) -> None:
        self.end()
        self._task = self._bars.add_task(name, total=total or None)

    def at(self, done: int) -> None:
        if self._task is not None:
            self._bars.update(self._task, completed=done)  # type: ignore[arg-type]

    def end(self) -> None:
        """The bar of the present step is full."""
        for task in self._bars.tasks:
            if task.id == self._task:
                total = task.total or task.completed or 1
                self._bars.update(task.id, total=total, completed=total)
