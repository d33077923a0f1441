"""Event subscribers of relations. `app.py` registers them."""

from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import AccountUnlocked
from folkmoot.network.relations import queries
from folkmoot.network.relations.actions import accept_if_unlocked

_BATCH = 100


async def accept_waiting(database: Database, event: AccountUnlocked) -> None:
    """Accepts all follow requests to an account that was unlocked, one per transaction; stops if it is locked again."""
    after = 0
    while True:
        async with database.read() as conn:
            waiting = await queries.list_requesters_unscoped(conn, event.account_id, after, _BATCH)
        for row_id, requester_id in waiting:
            after = row_id
            try:
                async with database.write() as tx:
                    if not await accept_if_unlocked(tx, event.account_id, requester_id):
                        return
            except NotFound:  # deleted or suspended meanwhile
                continue
        if len(waiting) < _BATCH:
            return
