"""What the private PostgreSQL writes into its log, and that it ends with whoever started it."""

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
            await connection.execute("INSERT INTO said VALUES ($1, 10)", "the words of people")
    finally:
        await connection.close()
    text = log.read_text()
    assert "not_so_long" in text
    assert "words of people" not in text


# Starts a process by way of another one, which has ended when the process gets ready: as if its parent had been killed.
_ORPHAN = """
import os, time
from folkmoot.portability.postgres import becoming
prepare = becoming(None)
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.2)
        prepare()
        os.write(1, b"it lives on")
    os._exit(0)
time.sleep(0.5)
prepare = becoming(None)
if os.fork() == 0:
    prepare()
    os.write(1, b"a child starts")
    os._exit(0)
os.wait()
"""


def test_a_server_whose_parent_was_killed_before_it_was_ready_does_not_start() -> None:
    done = subprocess.run([sys.executable, "-c", _ORPHAN], capture_output=True, text=True, timeout=20)
    assert done.stdout == "a child starts", done.stderr
