"""One network with one repository, for all tests of backups: making it takes a quarter of a minute."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portability.house import House, build


def _open_to_all(folder: Path) -> Path:
    """Started by root, PostgreSQL runs as somebody else and must get there."""
    for parent in (folder, *folder.parents):
        if str(parent).startswith(tempfile.gettempdir()) and parent != Path(tempfile.gettempdir()):
            parent.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = build(_open_to_all(tmp_path_factory.mktemp("house")))
    yield made
    made.up.stop()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return _open_to_all(tmp_path)
