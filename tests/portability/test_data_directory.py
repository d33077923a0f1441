"""Small files of the data directory survive a power failure: their content is synced before the rename, and the folder after it."""

import os
from pathlib import Path

import pytest

from folkmoot.portability.data_directory import DataDirectory


def test_a_written_file_and_its_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, bytes]] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        synced.append((name, file.read_bytes() if file.exists() else b""))
        sync(descriptor)

    file = tmp_path / "host.json"
    monkeypatch.setattr(os, "fsync", record)
    DataDirectory(tmp_path).write(file, b"new")
    assert synced == [(str(tmp_path / "host.new"), b""), (str(tmp_path), b"new")]
