"""Links between hosts on loopback addresses: a program that relays TCP connections, with the standard library only.

It cannot lose packets. What a cut link would lose is kept until the link is mended, as the two kernels would send it again. A connection
that is opened over a cut link is accepted and then silent.

Prints "ready", reads commands as lines of JSON from standard input, answers each with "ok", and ends with its input:
    {"listen": ADDRESS, "port": N, "to": ADDRESS, "source": NODE, "target": NODE}
    {"source": NODE, "target": NODE, "open": BOOLEAN, "delay": SECONDS, "rate": BYTES_PER_SECOND}
"""

import asyncio
import contextlib
import json
import socket
import struct
import sys
import time
from collections import defaultdict
from typing import Any

_CHUNKS = 64  # in flight on one connection; then its sender must wait


class Direction:
    """One direction of the link between two nodes."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.delay = 0.0
        self.rate = 0.0
        self._free_at = 0.0

    def arrival(self, size: int) -> float:
        """When bytes that are sent now arrive."""
        self._free_at = max(time.monotonic(), self._free_at) + (size / self.rate if self.rate else 0.0)
        return self._free_at + self.delay

    async def wait_until(self, arrival: float) -> None:
        await asyncio.sleep(max(0.0, arrival - time.monotonic()))
        await self.is_open.wait()


class Relay:
    """All links of one world."""

    def __init__(self) -> None:
        self._directions: defaultdict[tuple[str, str], Direction] = defaultdict(Direction)
        self._connections: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until standard input ends."""
        print("ready", flush=True)
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while line := await commands.readline():
            await self._obey(json.loads(line))
            print("ok", flush=True)

    async def _obey(self, command: dict[str, Any]) -> None:
        there = self._directions[command["source"], command["target"]]
        if "listen" not in command:
            (there.is_open.set if command["open"] else there.is_open.clear)()
            there.delay, there.rate = command["delay"], command["rate"]
            return
        back = self._directions[command["target"], command["source"]]

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            self._connections.add(task)
            try:
                await _relay(reader, writer, (command["to"], command["port"]), there, back)
            finally:
                self._connections.discard(task)

        await asyncio.start_server(accept, command["listen"], command["port"])


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int], there: Direction, back: Direction
) -> None:
    await there.wait_until(there.arrival(0))
    try:
        far_reader, far_writer = await asyncio.open_connection(*target)
    except OSError:
        await back.wait_until(back.arrival(0))
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
        writer.transport.abort()
        return
    await back.wait_until(back.arrival(0))
    await asyncio.gather(_pump(reader, far_writer, there), _pump(far_reader, writer, back))
    for end in (writer, far_writer):
        end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
    """Carries bytes until their end, then the end."""
    in_flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS)

    async def deliver() -> None:
        while True:
            arrival, content = await in_flight.get()
            await direction.wait_until(arrival)
            if not content:
                break
            writer.write(content)
            with contextlib.suppress(OSError):
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    delivery = asyncio.create_task(deliver())
    with contextlib.suppress(OSError):
        while content := await reader.read(65536):
            await in_flight.put((direction.arrival(len(content)), content))
    await in_flight.put((direction.arrival(0), b""))
    await delivery


if __name__ == "__main__":
    asyncio.run(Relay().run())
