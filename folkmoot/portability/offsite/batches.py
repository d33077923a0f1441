"""Divides pictures into batches for restic: by name, or all whose hash begins alike.

restic compares each file of a snapshot with each name that it is given, so names are for few files.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from folkmoot.portability.offsite.chain import MEDIA

BY_NAME = 200  # files
BATCH_BYTES = 512 * 2**20
_LONGEST_PREFIX = 4


class Batch(NamedTuple):
    """Paths below media/. `pattern`: matches all of them, and perhaps others; "" if they are fetched by name."""

    pattern: str
    paths: list[str]

    def patterns(self, missing: list[str]) -> list[str]:
        """What restic is told to restore, if these of the paths are still missing."""
        return [self.pattern] if self.pattern and len(missing) > BY_NAME else [f"/{MEDIA}/{path}" for path in missing]


def named(paths: list[str]) -> Iterator[Batch]:
    for start in range(0, len(paths), BY_NAME):
        yield Batch("", paths[start : start + BY_NAME])


def divide(files: Mapping[str, int], prefix: str = "", limit: int = BATCH_BYTES) -> Iterator[Batch]:
    """`files`: path and size of those whose name begins with `prefix`. A batch has about `limit` bytes at most."""
    if len(files) <= BY_NAME:
        yield Batch("", list(files))
    elif sum(files.values()) <= limit or len(prefix) >= _LONGEST_PREFIX:
        yield Batch(_pattern(prefix), list(files))
    else:
        parts: dict[str, dict[str, int]] = {}
        for path, size in files.items():
            parts.setdefault(Path(path).name[: len(prefix) + 1], {})[path] = size
        for beginning in sorted(parts):
            yield from divide(parts[beginning], beginning, limit)


def _pattern(prefix: str) -> str:
    """The folder of a picture has the first two letters of its name."""
    if len(prefix) <= 1:
        return f"/{MEDIA}/{prefix}*" if prefix else f"/{MEDIA}"
    return f"/{MEDIA}/{prefix[:2]}" + (f"/{prefix}*" if len(prefix) > 2 else "")
