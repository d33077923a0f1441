"""A restored network runs as soon as its database is there. Its pictures come from the repository: what is wanted first."""

import asyncio
import multiprocessing
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from folkmoot.base.errors import NotHereYet
from folkmoot.base.file_store import FileName, LocalFiles
from folkmoot.portability.backup import Source, back_up
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.damage import sha256_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite import child, pictures
from folkmoot.portability.offsite.chain import State
from folkmoot.portability.offsite.coming import (
    FILE,
    LOST,
    PicturesToCome,
    is_coming,
    keep_of_primary,
    read_coming,
    take_over_coming,
    write_coming,
)
from folkmoot.portability.offsite.copying import Copying
from folkmoot.portability.offsite.pictures import Pictures, run_pictures
from folkmoot.portability.offsite.wanted import Wanted
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.repository import Repository
from folkmoot.portability.restore import Later, Restored, restore
from folkmoot.portability.snapshots import Keep
from folkmoot.portability.standby.on_demand import FetchingStore
from tests.conftest import UNSAFE_BUT_FAST, new_open_folder
from tests.portability.copied import Copied, running_copy
from tests.waiting import wait_until

NEWER, OLDER = 3, 240  # pictures after the base, and in it; more than are fetched by name


@pytest.fixture(scope="module")
def copied() -> Iterator[Copied]:
    """A base with pictures, and a push with newer ones."""
    with running_copy() as built:
        built.add_pictures(OLDER)
        built.base()
        built.add_pictures(NEWER, 3000)
        built.push()
        built.hand_over()
        yield built


@pytest.fixture(autouse=True)
def same_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other tests, what goes after all other processes would take minutes. Its priority has a test of its own."""
    monkeypatch.setattr(pictures, "lower_priority", lambda **_: None)
    monkeypatch.setattr(child, "lower_priority", lambda **_: None)


def _names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.glob("??/*")}


def _restored(copied: Copied, target: Path) -> Restored:
    chain = copied.chain()
    assert chain
    return restore(chain, copied.recovery, target, NoProgress(), Later(str(copied.repository.target.folder), "", ""))


@pytest.fixture(scope="module")
def template(copied: Copied) -> Iterator[tuple[Path, Restored]]:
    """A network that was restored without its pictures."""
    with new_open_folder() as folder:
        yield folder / "restored", _restored(copied, folder / "restored")


class Host:
    """A restored data directory, with a running database."""

    def __init__(self, path: Path, restored: Restored) -> None:
        self.path, self.restored = path, restored
        self.data = DataDirectory(self.path)
        self.postgres = Postgres(self.data, configuration=UNSAFE_BUT_FAST)
        self.postgres.start()

    def fetcher(self) -> Pictures:
        coming, key = read_coming(self.path), BackupKey.find(self.data)
        assert coming
        assert key
        return Pictures(self.data, self.postgres.dsn, coming, key)

    def process(self) -> multiprocessing.Process:
        """The process that `moot up` would start."""
        process = multiprocessing.get_context("fork").Process(target=run_pictures, args=(self.data, self.postgres.dsn))
        process.start()
        return process  # type: ignore[return-value]

    @property
    def store(self) -> FetchingStore:
        return FetchingStore(LocalFiles(self.path / "media"), self.path, seconds=120)

    @property
    def names(self) -> set[str]:
        return _names(self.path / "media")


@pytest.fixture
def host(template: tuple[Path, Restored], open_folder: Path) -> Iterator[Host]:
    """A copy of the template."""
    subprocess.run(["cp", "-a", template[0], open_folder / "restored"], check=True)
    made = Host(open_folder / "restored", template[1])
    yield made
    made.postgres.stop()


@contextmanager
def _fetching(fetcher: Pictures) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=fetcher.run)
    thread.start()
    yield thread
    thread.join(300)
    assert not thread.is_alive()


@contextmanager
def _waiting_background(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """While this runs, only pictures are fetched that somebody wants; yields what restic was told to fetch for them."""
    go, fetched, fetch = threading.Event(), [], Repository.fetch

    def noted(self: Repository, snapshot: str, target: Path, *arguments: Any) -> None:
        if target.name == "background":
            go.wait(300)
        else:
            fetched.append(arguments[-1])
        fetch(self, snapshot, target, *arguments)

    monkeypatch.setattr(Repository, "fetch", noted)
    try:
        yield fetched
    finally:
        go.set()


def test_a_restore_ends_with_the_database_and_all_pictures_come_later(copied: Copied, host: Host) -> None:
    coming = host.restored.coming
    assert coming
    assert (coming.left_files, coming.left_bytes) == (OLDER + NEWER, OLDER * 2000 + NEWER * 3000)
    assert host.names == set()
    host.fetcher().run()
    assert host.names == _names(copied.source.data.path / "media")
    assert all(sha256_of(host.path / "media" / name) == Path(name).stem for name in host.names)
    assert not is_coming(host.path)
    assert not (host.path / "offsite" / LOST).exists()


def test_a_wanted_picture_comes_before_the_others_and_once_for_many_readers(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [FileName.of(name) for name in sorted(host.restored.plan.media)[:5]]
    stores = [host.store for _ in range(3)]  # as of three web processes

    async def read() -> list[int | None]:
        return await asyncio.gather(*(store.size(name) for store in stores for _ in range(10) for name in asked))

    with _fetching(host.fetcher()), _waiting_background(monkeypatch) as fetched:
        sizes = asyncio.run(read())
        assert set(sizes) <= {2000, 3000}
        assert host.names == {name.path for name in asked}
        told = [pattern for patterns in fetched for pattern in patterns]
        assert sorted(told) == sorted(f"/media/{name.path}" for name in asked), "each is fetched once"
        wait_until(lambda: (state := read_coming(host.path)) and state.left_files == OLDER + NEWER - len(asked))
        unknown = FileName(bytes(32), "png")
        assert asyncio.run(stores[0].size(unknown)) is None, "the repository does not have it"
    assert len(host.names) == OLDER + NEWER


def test_nobody_waits_for_a_repository_that_is_away(
    copied: Copied, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_RETRY_SECONDS", 0.1)
    folder = copied.repository.target.folder
    assert folder
    wanted, away = FileName.of(min(host.restored.plan.media)), folder.with_name("away")
    with _fetching(host.fetcher()):
        folder.rename(away)
        try:
            wait_until(lambda: (state := read_coming(host.path)) and state.said)
            if not (host.path / "media" / wanted.path).exists():
                with pytest.raises(NotHereYet):
                    asyncio.run(host.store.size(wanted))
        finally:
            away.rename(folder)
    assert len(host.names) == OLDER + NEWER, "it goes on by itself"


def test_an_operator_can_give_up(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_RETRY_SECONDS", 0.1)
    state = read_coming(host.path)
    assert state
    write_coming(host.data, msgspec.structs.replace(state, location=str(host.path / "not mounted")))
    with _fetching(host.fetcher()):
        wait_until(lambda: (state := read_coming(host.path)) and state.said)
        (host.path / FILE).unlink()
    assert not is_coming(host.path)
    assert asyncio.run(host.store.size(FileName.of(min(host.restored.plan.media)))) is None


def test_without_an_answer_a_reader_is_told_to_come_again(host: Host) -> None:
    store = FetchingStore(LocalFiles(host.path / "media"), host.path, seconds=0.2)
    name = FileName.of(min(host.restored.plan.media))
    with pytest.raises(NotHereYet):
        asyncio.run(store.size(name))
    assert Wanted(host.path).list() == [name], "the question stays for the process that starts again"


def test_a_killed_process_goes_on_where_it_stopped(host: Host) -> None:
    process = host.process()
    stage = host.path / "offsite" / "pictures"
    wait_until(lambda: stage.exists() or not process.is_alive())
    process.kill()
    process.join()
    assert all(sha256_of(host.path / "media" / name) == Path(name).stem for name in host.names)
    some = [FileName.of(name) for name in sorted(host.restored.plan.media)[:3]]
    process = host.process()
    assert asyncio.run(host.store.size(some[0])) in (2000, 3000)
    process.join(300)
    assert process.exitcode == 0
    assert len(host.names) == OLDER + NEWER
    assert not stage.exists()


def test_a_picture_whose_content_is_not_its_name_gets_no_place(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever restic says about it."""
    wrong, fetch = min(host.restored.plan.media), Repository.fetch

    def changed(self: Repository, snapshot: str, target: Path, *arguments: Any) -> None:
        fetch(self, snapshot, target, *arguments)
        if (file := target / "media" / wrong).exists():
            file.write_bytes(b"another picture")

    monkeypatch.setattr(Repository, "fetch", changed)
    host.fetcher().run()
    assert wrong not in host.names
    assert len(host.names) == OLDER + NEWER - 1
    assert (host.path / "offsite" / LOST).read_text().split() == [wrong]


def test_a_damaged_picture_is_never_shown_and_is_named(open_folder: Path) -> None:
    """On a server the packs of pictures are not read before a restore: what is damaged is found when it is fetched."""
    with running_copy() as other:
        names = other.add_pictures(30, 600_000)  # several packs
        other.base()
        other.push()
        other.hand_over()
        host = Host(open_folder / "restored", _restored(other, open_folder / "restored"))
        folder = other.repository.target.folder
        assert folder
        pack = max((file for file in (folder / "data").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        pack.chmod(0o600)
        pack.write_bytes(content)
        try:
            host.fetcher().run()
        finally:
            host.postgres.stop()
        lost = (host.path / "offsite" / LOST).read_text().split()
        assert len(lost) >= 1
        assert set(lost).isdisjoint(host.names)
        assert set(lost) | host.names == {name.path for name in names}
        assert all(sha256_of(host.path / "media" / name) == Path(name).stem for name in host.names)
        assert asyncio.run(host.store.size(FileName.of(lost[0]))) is None


def test_a_base_that_is_made_meanwhile_relies_on_the_older_snapshots(copied: Copied, host: Host, open_folder: Path) -> None:
    """The restored host is lost again before its pictures are here: they are restored from where they are."""
    copied.spool.stop()
    files = LocalFiles(host.path / "media")
    source = Source(host.data, files, host.postgres.dsn, "Folkmoot", "http://localhost", "0", b"secret")
    copying = Copying(
        source, copied.repository.target, copied.key, copied.spool.binaries, epoch=2, spool_bytes=10**9, push_seconds=0
    )
    again = replace(copied, source=source)

    def tick_until(condition: Callable[[State], object]) -> None:
        deadline = time.monotonic() + 600
        while not condition(copying.state):
            copying.tick()
            assert time.monotonic() < deadline, copying.state
            time.sleep(0.05)

    try:
        tick_until(lambda state: state.pushes)
        assert copying.state.elsewhere == host.restored.plan.holders
        copied.hand_over()
        second = Host(open_folder / "second", _restored(again, open_folder / "second"))
        try:
            assert second.restored.plan.name == copying.state.pushes[-1].snapshot[:8]
            second.fetcher().run()
        finally:
            second.postgres.stop()
        assert len(second.names) == OLDER + NEWER
        with pytest.raises(PicturesToCome):
            back_up(source, copied.repository, copied.key, copied.repository.snapshots(), Keep(), NoProgress())
        host.fetcher().run()
        copying.retry_base_now()
        tick_until(lambda state: state.pushes and not state.elsewhere)
        kept = {snapshot.id for snapshot in copied.repository.snapshots()}
        assert set(host.restored.plan.holders) <= kept, "the chain before the newest one still needs them"
    finally:
        copying.stop()


def test_a_standby_that_takes_over_fetches_what_its_primary_was_still_fetching(host: Host) -> None:
    state = read_coming(host.path)
    (host.path / FILE).unlink()
    keep_of_primary(host.data, state)
    assert not is_coming(host.path)
    take_over_coming(host.data)
    take_over_coming(host.data)
    assert read_coming(host.path) == state
    host.fetcher().run()
    assert len(host.names) == OLDER + NEWER


def test_pictures_of_a_repository_that_the_network_cannot_open_are_fetched_at_once(copied: Copied, open_folder: Path) -> None:
    chain = copied.chain()
    assert chain
    restored = restore(chain, copied.recovery, open_folder / "new", NoProgress(), Later(str(open_folder / "not mounted"), "", ""))
    assert restored.coming is None
    assert _names(open_folder / "new" / "media") == _names(copied.source.data.path / "media")


def test_the_state_is_readable_by_its_owner_only(host: Host) -> None:
    state = read_coming(host.path)
    assert state
    write_coming(host.data, msgspec.structs.replace(state, password="of a store"))
    assert (host.path / "offsite" / "pictures.json").stat().st_mode & 0o077 == 0
