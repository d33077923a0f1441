"""What every file store must do, and what the local folder must do in addition."""

import errno
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.base.file_store import FileName, FileStore, LocalFiles
from tests.memory_files import MemoryFiles

CONTENT = os.urandom(600_000)
NAME = FileName(hashlib.sha256(CONTENT).digest(), "webp")


@pytest.fixture(params=[LocalFiles, MemoryFiles])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return LocalFiles(tmp_path / "media") if request.param is LocalFiles else MemoryFiles()


async def _read(store: FileStore, *part: int) -> bytes:
    return b"".join([chunk async for chunk in store.read(NAME, *part)])


async def _listed(store: FileStore, hours: int) -> list[FileName]:
    return [name async for name in store.list_older_than(clock.now() + timedelta(hours=hours))]


async def test_a_file_is_read_whole_and_in_parts(store: FileStore) -> None:
    await store.write(NAME, CONTENT)
    await store.write(NAME, CONTENT)
    assert await store.size(NAME) == len(CONTENT)
    assert await _read(store) == CONTENT
    for part in ((0, 1), (5, 300_000), (262_144, 262_145), (599_999, 600_000), (7, 7), (599_990, 700_000), (700_000, 800_000)):
        assert await _read(store, *part) == CONTENT[part[0] : part[1]], part


async def test_a_missing_file_is_reported(store: FileStore, tmp_path: Path) -> None:
    assert await store.size(NAME) is None
    with pytest.raises(FileNotFoundError):
        await _read(store)
    assert not await store.copy_to(NAME, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    await store.remove(NAME)
    assert await _listed(store, 1) == []


async def test_a_removed_file_does_not_exist(store: FileStore) -> None:
    other = FileName(b"\x01" * 32, "png")
    await store.write(NAME, CONTENT)
    await store.write(other, b"other")
    await store.remove(NAME)
    assert await store.size(NAME) is None
    assert await store.size(other) == 5


async def test_only_older_files_are_listed(store: FileStore) -> None:
    await store.write(NAME, CONTENT)
    assert await _listed(store, -1) == []
    assert await _listed(store, 1) == [NAME]


async def test_a_copy_has_the_content(store: FileStore, tmp_path: Path) -> None:
    await store.write(NAME, CONTENT)
    assert await store.copy_to(NAME, tmp_path / "copy")
    await store.remove(NAME)
    assert (tmp_path / "copy").read_bytes() == CONTENT


def test_a_name_can_be_read_from_its_path() -> None:
    assert FileName.of(NAME.path) == NAME
    assert NAME.path == f"{NAME.sha256.hex()[:2]}/{NAME.sha256.hex()}.webp"


async def test_the_folder_copies_where_it_cannot_link_and_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalFiles(tmp_path / "media")
    await store.write(NAME, CONTENT)
    assert await store.copy_to(NAME, tmp_path / "link")
    assert (tmp_path / "link").stat().st_nlink == 2
    secret = tmp_path / "secret"
    secret.write_text("of root")
    planted = FileName(b"\x02" * 32, "png")
    (tmp_path / "media" / planted.path).parent.mkdir()
    (tmp_path / "media" / planted.path).symlink_to(secret)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EXDEV, "another disk")

    for _ in range(2):
        assert not await store.copy_to(planted, tmp_path / "trap")
        assert not (tmp_path / "trap").exists()
        assert await store.size(planted) is None
        monkeypatch.setattr(os, "link", refuse)
    assert await store.copy_to(NAME, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT


async def test_the_folder_removes_incomplete_files_of_killed_writers(tmp_path: Path) -> None:
    store = LocalFiles(tmp_path)
    await store.write(NAME, CONTENT)
    half = tmp_path / NAME.path[:2] / ".half.webp.abc"
    half.write_bytes(b"half")
    assert await _listed(store, -1) == []
    assert half.exists()
    assert await _listed(store, 1) == [NAME]
    assert not half.exists()


@pytest.mark.parametrize("count", [3, 40])
async def test_files_that_are_added_together_have_their_names_and_leave_no_others(tmp_path: Path, count: int) -> None:
    folder, contents = tmp_path / "media", [f"file {number}".encode() for number in range(count)]
    names = [FileName(hashlib.sha256(content).digest(), "webp") for content in contents]
    folder.mkdir()
    sources = [folder / f".unfinished{number}" for number in range(count)]
    for source, content in zip(sources, contents, strict=True):
        source.write_bytes(content)
    await LocalFiles(folder).add_all(list(zip(names, sources, strict=True)))
    assert [(folder / name.path).read_bytes() for name in names] == contents
    assert not any(source.exists() for source in sources)
