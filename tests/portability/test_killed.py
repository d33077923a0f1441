"""Backup and restore are killed, with SIGKILL, at several moments; the same command then does it, and nothing is worse."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.rebuild import remove
from folkmoot.portability.repository import Repository
from folkmoot.portability.restore import check_target
from tests.network_up import NetworkUp, moot
from tests.portability.house import House, answer_of, kill_when


def test_a_backup_can_be_killed_at_any_moment(house: House, place: Path) -> None:
    """Also a first one, which had made the repository, but not yet let this host in: it goes on with the words."""
    where = place / "repository"
    Repository(where, house.recovery.repository_password).create()
    options = ["--to", str(where), "--key-file", str(house.key_file)]
    answer_of(moot("backup", *options, "--json", data=house.data))
    stage = house.data / "backup"

    def snapshots() -> int:
        return len(list((where / "snapshots").iterdir()))

    def one_more() -> Callable[[], bool]:
        before = snapshots()
        return lambda: snapshots() > before

    for moment in (
        lambda: (stage / "database").exists,
        lambda: (stage / "about" / "manifest.json").exists,
        lambda: lambda: (stage / "about" / "signature.json").exists() and any((where / "locks").iterdir()),
        one_more,
    ):
        kill_when(moment, "backup", *options, "--data", str(house.data))
    answer_of(moot("backup", *options, "--json", data=house.data))
    assert not stage.exists()
    verified = moot("backup", *options, "--verify", data=house.data)
    assert verified.returncode == 0, verified.stdout
    listed = answer_of(moot("backup", *options, "--list", "--json", data=house.data))
    assert len(listed) >= 3
    assert all(backup["valid"] for backup in listed)


def test_a_restore_can_be_killed_at_any_moment(house: House, place: Path) -> None:
    target = place / "restored"
    options = ["--from", str(house.repository), "--key-file", str(house.key_file)]
    stage = target / "restoring"
    for is_so in (
        stage.exists,
        (stage / "fetched" / "about").exists,
        (stage / "network" / "postgres" / "PG_VERSION").exists,
        lambda: (stage / "network" / "postgres").exists() and not (stage / "fetched").exists(),
        (stage / "network" / "secrets" / "network-secret").exists,
    ):
        kill_when(lambda is_so=is_so: is_so, "restore", *options, "--data", str(target), undo=lambda: shutil.rmtree(target))  # type: ignore[misc]
        assert not (target / "host.json").exists()
    refused = moot("up", "--no-demo", data=target)
    assert refused.returncode == 1, "half a network does not start"
    assert "was not made by Folkmoot" in refused.stderr
    assert answer_of(moot("restore", *options, "--json", data=target))["equal"]
    assert not stage.exists()
    again = NetworkUp(target)
    try:
        again.wait()
    finally:
        again.stop()


def test_the_server_of_a_killed_restore_is_awaited_before_the_next_begins(place: Path) -> None:
    """It ends on its own, on a busy machine late; and it takes its socket with it, which by then may be that of the next."""
    folder = place / "restoring"
    data = DataDirectory(folder / "network")
    folder.mkdir()
    data.prepare()
    first = Postgres(data, configuration={"fsync": "off"})
    first.start()
    assert first.pid
    os.kill(first.pid, signal.SIGSTOP)  # busy
    os.kill(first.pid, signal.SIGINT)  # as the kernel does
    with ThreadPoolExecutor(1) as beside:
        removing = beside.submit(remove, folder)
        time.sleep(0.5)
        assert data.host_file.exists()
        os.kill(first.pid, signal.SIGCONT)
        first.wait()
        removing.result()
    assert not folder.exists()


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


def test_what_a_killed_backup_left_is_cleared_unless_one_is_under_way(place: Path) -> None:
    data = DataDirectory(place)
    for name in ("backup", "drill"):
        (place / name / "database").mkdir(parents=True)
        (place / name / "database" / "1.dat").write_text("words of people")
    with data.alone("backup"):
        DataDirectory(place).clear("backup")
        assert (place / "backup" / "database" / "1.dat").exists()
    for name in ("backup", "drill", "drill"):
        data.clear(name)
        assert not (place / name).exists()
