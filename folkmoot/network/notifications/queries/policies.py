"""The policies of members."""

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.notifications.model import Policy, Treatment

_FIELDS = Policy.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)


async def get_policy(conn: ReadConn, account_id: int) -> Policy:
    """The policy of a member; the default one, which accepts everything, if none is stored."""
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM notification_policies WHERE account_id = $1", account_id)
    return Policy(**{name: Treatment(row[name]) for name in _FIELDS}) if row else Policy()


async def lock_policy(tx: WriteTx, account_id: int) -> Policy:
    """Stores the default policy if there is none, and locks it: changes of one member wait for each other."""
    await tx.execute(
        f"INSERT INTO notification_policies (account_id, {_COLUMNS}) VALUES ($1{f', {Treatment.ACCEPT:d}' * len(_FIELDS)})"
        " ON CONFLICT DO NOTHING",
        account_id,
    )
    await tx.execute("SELECT FROM notification_policies WHERE account_id = $1 FOR UPDATE", account_id)
    return await get_policy(tx, account_id)


async def update_policy(tx: WriteTx, account_id: int, policy: Policy) -> None:
    values = ", ".join(f"{name} = ${number}" for number, name in enumerate(_FIELDS, start=2))
    await tx.execute(
        f"UPDATE notification_policies SET {values} WHERE account_id = $1", account_id, *map(int, msgspec.structs.astuple(policy))
    )


async def delete_policy(tx: WriteTx, account_id: int) -> None:
    await tx.execute("DELETE FROM notification_policies WHERE account_id = $1", account_id)
