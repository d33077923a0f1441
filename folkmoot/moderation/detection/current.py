"""The detector of a network for a process that may never need it: numpy is imported with the first text, so that web processes do
without it. A process serves one network, so all of its parts share one detector."""

import functools
from pathlib import Path

from folkmoot.base.db import ReadConn
from folkmoot.moderation.detection.actions import CurrentScorer, Scorer


class LateDetector:
    """See `versions.CurrentDetector`, which it stands for."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._loaded: CurrentScorer | None = None

    def __call__(self) -> Scorer:
        return self._current()()

    async def refresh(self, conn: ReadConn) -> None:
        await self._current().refresh(conn)

    def _current(self) -> CurrentScorer:
        if self._loaded is None:
            from folkmoot.moderation.detection.versions import CurrentDetector

            self._loaded = CurrentDetector(self._data)
        return self._loaded


@functools.lru_cache(maxsize=1)  # tests serve many networks in one process
def detector_of(data: Path) -> LateDetector:
    return LateDetector(data)
