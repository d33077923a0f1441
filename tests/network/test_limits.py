"""Exact limits: counted in PostgreSQL for all processes, also when its clock jumps."""

import asyncio

import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import TooMany
from folkmoot.network.sessions import limits


async def _spend(database: Database, times: int, name: str = "report", key: str = "7") -> int:
    """The number of allowed uses among `times` concurrent ones."""

    async def one() -> bool:
        return not (await limits.count(database, name, key, 1.0)).is_spent

    return sum(await asyncio.gather(*(one() for _ in range(times))))


async def _shift_windows(database: Database, interval: str) -> None:
    """Shifts all windows, as if the clock of the database had been ahead by the interval."""
    async with database.cache() as cache:
        await cache.execute(f"UPDATE rate_windows SET ends_at = ends_at + interval '{interval}'")


async def test_two_processes_share_one_limit(db: Database, dsn: str) -> None:
    other = await Database.open(dsn)
    try:
        allowed = await asyncio.gather(_spend(db, 40), _spend(other, 40))
    finally:
        await other.close()
    assert sum(allowed) == 30


async def test_a_refusal_tells_how_long_to_wait(db: Database) -> None:
    for _ in range(3):
        await limits.spend(db, "mail_by_pair", "jana", 1.0)
    with pytest.raises(TooMany) as caught:
        await limits.spend(db, "mail_by_pair", "jana", 1.0)
    assert 86_000 < caught.value.retry_after <= 86_401
    await limits.spend(db, "mail_by_pair", "karel", 1.0)
    await limits.spend(db, "mail_by_pair", "jana", 2.0)


@pytest.mark.parametrize("ahead", ["1 day", "-1 day", "400 days", "-2 hours"])
async def test_a_jump_of_the_clock_neither_blocks_nor_disables_a_limit(db: Database, ahead: str) -> None:
    assert await _spend(db, 31) == 30
    await _shift_windows(db, ahead)
    assert await _spend(db, 31) == 30
    assert await _spend(db, 5) == 0


async def test_a_delayed_statement_does_not_reset_a_window(db: Database) -> None:
    assert await _spend(db, 31) == 30
    await _shift_windows(db, "20 seconds")
    assert await _spend(db, 5) == 0


async def test_expired_windows_are_deleted(db: Database) -> None:
    await _spend(db, 1, key="now")
    for key, interval in (("over", "-1 day"), ("ahead", "30 days")):
        async with db.cache() as cache:
            await cache.execute(
                f"INSERT INTO rate_windows (key, ends_at, count) VALUES ($1, now() + interval '{interval}', 9)", f"report:{key}"
            )
    await limits.forget_old(db)
    async with db.read() as conn:
        assert [row["key"] for row in await conn.fetch("SELECT key FROM rate_windows")] == ["report:now"]


async def test_the_windows_of_a_removed_account_are_deleted_and_no_others(db: Database) -> None:
    kept = [
        ("log_in_by_pair", "12 192.0.2.1"), ("log_in_by_account", "112"), ("mail_to_mailbox", "karel@example.org"),
        ("mail_by_pair", "x@y 312"),
    ]
    gone = [
        ("log_in_by_pair", "1 192.0.2.1"), ("log_in_by_account", "1"), ("mail_to_mailbox", "jana@example.org"),
        ("mail_by_pair", "jana@example.org 2001:db8::/64"), ("mail_by_pair", "x@example.org 1"), ("log_in_by_pair", "jana 192.0.2.1"),
    ]
    for name, key in kept + gone:
        await limits.count(db, name, key, 1.0)
    await limits.forget_uses_by(db, ["1", "jana", "Jana@Example.org"])
    async with db.read() as conn:
        assert {row["key"] for row in await conn.fetch("SELECT key FROM rate_windows")} == {f"{name}:{key}" for name, key in kept}
