"""`moot migrate` lists and applies missing migrations once, and only on the primary."""

import asyncio
import json
from pathlib import Path

import asyncpg
import msgspec
import pytest

from folkmoot.base.migrate import known
from folkmoot.portability.host import HostState
from folkmoot.portability.postgres import Postgres
from tests.network_up import moot


@pytest.fixture
async def empty(postgres: Postgres) -> object:
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    await admin.execute("CREATE DATABASE not_migrated")
    yield postgres.dsn_of("not_migrated")
    await admin.execute("DROP DATABASE not_migrated WITH (FORCE)")
    await admin.close()


async def test_missing_migrations_are_listed_then_applied_once(empty: str, tmp_path: Path) -> None:
    def run(*options: str) -> list[str]:
        done = moot("migrate", "--json", *options, data=tmp_path, FOLKMOOT_DATABASE_URL=empty)
        assert done.returncode == 0, done.stderr
        return next(iter(json.loads(done.stdout).values()))

    names = [migration.name for migration in known()]
    assert await asyncio.to_thread(run, "--dry-run") == names
    assert await asyncio.to_thread(run) == names
    assert await asyncio.to_thread(run, "--dry-run") == []
    assert await asyncio.to_thread(run) == []


@pytest.mark.parametrize(("state", "sentence"), [
    (HostState(epoch=1), "belongs to epoch 1 and its database to epoch 2"), (HostState("standby", 2), "not the primary"),
])
async def test_a_host_that_is_not_the_primary_changes_no_database(dsn: str, tmp_path: Path, state: HostState, sentence: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE host_state SET epoch = 2")
    last = known()[-1]
    await connection.execute("DELETE FROM migrations WHERE number = $1", last.number)
    (tmp_path / "host.json").write_bytes(msgspec.json.encode(state))
    done = await asyncio.to_thread(moot, "migrate", data=tmp_path, FOLKMOOT_DATABASE_URL=dsn)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert await connection.fetchval("SELECT count(*) FROM migrations WHERE number = $1", last.number) == 0
    # The primary lists the migration. Applying it would fail here, because its objects exist already.
    (tmp_path / "host.json").write_bytes(msgspec.json.encode(HostState(epoch=2)))
    shown = await asyncio.to_thread(moot, "migrate", "--dry-run", "--json", data=tmp_path, FOLKMOOT_DATABASE_URL=dsn)
    assert json.loads(shown.stdout) == {"pending": [last.name]}
    await connection.close()


def test_a_database_that_does_not_answer_is_reported_in_one_sentence(tmp_path: Path) -> None:
    done = moot("migrate", data=tmp_path, FOLKMOOT_DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
