"""Problems with a repository, a key or a disk are found before anything is written, and reported in one sentence."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from folkmoot.base.errors import Problem
from folkmoot.commands.options import settings_of
from folkmoot.network.media.store import media_store
from folkmoot.portability import backup, dump
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.damage import find_damage
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.repository import Repository, RepositoryProblem
from folkmoot.portability.restore import check_target
from folkmoot.portability.snapshots import Keep
from tests import series
from tests.network_up import moot
from tests.portability.backed_up_network import BackedUpNetwork, answer_of


@pytest.fixture
def copy(backed_up: BackedUpNetwork, folder: Path) -> Path:
    return Path(shutil.copytree(backed_up.repository, folder / "copy"))


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in folder.rglob("*") if file.is_file()}


def _flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.chmod(0o600)
    file.write_bytes(content)


def test_every_flipped_bit_is_found(copy: Path) -> None:
    """In packs, indexes, snapshots and keys, before a restore touches anything. One bit at a time; the damaged file is named."""
    chance = series.dice("flips in a repository")
    kinds = [[file for file in (copy / name).rglob("*") if file.is_file()] for name in ("keys", "snapshots", "index", "data")]
    assert all(kinds)
    assert find_damage(copy, NoProgress()) == []
    for number in range(series.length(60, 1000)):
        file = chance.choice(kinds[number % len(kinds)])
        bit = chance.randrange(file.stat().st_size * 8)
        _flip(file, bit)
        assert find_damage(copy, NoProgress()) == [str(file.relative_to(copy))], (file, bit)
        _flip(file, bit)
    assert find_damage(copy, NoProgress()) == []


def test_a_flipped_bit_in_the_file_config_is_found_when_the_repository_is_opened(backed_up: BackedUpNetwork, copy: Path) -> None:
    size = (copy / "config").stat().st_size * 8
    for bit in (0, size // 2, size - 1):
        _flip(copy / "config", bit)
        with pytest.raises(RepositoryProblem):
            Repository(Target.of_folder(copy), backed_up.recovery.repository_password).snapshots()
        _flip(copy / "config", bit)
    assert Repository(Target.of_folder(copy), backed_up.recovery.repository_password).snapshots()


def _largest_pack(repository: Path) -> Path:
    return max((file for file in (repository / "data").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)


def test_damage_is_named_and_nothing_is_restored(backed_up: BackedUpNetwork, copy: Path, folder: Path) -> None:
    pack = _largest_pack(copy)
    _flip(pack, 4000)
    named = moot("backup", "--to", str(copy), "--verify", data=backed_up.data)
    assert named.returncode == 1
    assert f"data/{pack.parent.name}/{pack.name} is damaged" in named.stdout
    refused = backed_up.restore(folder / "new", repository=copy)
    assert refused.returncode == 1
    assert "is damaged" in refused.stderr
    assert "nothing was restored" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    for other in (copy / "data").rglob("*/*"):
        _flip(other, other.stat().st_size * 4)
    before = _state(copy)
    tried = backed_up.restore(folder / "new", "--despite-damage", repository=copy)
    assert tried.returncode == 1, "a needed file is damaged, so the restore fails later and leaves nothing"
    assert not (folder / "new").exists()
    assert _state(copy) == before, "a restore writes nothing into a repository"


def _truncate_pack(repository: Path) -> None:
    pack = _largest_pack(repository)
    pack.chmod(0o600)  # restic makes its files read-only
    with open(pack, "r+b") as stream:
        stream.truncate(1000)


def _remove_pack(repository: Path) -> None:
    _largest_pack(repository).unlink()


def _remove_tree_pack(repository: Path) -> None:
    """The smallest pack holds directory listings; without them, restic itself retries for minutes."""
    min((file for file in (repository / "data").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size).unlink()


def _remove_snapshots(repository: Path) -> None:
    shutil.rmtree(repository / "snapshots")
    (repository / "snapshots").mkdir()


@pytest.mark.parametrize(("damage", "said"), [
    (_truncate_pack, "is damaged"), (_remove_pack, "does not exist"), (_remove_tree_pack, "does not exist"),
    (_remove_snapshots, "There is no valid backup in"),
])
def test_a_truncated_repository_is_refused(backed_up: BackedUpNetwork, copy: Path, folder: Path, damage: object, said: str) -> None:
    damage(copy)  # type: ignore[operator]
    refused = backed_up.restore(folder / "new", repository=copy)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (folder / "new").exists()


def test_a_wrong_key_a_wrong_repository_and_a_non_empty_folder_are_refused(backed_up: BackedUpNetwork, folder: Path) -> None:
    other, wrong = folder / "other", folder / "wrong"
    other.write_text(" ".join(type(backed_up.recovery).new().words))
    wrong.write_text(" ".join([*backed_up.recovery.words[:23], "folkmoot"]))
    full = folder / "full"
    full.mkdir()
    (full / "holiday.jpg").write_bytes(b"1")
    repository, key = str(backed_up.repository), str(backed_up.key_file)
    for arguments, target, said in (
        (["--from", repository, "--key-file", str(other)], folder / "new", "It belongs to another network"),
        (["--from", repository, "--key-file", str(wrong)], folder / "new", "Word 24, “folkmoot”"),
        (["--from", str(folder / "nowhere"), "--key-file", key], folder / "new", "There is no repository in"),
        (["--from", "azure:moot:/folder", "--key-file", key], folder / "new", "cannot be a repository: it must be a folder, sftp:"),
        (["--from", repository, "--key-file", key], full, "is not empty"),
        (["--from", repository, "--key-file", key], backed_up.data, "is not empty"),
        (["--from", repository, "--key-file", key, "--snapshot", "0000"], folder / "new", "There is no valid backup 0000"),
    ):
        refused = moot("restore", *arguments, data=target)
        assert refused.returncode == 1, arguments
        assert said in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
    assert not (folder / "new").exists()
    assert [entry.name for entry in full.iterdir()] == ["holiday.jpg"]


def test_a_disk_that_is_too_small_is_reported_before_anything_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(dump.shutil, "disk_usage", lambda _folder: usage._replace(free=10**6))
    with pytest.raises(Problem, match="needs") as caught:
        check_target(folder / "new", 10**9)
    assert "1000 MB" in caught.value.message % caught.value.params
    check_target(folder / "new", 10**5)


def test_without_restic_one_sentence_says_how_to_install_it(backed_up: BackedUpNetwork) -> None:
    missing = moot("backup", "--to", str(backed_up.repository), data=backed_up.data, PATH="/nonexistent")
    assert missing.returncode == 1
    assert "apt-get install restic" in missing.stderr
    assert len(missing.stderr.strip().splitlines()) == 1


def test_a_picture_that_is_lost_or_damaged_on_the_host_is_named_and_the_rest_is_kept(backed_up: BackedUpNetwork, folder: Path) -> None:
    """The backup continues without the picture and reports it; a restore knows that it was missing already."""
    pictures = sorted(file for file in (backed_up.data / "media").rglob("*") if file.is_file())
    lost, damaged = pictures[:2]
    contents = lost.read_bytes(), damaged.read_bytes()
    repository = folder / "repository"
    try:
        lost.unlink()
        damaged.write_bytes(contents[1][:-1] + b"?")
        command = ["backup", "--to", str(repository), "--key-file", str(backed_up.key_file), "--new", "--json"]
        answer = answer_of(moot(*command, data=backed_up.data))
    finally:
        lost.write_bytes(contents[0])
        damaged.write_bytes(contents[1])
    assert {name.rpartition("/")[2] for name in answer["lost_media"]} == {lost.name, damaged.name}
    assert answer["media"] == len(pictures) - 2
    planned = answer_of(backed_up.restore(folder / "new", "--dry-run", "--json", repository=repository))
    assert len(planned["lost_media"]) == 2


def test_a_picture_of_an_earlier_backup_is_hashed_again_after_a_change(backed_up: BackedUpNetwork, copy: Path, folder: Path) -> None:
    """A truncated picture and one with changed bytes are named and left out; backup and restore still succeed."""
    def back_up() -> Any:
        return answer_of(moot("backup", "--to", str(copy), "--json", data=backed_up.data))

    whole = back_up()
    assert whole["lost_media"] == []
    cut, changed = sorted(file for file in (backed_up.data / "media").rglob("*") if file.is_file())[:2]
    contents = cut.read_bytes(), changed.read_bytes()
    try:
        cut.write_bytes(contents[0][:-9])
        changed.write_bytes(contents[1][:-1] + bytes([contents[1][-1] ^ 1]))
        answer = back_up()
        again = back_up()
    finally:
        cut.write_bytes(contents[0])
        changed.write_bytes(contents[1])
    for one in (answer, again):
        assert {name.rpartition("/")[2] for name in one["lost_media"]} == {cut.name, changed.name}
        assert one["media"] == whole["media"] - 2
    assert answer_of(backed_up.restore(folder / "new", "--json", repository=copy))["equal"]
    assert back_up()["media"] == whole["media"], "repaired pictures are stored again"


def test_a_backup_is_valid_if_old_ones_cannot_be_removed(backed_up: BackedUpNetwork, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, data = settings_of(backed_up.data), DataDirectory(backed_up.data)
    key = BackupKey.find(data)
    assert key
    repository = Repository(Target.of_folder(copy), key.repository, is_host=True)

    def refuse(_snapshots: object) -> None:
        raise RepositoryProblem("restic could not %(what)s.", what="remove old backups")

    monkeypatch.setattr(repository, "forget", refuse)
    monkeypatch.setattr(backup, "surplus", lambda backups, _keep: backups[1:])  # the real one keeps all backups of the last day
    source = backup.Source(data, media_store(settings), settings.dsn, settings.network.name, settings.base_url, "0", settings.secret)
    made = backup.back_up(source, repository, key, repository.snapshots(), Keep(), NoProgress())
    assert made.backup.problem == ""
    assert made.forgotten == []
    assert made.not_forgotten.startswith("restic could not remove old backups")
