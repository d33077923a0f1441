"""What comes back is compared with the manifest, file by file and table by table; a lie of one row is found."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.manifest import About, File, Manifest, incomplete
from folkmoot.portability.postgres import find_binaries
from folkmoot.portability.progress import Quiet
from folkmoot.portability.rebuild import NotTheSame, Plan, rebuilt
from folkmoot.portability.repository import Repository
from folkmoot.portability.snapshots import newest_that_counts
from folkmoot.portability.tables import Table
from tests.portability.house import House


@pytest.fixture(scope="module")
def good(house: House) -> Plan:
    repository = Repository(house.repository, house.recovery.repository_password)
    authority = house.recovery.authority.public_key().public_bytes_raw()
    backup, about = newest_that_counts(repository, authority, repository.snapshots(), house.first["snapshot"])
    return Plan(repository, backup, about, find_binaries())


def _manifest(about: About, **changes: object) -> About:
    return msgspec.structs.replace(about, manifest=msgspec.structs.replace(about.manifest, **changes))


def _one_row_more(about: About) -> About:
    posts = about.manifest.tables["posts"]
    return _manifest(about, tables={**about.manifest.tables, "posts": Table(posts.rows + 1, posts.sha256)})


def _other_content(about: About) -> About:
    posts = about.manifest.tables["posts"]
    return _manifest(about, tables={**about.manifest.tables, "posts": Table(posts.rows, "0" * 64)})


def _another_dump(about: About) -> About:
    files = about.manifest.files
    return _manifest(about, files={**files, "database/toc.dat": File(files["database/toc.dat"].bytes, "0" * 64)})


def _another_picture(about: About) -> About:
    return msgspec.structs.replace(about, media={**dict(list(about.media.items())[1:]), f"00/{'0' * 64}.webp": 1})


@pytest.mark.parametrize(("lie", "said"), [
    (_one_row_more, "table posts has"), (_other_content, "table posts has other content"),
    (_another_dump, "the file database/toc.dat has other content"), (_another_picture, "is missing, and 1 more"),
])
def test_a_difference_is_found_and_named(good: Plan, place: Path, lie: Callable[[About], About], said: str) -> None:
    folder = place / "copy"
    folder.mkdir()
    home = DataDirectory(place)
    home.give(folder)
    plan = Plan(good.repository, good.backup, lie(good.about), good.binaries)
    with pytest.raises(NotTheSame) as caught, rebuilt(plan, folder, home, Quiet()):
        raise AssertionError("it was taken for the same")
    assert said in caught.value.message % caught.value.params


def test_a_dump_is_not_read_before_it_is_proven(good: Plan, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL executes a dump."""
    monkeypatch.setattr("folkmoot.portability.rebuild.load", lambda *_: pytest.fail("it was read"))
    test_a_difference_is_found_and_named(good, place, _another_dump, "toc.dat")


def test_a_snapshot_without_all_files_of_its_manifest_is_not_whole(good: Plan) -> None:
    manifest: Manifest = good.manifest
    listed = {f"/{path}": file.bytes for path, file in manifest.files.items()}
    listed |= {f"/media/{name}": size for name, size in good.about.media.items()}
    assert incomplete(good.about, listed) == ""
    for name in ("/database/toc.dat", f"/media/{next(iter(good.about.media))}"):
        assert "1 of its files are missing or cut" in incomplete(good.about, {**listed, name: listed[name] - 1})
        assert name in incomplete(good.about, {path: size for path, size in listed.items() if path != name})
