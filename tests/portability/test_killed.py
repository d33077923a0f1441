"""Backup and restore are killed, with SIGKILL, at several moments; the same command then does it, and nothing is worse."""

import os
import time
from pathlib import Path

import pytest

from folkmoot.portability.restore import check_target
from tests.network_up import NetworkUp, moot
from tests.portability.house import House, answer_of, killed

SHARES = (0.2, 0.45, 0.65, 0.85)  # of how long the command takes when nobody disturbs it


def _timed(*arguments: str, data: Path) -> float:
    began = time.monotonic()
    answer_of(moot(*arguments, "--json", data=data))
    return time.monotonic() - began


def test_a_backup_can_be_killed_at_any_moment(house: House, place: Path) -> None:
    options = ["--to", str(place / "repository"), "--key-file", str(house.key_file)]
    answer_of(moot("backup", *options, "--json", data=house.data))
    took = _timed("backup", *options, data=house.data)
    kills = sum(killed(share * took, "backup", *options, "--data", str(house.data)) for share in SHARES)
    assert kills >= len(SHARES) - 1
    answer_of(moot("backup", *options, "--json", data=house.data))
    assert not (house.data / "backup").exists()
    verified = moot("backup", *options, "--verify", data=house.data)
    assert verified.returncode == 0, verified.stdout
    listed = answer_of(moot("backup", *options, "--list", "--json", data=house.data))
    assert len(listed) >= 2
    assert all(backup["valid"] for backup in listed)


def test_a_first_backup_that_was_killed_goes_on_with_the_words_that_were_shown(house: House, place: Path) -> None:
    """The repository is made, and the host's own key is not yet in it."""
    from folkmoot.portability.repository import Repository

    repository = Repository(place / "repository", house.recovery.repository_password)
    repository.create()
    options = ["--to", str(place / "repository"), "--key-file", str(house.key_file)]
    assert answer_of(moot("backup", *options, "--json", data=house.data))["posts"] > 0
    assert len(repository.snapshots()) == 1


def test_a_restore_can_be_killed_at_any_moment(house: House, place: Path) -> None:
    target = place / "restored"
    options = ["--from", str(house.repository), "--key-file", str(house.key_file)]
    took = _timed("restore", *options, data=place / "first")
    kills = 0
    for share in SHARES:
        kills += killed(share * took, "restore", *options, "--data", str(target))
        if (target / "host.json").exists():
            break  # it was faster this time
        if target.exists() and any(target.iterdir()):
            refused = moot("up", "--no-demo", data=target)
            assert refused.returncode == 1, "half a network does not start"
            assert "was not made by Folkmoot" in refused.stderr
    assert kills >= len(SHARES) - 1
    if not (target / "host.json").exists():
        assert answer_of(moot("restore", *options, "--json", data=target))["equal"]
    assert not (target / "restoring").exists()
    again = NetworkUp(target)
    try:
        again.wait()
    finally:
        again.stop()


@pytest.mark.parametrize("moved", [0, 1, 3, 6])
def test_a_restore_that_was_killed_while_it_moved_in_is_cleared(place: Path, moved: int) -> None:
    """The moment is too short to hit: the folder is laid as it would be found."""
    from folkmoot.portability import restore

    stage = place / "restoring"
    names = ["media", "outbox", "postgres", "postgres.log", "run", "secrets", "host.json"]
    for number, name in enumerate(names):
        home = place if number < moved else stage / "network"
        home.mkdir(exist_ok=True, parents=True)
        (home / name).mkdir()
    (stage / "network").mkdir(exist_ok=True, parents=True)
    (stage / "what-this-is").write_text("a restore")
    check_target(place)
    restore._clear(place)
    assert list(place.iterdir()) == []


def test_a_network_is_never_taken_for_a_leftover(place: Path) -> None:
    from folkmoot.base.errors import Problem

    (place / "restoring").mkdir()
    (place / "restoring" / "what-this-is").write_text("a restore")
    (place / "host.json").write_text("{}")
    with pytest.raises(Problem):
        check_target(place)
    os.unlink(place / "host.json")
    check_target(place)
