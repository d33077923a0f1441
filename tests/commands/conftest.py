"""Fixtures of the tests of commands."""

from pathlib import Path

import pytest

from folkmoot.portability.data_directory import DataDirectory


@pytest.fixture
def data(open_folder: Path) -> Path:
    """A complete data directory without a database."""
    directory = DataDirectory(open_folder / "data")
    directory.prepare()
    (directory.path / "postgres").mkdir(mode=0o700)
    directory.write(directory.path / "postgres" / "PG_VERSION", b"18")
    directory.set_owner(directory.path / "postgres")
    return directory.path
