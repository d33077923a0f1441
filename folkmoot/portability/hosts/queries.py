"""SQL of the pairing: the replication slots of the other host."""

import asyncpg

from folkmoot.portability.hosts.peers import SLOTS


async def list_slots(connection: asyncpg.Connection) -> list[str]:
    """The replication slots of other hosts, also of removed ones."""
    rows = await connection.fetch("SELECT slot_name FROM pg_replication_slots WHERE starts_with(slot_name::text, $1) ORDER BY 1", SLOTS)
    return [row["slot_name"] for row in rows]


async def drop_slot(connection: asyncpg.Connection, name: str) -> None:
    """Ends the stream that uses a slot, and drops the slot. If the stream has not ended yet, the driver raises ObjectInUseError."""
    await connection.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active", name)
    await connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", name)


async def reload(connection: asyncpg.Connection) -> None:
    """The server reads its settings again."""
    await connection.execute("SELECT pg_reload_conf()")
