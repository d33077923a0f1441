"""What is wrong with a repository, a key or a disk is found before anything is touched, and told in one sentence."""

import random
import shutil
from collections import Counter
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
from folkmoot.portability.progress import Quiet
from folkmoot.portability.repository import Repository, RepositoryProblem
from folkmoot.portability.restore import check_target
from folkmoot.portability.snapshots import Keep
from tests.network_up import moot
from tests.portability.house import House, answer_of

FLIPS = 160


@pytest.fixture
def copy(house: House, place: Path) -> Path:
    return Path(shutil.copytree(house.repository, place / "copy"))


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in folder.rglob("*") if file.is_file()}


def _flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.chmod(0o600)
    file.write_bytes(content)


def test_every_flipped_bit_is_found(copy: Path) -> None:
    """In packs, indexes, snapshots and keys: each on its own, and by the name of its file."""
    dice = random.Random(4711)
    files = [file for folder in ("keys", "snapshots", "index", "data") for file in (copy / folder).rglob("*") if file.is_file()]
    kinds: Counter[str] = Counter()
    assert find_damage(copy, Quiet()) == []
    for number in range(FLIPS):
        file = files[number % len(files)]
        bit = dice.randrange(file.stat().st_size * 8)
        _flip(file, bit)
        assert find_damage(copy, Quiet()) == [str(file.relative_to(copy))], (file, bit)
        _flip(file, bit)
        kinds[file.relative_to(copy).parts[0]] += 1
    assert find_damage(copy, Quiet()) == []
    assert len(kinds) == 4
    assert min(kinds.values()) >= 5


def test_a_flipped_bit_in_the_one_file_with_another_name_is_found_when_the_repository_is_opened(house: House, copy: Path) -> None:
    size = (copy / "config").stat().st_size * 8
    for bit in (0, size // 2, size - 1):
        _flip(copy / "config", bit)
        with pytest.raises(RepositoryProblem):
            Repository(copy, house.recovery.repository_password).snapshots()
        _flip(copy / "config", bit)
    assert Repository(copy, house.recovery.repository_password).snapshots()


def _largest_pack(repository: Path) -> Path:
    return max((file for file in (repository / "data").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)


def test_damage_is_named_and_nothing_is_restored(house: House, copy: Path, place: Path) -> None:
    pack = _largest_pack(copy)
    _flip(pack, 4000)
    named = moot("backup", "--to", str(copy), "--verify", data=house.data)
    assert named.returncode == 1
    assert f"data/{pack.parent.name}/{pack.name} is damaged" in named.stdout
    refused = house.restore(place / "new", repository=copy)
    assert refused.returncode == 1
    assert "is damaged" in refused.stderr
    assert "nothing was restored" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    for other in (copy / "data").rglob("*/*"):
        _flip(other, other.stat().st_size * 4)
    before = _state(copy)
    tried = house.restore(place / "new", "--despite-damage", repository=copy)
    assert tried.returncode == 1, "what is needed is damaged, so it fails later, and leaves nothing"
    assert not (place / "new").exists()
    assert _state(copy) == before, "a restore writes nothing into a repository"


def _cut(repository: Path) -> None:
    with open(_largest_pack(repository), "r+b") as stream:
        stream.truncate(1000)


def _lose(repository: Path) -> None:
    _largest_pack(repository).unlink()


def _lose_a_listing(repository: Path) -> None:
    """The smallest pack: it holds folders, which restic itself would go on asking for."""
    min((file for file in (repository / "data").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size).unlink()


def _lose_everything_but_keys(repository: Path) -> None:
    shutil.rmtree(repository / "snapshots")
    (repository / "snapshots").mkdir()


@pytest.mark.parametrize(("harm", "said"), [
    (_cut, "is damaged"), (_lose, "does not exist"), (_lose_a_listing, "does not exist"),
    (_lose_everything_but_keys, "There is no backup in"),
])
def test_a_truncated_repository_is_refused(house: House, copy: Path, place: Path, harm: object, said: str) -> None:
    harm(copy)  # type: ignore[operator]
    refused = house.restore(place / "new", repository=copy)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (place / "new").exists()


def test_other_words_a_wrong_word_a_wrong_place_and_a_full_folder_are_refused(house: House, place: Path) -> None:
    other, wrong = place / "other", place / "wrong"
    other.write_text(" ".join(type(house.recovery).new().words))
    wrong.write_text(" ".join([*house.recovery.words[:23], "folkmoot"]))
    full = place / "full"
    full.mkdir()
    (full / "holiday.jpg").write_bytes(b"1")
    repository, key = str(house.repository), str(house.key_file)
    for arguments, target, said in (
        (["--from", repository, "--key-file", str(other)], place / "new", "It belongs to another network"),
        (["--from", repository, "--key-file", str(wrong)], place / "new", "Word 24, “folkmoot”"),
        (["--from", str(place / "nowhere"), "--key-file", key], place / "new", "There is no repository in"),
        (["--from", "sftp:host:/folder", "--key-file", key], place / "new", "a repository is a folder for now"),
        (["--from", repository, "--key-file", key], full, "is not empty"),
        (["--from", repository, "--key-file", key], house.data, "is not empty"),
        (["--from", repository, "--key-file", key, "--snapshot", "0000"], place / "new", "There is no backup 0000"),
    ):
        refused = moot("restore", *arguments, data=target)
        assert refused.returncode == 1, arguments
        assert said in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
    assert not (place / "new").exists()
    assert [entry.name for entry in full.iterdir()] == ["holiday.jpg"]


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(place)
    monkeypatch.setattr(dump.shutil, "disk_usage", lambda _folder: usage._replace(free=10**6))
    with pytest.raises(Problem, match="needs") as caught:
        check_target(place / "new", 10**9)
    assert "1000 MB" in caught.value.message % caught.value.params
    check_target(place / "new", 10**5)


def test_without_restic_one_sentence_says_how_to_get_it(house: House) -> None:
    missing = moot("backup", "--to", str(house.repository), data=house.data, PATH="/nonexistent")
    assert missing.returncode == 1
    assert "apt-get install restic" in missing.stderr
    assert len(missing.stderr.strip().splitlines()) == 1


def test_a_picture_that_is_lost_or_damaged_on_the_host_is_named_and_the_rest_is_kept(house: House, place: Path) -> None:
    """The backup goes on without it and says so; a restore then knows that it was not there."""
    pictures = sorted(file for file in (house.data / "media").rglob("*") if file.is_file())
    lost, damaged = pictures[:2]
    contents = lost.read_bytes(), damaged.read_bytes()
    repository = place / "repository"
    try:
        lost.unlink()
        damaged.write_bytes(contents[1][:-1] + b"?")
        answer = answer_of(moot("backup", "--to", str(repository), "--key-file", str(house.key_file), "--new", "--json", data=house.data))
    finally:
        lost.write_bytes(contents[0])
        damaged.write_bytes(contents[1])
    assert {name.rpartition("/")[2] for name in answer["lost_media"]} == {lost.name, damaged.name}
    assert answer["media"] == len(pictures) - 2
    planned = answer_of(house.restore(place / "new", "--dry-run", "--json", repository=repository))
    assert len(planned["lost_media"]) == 2


def test_a_picture_that_an_earlier_backup_held_is_looked_at_again_when_it_was_touched(house: House, copy: Path, place: Path) -> None:
    """Cut, or the same length with other content: it is named, left out, and neither this night nor a restore fails by it."""
    def back_up() -> Any:
        return answer_of(moot("backup", "--to", str(copy), "--json", data=house.data))

    whole = back_up()
    assert whole["lost_media"] == []
    cut, changed = sorted(file for file in (house.data / "media").rglob("*") if file.is_file())[:2]
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
    assert answer_of(house.restore(place / "new", "--json", repository=copy))["equal"]
    assert back_up()["media"] == whole["media"], "they were mended, and count again"


def test_a_backup_counts_though_old_ones_cannot_be_removed(house: House, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, data = settings_of(house.data), DataDirectory(house.data)
    key = BackupKey.find(data)
    assert key
    repository = Repository(copy, key.repository, is_host=True)

    def refuse(_snapshots: object) -> None:
        raise RepositoryProblem("restic could not %(what)s.", what="remove old backups")

    monkeypatch.setattr(repository, "forget", refuse)
    monkeypatch.setattr(backup, "surplus", lambda backups, _keep: backups[1:])  # all of today would stay
    source = backup.Source(data, media_store(settings), settings.dsn, settings.network.name, settings.base_url, "0", settings.secret)
    made = backup.back_up(source, repository, key, repository.snapshots(), Keep(), Quiet())
    assert made.backup.problem == ""
    assert made.forgotten == []
    assert made.not_forgotten.startswith("restic could not remove old backups")
