"""All SQL of the journal. No statement changes the content of an entry; a database trigger would refuse it."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.journal.anchors import Anchor
from folkmoot.moderation.journal.model import FIRST_HASH, Entry, Gap, Head, SealState, Step

_ENTRY = "id, at, kind, case_id, actor_id, facts, lane, number, position, hash"


class SealerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the sealer reads at each run. `state` is None before the first run; `has_fresh_gap`: an entry is missing directly
    before an unsealed one, or at the end of a lane."""

    state: SealState | None
    is_keeper: bool
    has_fresh_gap: bool


async def insert_entry(tx: WriteTx, kind: str, at: datetime, case_id: int | None, actor_id: int | None, facts: str) -> None:
    await tx.execute(
        "INSERT INTO journal (kind, at, case_id, actor_id, facts) VALUES ($1, $2, $3, $4, $5)", kind, at, case_id, actor_id, facts
    )


async def insert_entries(tx: WriteTx, kind: str, at: datetime, entries: Sequence[tuple[int, str]]) -> None:
    """Inserts entries of one kind, each (case, facts), in this order."""
    await tx.execute(
        "INSERT INTO journal (kind, at, case_id, facts) SELECT $1, $2, one.case_id, one.facts"
        " FROM unnest($3::bigint[], $4::text[]) WITH ORDINALITY AS one (case_id, facts, place) ORDER BY one.place",
        kind, at, [case_id for case_id, _ in entries], [facts for _, facts in entries],
    )


async def list_case_entries(conn: ReadConn, case_id: int, limit: int = 200) -> list[Entry]:
    """The entries of a case, oldest first. Index: journal_case."""
    rows = await conn.fetch(f"SELECT {_ENTRY} FROM journal WHERE case_id = $1 ORDER BY id LIMIT $2", case_id, limit)
    return [Entry(**dict(row)) for row in rows]


async def list_entries_of(conn: ReadConn, case_id: int, steps: Sequence[Step]) -> list[Entry]:
    """The entries of a case of these kinds, oldest first. Index: journal_case."""
    rows = await conn.fetch(
        f"SELECT {_ENTRY} FROM journal WHERE case_id = $1 AND kind = ANY ($2::text[]) ORDER BY id", case_id, list(steps)
    )
    return [Entry(**dict(row)) for row in rows]


async def lock_end(tx: WriteTx) -> Head:
    """The last sealed entry, without a signature. Takes the lock of sealing: only one transaction seals at a time."""
    await tx.execute("SELECT pg_advisory_xact_lock(7020, 3)")
    return await get_end(tx)


async def get_end(conn: ReadConn) -> Head:
    """The last sealed entry, without a signature."""
    row = await conn.fetchrow("SELECT position, hash FROM journal WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1")
    return Head(position=row["position"], hash=row["hash"], signature="") if row else Head(position=0, hash=FIRST_HASH, signature="")


async def get_sealer_facts(tx: WriteTx, keeper: str) -> SealerFacts:
    """Indexes: journal_lane, journal_unsealed. `keeper` is a host's name and folder; the epoch of the session is added, so that
    a restored network is not the same keeper as the original."""
    row = await tx.fetchrow(
        """
        SELECT (SELECT state FROM journal_sealer) AS state,
            EXISTS (SELECT FROM journal_keepers WHERE name = $1 || ':' || current_setting('folkmoot.epoch')) AS is_keeper,
            EXISTS (SELECT FROM journal_lanes AS l
                    WHERE NOT EXISTS (SELECT FROM journal AS j WHERE j.lane = l.lane AND j.number = l.last))
            OR EXISTS (SELECT FROM journal AS j WHERE j.position IS NULL AND j.number > 1
                       AND NOT EXISTS (SELECT FROM journal AS p WHERE p.lane = j.lane AND p.number = j.number - 1)) AS has_fresh_gap
        """,
        keeper,
    )
    assert row is not None
    return SealerFacts(
        state=SealState(row["state"]) if row["state"] else None, is_keeper=row["is_keeper"], has_fresh_gap=row["has_fresh_gap"]
    )


async def find_state(conn: ReadConn) -> SealState:
    """The stored state of the sealer; SEALING before its first run."""
    value = await conn.fetchval("SELECT state FROM journal_sealer")
    return SealState(value) if value else SealState.SEALING


async def upsert_state(tx: WriteTx, state: SealState, since: datetime) -> None:
    await tx.execute(
        "INSERT INTO journal_sealer (id, state, since) VALUES (1, $1, $2)"
        " ON CONFLICT (id) DO UPDATE SET state = excluded.state, since = excluded.since",
        state, since,
    )


async def insert_keeper(tx: WriteTx, keeper: str) -> None:
    await tx.execute(
        "INSERT INTO journal_keepers (name) VALUES ($1 || ':' || current_setting('folkmoot.epoch')) ON CONFLICT DO NOTHING", keeper
    )


async def list_gaps(conn: ReadConn) -> list[Gap]:
    """Ranges of assigned numbers that no entry has, all of them: accepted ones must not hide new ones.

    Reads the whole index journal_lane.
    """
    rows = await conn.fetch(
        """
        WITH numbered AS (
            SELECT lane, number, lag(number, 1, 0::bigint) OVER (PARTITION BY lane ORDER BY number) AS before
            FROM journal WHERE lane IS NOT NULL
        ), newest AS (SELECT lane, max(number) AS number FROM numbered GROUP BY lane)
        SELECT lane, before + 1 AS first, number - 1 AS last FROM numbered WHERE number > before + 1
        UNION ALL
        SELECT l.lane, coalesce(n.number, 0) + 1, l.last FROM journal_lanes AS l LEFT JOIN newest AS n USING (lane)
        WHERE l.last > coalesce(n.number, 0)
        ORDER BY lane, first
        """
    )
    return [Gap(row["lane"], row["first"], row["last"]) for row in rows]


async def list_facts(conn: ReadConn, step: Step) -> list[str]:
    """The facts of all entries of a step. Reads the whole journal."""
    return [row["facts"] for row in await conn.fetch("SELECT facts FROM journal WHERE kind = $1 ORDER BY id", step)]


async def find_hash(conn: ReadConn, position: int) -> bytes | None:
    """The hash of a sealed entry; of position 0, on which the first entry stands."""
    if position == 0:
        return FIRST_HASH
    value = await conn.fetchval("SELECT hash FROM journal WHERE position = $1", position)
    return bytes(value) if value else None


async def list_unsealed(tx: WriteTx, limit: int) -> list[Entry]:
    rows = await tx.fetch(f"SELECT {_ENTRY} FROM journal WHERE position IS NULL ORDER BY id LIMIT $1", limit)
    return [Entry(**dict(row)) for row in rows]


async def update_sealed(tx: WriteTx, ids: Sequence[int], positions: Sequence[int], hashes: Sequence[bytes]) -> None:
    await tx.execute(
        "UPDATE journal SET position = t.position, hash = t.hash"
        " FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS t (id, position, hash) WHERE journal.id = t.id",
        list(ids), list(positions), list(hashes),
    )


async def upsert_head(tx: WriteTx, day: date, head: Head) -> None:
    await tx.execute(
        "INSERT INTO journal_heads (day, position, hash, signature) VALUES ($1, $2, $3, $4) ON CONFLICT (day) DO UPDATE"
        " SET position = excluded.position, hash = excluded.hash, signature = excluded.signature",
        day, head.position, head.hash, head.signature,
    )


async def find_newest_head(conn: ReadConn) -> Head | None:
    row = await conn.fetchrow("SELECT position, hash, signature FROM journal_heads ORDER BY position DESC LIMIT 1")
    return Head(**dict(row)) if row else None


async def list_heads(conn: ReadConn) -> list[Head]:
    rows = await conn.fetch("SELECT position, hash, signature FROM journal_heads ORDER BY position")
    return [Head(**dict(row)) for row in rows]


async def list_sealed(conn: ReadConn, after: int, limit: int) -> list[Entry]:
    """Sealed entries after a position."""
    rows = await conn.fetch(
        f"SELECT {_ENTRY} FROM journal WHERE position > $1 ORDER BY position LIMIT $2", after, limit
    )
    return [Entry(**dict(row)) for row in rows]


async def count_unsealed(conn: ReadConn, before: datetime | None = None) -> int:
    """The number of unsealed entries; with `before`, only of those written earlier."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM journal WHERE position IS NULL AND ($1::timestamptz IS NULL OR at < $1)", before
    ))


async def list_hashes(conn: ReadConn, after: int, until: int) -> list[bytes]:
    """The hashes of the sealed entries after one position, until another."""
    rows = await conn.fetch("SELECT hash FROM journal WHERE position > $1 AND position <= $2 ORDER BY position", after, until)
    return [row["hash"] for row in rows]


async def insert_anchor(tx: WriteTx, anchor: Anchor) -> None:
    await tx.execute(
        "INSERT INTO journal_anchors (position, since, hash, root, at) VALUES ($1, $2, $3, $4, $5)",
        anchor.position, anchor.since, anchor.hash, anchor.root, anchor.at,
    )


async def find_newest_anchor(conn: ReadConn) -> Anchor | None:
    row = await conn.fetchrow("SELECT position, since, hash, root, at FROM journal_anchors ORDER BY position DESC LIMIT 1")
    return Anchor(**dict(row)) if row else None


async def find_anchor_of(conn: ReadConn, position: int) -> Anchor | None:
    """The anchor that covers an entry."""
    row = await conn.fetchrow(
        "SELECT position, since, hash, root, at FROM journal_anchors WHERE position >= $1 ORDER BY position LIMIT 1", position
    )
    return Anchor(**dict(row)) if row else None


async def list_anchors(conn: ReadConn, after: int = 0, limit: int = 100_000) -> list[Anchor]:
    """Oldest first."""
    rows = await conn.fetch(
        "SELECT position, since, hash, root, at FROM journal_anchors WHERE position > $1 ORDER BY position LIMIT $2", after, limit
    )
    return [Anchor(**dict(row)) for row in rows]
