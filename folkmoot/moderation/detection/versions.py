"""Which detector a network uses: installed detectors are in DATA/detector, and the link `current` points to one of them.

Without the link, the packaged detector is used. A running worker loads another detector with the next post.
"""

import os
from pathlib import Path

from folkmoot.moderation.detection import artefact
from folkmoot.moderation.detection.detector import Detector

PACKAGED = "packaged"
_ENDING = ".detector"


def folder_of(data: Path) -> Path:
    return data / "detector"


def current(data: Path) -> Path | None:
    """The file of the detector in use; None for the packaged one."""
    link = folder_of(data) / "current"
    return link.resolve() if link.exists() else None


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
    """The detector of a network, loaded at the first call and again when another one was chosen."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._loaded: tuple[Path | None, Detector] | None = None

    def __call__(self) -> Detector:
        wanted = current(self._data)
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = wanted, Detector.load(wanted)
        return self._loaded[1]
