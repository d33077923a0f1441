"""Publish/subscribe between processes, on LISTEN/NOTIFY.

A NOTIFY inside a business transaction would hold a global lock until its commit is on disk, so messages are sent after
the commit, over one connection per process, several in one NOTIFY. Delivery is not guaranteed: a message is lost if its
process crashes, so code that needs certainty must also read the database. A lost connection is re-established, with
retries without end; listeners that may have missed messages are notified (`on_gap`). Only this module knows the
transport.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import asyncpg
import msgspec

from folkmoot.base.restarts import Restarts

CHANNEL = "folkmoot_live"
JOBS_CHANNEL = "folkmoot_jobs"  # a separate channel, so that only workers wake up for a job
JOBS_TOPIC = "jobs"
_GAP_TOPIC = "gap"  # some messages of a process were lost
_MAX_PAYLOAD = 7900  # bytes; PostgreSQL limits a payload to 8000
_MAX_QUEUED = 10_000  # messages queued while there is no connection; then the oldest are dropped
_MAX_BATCH = 1000
_BATCH_SECONDS = 0.02  # messages published within this time are sent in one NOTIFY
_HEARTBEAT_SECONDS = 15.0  # between checks of a connection that listens
_TIMEOUT_SECONDS = 10.0  # for an answer of the database
_MAX_RETRY_SECONDS = 5.0  # between attempts to connect

Listener = Callable[[bytes], None]
FamilyListener = Callable[[str, bytes], None]
T = TypeVar("T")
log = logging.getLogger(__name__)


class Message(msgspec.Struct, array_like=True):
    topic: str
    body: msgspec.Raw


class Live:
    """One per process. `publish` never blocks; listeners are called in the event loop of this process."""

    def __init__(self, dsn: str, restarts: Restarts | None = None) -> None:
        self._dsn = dsn
        self._restarts = restarts or Restarts()
        self._outgoing: deque[Message] = deque()
        self._has_dropped = False
        self._wake = asyncio.Event()
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._family_listeners: defaultdict[str, set[FamilyListener]] = defaultdict(set)
        self._gap_listeners: set[Callable[[], None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None
        self._listens = False
        self._had_connection = False
        self._is_standby = False

    @property
    def is_connected(self) -> bool:
        """Whether messages of other processes arrive. True on a standby and without `listen`, where none are expected."""
        return not self._listens or self._is_standby or (self._connection is not None and not self._connection.is_closed())

    def publish(self, topic: str, body: object) -> None:
        """Delivers to this process at once, and to the others shortly after."""
        message = Message(topic, msgspec.Raw(msgspec.json.encode(body)))
        if not self._is_repeated(message):
            self._enqueue(message)
        self._wake.set()
        self._deliver(message)

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Calls `listener` with the JSON of each message. The returned function ends the subscription."""
        return _added(self._listeners, topic, listener)

    def subscribe_to_all(self, family: str, listener: FamilyListener) -> Callable[[], None]:
        """As `subscribe`, for all topics `FAMILY:KEY`: calls `listener` with the key too."""
        return _added(self._family_listeners, family, listener)

    def on_gap(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls `listener` when messages may have been missed. The returned function ends the subscription."""
        self._gap_listeners.add(listener)
        return lambda: self._gap_listeners.discard(listener)

    async def start(self, *, listen: bool = True, must_answer: bool = True) -> None:
        """Without `listen` it connects only when there is a message to send. Raises if the database does not answer.

        Without `must_answer` it connects later instead; messages sent before count as missed.

        On a standby, which can neither listen nor notify, it waits for the promotion and then listens.
        """
        self._listens = listen
        if listen and must_answer:
            await self._connect()
        elif listen:
            self._had_connection = True
            self._wake.set()
        self._task = asyncio.create_task(self._run(), name="live")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(1):
                await self._send()
        except Exception as error:
            log.warning("%d live messages were not sent: %r", len(self._outgoing), error)
        if self._connection:
            self._connection.terminate()

    async def _run(self) -> None:
        """Sends queued messages and keeps the connection open, until `stop`."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(_MAX_RETRY_SECONDS if self._is_standby else _HEARTBEAT_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._send()
                failures = 0
            except Exception as error:
                failures += 1
                if failures == 1:
                    log.warning("live connection lost; reconnecting: %r", error)
                if self._connection:
                    self._connection.terminate()
                if self._restarts.is_announced:
                    failures = 0
                    await self._restarts.over()
                await asyncio.sleep(min(_MAX_RETRY_SECONDS, 0.05 * 2 ** min(failures, 10)))
                self._wake.set()
            else:
                await asyncio.sleep(_BATCH_SECONDS)

    async def _connect(self) -> None:
        settings = {"application_name": "folkmoot live", "synchronous_commit": "off"}  # a NOTIFY waits for no disk and no standby
        connection = await asyncpg.connect(self._dsn, timeout=_TIMEOUT_SECONDS, server_settings=settings)
        self._is_standby = connection.get_settings().in_hot_standby == "on"
        if self._is_standby:
            connection.terminate()
            self._outgoing.clear()  # no process can receive them
            self._had_connection = True  # messages between the promotion and the next attempt are missed
            return
        try:
            if self._listens:
                await connection.add_listener(CHANNEL, self._receive)
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(lambda _connection: self._wake.set())
        self._connection = connection
        if self._had_connection and self._listens:
            self._notify_gap()
        self._had_connection = True

    async def _send(self) -> None:
        """Sends queued messages, or a heartbeat if there are none. Messages that could not be sent stay queued."""
        if not (self._outgoing or self._listens):
            return
        if self._connection is None or self._connection.is_closed():
            await self._connect()
            if self._is_standby:
                return
        assert self._connection is not None
        if not self._outgoing:
            await self._connection.execute("SELECT 1", timeout=_TIMEOUT_SECONDS)
        if self._has_dropped:
            self._outgoing.append(Message(_GAP_TOPIC, msgspec.Raw(b"null")))
            self._has_dropped = False
        while self._outgoing:
            batch = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), _MAX_BATCH))]
            try:
                await self._notify(self._connection, batch)
            except BaseException:
                self._outgoing.extendleft(reversed(batch))
                raise

    async def _notify(self, connection: asyncpg.Connection, batch: list[Message]) -> None:
        if any(message.topic == JOBS_TOPIC for message in batch):
            await connection.execute("SELECT pg_notify($1, '')", JOBS_CHANNEL, timeout=_TIMEOUT_SECONDS)
        for payload in _pack([message for message in batch if message.topic != JOBS_TOPIC]):
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload, timeout=_TIMEOUT_SECONDS)

    def _enqueue(self, message: Message) -> None:
        self._outgoing.append(message)
        if len(self._outgoing) > _MAX_QUEUED:
            self._outgoing.popleft()
            self._has_dropped = True

    def _is_repeated(self, message: Message) -> bool:
        """Whether the same message is among the last few in the queue."""
        last = (self._outgoing[-position] for position in range(1, min(8, len(self._outgoing)) + 1))
        return any(waiting.topic == message.topic and bytes(waiting.body) == bytes(message.body) for waiting in last)

    def _receive(self, connection: asyncpg.Connection, pid: int, _channel: str, payload: object) -> None:
        if pid == connection.get_server_pid():
            return  # our own message: `publish` delivered it already
        for message in msgspec.json.decode(str(payload), type=list[Message]):
            if message.topic == _GAP_TOPIC:
                self._notify_gap()
            else:
                self._deliver(message)

    def _deliver(self, message: Message) -> None:
        body, (family, _, key) = bytes(message.body), message.topic.partition(":")
        calls = [partial(listener, body) for listener in self._listeners.get(message.topic, ())]
        for call in calls + [partial(listener, key, body) for listener in self._family_listeners.get(family, ())]:
            try:
                call()
            except Exception:
                log.exception("a listener of %s failed", message.topic)

    def _notify_gap(self) -> None:
        for listener in tuple(self._gap_listeners):
            try:
                listener()
            except Exception:  # it must not end the connection that has just been made
                log.exception("a listener of gaps failed")


def _added(listeners: defaultdict[str, set[T]], topic: str, listener: T) -> Callable[[], None]:
    """Adds a listener; returns the function that takes it away."""
    listeners[topic].add(listener)

    def remove() -> None:
        listeners[topic].discard(listener)
        if not listeners[topic]:
            del listeners[topic]

    return remove


def _pack(messages: list[Message]) -> list[str]:
    """As few payloads as possible, none above the limit. A message that is too large is logged and dropped."""
    payloads: list[str] = []
    current: list[str] = []
    size = 2
    for message in messages:
        text = msgspec.json.encode(message).decode()
        length = len(text.encode()) + 1
        if length > _MAX_PAYLOAD:
            log.error("live message on %s is too large: %d bytes", message.topic, length)
            continue
        if size + length > _MAX_PAYLOAD:
            payloads.append(f"[{','.join(current)}]")
            current, size = [], 2
        current.append(text)
        size += length
    if current:
        payloads.append(f"[{','.join(current)}]")
    return payloads
