"""Subscribers of detection: they examine each new or edited post and profile at once. `moderation/assembly.py` subscribes them.

Texts that arrive together are read by one statement and scored by one call, off the event loop: half the cost of single
calls on a busy network. The lists and the rules examine the texts that were read here (`texts.py`).
"""

import asyncio

from folkmoot.base.db import Database
from folkmoot.base.gathering import Gathering
from folkmoot.base.queue.faults import is_database_fault
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.moderation.detection import queries
from folkmoot.moderation.detection.actions import Loader, Refresh, raise_signal
from folkmoot.moderation.detection.asking import Asking
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.detection.pauses import Failures
from folkmoot.moderation.detection.texts import NewTexts, Wanted
from folkmoot.network.accounts.model import AccountCreated, AccountUpdated
from folkmoot.network.posts.events import PostCreated, PostEdited

_Key = Wanted | int  # a post, or the account of a profile


class Examiner:
    """Examines posts and profiles with the detector of the network. `refresh` brings it up to date before each batch; `asking`
    notes the posts that a reader is to be asked about; `texts` are shared with others who examine posts."""

    def __init__(
        self, load: Loader, refresh: Refresh | None = None, asking: Asking | None = None, texts: NewTexts | None = None
    ) -> None:
        self._texts = texts or NewTexts()
        self._load = load
        self._refresh = refresh
        self._asking = asking
        self._failures = Failures()
        self._gathering = Gathering(self._examine_batch)

    def subscribe(self, heard: Subscriptions) -> None:
        heard.on(PostCreated, self.examine_created)
        heard.on(PostEdited, self.examine_edited)
        heard.on(AccountCreated, self.examine_new_profile)
        heard.on(AccountUpdated, self.examine_changed_profile)

    async def examine_created(self, database: Database, event: PostCreated) -> None:
        if event.boost_of_id is None:
            await self._examine(database, Wanted(event.post_id))

    async def examine_edited(self, database: Database, event: PostEdited) -> None:
        await self._examine(database, Wanted(event.post_id, is_edited=True))

    async def examine_new_profile(self, database: Database, event: AccountCreated) -> None:
        await self._examine(database, event.account_id)

    async def examine_changed_profile(self, database: Database, event: AccountUpdated) -> None:
        await self._examine(database, event.account_id)

    async def _examine(self, database: Database, key: _Key) -> None:
        """Waits until the post or profile has been examined. Raises the error of the batch; the delivery is then retried."""
        await self._gathering.add(database, key)

    async def _examine_batch(self, database: Database, batch: list[_Key]) -> None:
        try:
            has_examined = await self._examine_texts(database, batch)
        except Exception as error:
            if not is_database_fault(error):
                await self._failures.note_failure(database)
            raise
        if has_examined:
            await self._failures.note_success(database)

    async def _examine_texts(self, database: Database, batch: list[_Key]) -> bool:
        """False if there was nothing to examine: deleted meanwhile, or without words."""
        posts = [one for one in batch if isinstance(one, Wanted)]
        accounts = [one for one in batch if isinstance(one, int)]
        async with database.read() as conn:
            texts = [found for found in await self._texts.read(conn, posts) if found.text]
            texts += await queries.list_profile_texts_unscoped(conn, accounts) if accounts else []
            if texts and self._refresh:
                await self._refresh(conn)
        if not texts:
            return False
        scored = list(zip(texts, await asyncio.to_thread(self._score, texts), strict=True))
        for found, finding in scored:
            if finding.queue or finding.hide:
                async with database.write() as tx:
                    await raise_signal(tx, found, finding)
        asking = self._asking
        if asking and any(asking.is_open(found, finding) for found, finding in scored):
            async with database.write() as tx:
                await asking.note(tx, scored)
        return True

    def _score(self, texts: list[ExaminedText]) -> list[Finding]:
        return self._load().score([found.text for found in texts], [found.language for found in texts])
