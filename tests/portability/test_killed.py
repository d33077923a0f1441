"""Backup and restore are killed with SIGKILL at several moments. The same command, run again, then succeeds."""

import errno
import os
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.rebuild import remove
from folkmoot.portability.repository import Repository
from folkmoot.portability.restore import check_target
from tests.network_up import NetworkUp, moot
from tests.portability.backed_up_network import BackedUpNetwork, answer_of, kill_when


def test_a_backup_can_be_killed_at_any_moment(backed_up: BackedUpNetwork, folder: Path) -> None:
    """The repository exists, but this host has no key in it, as after a killed first backup: the recovery key adds the host."""
    repository = folder / "repository"
    Repository(Target.of_folder(repository), backed_up.recovery.repository_password).create()
    options = ["--to", str(repository), "--key-file", str(backed_up.key_file)]
    answer_of(moot("backup", *options, "--json", data=backed_up.data))
    stage = backed_up.data / "backup"

    def count_snapshots() -> int:
        return len(list((repository / "snapshots").iterdir()))

    def one_more() -> Callable[[], bool]:
        before = count_snapshots()
        return lambda: count_snapshots() > before

    for condition in (
        lambda: (stage / "database").exists,
        lambda: (stage / "about" / "manifest.json").exists,
        lambda: lambda: (stage / "about" / "signature.json").exists() and any((repository / "locks").iterdir()),
        one_more,
    ):
        kill_when(condition, "backup", *options, "--data", str(backed_up.data))
    answer_of(moot("backup", *options, "--json", data=backed_up.data))
    assert not stage.exists()
    verified = moot("backup", *options, "--verify", data=backed_up.data)
    assert verified.returncode == 0, verified.stdout
    listed = answer_of(moot("backup", *options, "--list", "--json", data=backed_up.data))
    assert len(listed) >= 3
    assert all(backup["valid"] for backup in listed)


def test_a_restore_can_be_killed_at_any_moment(backed_up: BackedUpNetwork, folder: Path) -> None:
    target = folder / "restored"
    options = ["--from", str(backed_up.repository), "--key-file", str(backed_up.key_file)]
    stage = target / "restoring"
    for is_reached in (
        stage.exists,
        (stage / "fetched" / "about").exists,
        (stage / "network" / "postgres" / "PG_VERSION").exists,
        lambda: (stage / "network" / "postgres").exists() and not (stage / "fetched").exists(),
        (stage / "network" / "secrets" / "network-secret").exists,
    ):
        kill_when(
            lambda is_reached=is_reached: is_reached, "restore", *options, "--data", str(target), undo=lambda: shutil.rmtree(target)  # type: ignore[misc]
        )
        assert not (target / "host.json").exists()
    refused = moot("up", "--no-demo", data=target)
    assert refused.returncode == 1, "an incomplete network does not start"
    assert "was not made by Folkmoot" in refused.stderr
    assert answer_of(moot("restore", *options, "--json", data=target))["equal"]
    assert not stage.exists()
    again = NetworkUp(target)
    try:
        again.wait()
    finally:
        again.stop()


def test_a_restore_waits_for_the_server_of_a_killed_restore(folder: Path) -> None:
    """An orphaned server can end late on a busy machine. It then removes its socket, which may be that of the next server."""
    stage = folder / "restoring"
    data = DataDirectory(stage / "network")
    stage.mkdir()
    data.prepare()
    first = Postgres(data, configuration={"fsync": "off"})
    first.start()
    assert first.pid
    os.kill(first.pid, signal.SIGSTOP)  # as if the machine were busy
    os.kill(first.pid, signal.SIGINT)  # as the kernel does when the parent ends
    with ThreadPoolExecutor(1) as pool:
        removing = pool.submit(remove, stage)
        time.sleep(0.5)
        assert data.host_file.exists()
        os.kill(first.pid, signal.SIGCONT)
        first.wait()
        removing.result()
    assert not stage.exists()


@pytest.mark.parametrize("moved", [0, 1, 3, 7])
def test_a_restore_that_was_killed_while_it_moved_files_is_cleared(folder: Path, moved: int) -> None:
    """The moment is too short to hit, so the test creates the folder as the kill would leave it."""
    from folkmoot.portability import restore

    stage = folder / "restoring"
    names = ["media", "offsite", "outbox", "postgres", "postgres.log", "run", "secrets", "host.json"]
    for number, name in enumerate(names):
        parent = folder if number < moved else stage / "network"
        parent.mkdir(exist_ok=True, parents=True)
        (parent / name).mkdir()
    (stage / "network").mkdir(exist_ok=True, parents=True)
    (stage / "what-this-is").write_text("a restore")
    check_target(folder)
    restore._clear(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("moved", [0, 3, 8])
def test_the_error_of_a_restore_is_never_hidden_by_its_removal(folder: Path, moved: int, existed: bool) -> None:
    """It fails before, while and after the files are moved; then the network is complete and stays."""
    from folkmoot.portability import restore

    target = folder / "new"
    if existed:
        target.mkdir()
    names = ["media", "offsite", "outbox", "postgres", "postgres.log", "run", "secrets", "host.json"]

    def fail() -> None:
        with restore.undone_on_failure(target):
            (target / "restoring" / "network").mkdir(parents=True)
            (target / "restoring" / "what-this-is").write_text("a restore")
            for name in names[:moved]:
                (target / name).mkdir()
            raise OSError(errno.EIO, "the real error")

    with pytest.raises(OSError, match="the real error"):
        fail()
    if moved < len(names):
        assert target.exists() is existed
        assert not existed or not list(target.iterdir())
        return
    assert {path.name for path in target.iterdir()} == {*names, "restoring"}
    DataDirectory(target).remove_leftovers("restoring")  # as `moot up` does
    assert not (target / "restoring").exists()


def test_a_stage_that_cannot_be_removed_does_not_fail_a_complete_restore(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from folkmoot.portability import restore

    stage = folder / "restoring"
    (stage / "network" / "host.json").mkdir(parents=True)

    def fail(path: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise OSError(errno.EIO, "broken disk", path)

    monkeypatch.setattr(restore.shutil, "rmtree", fail)
    restore._move_into_place(stage, folder)
    assert (folder / "host.json").exists()


def test_a_network_is_never_taken_for_a_leftover(folder: Path) -> None:
    from folkmoot.base.errors import Problem

    (folder / "restoring").mkdir()
    (folder / "restoring" / "what-this-is").write_text("a restore")
    (folder / "host.json").write_text("{}")
    with pytest.raises(Problem):
        check_target(folder)
    os.unlink(folder / "host.json")
    check_target(folder)


def test_leftovers_of_a_killed_backup_are_removed_unless_one_is_running(folder: Path) -> None:
    data = DataDirectory(folder)
    for name in ("backup", "drill"):
        (folder / name / "database").mkdir(parents=True)
        (folder / name / "database" / "1.dat").write_text("posts")
    with data.exclusively("backup"):
        DataDirectory(folder).remove_leftovers("backup")
        assert (folder / "backup" / "database" / "1.dat").exists()
    for name in ("backup", "drill", "drill"):
        data.remove_leftovers(name)
        assert not (folder / name).exists()


def test_a_first_start_that_is_killed_at_its_first_file_is_repeated(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    data = DataDirectory(open_folder / "data")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", kill)
        with pytest.raises(Killed):
            data.prepare()
    assert not data.host_file.exists()
    DataDirectory(data.path).prepare()
    assert data.host_file.exists()
