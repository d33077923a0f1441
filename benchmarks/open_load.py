"""A load that does not wait: requests arrive at a given rate for each class of senders, whatever becomes of the earlier ones."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TICK = 0.005
_PATIENCE = 30.0  # seconds for an answer


@dataclass
class Outcome:
    """Of the requests of one class. `sent`: arrivals that found a connection; `unsent`: the others."""

    sent: int = 0
    unsent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    answered: list[float] = field(default_factory=list)  # seconds of answers with 200
    refused: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    broken: int = 0
    stored: list[int] = field(default_factory=list)

    def share(self, *statuses: int) -> float:
        return sum(self.statuses[one] for one in statuses) / max(1, sum(self.statuses.values()))


class Client(asyncio.Protocol):
    """A keep-alive connection with one request at a time."""

    def __init__(self, load: "OpenLoad", kind: str) -> None:
        self._load, self.kind = load, kind
        self._data, self._missing = b"", -1
        self._status, self._says_when, self._began = 0, False, 0.0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self._began, self._data, self._missing = time.perf_counter(), b"", -1
        self._load.waiting[self] = self._began
        self.transport.write(self._load.next_request(self.kind))

    def data_received(self, data: bytes) -> None:
        if self._missing < 0 or self.kind == self._load.keeps:
            self._data += data
        if self._missing < 0:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._data[:end].lower()
            self._status, self._says_when = int(head[9:12]), b"\nretry-after:" in head
            at = head.index(b"content-length:") + 15
            self._missing = int(head[at:].split(b"\r", 1)[0]) + end + 4 - len(self._data)
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._finish()

    def _finish(self) -> None:
        outcome, seconds = self._load.outcomes[self.kind], time.perf_counter() - self._began
        self._load.waiting.pop(self, None)
        self._status = 200 if self._status == 206 else self._status  # of a home that is still being built
        outcome.statuses[self._status] += 1
        (outcome.answered if self._status == 200 else outcome.refused).append(seconds)
        outcome.without_retry_after += self._status in (429, 503) and not self._says_when
        if self.kind == self._load.keeps and self._status == 200:
            outcome.stored.append(int(self._data.partition(b'"id":"')[2].partition(b'"')[0]))
        self._load.free[self.kind].append(self)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._load.waiting.pop(self, None) is not None and not self._load.is_over:
            self._load.outcomes[self.kind].broken += 1
        if self in self._load.free[self.kind]:
            self._load.free[self.kind].remove(self)
        self._load.opened[self.kind] -= 1


class OpenLoad:
    """Requests that arrive at a given rate for each class, whatever becomes of them."""

    def __init__(self, port: int, next_request: Callable[[str], bytes], most: Mapping[str, int], *, keeps: str = "") -> None:
        """`next_request`: of a class. `most`: connections of each class. `keeps`: the class whose answers name what was stored."""
        self.next_request, self._port, self._most, self.keeps = next_request, port, most, keeps
        self.outcomes = {kind: Outcome() for kind in most}
        self.free: dict[str, list[Client]] = {kind: [] for kind in most}
        self.opened = Counter[str]()
        self.waiting: dict[Client, float] = {}
        self.is_over = False
        self.late: list[float] = []  # by how much this load generator was late
        self._opening: set[asyncio.Task[None]] = set()

    async def run(self, rates: Mapping[str, float], seconds: float) -> None:
        began, due = time.perf_counter(), dict.fromkeys(rates, 0.0)
        while (now := time.perf_counter() - began) < seconds:
            for kind, rate in rates.items():
                while due[kind] <= now:
                    due[kind] += 1 / rate
                    self._arrive(kind)
            asked = time.perf_counter()
            await asyncio.sleep(_TICK)
            self.late.append(time.perf_counter() - asked - _TICK)
        end = time.perf_counter() + _PATIENCE
        while (self.waiting or self._opening) and time.perf_counter() < end:
            await asyncio.sleep(0.05)
        self.is_over = True
        for client in self.waiting:
            self.outcomes[client.kind].broken += 1
        for client in [*self.waiting, *(one for free in self.free.values() for one in free)]:
            if client.transport:
                client.transport.abort()
        await asyncio.sleep(0.05)

    def _arrive(self, kind: str) -> None:
        outcome = self.outcomes[kind]
        if self.free[kind]:
            outcome.sent += 1
            self.free[kind].pop().send()
        elif self.opened[kind] < self._most[kind]:
            outcome.sent += 1
            self.opened[kind] += 1
            task = asyncio.create_task(self._open(kind))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            outcome.unsent += 1

    async def _open(self, kind: str) -> None:
        """Each connection comes from an address of its own, as far as they last."""
        number = self.opened[kind]
        local = (f"127.0.{number % 200}.{1 + number // 200}", 0)
        try:
            await asyncio.get_running_loop().create_connection(lambda: Client(self, kind), "127.0.0.1", self._port, local_addr=local)
        except OSError:
            self.outcomes[kind].broken += 1
            self.opened[kind] -= 1


def percentile(values: Sequence[float], share: float) -> float:
    return statistics.quantiles(values, n=1000)[round(share * 1000) - 1] if len(values) > 1 else float("nan")
