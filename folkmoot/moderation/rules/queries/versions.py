"""The versions of rules and which is in force. Rows are only added, by `moot rules`."""

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.rules.model import PublishedRules, RuleSet, Switch, Trial


async def lock_rules(tx: WriteTx) -> None:
    """Makes concurrent publications and switches wait for each other; reading goes on."""
    await tx.execute("LOCK TABLE rule_switches IN SHARE ROW EXCLUSIVE MODE")


async def insert_rules(tx: WriteTx, published: PublishedRules) -> bool:
    """False if this version exists."""
    return bool(await tx.fetchval(
        "INSERT INTO rule_sets (version, body, source, published_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true",
        published.version, msgspec.json.encode(published.rules).decode(), published.source, published.published_at,
    ))


async def insert_switch(tx: WriteTx, switch: Switch) -> None:
    await tx.execute("INSERT INTO rule_switches (version, at) VALUES ($1, $2)", switch.version, switch.at)


async def list_rules(conn: ReadConn) -> list[PublishedRules]:
    rows = await conn.fetch("SELECT body, source, published_at FROM rule_sets ORDER BY published_at")
    return [
        PublishedRules(rules=msgspec.json.decode(row["body"], type=RuleSet), source=row["source"], published_at=row["published_at"])
        for row in rows
    ]


async def list_switches(conn: ReadConn) -> list[Switch]:
    """Oldest first."""
    return [Switch(row["version"], row["at"]) for row in await conn.fetch("SELECT version, at FROM rule_switches ORDER BY id")]


async def get_newest_switch(conn: ReadConn) -> int:
    """What tells whether anything has changed, because each publication is a switch or a trial. 0 without any, and before the tables
    exist, as on a standby of an older release."""
    known = await conn.fetchval(
        "SELECT array_remove(ARRAY[to_regclass('rule_switches')::text, to_regclass('rule_trials')::text], NULL)")
    return sum([int(await conn.fetchval(f"SELECT coalesce(max(id), 0) FROM {table}")) for table in known])


async def insert_trial(tx: WriteTx, trial: Trial) -> None:
    await tx.execute("INSERT INTO rule_trials (version, started_at, ends_at) VALUES ($1, $2, $3)", *msgspec.structs.astuple(trial))


async def find_trial(conn: ReadConn) -> Trial | None:
    """The newest trial, also after its end."""
    if not await conn.fetchval("SELECT to_regclass('rule_trials') IS NOT NULL"):
        return None
    row = await conn.fetchrow("SELECT version, started_at, ends_at FROM rule_trials ORDER BY id DESC LIMIT 1")
    return Trial(row["version"], row["started_at"], row["ends_at"]) if row else None
