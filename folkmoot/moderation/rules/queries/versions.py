"""The versions of rules and which is in force. Rows are only added, by `moot rules`."""

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.rules.model import PublishedRules, RuleSet, Switch


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
    """What tells whether anything has changed, because each publication is a switch. 0 without any, and before the table exists,
    as on a standby of an older release."""
    if not await conn.fetchval("SELECT to_regclass('rule_switches') IS NOT NULL"):
        return 0
    return int(await conn.fetchval("SELECT coalesce(max(id), 0) FROM rule_switches"))
