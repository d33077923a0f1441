"""Error rates of a detector, as its own card states them.

They are read from its header, so that a web process that shows a signal loads neither the detector nor numpy. There are none
for a removed detector, or for a language in which it was never measured.
"""

import functools
from pathlib import Path

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.detection import queries

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


async def find_error_rates(conn: ReadConn, version: str, language: str | None, *, is_hiding: bool) -> ErrorRates | None:
    """The rates of this version in this language, or None. `is_hiding`: at the hide threshold."""
    head = _packaged()
    if head.version != version:
        header = await queries.find_header(conn, version)
        if header is None:
            return None
        head = msgspec.json.decode(header, type=_Head)
    shares = {one.kind: one.hidden if is_hiding else one.queued for one in head.card.budgets if one.lang == language}
    if not {"look_alikes", "threats"} <= set(shares):
        return None
    return ErrorRates(max(1, round(100 * shares["look_alikes"])), round(100 * shares["threats"]))


@functools.cache
def _packaged() -> _Head:
    with open(_PACKAGED, "rb") as file:
        file.readline(100)
        return msgspec.json.decode(file.readline(_MAX_HEADER), type=_Head)
