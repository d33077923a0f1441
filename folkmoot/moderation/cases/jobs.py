"""What cases hear of. `app.py` subscribes these."""

from folkmoot.base.db import Database
from folkmoot.moderation.cases import actions
from folkmoot.network.posts.model import PostDeleted


async def withdraw_deleted(database: Database, event: PostDeleted) -> None:
    async with database.write() as tx:
        await actions.withdraw_cases(tx, event.post_id)
