"""The checksum of a copied file, against the examples of its standard and the rule of the standard applied bit by bit."""

import random
from pathlib import Path

import pytest

from folkmoot.portability.standby import crc32c

_WIDEST = 6
_ROW = 4 << _WIDEST  # bytes
_LENGTHS = [1, 3, 4, 5, 8, 9, 31, 32, 33, _ROW - 1, _ROW, _ROW + 1, 3 * _ROW + 7, 4 * _ROW, 4 * _ROW + 2, 9 * _ROW]


def by_bits(content: bytes) -> int:
    remainder = 0xFFFFFFFF
    for byte in content:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


@pytest.mark.parametrize(("content", "checksum"), [
    (b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E),
])
def test_the_examples_of_the_standard_have_their_checksums(tmp_path: Path, content: bytes, checksum: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert crc32c.crc32c_of(file) == checksum


def test_files_of_each_shape_have_the_checksum_of_their_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With narrow rows and small pieces; PostgreSQL's checksums of real files are in test_seeding.py."""
    monkeypatch.setattr(crc32c, "_WIDEST", _WIDEST)
    monkeypatch.setattr(crc32c, "_PIECE", 4 * _ROW)
    file, content = tmp_path / "file", random.Random(4).randbytes(max(_LENGTHS))
    for length in _LENGTHS:
        file.write_bytes(content[:length])
        assert crc32c.crc32c_of(file) == by_bits(content[:length]), length
