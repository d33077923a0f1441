"""The log of the private PostgreSQL contains no rows, and the server ends with the process that started it."""

import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from folkmoot.portability.postgres import Postgres


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


# The first child starts a grandchild and ends before the grandchild prepares itself: as if the parent had been killed.
_ORPHAN = """
import os, time
from folkmoot.portability.postgres import child_setup
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
