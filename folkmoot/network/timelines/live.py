"""New posts for somebody who is reading right now.

Each process hears of every new post once, whatever the number of followers; a feed listens for the authors that its
reader follows. What a reader would not find in the home is not announced: mutes, blocks and the visibility rule are
asked in the database before an announcement. A slow reader's queue drops and asks it to look again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.paging import Page
from folkmoot.network.posts.model import PostCreated
from folkmoot.network.timelines.jobs import author_topic, relations_topic
from folkmoot.network.timelines.model import Entry
from folkmoot.network.timelines.queries import get_home, list_followed_ids

_LONGEST_QUEUE = 100
_GATHER = 0.25  # seconds: a burst of posts is asked for once


class HomeFeed:
    """The new entries of one home. Use through `home_feed`."""

    def __init__(self, database: Database, viewer_id: int) -> None:
        self._database = database
        self._viewer_id = viewer_id
        self._waiting: set[int] = set()
        self._something = asyncio.Event()
        self._stops: list[Callable[[], None]] = []

    async def listen(self) -> None:
        """Hears the authors that are followed now; called again when the relations change."""
        self.stop()
        async with self._database.read() as conn:
            followed = await list_followed_ids(conn, self._viewer_id)
        subscribe = self._database.live.subscribe
        self._stops = [subscribe(author_topic(id_), self._hear) for id_ in (*followed, self._viewer_id)]
        self._stops.append(subscribe(relations_topic(self._viewer_id), self._relations_changed))

    def stop(self) -> None:
        for stop in self._stops:
            stop()
        self._stops = []

    async def next_entries(self, wait: float) -> list[Entry]:
        """The entries that came, newest first; none when nothing came within `wait` seconds."""
        try:
            async with asyncio.timeout(wait):
                await self._something.wait()
        except TimeoutError:
            return []
        await asyncio.sleep(_GATHER)
        self._something.clear()
        waiting, self._waiting = self._waiting, set()
        if not waiting:  # the relations changed
            await self.listen()
            return []
        async with self._database.read() as conn:
            home = await get_home(conn, self._viewer_id, Page(limit=_LONGEST_QUEUE, since_id=min(waiting) - 1))
        return [entry for entry in home.entries if entry.id in waiting]

    def _hear(self, body: bytes) -> None:
        if len(self._waiting) < _LONGEST_QUEUE:
            self._waiting.add(msgspec.json.decode(body, type=PostCreated).post_id)
            self._something.set()

    def _relations_changed(self, _body: bytes) -> None:
        self._waiting.clear()
        self._something.set()


@asynccontextmanager
async def home_feed(database: Database, viewer_id: int) -> AsyncIterator[HomeFeed]:
    feed = HomeFeed(database, viewer_id)
    try:
        await feed.listen()
        yield feed
    finally:
        feed.stop()
