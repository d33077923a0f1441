"""If root starts a network, no process of it runs as root, wherever the code is."""

import os
import pwd
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from folkmoot.portability import program
from folkmoot.portability.data_directory import DataDirectory, DataDirectoryProblem
from folkmoot.portability.service_user import can_read, service_user
from tests.network_up import ROOT, NetworkUp

IS_ROOT = os.geteuid() == 0
RUNS_AS = service_user() if IS_ROOT else pwd.getpwuid(os.geteuid())


@pytest.fixture
def folder(open_folder: Path) -> Path:
    return open_folder


def _users(text: str) -> set[str]:
    listed = subprocess.run(["ps", "-ww", "-eo", "uid=,args="], capture_output=True, text=True).stdout
    return {line.split()[0] for line in listed.splitlines() if text in line}


def test_no_process_runs_as_root_even_if_others_cannot_read_the_code(folder: Path) -> None:
    closed = folder / "closed"
    shutil.copytree(ROOT / "folkmoot", closed / "folkmoot", ignore=shutil.ignore_patterns("__pycache__"))
    closed.chmod(0o700)
    network = NetworkUp(folder / "data", PYTHONPATH=str(closed), code=closed)
    try:
        network.wait()  # the demo has pictures, so the sandbox for pictures must work from the copy too
        assert _users(str(folder / "data")) == {str(RUNS_AS.pw_uid)}
        started = network.log.read_text()
        assert "as root" not in started
        where = Path(f"/proc/{network.process.pid}/environ").read_text() if Path("/proc").exists() else ""
        assert not IS_ROOT or f"PYTHONPATH={program.COPIES}/code-" in where
    finally:
        assert network.stop() < 30  # nothing waits for its time limit
        shutil.rmtree(closed)


def test_a_copy_is_replaced_when_its_original_changes_and_kept_while_it_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "COPIES", folder / "copies")
    program.COPIES.mkdir()
    original = folder / "original"
    original.write_text("one")
    original.chmod(0o600)

    def made() -> Path:
        return program._cached_copy("code", "here", [original], lambda copy: (copy.mkdir(), shutil.copy2(original, copy / "copy"))[0])

    first = made()
    assert made() == first
    assert (first / "copy").stat().st_mode & 0o777 == 0o644
    user = os.open(first, os.O_RDONLY)
    program.fcntl.flock(user, program.fcntl.LOCK_SH)
    original.write_text("another")
    second = made()
    assert (second / "copy").read_text() == "another"
    assert first.exists()
    os.close(user)
    original.write_text("the third")
    assert made().exists()
    assert not first.exists()
    assert not second.exists()


def test_a_file_below_a_closed_folder_cannot_be_read(folder: Path) -> None:
    file = folder / "inner" / "file"
    file.parent.mkdir(mode=0o755)
    file.write_text("")
    nobody = pwd.getpwnam("nobody")
    for mode_of_folder, mode_of_file, answer in ((0o755, 0o644, True), (0o711, 0o644, True), (0o700, 0o644, False), (0o755, 0o600, False)):
        file.parent.chmod(mode_of_folder)
        file.chmod(mode_of_file)
        assert can_read(nobody, file) is answer
    assert not can_read(nobody, file.parent / "missing" / "file") if not file.parent.chmod(0o700) else False


@pytest.mark.parametrize("name", ["outbox", "lock", "postgres.log"])
def test_a_symbolic_link_in_the_data_directory_is_not_followed(folder: Path, name: str) -> None:
    outside = folder / "outside"
    outside.mkdir()
    data = DataDirectory(folder / "data")
    data.prepare()
    before = outside.stat()
    link = data.path / name
    if link.is_dir():
        link.rmdir()
    link.symlink_to(outside)
    data.prepare()
    after = outside.stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    (data.path / "lock").unlink(missing_ok=True)
    (data.path / "lock").symlink_to(folder / "new")
    with pytest.raises(OSError):
        data.lock()
    assert not (folder / "new").exists()


def test_a_folder_that_the_network_cannot_enter_is_reported_in_one_sentence(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700 if IS_ROOT else 0o500)
    with pytest.raises(DataDirectoryProblem) as caught:
        DataDirectory(closed / "data").prepare()
    assert "another" in caught.value.message % caught.value.params
    assert not (closed / "data").exists()


def test_a_second_start(folder: Path) -> None:
    """A data directory of another owner is refused with the command that solves it; an early stop is quick."""
    NetworkUp(folder / "data", "--no-demo").wait().stop()
    version = folder / "data" / "postgres" / "PG_VERSION"
    before = version.stat()
    if IS_ROOT:
        os.chown(version, 0, 0)
    else:
        version.chmod(0)
    refused = NetworkUp(folder / "data", "--no-demo")
    assert refused.process.wait(120) == (1 if IS_ROOT else 2)  # root notices before it gives up its rights
    said = refused.log.read_text()
    assert said.startswith("folkmoot: ")
    assert len(said.strip().splitlines()) == 1
    assert ("chown -R" in said) is IS_ROOT
    version.chmod(0o600)
    os.chown(version, before.st_uid, before.st_gid)
    again = NetworkUp(folder / "data", "--no-demo")
    while "is running at" not in again.log.read_text():
        assert again.process.poll() is None
        time.sleep(0.005)
    assert again.stop() < 30


_ONE_OF_MANY = """
import os, sys
from folkmoot.portability.service_user import service_user
with open(sys.argv[1], "ab", 0) as stream:
    stream.write(b".")
while os.path.getsize(sys.argv[1]) < 20:
    pass
user = service_user()
os.write(1, f"{user.pw_name} {user.pw_uid} {user.pw_gid}\\n".encode())
"""
# A bare system: a mount namespace with its own /etc and without the user.
_BARE = (
    "mount -t tmpfs none {etc} && cp -a /etc/. {etc} && sed -i '/^folkmoot:/d' {etc}/passwd {etc}/group {etc}/shadow {etc}/gshadow"
    " && mount --bind {etc} /etc && ! getent passwd folkmoot && {rest}"
)


def _can_unshare() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(
    not IS_ROOT or shutil.which("useradd") is None or not _can_unshare(), reason="needs root, useradd and mount namespaces"
)
@pytest.mark.parametrize("foreign_lock", [False, True], ids=["alone", "beside another useradd"])
def test_twenty_processes_create_the_same_user_at_once(folder: Path, foreign_lock: bool) -> None:
    etc = folder / "etc"
    etc.mkdir()
    one = f"{sys.executable} -c {shlex.quote(_ONE_OF_MANY)} {folder}/ready & "
    # `useradd` refuses to work while another program holds its lock file.
    lock = "echo $$ > /etc/passwd.lock; (sleep 5; rm /etc/passwd.lock) & " if foreign_lock else ""
    script = _BARE.format(etc=etc, rest=f"{{ {lock}{one * 20} wait; echo; getent passwd folkmoot; getent group folkmoot; }}")
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=120, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said, _, stored = ran.stdout.partition("\n\n")
    assert stored, ran
    name, _, uid, gid = stored.splitlines()[0].split(":")[:4]
    assert Counter(said.split("\n")) == {f"{name} {uid} {gid}": 20}, ran.stderr
    assert name == "folkmoot"
