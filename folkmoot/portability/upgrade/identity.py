"""Which code a folder contains: its version and a hash of the package, the same for all copies of it."""

import hashlib
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import folkmoot

_LEFT_OUT = ("__pycache__",)
PACKAGE = "folkmoot"


@cache
def own_code() -> str:
    """That of this process."""
    return code_of(Path(folkmoot.__file__).resolve().parent.parent)


def code_of(folder: Path) -> str:
    """`0.2.0-3f2a91c08d44`; `folder` contains the package."""
    found = hashlib.sha256()
    for file in _files(folder / PACKAGE):
        found.update(f"{file.relative_to(folder)}\n".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return f"{version_of(folder)}-{found.hexdigest()[:12]}"


def version_of(folder: Path) -> str:
    """Read without importing it."""
    found = re.search(r'^__version__ = "([\w.+-]+)"$', (folder / PACKAGE / "__init__.py").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else "0"


def _files(package: Path) -> Iterator[Path]:
    """In a fixed order, and only what is part of the code."""
    for parent, folders, names in os.walk(package):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        yield from (Path(parent) / name for name in sorted(names) if not name.endswith(".pyc") and not name.startswith("."))
