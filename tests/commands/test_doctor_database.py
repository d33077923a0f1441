"""`moot doctor` names a database that is unsafe, badly kept, of another release or of another host."""

import asyncio
from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.base.database_facts import DatabaseFacts
from folkmoot.base.database_health import get_database_health
from folkmoot.base.db import Database
from folkmoot.commands import doctor
from folkmoot.commands.checks import database
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING
from tests.commands.findings import settings_with, states_of, write_log


@pytest.mark.parametrize(("schema", "is_standby", "state"), [
    (19, False, GOOD), (18, False, BROKEN), (20, False, BROKEN), (20, True, GOOD), (18, True, BROKEN),
])
def test_only_a_standby_may_have_a_newer_schema(schema: int, is_standby: bool, state: str) -> None:
    facts = DatabaseFacts(schema=schema, version="18.4", size_bytes=0, has_checksums=True)
    assert states_of(database.check_facts(facts, 19, is_standby)) == {"database.schema": state, "database.checksums": GOOD}
    assert states_of(database.check_facts(facts._replace(has_checksums=False), 19, is_standby))["database.checksums"] == WARNING


async def test_a_database_that_is_unsafe_or_badly_kept_is_named(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests runs without fsync and autovacuum, so these two are found as they are."""

    async def look(ahead: float = 0.0) -> dict[str, str]:
        async with db.read() as conn:
            return states_of(database.check_health(await get_database_health(conn, clock.now().timestamp() + ahead)))

    first = await look()
    assert first == {"database.durability": BROKEN, "database.connections": GOOD, "database.autovacuum": WARNING}
    assert (await look(60))["clock.skew"] == WARNING
    async with db.write() as tx:
        await tx.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'jobs_due'::regclass")
        await tx.execute("INSERT INTO jobs (name, payload, queued_at) VALUES ('x', '{}', now() + interval '1 hour')")
    assert (await look()).items() >= {"database.indexes": BROKEN, "clock.back": WARNING}.items()
    monkeypatch.setattr(database, "_LONG_TRANSACTION", 0.01)
    monkeypatch.setattr(database, "_HELD", -1)
    async with db.write() as tx:
        await tx.fetchval("SELECT 1")
        await asyncio.sleep(0.05)
        assert (await look()).items() >= {"database.transactions": WARNING, "database.slots": WARNING}.items()


async def test_faults_of_a_database_that_no_test_can_cause_are_named(db: Database) -> None:
    async with db.read() as conn:
        health = await get_database_health(conn, clock.now().timestamp())
    for field, value, name in (
        ("version", 140_000, "database.version"), ("encoding", "SQL_ASCII", "database.encoding"),
        ("checksum_failures", 2, "database.damage"), ("used_connections", 190, "database.connections"),
        ("blocked", 3, "database.locks"), ("oldest_row", 1_500_000_000, "database.wraparound"),
    ):
        assert name not in states_of(database.check_health(health)) or name == "database.connections"
        assert states_of(database.check_health(health._replace(**{field: value})))[name] in (WARNING, BROKEN)
    assert states_of(database.check_health(health._replace(unsafe=[])))["database.durability"] == GOOD


def test_the_cache_role_is_checked(data: Path) -> None:
    from folkmoot.portability.queries import DatabaseHost

    host = DatabaseHost(is_standby=True, epoch=1, has_cache_role=False)
    assert states_of(database.check_host(settings_with(data), host)) == {"host.role": GOOD, "database.cache_role": WARNING}


def test_a_host_that_accepted_a_move_and_was_not_promoted_is_named(data: Path) -> None:
    from folkmoot.portability.queries import DatabaseHost

    host = DatabaseHost(is_standby=True, epoch=2, has_cache_role=True)
    for move, found in (("", {"host.role": GOOD}), ("m1", {"host.promotion": BROKEN})):
        (data / "host.json").write_text(f'{{"role": "primary", "epoch": 2, "move": "{move}"}}')
        assert states_of(database.check_host(settings_with(data), host)) == found


async def test_the_reason_why_the_database_ended_is_named(data: Path) -> None:
    write_log(data, "2026 [1] PANIC:  could not write to file: No space left on device\n2026 [1] FATAL: terminating connection\n")
    found = [finding for finding in await doctor._examine_database(settings_with(data)) if finding.check == "database.answers"]
    assert "could not write to file: No space left on device" in found[0].what


async def test_a_damaged_host_file_is_not_taken_for_a_database_that_is_down(data: Path) -> None:
    (data / "host.json").write_text("{")
    states = states_of(await doctor.examine(settings_with(data)))
    assert (states["data.host"], states.get("database.answers")) == (BROKEN, None)
