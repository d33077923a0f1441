"""A restored primary still fetches pictures from a repository: its standby knows from where, and goes on if it takes over."""

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest

from folkmoot.base.errors import NotHereYet
from folkmoot.base.file_store import FileName, LocalFiles
from folkmoot.config import Settings
from folkmoot.portability.host import PRIMARY, STANDBY, HostState
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.moving.unfinished import find_unfinished
from folkmoot.portability.offsite.coming import FILE, OF_PRIMARY, Coming, is_coming, read_coming, write_coming
from folkmoot.portability.standby import upkeep
from folkmoot.portability.standby.answers import Answers
from folkmoot.portability.standby.media import offered
from folkmoot.portability.standby.on_demand import FetchingStore
from folkmoot.portability.standby.upkeep import take_over_shared
from tests.portability.hosts import HostHere, pair
from tests.waiting import until


@pytest.fixture
async def hosts(open_folder: Path) -> tuple[HostHere, HostHere]:
    primary, standby = HostHere.make(open_folder, "primary"), HostHere.make(open_folder, "standby")
    await pair(primary, standby)
    _become(standby, STANDBY)
    return primary, standby


def _become(host: HostHere, role: str) -> None:
    host.directory.write(host.directory.host_file, msgspec.json.encode(HostState(role=role)))  # type: ignore[arg-type]


def _coming(location: Path, said: str = "") -> Coming:
    return Coming(location=str(location), password="p", snapshots=["a"], files=9, bytes=900, left_files=3, left_bytes=300, said=said)


async def test_a_standby_knows_where_pictures_are_and_uses_it_only_as_the_primary(
    hosts: tuple[HostHere, HostHere], open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = hosts
    state, data = _coming(open_folder / "repository"), standby.directory
    answers = Answers(Settings(data=primary.directory.path, secret=b"s" * 40), primary.directory, Peers(primary.directory))
    (open_folder / "repository").mkdir()
    async with primary.running(answers.handlers()):
        write_coming(primary.directory, state)
        async with standby.client() as client:
            await take_over_shared(data, client)
            assert (data.path / OF_PRIMARY).stat().st_mode & 0o777 == 0o600
            assert not is_coming(data.path)
            assert [(work.name, work.stops) for work in find_unfinished(data)] == [("pictures", True)]
            (open_folder / "repository" / "config").touch()
            assert find_unfinished(data) == []
            (primary.directory.path / FILE).unlink()
            await take_over_shared(data, client)
            assert not (data.path / OF_PRIMARY).exists()
            write_coming(primary.directory, msgspec.structs.replace(state, said="it was not mounted for a moment"))
            await take_over_shared(data, client)
    monkeypatch.setattr(upkeep, "_STATE_EVERY", 0.01)
    _become(standby, PRIMARY)
    work = asyncio.create_task(upkeep.Upkeep(data, "", lambda _: pytest.fail("asked"), lambda: None)._ask_primary())
    await until(lambda: is_coming(data.path))
    work.cancel()
    assert read_coming(data.path) == state
    assert not (data.path / OF_PRIMARY).exists()


async def test_a_picture_comes_from_the_other_host_while_the_repository_does_not_answer(hosts: tuple[HostHere, HostHere]) -> None:
    other, here = hosts
    content = b"a picture"
    name, missing = (FileName.of(f"{hashlib.sha256(text).hexdigest()}.jpg") for text in (content, b"lost"))
    await LocalFiles(other.directory.path / "media").write(name, content)
    write_coming(here.directory, _coming(here.directory.path / "not mounted", "there is no repository"))
    store = FetchingStore(LocalFiles(here.directory.path / "media"), here.directory.path)
    async with other.running((), [offered(other.directory.path / "media")]):
        assert await store.size(name) == len(content)
        with pytest.raises(NotHereYet):
            await store.size(missing)
