"""One hub per process: it receives each new or edited post once and selects, with one statement, the listeners that get it.

A listener gets only posts that its viewer may see and wants: the statement checks visibility, mutes and blocks for all
listeners together. It runs in a task of the hub, so a listener that is cancelled at any moment does not affect the
others. The queue of a slow listener is replaced by `LookAgain`; `resync` sends it to all listeners after messages may
have been lost. Delivery is not guaranteed: clients that need certainty must also read the database. That a log-in has ended
is therefore also looked up, each second for all listeners together.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.moderation.clauses.model import PUBLISHED_TOPIC, REACTIONS_TOPIC, PublishedPolicy, ReactionCounted
from folkmoot.moderation.clauses.published import news
from folkmoot.network.barriers.shut_out import ShutOut
from folkmoot.network.conversations.model import TOPICS as CONVERSATION_TOPICS
from folkmoot.network.filters.model import TOPICS as FILTER_TOPICS
from folkmoot.network.notifications.model import TOPICS as NOTIFICATION_TOPICS
from folkmoot.network.posts.actions import WITHDRAWN_TOPIC
from folkmoot.network.posts.events import Withdrawn
from folkmoot.network.sessions.model import LOGIN_TOPICS
from folkmoot.network.timelines.model import EDITED_POSTS_TOPIC, NEW_POSTS_TOPIC, NewPost, StreamedPost
from folkmoot.network.timelines.queries.recipients import list_recipients_unscoped, list_withdrawal_recipients_unscoped
from folkmoot.streaming.log_ins import LogIn, list_ended, list_shut_out
from folkmoot.streaming.model import (
    AddressShutOut,
    ConversationHeard,
    FiltersChanged,
    Heard,
    LoginChanged,
    LookAgain,
    NoticeHeard,
    PostChanged,
    PostHeard,
    PostWithdrawn,
    ReactionHeard,
    RulesEnded,
    RulesHeard,
    Topic,
)

GATHER_SECONDS = 0.02  # posts within this time share one statement
LONGEST_GATHER = 0.25  # on a busy network
_WORKING_SHARE = 3  # the hub waits twice as long as it has worked: more posts then share a statement, and others have the processor
WATCH_SECONDS = 1.0  # between looks for log-ins that have ended
RETRY_SECONDS = 1.0
MOST_WAITING = 1000  # posts, or withdrawals, that wait for the statement
MOST_ANNOUNCED = 1000  # posts that are remembered, because a job that runs twice publishes twice
LONGEST_QUEUE = 200  # of one listener

T = TypeVar("T")
_decode = msgspec.json.decode
log = logging.getLogger(__name__)
# What a member's listeners hear of the messages of a family of topics.
_OF_MEMBER: dict[str, Callable[[bytes], Heard]] = {
    NOTIFICATION_TOPICS: lambda body: NoticeHeard(_decode(body, type=int)),
    CONVERSATION_TOPICS: lambda body: ConversationHeard(_decode(body, type=int)),
    FILTER_TOPICS: lambda body: FiltersChanged(_decode(body, type=int)),
    LOGIN_TOPICS: lambda _body: LoginChanged(),
}


class Listener:
    """One stream or open page. Created by `Hub.listen`. `topics` may be replaced at any time.

    It waits for a future, because an event and a time limit of asyncio take 2 KB more, in each of thousands of streams.
    """

    __slots__ = ("_queue", "_waiting", "log_in", "topics", "viewer_id")

    def __init__(self, viewer_id: int | None, topics: Collection[Topic], log_in: LogIn | None = None) -> None:
        self.viewer_id = viewer_id
        self.log_in = log_in
        self.topics = frozenset(topics)
        self._queue: list[Heard] = []
        self._waiting: asyncio.Future[None] | None = None

    async def next(self, wait: float) -> list[Heard]:
        """The new items in order; an empty list after `wait` seconds. A cancelled call loses nothing: the next one returns it."""
        if not self._queue:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            timer = loop.call_later(wait, self._wake)
            try:
                await self._waiting
            finally:
                self._waiting = None
                timer.cancel()
        heard, self._queue = self._queue, []
        return heard

    def tell(self, heard: Heard) -> None:
        self._queue.append(heard)
        if len(self._queue) > LONGEST_QUEUE:  # only what may end the listener is kept
            self._queue = [*(one for one in (LoginChanged(), AddressShutOut()) if one in self._queue), LookAgain()]
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Hub:
    """The listeners of one process. Without listeners it runs no task and no statement."""

    def __init__(self, database: Database, shut_out: ShutOut | None = None) -> None:
        self._database = database
        self._shut_out = shut_out
        self._listeners: set[Listener] = set()
        self._of_member: defaultdict[int | None, list[Listener]] = defaultdict(list)
        self._posts: dict[int, None] = {}
        self._edited: dict[int, None] = {}
        self._withdrawn: dict[int, Withdrawn] = {}
        self._announced: dict[int, None] = {}
        self._news: PublishedPolicy | None = None
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribes: list[Callable[[], None]] = []

    @contextmanager
    def listen(self, viewer_id: int | None, topics: Collection[Topic], log_in: LogIn | None = None) -> Iterator[Listener]:
        """A listener while the block runs. With a viewer it also gets notifications, conversations, and changes of filters and the
        log-in; with `log_in` it hears of its end even if no message says so."""
        listener = Listener(viewer_id, topics, log_in)
        self._listeners.add(listener)
        self._of_member[viewer_id].append(listener)
        self._start()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            self._of_member[viewer_id].remove(listener)
            if not self._of_member[viewer_id]:
                del self._of_member[viewer_id]
            if not self._listeners:
                self._stop()

    def resync(self) -> None:
        """Sends LookAgain to every listener: messages may have been lost."""
        for listener in self._listeners:
            listener.tell(LookAgain())

    def _start(self) -> None:
        if not self._tasks:
            live = self._database.live
            self._unsubscribes = [
                live.subscribe(NEW_POSTS_TOPIC, self._hear_post), live.subscribe(EDITED_POSTS_TOPIC, self._hear_edited),
                live.subscribe(WITHDRAWN_TOPIC, self._hear_withdrawn),
                *(live.subscribe_to_all(topics, partial(self._tell_member, heard_of)) for topics, heard_of in _OF_MEMBER.items()),
                live.subscribe(REACTIONS_TOPIC, lambda body: self._tell_members(ReactionHeard(_decode(body, type=ReactionCounted)))),
                live.subscribe(PUBLISHED_TOPIC, lambda body: self._tell_members(RulesHeard(_decode(body, type=str)))),
                live.on_gap(self.resync),
            ]
            self._news = news()
            self._tasks = [asyncio.create_task(self._run(), name="hub"), asyncio.create_task(self._watch_log_ins(), name="log-ins")]

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        for unsubscribe in self._unsubscribes:
            unsubscribe()
        self._unsubscribes, self._posts, self._edited, self._withdrawn = [], {}, {}, {}

    def _hear_post(self, body: bytes) -> None:
        self._enqueue(self._posts, _decode(body, type=NewPost).post_id, None)

    def _hear_edited(self, body: bytes) -> None:
        self._enqueue(self._edited, _decode(body, type=NewPost).post_id, None)

    def _hear_withdrawn(self, body: bytes) -> None:
        withdrawn = _decode(body, type=Withdrawn)
        self._enqueue(self._withdrawn, withdrawn.post_id, withdrawn)

    def _tell_member(self, heard_of: Callable[[bytes], Heard], member: str, body: bytes) -> None:
        for listener in self._of_member.get(int(member), ()):
            listener.tell(heard_of(body))

    def _tell_members(self, heard: Heard) -> None:
        for listener in self._listeners:
            if listener.viewer_id is not None:
                listener.tell(heard)

    def _enqueue(self, waiting: dict[int, T], key: int, value: T) -> None:
        if len(waiting) >= MOST_WAITING:
            waiting.clear()
            self.resync()
        waiting[key] = value
        self._wake.set()

    async def _watch_log_ins(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                self._look_at_rules()
                await self._end_log_ins({listener.log_in for listener in self._listeners if listener.log_in})
            except Unavailable:
                log.debug("log-ins of open streams could not be checked; the next look is in a second")
            except Exception:  # it must not be the last look
                log.exception("log-ins of open streams could not be checked")

    def _look_at_rules(self) -> None:
        """Says that rules are new no longer when the time of their announcement is over. Newer ones end it with their own message."""
        known, self._news = self._news, news()
        if known and not self._news:
            self._tell_members(RulesEnded(known.version, known.in_force_at))

    async def _end_log_ins(self, log_ins: set[LogIn]) -> None:
        if not log_ins:
            return
        ended = await list_ended(self._database, log_ins)
        shut_out = await list_shut_out(self._shut_out, log_ins) if self._shut_out else set()
        for listener in self._listeners:
            if listener.log_in in ended:
                listener.tell(LoginChanged())
            if listener.log_in in shut_out:
                listener.tell(AddressShutOut())

    async def _run(self) -> None:
        wait, ended = 0.0, clock.monotonic()
        while True:
            await self._wake.wait()
            await asyncio.sleep(max(GATHER_SECONDS, wait - (clock.monotonic() - ended)))  # what comes after a pause has waited already
            self._wake.clear()
            began = clock.monotonic()
            posts, edited, withdrawn = list(self._posts), list(self._edited), list(self._withdrawn.values())
            new = [id_ for id_ in posts if id_ not in self._announced]
            try:
                await self._announce_withdrawn(withdrawn)
                await self._announce_posts(new, [id_ for id_ in edited if id_ not in new])
            except Unavailable:  # the database does not answer: posts stay queued
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()
                continue
            except Exception:  # a failing statement must not end all streams
                log.exception("new posts could not be announced; streams read the database again")
                self.resync()
            for id_ in posts:
                self._posts.pop(id_, None)
                self._remember(id_)
            for id_ in edited:
                self._edited.pop(id_, None)
            for one in withdrawn:
                self._withdrawn.pop(one.post_id, None)
            ended = clock.monotonic()
            wait = min(LONGEST_GATHER, (_WORKING_SHARE - 1) * (ended - began))

    async def _announce_posts(self, new: list[int], edited: list[int]) -> None:
        listeners = list(self._listeners)
        wanted = {(listener.viewer_id, topic.feed, topic.list_id) for listener in listeners for topic in listener.topics}
        if not (new or edited) or not wanted:
            return
        async with self._database.read() as conn:
            recipients = await list_recipients_unscoped(conn, [*new, *edited], wanted)
        for listener in listeners:
            for topic in listener.topics:
                for post in recipients.get((listener.viewer_id, topic.feed, topic.list_id), ()):
                    if _belongs(post, topic):
                        listener.tell((PostHeard if post.entry.id in new else PostChanged)(topic, post.entry, post.is_direct))

    async def _announce_withdrawn(self, withdrawn: list[Withdrawn]) -> None:
        if not withdrawn:
            return
        async with self._database.read() as conn:
            recipients = await list_withdrawal_recipients_unscoped(conn, withdrawn, list(self._of_member))
        for viewer_id, post_ids in recipients.items():
            for listener in self._of_member.get(viewer_id, ()):  # some have left meanwhile
                for post_id in post_ids:
                    listener.tell(PostWithdrawn(post_id))

    def _remember(self, post_id: int) -> None:
        self._announced[post_id] = None
        if len(self._announced) > MOST_ANNOUNCED:
            del self._announced[next(iter(self._announced))]


def _belongs(post: StreamedPost, topic: Topic) -> bool:
    """Whether a post of the topic's feed is one of the topic."""
    return (not topic.hashtag or topic.hashtag in post.hashtags) and (post.has_media or not topic.only_media)
