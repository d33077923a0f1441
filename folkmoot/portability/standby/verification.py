"""Compares a base backup with its manifest, because `pg_verifybackup` of the wheel crashes.

`backup_manifest` is JSON: each file with its size and CRC-32C, and at the end the SHA-256 of the manifest itself. PostgreSQL
computes the checksums while it sends the files, so a truncated, missing, additional or damaged file is found before the copy
is used. They show damage, not malice: nobody between the two hosts can change anything, because the channel is authenticated,
and the primary could send whatever it likes (decision 0133). WAL may be missing in the manifest; recovery checks each of its
records by itself.
"""

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.progress import Progress

MANIFEST = "backup_manifest"
CHECKSUMS = "CRC32C"  # what a manifest must have been asked for
_WAL = "pg_wal/"
_END = b'"Manifest-Checksum"'
_THREADS = 2


class DamagedCopy(Problem):
    """The base backup differs from its manifest."""

    code = "damaged_copy"


class _File(msgspec.Struct, frozen=True):
    size: int = msgspec.field(name="Size")
    path: str = msgspec.field(name="Path", default="")
    encoded: str = msgspec.field(name="Encoded-Path", default="")  # in hexadecimal, if the name is not valid UTF-8
    algorithm: str = msgspec.field(name="Checksum-Algorithm", default="")
    checksum: str = msgspec.field(name="Checksum", default="")

    @property
    def name(self) -> str:
        return self.path or os.fsdecode(bytes.fromhex(self.encoded))


class _Manifest(msgspec.Struct, frozen=True):
    files: list[_File] = msgspec.field(name="Files")


def verify(folder: Path, progress: Progress) -> int:
    """Reads the whole copy; returns the number of its files. Raises DamagedCopy."""
    from folkmoot.portability.standby.crc32c import crc32c_of

    def checksum_of(name: str) -> str:
        return crc32c_of(folder / name).to_bytes(4, sys.byteorder).hex()

    expected = {file.name: file for file in _read(folder / MANIFEST).files}
    found = _sizes(folder)
    found = {name: size for name, size in found.items() if name in expected or not name.startswith(_WAL)}
    for name in sorted(expected.keys() ^ found.keys()):
        raise _damaged(f"the file {name} is {'missing' if name in expected else 'not in the manifest'}")
    for name, file in expected.items():
        if found[name] != file.size:
            raise _damaged(f"the file {name} has {found[name]} bytes instead of {file.size}")
        if file.algorithm != CHECKSUMS:
            raise _damaged(f"the file {name} has no {CHECKSUMS} in the manifest")
    progress.step("verifying the copy", sum(found.values()))
    done = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for name, checksum in zip(expected, pool.map(checksum_of, expected), strict=True):
            if checksum != expected[name].checksum:
                pool.shutdown(cancel_futures=True)
                raise _damaged(f"the file {name} has different content")
            done += found[name]
            progress.at(done)
    return len(expected)


def _read(file: Path) -> _Manifest:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise _damaged("it has no manifest") from None
    body, separator, end = content.rpartition(_END)
    if not separator or hashlib.sha256(body).hexdigest().encode() not in end:
        raise _damaged("its manifest is truncated or was changed")
    try:
        return msgspec.json.decode(content, type=_Manifest)
    except (msgspec.MsgspecError, ValueError) as error:
        raise _damaged("its manifest cannot be read") from error


def _sizes(folder: Path) -> dict[str, int]:
    """The regular files of the copy without the manifest. Others, such as symbolic links, count as missing."""
    sizes = {}
    for path, _, names in os.walk(folder):
        for name in names:
            file = Path(path) / name
            if file.is_file() and not file.is_symlink():
                sizes[str(file.relative_to(folder))] = file.stat().st_size
    del sizes[MANIFEST]
    return sizes


def _damaged(why: str) -> DamagedCopy:
    return DamagedCopy(
        "The copy of the database is damaged: %(why)s. It was not used. Check the disk of this machine with `dmesg`, and run the command"
        " again.", why=why,
    )
