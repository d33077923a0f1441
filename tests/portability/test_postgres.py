"""The log of the private PostgreSQL contains no rows and stays small; the server ends with the process that started it."""

import errno
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from folkmoot.portability import postgres_log
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_log import limit_log


async def test_the_log_of_postgresql_shows_no_rows(postgres: Postgres, dsn: str) -> None:
    log = Path(postgres.socket_folder).parent / "postgres.log"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE said (words text, length int CONSTRAINT not_so_long CHECK (length < 9))")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO said VALUES ($1, 10)", "a post of a member")
    finally:
        await connection.close()
    text = log.read_text()
    assert "not_so_long" in text
    assert "post of a member" not in text


def test_a_large_log_is_emptied_while_the_server_appends_to_it(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = DataDirectory(open_folder / "data")
    directory.prepare()
    log, older = directory.path / "postgres.log", directory.path / "postgres.log.old"
    limit_log(directory)
    with open(log, "ab") as output, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=output, bufsize=0) as server:
        assert server.stdin
        for words in (b"before ", b"after "):
            server.stdin.write(words)
            while not log.read_bytes().endswith(words):
                assert server.poll() is None
            limit_log(directory)
            if words == b"before ":
                assert not older.exists()
                monkeypatch.setattr(postgres_log, "_LARGEST", 6)
                limit_log(directory)
                assert older.read_bytes() == words
                monkeypatch.setattr(postgres_log, "_LARGEST", 100)
        server.stdin.close()
    assert log.read_bytes() == b"after "


def test_a_large_log_is_emptied_on_a_full_disk_too(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor calls this: it must not end because of a full disk."""
    def fail(_source: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    directory = DataDirectory(open_folder / "data")
    directory.prepare()
    log = directory.path / "postgres.log"
    log.write_bytes(b"many lines")
    monkeypatch.setattr(postgres_log, "_LARGEST", 5)
    monkeypatch.setattr(postgres_log.shutil, "copyfile", fail)
    limit_log(directory)
    assert log.read_bytes() == b""
    assert not log.with_name("postgres.log.old").exists()


# The first child starts a grandchild and ends before the grandchild prepares itself: as if the parent had been killed.
_ORPHAN = """
import os, time
from folkmoot.portability.service_user import child_setup
prepare = child_setup(None)
if os.fork() == 0:
    parent = os.getpid()
    if os.fork() == 0:
        while os.getppid() == parent:
            time.sleep(0.01)
        prepare()
        os.write(1, b"the orphan runs")
    os._exit(0)
os.wait()
prepare = child_setup(None)
if os.fork() == 0:
    prepare()
    os.write(1, b"the child starts")
    os._exit(0)
os.wait()
"""


def test_a_server_does_not_start_after_its_parent_was_killed() -> None:
    done = subprocess.run([sys.executable, "-c", _ORPHAN], capture_output=True, text=True, timeout=60)
    assert done.stdout == "the child starts", done.stderr
