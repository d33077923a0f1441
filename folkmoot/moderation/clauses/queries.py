"""All SQL of policies, whose rows are only added, by `moot policy publish`, and of reactions to their announcements."""

from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.moderation.clauses.model import Policy, PublishedPolicy, Reaction


async def insert_policy(tx: WriteTx, published: PublishedPolicy) -> bool:
    """False if this version exists."""
    return bool(await tx.fetchval(
        "INSERT INTO policies (version, body, source, in_force_at, published_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING RETURNING true",
        published.version, msgspec.json.encode(published.policy).decode(), published.source, published.in_force_at,
        published.published_at,
    ))


async def lock_policies(tx: WriteTx) -> None:
    """Makes concurrent publications wait for each other; reading goes on."""
    await tx.execute("LOCK TABLE policies IN SHARE ROW EXCLUSIVE MODE")


async def list_policies(conn: ReadConn) -> list[PublishedPolicy]:
    rows = await conn.fetch("SELECT body, source, in_force_at, published_at FROM policies ORDER BY published_at")
    return [_published_from(row) for row in rows]


async def list_stamps(conn: ReadConn) -> list[tuple[str, object]]:
    """(version, time of publication) of each policy: what tells whether they have changed. None before the table exists, as on
    a standby of an older release."""
    if not await conn.fetchval("SELECT to_regclass('policies') IS NOT NULL"):
        return []
    rows = await conn.fetch("SELECT version, published_at FROM policies ORDER BY version")
    return [(row["version"], row["published_at"]) for row in rows]


def _published_from(row: Row) -> PublishedPolicy:
    return PublishedPolicy(
        policy=msgspec.json.decode(row["body"], type=Policy), source=row["source"], in_force_at=row["in_force_at"],
        published_at=row["published_at"],
    )


async def list_reactions(conn: ReadConn, version: str, viewer_id: int) -> list[Reaction]:
    """The emojis with which members have reacted to a version, the first one first."""
    rows = await conn.fetch(
        "SELECT emoji, count(*) AS count, bool_or(account_id = $2) AS is_own FROM policy_reactions WHERE version = $1"
        " GROUP BY emoji ORDER BY min(reacted_at), emoji",
        version, viewer_id,
    )
    return [Reaction(row["emoji"], row["count"], row["is_own"]) for row in rows]


async def lock_reactions(tx: WriteTx, version: str) -> None:
    """Makes reactions to one version wait for each other, so that their counts are told in order, and the limit holds."""
    await tx.fetchval("SELECT version FROM policies WHERE version = $1 FOR NO KEY UPDATE", version)


async def insert_reaction(tx: WriteTx, version: str, account_id: int, emoji: str, at: datetime) -> bool:
    return bool(await tx.execute(
        "INSERT INTO policy_reactions (version, account_id, emoji, reacted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        version, account_id, emoji, at,
    ))


async def delete_reaction(tx: WriteTx, version: str, account_id: int, emoji: str) -> bool:
    return bool(await tx.execute(
        "DELETE FROM policy_reactions WHERE version = $1 AND account_id = $2 AND emoji = $3", version, account_id, emoji
    ))
