"""Restored files and tables are compared with the manifest; a difference of one row is found."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.manifest import About, File, Manifest, incomplete
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres_binaries import find_binaries
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.rebuild import Plan, RestoreMismatch, rebuilt
from folkmoot.portability.repository import Repository
from folkmoot.portability.snapshots import newest_valid
from folkmoot.portability.tables import Table
from tests.portability.backed_up_network import BackedUpNetwork


@pytest.fixture(scope="module")
def valid_plan(backed_up: BackedUpNetwork) -> Plan:
    repository = Repository(Target.of_folder(backed_up.repository), backed_up.recovery.repository_password)
    authority = backed_up.recovery.authority.public_key().public_bytes_raw()
    backup, about = newest_valid(repository, authority, repository.snapshots(), backed_up.first["snapshot"])
    return Plan(repository, backup, about, find_binaries())


def _manifest(about: About, **changes: object) -> About:
    return msgspec.structs.replace(about, manifest=msgspec.structs.replace(about.manifest, **changes))


def _with_one_row_more(about: About) -> About:
    posts = about.manifest.tables["posts"]
    return _manifest(about, tables={**about.manifest.tables, "posts": Table(posts.rows + 1, posts.sha256)})


def _with_another_table_hash(about: About) -> About:
    posts = about.manifest.tables["posts"]
    return _manifest(about, tables={**about.manifest.tables, "posts": Table(posts.rows, "0" * 64)})


def _with_another_dump_hash(about: About) -> About:
    files = about.manifest.files
    return _manifest(about, files={**files, "database/toc.dat": File(files["database/toc.dat"].bytes, "0" * 64)})


def _with_another_picture(about: About) -> About:
    return msgspec.structs.replace(about, media={**dict(list(about.media.items())[1:]), f"00/{'0' * 64}.webp": 1})


@pytest.mark.parametrize(("change", "message"), [
    (_with_one_row_more, "table posts has"), (_with_another_table_hash, "table posts has different content"),
    (_with_another_dump_hash, "the file database/toc.dat has different content"), (_with_another_picture, "is missing, and 1 more"),
])
def test_a_difference_is_found_and_named(valid_plan: Plan, folder: Path, change: Callable[[About], About], message: str) -> None:
    target = folder / "copy"
    target.mkdir()
    directory = DataDirectory(folder)
    directory.set_owner(target)
    plan = Plan(valid_plan.repository, valid_plan.backup, change(valid_plan.about), valid_plan.binaries)
    with pytest.raises(RestoreMismatch) as caught, rebuilt(plan, target, directory, NoProgress()):
        raise AssertionError("the difference was not found")
    assert message in caught.value.message % caught.value.params


def test_a_dump_is_not_loaded_before_its_hashes_are_checked(valid_plan: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dump contains SQL that PostgreSQL executes."""
    monkeypatch.setattr("folkmoot.portability.rebuild.load", lambda *_: pytest.fail("the dump was loaded"))
    test_a_difference_is_found_and_named(valid_plan, folder, _with_another_dump_hash, "toc.dat")


def test_a_snapshot_that_lacks_a_file_of_its_manifest_is_incomplete(valid_plan: Plan) -> None:
    manifest: Manifest = valid_plan.manifest
    listed = {f"/{path}": file.bytes for path, file in manifest.files.items()}
    listed |= {f"/media/{name}": size for name, size in valid_plan.about.media.items()}
    assert incomplete(valid_plan.about, listed) == ""
    for name in ("/database/toc.dat", f"/media/{next(iter(valid_plan.about.media))}"):
        assert "1 of its files are missing or truncated" in incomplete(valid_plan.about, {**listed, name: listed[name] - 1})
        assert name in incomplete(valid_plan.about, {path: size for path, size in listed.items() if path != name})
