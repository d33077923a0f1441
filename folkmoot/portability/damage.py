"""Finds flipped bits and truncated files in a repository without a key: restic names its files by their SHA-256.

That covers packs, indexes, snapshots and keys, including damaged keys that restic skips without an error. The only file
with another name, `config`, contains a checksum that restic verifies when it opens the repository. Missing files are
found by restic's own check.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from folkmoot.portability.progress import Progress

_FOLDERS = ("keys", "snapshots", "index", "data")
_THREADS = 2


def find_damage(repository: Path, progress: Progress) -> list[str]:
    """The files whose SHA-256 is not their name, as paths inside the repository."""
    files = [(file, file.stat().st_size) for file in _named(repository)]
    progress.step("looking for damage", sum(size for _, size in files))
    damaged, done = [], 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for (file, size), name in zip(files, pool.map(sha256_of, (file for file, _ in files)), strict=True):
            done += size
            progress.at(done)
            if name != file.name:
                damaged.append(str(file.relative_to(repository)))
    return damaged


def sha256_of(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _named(repository: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        for file in sorted((repository / folder).rglob("*")):
            if file.is_file() and "-tmp-" not in file.name:  # an incomplete file of a killed restic; nothing refers to it
                yield file
