"""What reports hear of. `app.py` subscribes these."""

from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import CaseWithdrawn
from folkmoot.moderation.reports.actions import tell_outcome


async def tell_withdrawn(database: Database, event: CaseWithdrawn) -> None:
    async with database.write() as tx:
        await tell_outcome(tx, event.case_id)
