"""What the private PostgreSQL writes into its log."""

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
