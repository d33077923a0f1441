"""Asks the reader about posts that the detector leaves open, in the background.

The detector only notes such posts, in the transaction of its batch; a timed job asks, a few at a time. So a slow reader,
or one that is down, delays nothing. What is a day old is not asked about any more. The same words are asked about once, so that a
flood of them does not use up the requests of a day.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.http_client import Connect, Resolve
from folkmoot.config import DetectorSettings
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection import queries
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.detection.pauses import Part, Why, begin_pause, end_pause
from folkmoot.moderation.detection.queries.readers import OpenRequest
from folkmoot.moderation.detection.reader import ReaderAccess, ReaderFailed, ask_reader

_DAY = timedelta(days=1)
_AGAIN = timedelta(minutes=10)  # after a failure, or after a worker that ended meanwhile
_MOST_ATTEMPTS = 3
_MOST_REMEMBERED = 1000  # answers, in the memory of a worker
log = logging.getLogger(__name__)


def access_of(settings: DetectorSettings) -> ReaderAccess | None:
    """None: there is no reader."""
    if not settings.reader_url:
        return None
    return ReaderAccess(url=settings.reader_url, model=settings.reader_model, key=settings.reader_key, seconds=settings.reader_seconds)


class Asking:
    """Notes open posts, and asks about them."""

    def __init__(self, settings: DetectorSettings, *, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
        self._settings = settings
        self._access = access_of(settings)
        self._resolve, self._connect = resolve, connect
        self._answers: dict[tuple[str, str], Finding] = {}  # by text and version of the policy, the newest last

    def is_open(self, text: ExaminedText, finding: Finding) -> bool:
        """Whether the reader is to be asked: about public posts only, between certainly harmless and hidden."""
        return self._access is not None and text.is_public and not finding.hide and finding.score >= self._settings.reader_from

    async def note(self, tx: WriteTx, found: Sequence[tuple[ExaminedText, Finding]]) -> None:
        """Notes the posts that are open."""
        posts = [(text.subject_id, text.edited_at, finding.score) for text, finding in found if self.is_open(text, finding)]
        if posts:
            await queries.upsert_requests(tx, posts, clock.now())

    async def ask_waiting(self, database: Database) -> int:
        """Asks about what waits, as far as the daily limit allows; returns the number of answers. Timed."""
        if self._access is None:
            return 0
        answered = 0
        while requests := await self._take(database):
            answers = await asyncio.gather(*(self._ask(database, self._access, request) for request in requests))
            answered += sum(answers)
            await self._note(database, is_away=not any(answers))
            if not all(answers):
                break  # it may be down: the next run tries again
        return answered

    async def _note(self, database: Database, *, is_away: bool) -> None:
        """That the reader does not answer, from the first failure to the first answer."""
        async with database.write() as tx:
            if is_away:
                await begin_pause(tx, Part.READER, Why.FAILING, clock.now())
            else:
                await end_pause(tx, Part.READER, Why.FAILING)

    async def _take(self, database: Database) -> list[OpenRequest]:
        now = clock.now()
        async with database.write() as tx:
            await queries.delete_requests(tx, now - _DAY)
            left = self._settings.reader_posts_a_day - await queries.count_asked(tx, now - _DAY)
            wanted = min(left, self._settings.reader_at_once)
            return await queries.take_requests(tx, wanted, _MOST_ATTEMPTS, now - _AGAIN, now) if wanted > 0 else []

    async def _ask(self, database: Database, access: ReaderAccess, request: OpenRequest) -> bool:
        """False if the reader failed. A post that is no longer public, or has changed, is not sent, and known words are not sent again."""
        async with database.read() as conn:
            texts = await queries.list_post_texts_unscoped(conn, [request.post_id])
        texts = [text for text in texts if text.is_public and text.edited_at == request.edited_at and text.text]
        finding, was_sent = None, False
        if texts:
            known = (texts[0].key, current().version)
            try:
                finding = self._answers.get(known)
                if finding is None:
                    finding, was_sent = await ask_reader(access, texts[0].text, resolve=self._resolve, connect=self._connect), True
            except ReaderFailed as error:
                log.warning("the reader failed: %s", error)
                return False
            self._remember(known, finding)
        async with database.write() as tx:
            await queries.update_answered(tx, request, clock.now(), was_sent=was_sent)
            if finding and finding.queue:
                await raise_signal(tx, texts[0], finding)
        return True

    def _remember(self, known: tuple[str, str], finding: Finding) -> None:
        self._answers.pop(known, None)
        self._answers[known] = finding
        if len(self._answers) > _MOST_REMEMBERED:
            del self._answers[next(iter(self._answers))]
