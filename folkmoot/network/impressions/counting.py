"""Counts in memory which posts a web process delivers in timelines to members, and stores the counts once a minute.

A view is the delivery of a post in a page of a timeline to somebody who is logged in. Whoever is not logged in is not counted: such
readers cannot be told from programs. So that nobody can make a post look frequent by loading it again and again, each process counts
only the first pages of a member on each day. Counts that cannot be stored are dropped: on a standby, and while the database does not
answer (decision 0109).
"""

import asyncio
import logging
from collections.abc import Iterable

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable, WritesPaused
from folkmoot.network.impressions.queries import add_impressions

PAGES_A_DAY = 500  # of one member, per process
SECONDS = 60.0  # between two writes
_ANSWER_SECONDS = 5.0  # of a database that does not answer; it must not delay the end of a process
log = logging.getLogger(__name__)


class Impressions:
    """The counts of one process since they were stored last."""

    def __init__(self) -> None:
        self._views: dict[int, int] = {}
        self._pages: dict[int, int] = {}  # by member, today
        self._today = -1

    def add(self, viewer_id: int | None, post_ids: Iterable[int]) -> None:
        """Counts a page. Called for each page of a timeline: it takes about two microseconds."""
        if viewer_id is None:
            return
        pages = self._pages.get(viewer_id, 0)
        if pages < PAGES_A_DAY:
            self._pages[viewer_id] = pages + 1
            views = self._views
            for post_id in post_ids:
                views[post_id] = views.get(post_id, 0) + 1

    def take(self) -> dict[int, int]:
        """The views of each post since the last call. A new day begins with the first call on it."""
        today = clock.now().toordinal()
        if today != self._today:
            self._today = today
            self._pages.clear()
        views, self._views = self._views, {}
        return views


class ImpressionWriter:
    """Stores the counts of this process once a minute, and at its end."""

    def __init__(self, database: Database, impressions: Impressions) -> None:
        self._database = database
        self._impressions = impressions
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run(), name="impressions")

    async def __aexit__(self, *_error: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.store()

    async def store(self) -> None:
        """Stores what was counted; drops it if the database does not take it."""
        views = self._impressions.take()
        if not views:
            return
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._database.cache() as cache:
                await add_impressions(cache, clock.now().date(), views)
        except (Unavailable, WritesPaused, TimeoutError) as error:
            log.debug("views were not stored: %r", error)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.store()
            except Exception:  # the next minute may succeed
                log.exception("views could not be stored")
