"""One hub per process: it hears of each new post once and asks one statement which of its listeners hear of it too.

What a listener may not see, or does not want, it does not hear of: visibility, mutes and blocks are asked in the
database for all listeners together. The hub asks in a task of its own, so a listener that leaves at any moment takes
nothing from the others. A slow listener's queue is emptied and asks it to look again; so does `resync`, after the
process may have missed messages. Nothing here is certain: whoever needs certainty reads the database.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.network.notifications.model import topic as notifications_topic
from folkmoot.network.posts.actions import WITHDRAWN_TOPIC
from folkmoot.network.posts.model import Withdrawn
from folkmoot.network.sessions.model import login_topic
from folkmoot.network.timelines.model import NEW_POSTS_TOPIC, NewPost
from folkmoot.network.timelines.queries.recipients import list_recipients_unscoped, list_withdrawal_recipients_unscoped
from folkmoot.streaming.model import Heard, LoginChanged, LookAgain, NoticeHeard, PostHeard, PostWithdrawn, Topic

GATHER_SECONDS = 0.25  # a burst of posts is asked for once
RETRY_SECONDS = 1.0
MOST_WAITING = 1000  # posts, or withdrawals, that wait for the database
MOST_TOLD = 1000  # posts that are remembered, because a job that runs twice announces twice
LONGEST_QUEUE = 200  # of one listener

T = TypeVar("T")
log = logging.getLogger(__name__)


class Listener:
    """One stream or open page. Made by `Hub.listen`."""

    def __init__(self, viewer_id: int | None, topics: Collection[Topic]) -> None:
        self.viewer_id = viewer_id
        self.topics = frozenset(topics)
        self._queue: list[Heard] = []
        self._something = asyncio.Event()

    async def next(self, wait: float) -> list[Heard]:
        """What was heard, in its order; nothing after `wait` seconds. What a cancelled call would have given, the next one gives."""
        try:
            async with asyncio.timeout(wait):
                await self._something.wait()
        except TimeoutError:
            return []
        self._something.clear()
        heard, self._queue = self._queue, []
        return heard

    def tell(self, heard: Heard) -> None:
        self._queue.append(heard)
        if len(self._queue) > LONGEST_QUEUE:  # that the session may be over is the one thing that is kept
            over = LoginChanged() in self._queue
            self._queue = [LoginChanged(), LookAgain()] if over else [LookAgain()]
        self._something.set()


class Hub:
    """The listeners of one process. Costs nothing while there are none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: set[Listener] = set()
        self._posts: dict[int, None] = {}
        self._withdrawn: dict[int, Withdrawn] = {}
        self._told: dict[int, None] = {}
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stops: list[Callable[[], None]] = []

    @contextmanager
    def listen(self, viewer_id: int | None, topics: Collection[Topic]) -> Iterator[Listener]:
        """A listener for as long as the block lasts. With a viewer it also hears of notifications and of the log-in."""
        listener = Listener(viewer_id, topics)
        subscribe = self._database.live.subscribe
        stops = []
        if viewer_id is not None:
            stops = [
                subscribe(notifications_topic(viewer_id), lambda body: listener.tell(NoticeHeard(msgspec.json.decode(body, type=int)))),
                subscribe(login_topic(viewer_id), lambda _body: listener.tell(LoginChanged())),
            ]
        self._listeners.add(listener)
        self._start()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            for stop in stops:
                stop()
            if not self._listeners:
                self._stop()

    def resync(self) -> None:
        """Asks every listener to look again: messages may have been lost."""
        for listener in self._listeners:
            listener.tell(LookAgain())

    def _start(self) -> None:
        if self._task is None:
            live = self._database.live
            self._stops = [
                live.subscribe(NEW_POSTS_TOPIC, self._hear_post), live.subscribe(WITHDRAWN_TOPIC, self._hear_withdrawn),
                live.on_gap(self.resync),
            ]
            self._task = asyncio.create_task(self._carry(), name="hub")

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for stop in self._stops:
            stop()
        self._stops, self._posts, self._withdrawn = [], {}, {}

    def _hear_post(self, body: bytes) -> None:
        self._wait_for(self._posts, msgspec.json.decode(body, type=NewPost).post_id, None)

    def _hear_withdrawn(self, body: bytes) -> None:
        withdrawn = msgspec.json.decode(body, type=Withdrawn)
        self._wait_for(self._withdrawn, withdrawn.post_id, withdrawn)

    def _wait_for(self, waiting: dict[int, T], key: int, value: T) -> None:
        if len(waiting) >= MOST_WAITING:
            waiting.clear()
            self.resync()
        waiting[key] = value
        self._something.set()

    async def _carry(self) -> None:
        while True:
            await self._something.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._something.clear()
            posts, withdrawn = list(self._posts), list(self._withdrawn.values())
            try:
                await self._tell_of_withdrawn(withdrawn)
                await self._tell_of_posts([id_ for id_ in posts if id_ not in self._told])
            except Unavailable:  # the database is away: what waits goes on waiting
                await asyncio.sleep(RETRY_SECONDS)
                self._something.set()
                continue
            except Exception:  # one statement that fails must not end the streams of everybody
                log.exception("new posts could not be announced; streams look again")
                self.resync()
            for id_ in posts:
                self._posts.pop(id_, None)
                self._remember(id_)
            for one in withdrawn:
                self._withdrawn.pop(one.post_id, None)

    async def _tell_of_posts(self, post_ids: list[int]) -> None:
        listeners = list(self._listeners)
        wanted = {(listener.viewer_id, topic.feed) for listener in listeners for topic in listener.topics}
        if not post_ids or not wanted:
            return
        async with self._database.read() as conn:
            recipients = await list_recipients_unscoped(conn, post_ids, wanted)
        for listener in listeners:
            for topic in listener.topics:
                for post in recipients.get((listener.viewer_id, topic.feed), ()):
                    if not topic.hashtag or topic.hashtag in post.hashtags:
                        listener.tell(PostHeard(topic, post.id))

    async def _tell_of_withdrawn(self, withdrawn: list[Withdrawn]) -> None:
        listeners = list(self._listeners)
        if not withdrawn:
            return
        async with self._database.read() as conn:
            recipients = await list_withdrawal_recipients_unscoped(conn, withdrawn, {listener.viewer_id for listener in listeners})
        for listener in listeners:
            for post_id in recipients.get(listener.viewer_id, ()):
                listener.tell(PostWithdrawn(post_id))

    def _remember(self, post_id: int) -> None:
        self._told[post_id] = None
        if len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]
