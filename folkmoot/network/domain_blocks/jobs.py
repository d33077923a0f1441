"""Ends follows after a block. `app.py` registers it."""

from folkmoot.base.db import Database
from folkmoot.base.errors import Forbidden, NotFound
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.domain_blocks import queries
from folkmoot.network.domain_blocks.model import DomainBlocked
from folkmoot.network.relations.actions import end_connections

_BATCH = 100


async def end_follows(database: Database, event: DomainBlocked) -> None:
    """Ends follows and requests between a member and the accounts of a blocked domain, one account per transaction; stops if the domain
    was unblocked."""
    while True:
        async with database.read() as conn:
            connected = await queries.list_connected_unscoped(conn, event.account_id, event.domain, _BATCH)
        for other_id in connected:
            try:
                async with database.write() as tx:
                    await end_connections(tx, await get_account(tx, event.account_id), other_id)
            except NotFound:  # deleted meanwhile
                continue
            except Forbidden:  # the member was suspended: the home rule hides the domain until then
                return
        if len(connected) < _BATCH:
            return
