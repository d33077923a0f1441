"""The detector of a network in a worker: the packaged one, or one that is stored in the database.

Each batch of texts asks which one was chosen, with a small statement, so a switch takes effect with the next post, in every worker.
When the chosen one is missing or damaged, the packaged detector is used; the log and `moot doctor` say so.
"""

import asyncio
import logging
from pathlib import Path

from folkmoot.base.db import ReadConn
from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import artefact, queries
from folkmoot.moderation.detection.detector import Detector

log = logging.getLogger(__name__)
PACKAGED = "packaged"


class CurrentDetector:
    """Loaded at the first call, and again when another one was chosen. `data`: the data directory, for a file of an earlier release."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._loaded: tuple[str | None, Detector] | None = None

    async def refresh(self, conn: ReadConn) -> None:
        """Loads the chosen detector if it is not the loaded one."""
        choice, file = await queries.find_choice(conn), None
        if choice is None:
            file = _earlier_file(self._data)  # a system call, cheaper than a thread
        wanted = choice.version if choice else str(file) if file else None
        if self._loaded is not None and self._loaded[0] == wanted:
            return
        content = await queries.find_file(conn, wanted) if wanted and choice else await asyncio.to_thread(_read, file)
        self._loaded = wanted, await asyncio.to_thread(_load, wanted, content)

    def __call__(self) -> Detector:
        """The detector that was loaded last; the packaged one before the first refresh."""
        if self._loaded is None:
            self._loaded = None, Detector.load()
        return self._loaded[1]


async def find_fault(conn: ReadConn) -> str:
    """Why the chosen detector cannot be used, so that the packaged one is; empty if it can."""
    choice = await queries.find_choice(conn)
    if choice is None or choice.version is None:
        return ""
    content = await queries.find_file(conn, choice.version)
    try:
        await asyncio.to_thread(read_stored, choice.version, content)
    except Problem as problem:
        return problem.message % problem.params
    return ""


def read_stored(version: str, content: bytes | None) -> artefact.Artefact:
    """Raises Problem for a missing or damaged one."""
    if content is None:
        raise Problem("The detector %(version)s is not installed.", version=version)
    return artefact.unpack(content, version)


def _load(version: str | None, content: bytes | None) -> Detector:
    if version is None:
        return Detector.load()
    try:
        return Detector(read_stored(version, content))
    except Problem as problem:
        log.error("%s The packaged detector is used.", problem.message % problem.params)
        return Detector.load()


async def find_file(conn: ReadConn, data: Path) -> Path | None:
    """The file of the detector in use, if a network chose it before the database held detectors."""
    return None if await queries.find_choice(conn) else await asyncio.to_thread(_earlier_file, data)


def _earlier_file(data: Path) -> Path | None:
    link = data / "detector" / "current"
    return link.resolve() if link.is_file() else None


def _read(file: Path | None) -> bytes | None:
    return file.read_bytes() if file else None
