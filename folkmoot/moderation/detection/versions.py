"""Which detector a network uses: those it was given are kept in DATA/detector, and `current` points to one of them.

Without one, the packaged detector is used. Switching back is pointing back; a worker that is running takes the other
one with the next post.
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


def kept(data: Path) -> list[Path]:
    """The detectors that this network was given, by name."""
    return sorted(path for path in folder_of(data).glob(f"*{_ENDING}") if not path.is_symlink())


def use(data: Path, chosen: str) -> str:
    """Takes a file, the version of a kept one, or `packaged`. Returns the version. Raises Problem and changes nothing otherwise."""
    link = folder_of(data) / "current"
    if chosen == PACKAGED:
        link.unlink(missing_ok=True)
        return PACKAGED
    ours = folder_of(data) / f"{chosen}{_ENDING}"
    model = artefact.read(ours if ours.is_file() else Path(chosen))
    target = folder_of(data) / f"{model.header.version}{_ENDING}"
    if not target.is_file():
        artefact.write(target, model)
    beside = link.with_name("current.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target.name)
    os.replace(beside, link)
    return model.header.version


class InUse:
    """The detector of a network, loaded when it is first asked for and again when another one was chosen."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._loaded: tuple[Path | None, Detector] | None = None

    def __call__(self) -> Detector:
        wanted = current(self._data)
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = wanted, Detector.load(wanted)
        return self._loaded[1]
