"""SQL of stored detectors: those that a network has trained or installed, and which one it uses."""

from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """That this version is used from then on. `version` None: the packaged detector."""

    id: int
    version: str | None
    why: str
    chosen_at: datetime


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """A stored detector, without its numbers. `header` is JSON."""

    version: str
    header: str
    size: int
    installed_at: datetime


async def find_choice(conn: ReadConn) -> Choice | None:
    """The newest choice; None: nobody has ever chosen."""
    row = await conn.fetchrow("SELECT id, version, why, chosen_at FROM detector_choices ORDER BY id DESC LIMIT 1")
    return Choice(**dict(row)) if row else None


async def list_choices(conn: ReadConn, limit: int = 20) -> list[Choice]:
    """The newest first."""
    rows = await conn.fetch("SELECT id, version, why, chosen_at FROM detector_choices ORDER BY id DESC LIMIT $1", limit)
    return [Choice(**dict(row)) for row in rows]


async def insert_choice(tx: WriteTx, choice: Choice) -> None:
    await tx.execute(
        "INSERT INTO detector_choices (id, version, why, chosen_at) VALUES ($1, $2, $3, $4)",
        choice.id, choice.version, choice.why, choice.chosen_at,
    )


async def lock_choices(tx: WriteTx) -> None:
    """Makes concurrent switches wait for each other; reading goes on."""
    await tx.execute("LOCK TABLE detector_choices IN SHARE ROW EXCLUSIVE MODE")


async def insert_detector(tx: WriteTx, version: str, header: str, file: bytes, at: datetime) -> bool:
    """False if this version is stored already."""
    return bool(await tx.fetchval(
        "INSERT INTO detectors (version, header, file, installed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true",
        version, header, file, at,
    ))


async def find_file(conn: ReadConn, version: str) -> bytes | None:
    content: bytes | None = await conn.fetchval("SELECT file FROM detectors WHERE version = $1", version)
    return content


async def find_header(conn: ReadConn, version: str) -> str | None:
    header: str | None = await conn.fetchval("SELECT header FROM detectors WHERE version = $1", version)
    return header


async def list_installed(conn: ReadConn, limit: int = 100) -> list[Installed]:
    """The newest first."""
    rows = await conn.fetch(
        "SELECT version, header, octet_length(file) AS size, installed_at FROM detectors ORDER BY installed_at DESC, version LIMIT $1",
        limit,
    )
    return [Installed(**dict(row)) for row in rows]


async def delete_oldest(tx: WriteTx, kept: int) -> list[str]:
    """Deletes all but the newest ones, without the one in use; returns the deleted versions."""
    rows = await tx.fetch(
        """
        DELETE FROM detectors WHERE version NOT IN (SELECT version FROM detectors ORDER BY installed_at DESC, version LIMIT $1)
            AND version IS DISTINCT FROM (SELECT version FROM detector_choices ORDER BY id DESC LIMIT 1)
        RETURNING version
        """,
        kept,
    )
    return [row["version"] for row in rows]
