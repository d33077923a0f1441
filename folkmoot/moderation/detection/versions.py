"""Which detector a network uses: installed detectors are in DATA/detector, and the link `current` points to one of them.

Without the link, the packaged detector is used; also when the link points to a file that is missing or damaged, which the log and
`moot doctor` report. A running worker loads another detector with the next post.
"""

import logging
import os
from pathlib import Path

from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import artefact
from folkmoot.moderation.detection.detector import Detector

log = logging.getLogger(__name__)
PACKAGED = "packaged"
_ENDING = ".detector"


def folder_of(data: Path) -> Path:
    return data / "detector"


def current(data: Path) -> Path | None:
    """The file of the chosen detector, which may be missing or damaged; None for the packaged one."""
    link = folder_of(data) / "current"
    return link.resolve() if link.is_symlink() or link.exists() else None


def find_fault(data: Path) -> str:
    """Why the chosen detector cannot be used, so that the packaged one is; empty if it can."""
    chosen = current(data)
    try:
        if chosen:
            artefact.read(chosen)
    except Problem as problem:
        return problem.message % problem.params
    return ""


def list_installed(data: Path) -> list[Path]:
    """The installed detectors, by name."""
    return sorted(path for path in folder_of(data).glob(f"*{_ENDING}") if not path.is_symlink())


def use(data: Path, chosen: str) -> str:
    """Switches to a file, an installed version, or `packaged`; returns the version. Raises Problem for a file that is not valid."""
    link = folder_of(data) / "current"
    if chosen == PACKAGED:
        link.unlink(missing_ok=True)
        return PACKAGED
    installed = folder_of(data) / f"{chosen}{_ENDING}"
    model = artefact.read(installed if installed.is_file() else Path(chosen))
    target = folder_of(data) / f"{model.header.version}{_ENDING}"
    if not target.is_file():
        artefact.write(target, model)
    temporary = link.with_name("current.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target.name)
    os.replace(temporary, link)
    return model.header.version


class CurrentDetector:
    """The detector of a network, loaded at the first call, and again when another one was chosen or its file has changed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._loaded: tuple[tuple[Path | None, int], Detector] | None = None

    def __call__(self) -> Detector:
        chosen = current(self._data)
        wanted = chosen, _changed_at(chosen)
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = wanted, self._load(chosen)
        return self._loaded[1]

    @staticmethod
    def _load(chosen: Path | None) -> Detector:
        try:
            return Detector.load(chosen)
        except Problem as problem:
            if chosen is None:
                raise
            log.error("%s The packaged detector is used.", problem.message % problem.params)
            return Detector.load()


def _changed_at(file: Path | None) -> int:
    try:
        return file.stat().st_mtime_ns if file else 0
    except OSError:
        return 0
