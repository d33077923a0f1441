"""What detection hears of: each new or edited post, at once after it appeared. `app.py` subscribes these."""

from folkmoot.base.db import Database
from folkmoot.moderation.detection import queries
from folkmoot.moderation.detection.actions import Loader, raise_signal
from folkmoot.network.posts.model import PostCreated, PostEdited


class Examiner:
    """Examines posts with one detector, which is loaded when the first post comes."""

    def __init__(self, load: Loader) -> None:
        self._load = load

    async def examine_created(self, database: Database, event: PostCreated) -> None:
        if event.boost_of_id is None:
            await self._examine(database, event.post_id)

    async def examine_edited(self, database: Database, event: PostEdited) -> None:
        await self._examine(database, event.post_id)

    async def _examine(self, database: Database, post_id: int) -> None:
        async with database.read() as conn:
            words = await queries.find_words(conn, post_id)
        if words is None or not words.text:
            return
        finding = self._load().score([words.text], [words.language])[0]
        if finding.queue or finding.hide:
            async with database.write() as tx:
                await raise_signal(tx, words, finding)
