"""Error rates of a detector, as its own card states them.

They are read from the header of its file, so that a web process that shows a signal loads neither the detector nor
numpy. There are none for a removed detector, or for a language in which it was never measured.
"""

import functools
import re
from pathlib import Path

import msgspec

_PACKAGED = Path(__file__).with_name("threats.detector")
_MAX_HEADER = 1 << 20


class ErrorRates(msgspec.Struct, frozen=True):
    """How many of a hundred look-alikes get a signal, and how many of a hundred threats."""

    look_alikes: int
    threats: int


class _Budget(msgspec.Struct):
    lang: str
    kind: str
    queued: float
    hidden: float


class _Card(msgspec.Struct):
    budgets: list[_Budget] = []


class _Head(msgspec.Struct):
    version: str
    card: _Card = msgspec.field(default_factory=_Card)


@functools.lru_cache(maxsize=200)
def find_error_rates(data: Path, version: str, language: str | None, *, is_hiding: bool) -> ErrorRates | None:
    """The rates of this version in this language, or None. `is_hiding`: at the hide threshold."""
    if not re.fullmatch(r"[\w.-]{1,80}", version):
        return None
    own = data / "detector" / f"{version}.detector"
    head = _head(own if own.is_file() else _PACKAGED)
    if head is None or head.version != version:
        return None
    shares = {one.kind: one.hidden if is_hiding else one.queued for one in head.card.budgets if one.lang == language}
    if not {"look_alikes", "threats"} <= set(shares):
        return None
    return ErrorRates(max(1, round(100 * shares["look_alikes"])), round(100 * shares["threats"]))


def _head(path: Path) -> _Head | None:
    try:
        with open(path, "rb") as file:
            file.readline(100)
            return msgspec.json.decode(file.readline(_MAX_HEADER), type=_Head)
    except (OSError, msgspec.DecodeError):
        return None
