"""All SQL of contacts."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.contacts.model import Contact, Kind

_CONTACT = "id, kind, name, senders, key, registered_at, country, ended_at"


def _contact_from(row: Row) -> Contact:
    return Contact(**{**dict(row), "kind": Kind(row["kind"]), "senders": tuple(row["senders"])})


async def insert_contact(tx: WriteTx, contact: Contact) -> bool:
    """False if another contact has this key."""
    return bool(await tx.fetchval(
        f"INSERT INTO contacts ({_CONTACT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true",
        contact.id, contact.kind, contact.name, list(contact.senders), contact.key, contact.registered_at, contact.country,
        contact.ended_at,
    ))


async def update_ended(tx: WriteTx, contact_id: int, at: datetime) -> bool:
    """False for a contact that has ended, or does not exist."""
    return bool(await tx.execute("UPDATE contacts SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", contact_id, at))


async def list_contacts(conn: ReadConn) -> list[Contact]:
    """All that are registered now, in the order of their names. They are few."""
    rows = await conn.fetch(f"SELECT {_CONTACT} FROM contacts WHERE ended_at IS NULL ORDER BY name, id")
    return [_contact_from(row) for row in rows]


async def list_contacts_by_id(conn: ReadConn, ids: Sequence[int]) -> dict[int, Contact]:
    """Also those that have ended."""
    rows = await conn.fetch(f"SELECT {_CONTACT} FROM contacts WHERE id = ANY ($1::bigint[])", list(ids))
    return {row["id"]: _contact_from(row) for row in rows}


async def get_contact(conn: ReadConn, contact_id: int) -> Contact:
    """A contact that is registered now."""
    row = await conn.fetchrow(f"SELECT {_CONTACT} FROM contacts WHERE id = $1 AND ended_at IS NULL", contact_id)
    if row is None:
        raise NotFound
    return _contact_from(row)


async def find_contact_of_sender(conn: ReadConn, keys: Sequence[str]) -> Contact | None:
    """The contact for which one of these addresses and domains is registered; the address goes before the domain."""
    row = await conn.fetchrow(
        f"SELECT {_CONTACT} FROM contacts WHERE ended_at IS NULL AND senders && $1::text[]"
        " ORDER BY $2 = ANY (senders) DESC, id LIMIT 1",
        list(keys), keys[0],
    )
    return _contact_from(row) if row else None
