"""One network with one repository, shared by all tests of backups: creating it takes 15 seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import new_open_folder
from tests.portability.backed_up_network import BackedUpNetwork, build


@pytest.fixture(scope="session")
def backed_up() -> Iterator[BackedUpNetwork]:
    with new_open_folder() as folder:
        built = build(folder)
        yield built
        built.up.stop()


@pytest.fixture
def folder(open_folder: Path) -> Path:
    return open_folder
