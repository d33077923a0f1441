"""One network with one repository, for all tests of backups: making it takes a quarter of a minute."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import new_open_folder
from tests.portability.house import House, build


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with new_open_folder() as folder:
        made = build(folder)
        yield made
        made.up.stop()


@pytest.fixture
def place(open_folder: Path) -> Path:
    return open_folder
