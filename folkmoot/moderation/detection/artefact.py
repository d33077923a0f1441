"""The detector's file: the trainer writes it, the scorer reads it and refuses it when a single bit has changed.

    folkmoot-detector 1 <line end>
    a JSON header on one line: name, version, bias, calibration, thresholds, card, and `tables`
    zlib: the tables one after the other as little-endian float16, in the order of the header
    32 bytes: SHA-256 of everything before

It contains no code, so a file from an untrusted source can be read safely.
"""

import hashlib
import re
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import structure
from folkmoot.moderation.detection.model import Thresholds

_MAGIC = b"folkmoot-detector 1\n"
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,60}")  # becomes a file name
_MAX_UNPACKED = 64 * 2**20
Weights = npt.NDArray[np.float16]


class Table(msgspec.Struct):
    """One kind of feature: `idf` (0 for an unknown bucket) and `weight` of each of its 2 ** bits buckets.

    The feature vector of a text is normalised to the length `scale`. With a `pivot`, a vector that is short beside it stays
    shorter: two words are weak evidence, and normalising would turn one of them into all evidence that there can be."""

    kind: str
    bits: int
    scale: float = 1.0
    pivot: float = 0.0


class Header(msgspec.Struct):
    """Everything but the numbers. `calibration`: slope and offset from a margin to a probability. `word_lists`: the fingerprint of
    those that number the features of a table of parts."""

    name: str
    version: str
    bias: float
    calibration: tuple[float, float]
    thresholds: dict[str, Thresholds]
    tables: list[Table]
    card: dict[str, Any] = {}
    word_lists: str = ""


class Artefact(msgspec.Struct):
    """The header, and for each of its tables (idf, weight)."""

    header: Header
    tables: list[tuple[Weights, Weights]]


def pack(artefact: Artefact) -> bytes:
    """The content of the file."""
    numbers = b"".join(column.astype("<f2").tobytes() for pair in artefact.tables for column in pair)
    body = _MAGIC + msgspec.json.encode(artefact.header) + b"\n" + zlib.compress(numbers, 9)
    return body + hashlib.sha256(body).digest()


def write(path: Path, artefact: Artefact) -> None:
    """Writes a temporary file and renames it, so that no reader sees half of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(pack(artefact))
    temporary.replace(path)


def read(path: Path) -> Artefact:
    """Raises Problem for a file that is not a detector, is damaged or was altered."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Problem("The detector %(path)s cannot be read: %(why)s.", path=path, why=error.strerror or error) from error
    return unpack(content, str(path))


def unpack(content: bytes, path: str) -> Artefact:
    """Reads the content of a file; `path` names it in problems. Raises Problem as `read` does."""
    if not content.startswith(_MAGIC):
        raise Problem("%(path)s is not a detector that this version reads.", path=path)
    body, checksum = content[:-32], content[-32:]
    if hashlib.sha256(body).digest() != checksum:
        raise Problem("The detector %(path)s is damaged or was altered: its checksum is wrong.", path=path)
    try:
        line, _, packed = body[len(_MAGIC) :].partition(b"\n")
        header = msgspec.json.decode(line, type=Header)
        if not _VERSION.fullmatch(header.version) or "" not in header.thresholds or any(table.bits > 22 for table in header.tables):
            raise ValueError("its header is not valid")
        if header.word_lists != structure.fingerprint() and any(table.kind == "parts" for table in header.tables):
            raise Problem("%(path)s was trained with the word lists of another release. Train it again: moot detector train.", path=path)
        unpacked = zlib.decompressobj().decompress(packed, _MAX_UNPACKED)
        return Artefact(header, _tables(header, unpacked))
    except (msgspec.DecodeError, zlib.error, ValueError) as error:
        raise Problem("The detector %(path)s cannot be read: %(why)s.", path=path, why=error) from error


def _tables(header: Header, numbers: bytes) -> list[tuple[Weights, Weights]]:
    tables, at = [], 0
    for table in header.tables:
        size = 1 << table.bits
        columns = np.frombuffer(numbers, "<f2", 2 * size, at)
        tables.append((columns[:size], columns[size:]))
        at += 4 * size
    return tables
