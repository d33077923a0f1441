"""The publish/subscribe seam: what changes is told to the other processes at once, on LISTEN/NOTIFY.

A NOTIFY inside a business transaction would hold a global lock until its commit is on disk, so messages leave after
the commit, over one connection per process, several to a NOTIFY. A message may be lost with its process: whoever
needs certainty reads the database, live updates only make it sooner. When the connection is lost it is made again, for
as long as it takes; whoever may have missed something meanwhile is told so (`on_gap`). Another carrier can take this
file's place.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable

import asyncpg
import msgspec

CHANNEL = "folkmoot_live"
JOBS_CHANNEL = "folkmoot_jobs"  # of its own, so that only workers wake for a job
JOBS_TOPIC = "jobs"
_GAP_TOPIC = "gap"  # some messages of a process were lost
_LARGEST = 7900  # bytes; PostgreSQL's limit for one payload is 8000
_MOST_WAITING = 10_000  # messages kept while there is no connection; the oldest are dropped
_MOST_AT_ONCE = 1000
_GATHER = 0.01  # seconds in which a burst becomes one NOTIFY
_BEAT = 15.0  # seconds between signs of life on a connection that listens
_ANSWER = 10.0  # seconds to wait for one
_LONGEST_PAUSE = 5.0  # seconds between tries to connect

Listener = Callable[[bytes], None]
log = logging.getLogger(__name__)


class Message(msgspec.Struct, array_like=True):
    topic: str
    body: msgspec.Raw


class Live:
    """One per process. `publish` never waits; `subscribe` calls back in this process's event loop."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._outgoing: deque[Message] = deque()
        self._has_dropped = False
        self._wake = asyncio.Event()
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._gap_listeners: set[Callable[[], None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None
        self._listens = False
        self._had_connection = False
        self._is_standby = False

    @property
    def is_connected(self) -> bool:
        """Whether messages of other processes arrive, if there can be any: a standby has none, nor who does not listen."""
        return not self._listens or self._is_standby or (self._connection is not None and not self._connection.is_closed())

    def publish(self, topic: str, body: object) -> None:
        """Tells this process at once, and the others in a moment."""
        message = Message(topic, msgspec.Raw(msgspec.json.encode(body)))
        if not self._is_repeated(message):
            self._keep(message)
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

    def on_gap(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls `listener` whenever messages may have been missed: look again. What it returns ends the subscription."""
        self._gap_listeners.add(listener)
        return lambda: self._gap_listeners.discard(listener)

    async def start(self, *, listen: bool = True) -> None:
        """Without `listen` nothing is connected until there is something to tell. Raises when the database is away.

        On a standby, which can neither listen nor notify, it waits for the promotion and listens then.
        """
        self._listens = listen
        if listen:
            await self._connect()
        self._task = asyncio.create_task(self._carry(), name="live")

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

    async def _carry(self) -> None:
        """Sends what waits, and keeps the connection. Nothing ends this but `stop`."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(_LONGEST_PAUSE if self._is_standby else _BEAT):
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
                    log.warning("live connection lost; connecting again: %r", error)
                if self._connection:
                    self._connection.terminate()
                await asyncio.sleep(min(_LONGEST_PAUSE, 0.05 * 2 ** min(failures, 10)))
                self._wake.set()
            else:
                await asyncio.sleep(_GATHER)

    async def _connect(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=_ANSWER, server_settings={"application_name": "folkmoot live"})
        self._is_standby = connection.get_settings().in_hot_standby == "on"
        if self._is_standby:
            connection.terminate()
            self._outgoing.clear()  # nobody can hear it
            self._had_connection = True  # what is told between the promotion and the next try is missed
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
            self._tell_of_gap()
        self._had_connection = True

    async def _send(self) -> None:
        """Sends what waits; with nothing to send, asks for a sign of life. What fails is sent again."""
        if not (self._outgoing or self._listens):
            return
        if self._connection is None or self._connection.is_closed():
            await self._connect()
            if self._is_standby:
                return
        assert self._connection is not None
        if not self._outgoing:
            await self._connection.execute("SELECT 1", timeout=_ANSWER)
        if self._has_dropped:
            self._outgoing.append(Message(_GAP_TOPIC, msgspec.Raw(b"null")))
            self._has_dropped = False
        while self._outgoing:
            batch = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), _MOST_AT_ONCE))]
            try:
                await self._notify(self._connection, batch)
            except BaseException:
                self._outgoing.extendleft(reversed(batch))
                raise

    async def _notify(self, connection: asyncpg.Connection, batch: list[Message]) -> None:
        if any(message.topic == JOBS_TOPIC for message in batch):
            await connection.execute("SELECT pg_notify($1, '')", JOBS_CHANNEL, timeout=_ANSWER)
        for payload in _pack([message for message in batch if message.topic != JOBS_TOPIC]):
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload, timeout=_ANSWER)

    def _keep(self, message: Message) -> None:
        self._outgoing.append(message)
        if len(self._outgoing) > _MOST_WAITING:
            self._outgoing.popleft()
            self._has_dropped = True

    def _is_repeated(self, message: Message) -> bool:
        """Whether the same waits already, among the last few."""
        last = (self._outgoing[-place] for place in range(1, min(8, len(self._outgoing)) + 1))
        return any(waiting.topic == message.topic and bytes(waiting.body) == bytes(message.body) for waiting in last)

    def _receive(self, connection: asyncpg.Connection, pid: int, _channel: str, payload: object) -> None:
        if pid == connection.get_server_pid():
            return  # our own words: they were handed out when they were published
        for message in msgspec.json.decode(str(payload), type=list[Message]):
            if message.topic == _GAP_TOPIC:
                self._tell_of_gap()
            else:
                self._hand_out(message)

    def _hand_out(self, message: Message) -> None:
        for listener in tuple(self._listeners.get(message.topic, ())):
            try:
                listener(bytes(message.body))
            except Exception:
                log.exception("a listener of %s failed", message.topic)

    def _tell_of_gap(self) -> None:
        for listener in tuple(self._gap_listeners):
            listener()


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
