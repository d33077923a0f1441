"""What detection hears of: each new or edited post and profile, at once after it appeared. `app.py` subscribes these.

Texts that come together are read by one statement and scored by one call, off the event loop: half the cost of one by
one when a network is busy, and a hundredth of a second later when it is not.
"""

import asyncio

from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.detection import queries
from folkmoot.moderation.detection.actions import Loader, raise_signal
from folkmoot.moderation.detection.model import Finding, Words
from folkmoot.network.accounts.model import AccountCreated, AccountUpdated
from folkmoot.network.posts.model import PostCreated, PostEdited

_GATHER = 0.01  # seconds
_MOST = 64  # texts to a call


_Key = tuple[Subject, int]


class Examiner:
    """Examines posts and profiles with one detector, which is loaded when the first one comes."""

    def __init__(self, load: Loader) -> None:
        self._load = load
        self._waiting: dict[_Key, asyncio.Future[None]] = {}
        self._run: asyncio.Task[None] | None = None

    async def examine_created(self, database: Database, event: PostCreated) -> None:
        if event.boost_of_id is None:
            await self._examine(database, (Subject.POST, event.post_id))

    async def examine_edited(self, database: Database, event: PostEdited) -> None:
        await self._examine(database, (Subject.POST, event.post_id))

    async def examine_new_profile(self, database: Database, event: AccountCreated) -> None:
        await self._examine(database, (Subject.ACCOUNT, event.account_id))

    async def examine_changed_profile(self, database: Database, event: AccountUpdated) -> None:
        await self._examine(database, (Subject.ACCOUNT, event.account_id))

    async def _examine(self, database: Database, key: _Key) -> None:
        """Waits until the post or profile has been examined. Raises what went wrong, and is then tried again."""
        loop = asyncio.get_running_loop()
        done = self._waiting.setdefault(key, loop.create_future())
        if self._run is None or self._run.done():
            self._run = loop.create_task(self._examine_waiting(database), name="examine")
        await asyncio.shield(done)

    async def _examine_waiting(self, database: Database) -> None:
        await asyncio.sleep(_GATHER)
        while self._waiting:
            batch = {key: self._waiting.pop(key) for key in list(self._waiting)[:_MOST]}
            try:
                await self._examine_batch(database, list(batch))
            except Exception as error:
                for done in batch.values():
                    done.set_exception(error)
                    done.exception()  # whoever asked hears of it; who went away meanwhile need not
            else:
                for done in batch.values():
                    done.set_result(None)

    async def _examine_batch(self, database: Database, batch: list[_Key]) -> None:
        posts, accounts = ([id_ for of, id_ in batch if of is subject] for subject in (Subject.POST, Subject.ACCOUNT))
        async with database.read() as conn:
            words = [found for found in await queries.list_words_unscoped(conn, posts) if found.text] if posts else []
            words += await queries.list_profiles_unscoped(conn, accounts) if accounts else []
        if not words:
            return
        for found, finding in zip(words, await asyncio.to_thread(self._score, words), strict=True):
            if finding.queue or finding.hide:
                async with database.write() as tx:
                    await raise_signal(tx, found, finding)

    def _score(self, words: list[Words]) -> list[Finding]:
        return self._load().score([found.text for found in words], [found.language for found in words])
