"""The publish/subscribe seam: what changes is told to the other processes at once, on LISTEN/NOTIFY.

A NOTIFY inside a business transaction would hold a global lock until its commit is on disk, so messages leave after
the commit, over one connection per process, several to a NOTIFY. A message may be lost with its process: whoever
needs certainty reads the database, live updates only make it sooner. Another carrier can take this file's place.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable

import asyncpg
import msgspec

from folkmoot.base import clock

CHANNEL = "folkmoot_live"
JOBS_TOPIC = "jobs"
_LARGEST = 7900  # bytes; PostgreSQL's limit for one payload is 8000

Listener = Callable[[bytes], None]
log = logging.getLogger(__name__)


class Message(msgspec.Struct, array_like=True):
    topic: str
    body: msgspec.Raw


class Live:
    """One per process. `publish` never waits; `subscribe` calls back in this process's event loop."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._outgoing: list[Message] = []
        self._wake = asyncio.Event()
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None

    def publish(self, topic: str, body: object) -> None:
        """Tells this process at once, and the others in a moment."""
        message = Message(topic, msgspec.Raw(msgspec.json.encode(body)))
        if not any(waiting.topic == topic and bytes(waiting.body) == bytes(message.body) for waiting in self._outgoing[-8:]):
            self._outgoing.append(message)
        self._wake.set()
        self._hand_out(message)

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Calls `listener` with each message's JSON; what it returns ends the subscription."""
        self._listeners[topic].add(listener)

        def unsubscribe() -> None:
            self._listeners[topic].discard(listener)
            if not self._listeners[topic]:
                del self._listeners[topic]

        return unsubscribe

    async def start(self, *, listen: bool = True) -> None:
        await self._connect(listen)
        self._task = asyncio.create_task(self._carry(listen), name="live")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection and not self._connection.is_closed():
            await self._send()
            await self._connection.close()

    async def _connect(self, listen: bool) -> None:
        self._connection = await asyncpg.connect(self._dsn, server_settings={"application_name": "folkmoot live"})
        self._connection.add_termination_listener(lambda _connection: self._wake.set())
        if listen:
            await self._connection.add_listener(CHANNEL, self._receive)

    async def _carry(self, listen: bool) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._send()
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
                log.warning("live connection lost; connecting again")
                await self._reconnect(listen)
            await asyncio.sleep(0.01)  # lets a burst gather into one NOTIFY

    async def _reconnect(self, listen: bool) -> None:
        while True:
            try:
                return await self._connect(listen)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.5)

    async def _send(self) -> None:
        assert self._connection is not None
        if self._connection.is_closed():
            raise ConnectionError("the live connection is closed")
        outgoing, self._outgoing = self._outgoing, []
        if any(message.topic == JOBS_TOPIC for message in outgoing):
            await self._connection.execute("SELECT pg_notify($1, $2)", *_wake_workers())
        for payload in _pack([message for message in outgoing if message.topic != JOBS_TOPIC]):
            await self._connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)

    def _receive(self, _connection: object, pid: int, _channel: str, payload: object) -> None:
        if self._connection is not None and pid == self._connection.get_server_pid():
            return  # our own words: they were handed out when they were published
        for message in msgspec.json.decode(str(payload), type=list[Message]):
            self._hand_out(message)

    def _hand_out(self, message: Message) -> None:
        for listener in tuple(self._listeners.get(message.topic, ())):
            listener(bytes(message.body))


def _wake_workers() -> tuple[str, str]:
    """The notice that pgqueuer's own trigger would send."""
    channel = "ch_pgqueuer"
    event = {"channel": channel, "operation": "insert", "sent_at": clock.now(), "table": "pgqueuer", "type": "table_changed_event"}
    return channel, msgspec.json.encode(event).decode()


def _pack(messages: list[Message]) -> list[str]:
    """As few payloads as possible, none over the limit. A message too large for any is left out, and logged."""
    payloads: list[str] = []
    current: list[str] = []
    size = 2
    for message in messages:
        text = msgspec.json.encode(message).decode()
        length = len(text.encode()) + 1
        if length > _LARGEST:
            log.error("live message on %s is too large: %d bytes", message.topic, length)
            continue
        if size + length > _LARGEST:
            payloads.append(f"[{','.join(current)}]")
            current, size = [], 2
        current.append(text)
        size += length
    if current:
        payloads.append(f"[{','.join(current)}]")
    return payloads
