"""The program of the members. Standard input: lines of JSON; each is answered by one line.

    {"begin": PLAN}            starts; answers when all streams are open and each writer has written
    {"name": ADDRESS}          the public name has this address from now on
    {"end": SECONDS}           ends: the last writes are acknowledged and shown, for at most so long; writes the journal
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections import deque
from typing import Any

import msgspec
import uvloop

from tests.hosts.members.client import Client, Name
from tests.hosts.members.journal import Journal, Stream
from tests.hosts.members.listener import EVENTS, SOCKET, Listener
from tests.hosts.members.reader import Reader
from tests.hosts.members.writer import Writer

_RECENT = 200  # posts that can be favourited
_READS = 20.0  # per second, of all readers together


class Plan(msgspec.Struct):
    """Tokens of accounts that exist; a listener follows the writers with these numbers."""

    run: str
    address: str
    port: int
    sources: list[str]
    writers: list[str]
    listeners: list[tuple[str, list[int]]]
    rate: float  # writes per second, of all writers together
    journal: str
    seed: int


class Members:
    """All members of one run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._name = Name(plan.address, plan.port)
        self._ending = asyncio.Event()
        self._started = time.monotonic()
        recent: deque[tuple[int, int]] = deque(maxlen=_RECENT)
        self._writers = [
            Writer(number, plan.run, self._client(token, number), recent, random.Random(f"{plan.seed} {number}"))
            for number, token in enumerate(plan.writers)
        ]
        self._listeners = [
            Listener(Stream(number, (EVENTS, SOCKET)[number % 2], follows, breaks=[], shown={}), self._client(token, number))
            for number, (token, follows) in enumerate(plan.listeners)
        ]
        self._readers = [
            Reader(number, self._client(token, number), random.Random(f"{plan.seed} reads {number}"))
            for number, (token, _) in enumerate(plan.listeners)
        ]

    def _client(self, token: str, number: int) -> Client:
        return Client(self._name, token, self._plan.sources[number % len(self._plan.sources)])

    async def begin(self) -> None:
        self._listening = [asyncio.create_task(listener.listen()) for listener in self._listeners]
        await asyncio.gather(*(listener.is_open.wait() for listener in self._listeners))
        seconds = len(self._writers) / self._plan.rate
        self._writing = [asyncio.create_task(writer.write(seconds, self._ending)) for writer in self._writers]
        seconds = len(self._readers) / _READS
        self._writing += [asyncio.create_task(reader.read(seconds, self._ending)) for reader in self._readers]
        while not all(any(write.acked_at for write in writer.writes) for writer in self._writers):
            await asyncio.sleep(0.01)

    def rename(self, address: str) -> None:
        self._name.address = address

    async def end(self, seconds: float) -> None:
        lasted = time.monotonic() - self._started
        deadline = time.monotonic() + seconds
        self._ending.set()
        _, unfinished = await asyncio.wait(self._writing, timeout=seconds)
        while not self._is_all_shown() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for listener in self._listeners:
            listener.stream.closed_at = time.monotonic()
        for task in (*unfinished, *self._listening):
            task.cancel()
        ended = await asyncio.gather(*self._writing, *self._listening, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        used = resource.getrusage(resource.RUSAGE_SELF)
        writes = [write for writer in self._writers for write in writer.writes]
        journal = Journal(
            writes, [listener.stream for listener in self._listeners], [read for reader in self._readers for read in reader.reads],
            used.ru_utime + used.ru_stime, lasted,
        )
        with open(self._plan.journal, "wb") as stream:  # noqa: ASYNC230 -- nothing else runs any more
            stream.write(msgspec.json.encode(journal))

    def _is_all_shown(self) -> bool:
        posts = [write for writer in self._writers for write in writer.writes if write.kind == "post" and write.acked_at]
        return all(
            write.key in listener.stream.shown for listener in self._listeners for write in posts if write.member in listener.stream.follows
        )


async def _obey() -> None:
    commands = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    members: Members | None = None
    while line := await commands.readline():
        command: dict[str, Any] = json.loads(line)
        if "begin" in command:
            members = Members(msgspec.convert(command["begin"], Plan))
            await members.begin()
        assert members
        if "name" in command:
            members.rename(command["name"])
        if "end" in command:
            await members.end(command["end"])
        sys.stdout.write("ok\n")
        sys.stdout.flush()


uvloop.run(_obey())
