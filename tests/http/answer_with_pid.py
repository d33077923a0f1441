"""A process that accepts connections from an inherited socket and answers each with its number. Argument: the socket's descriptor."""

import asyncio
import os
import signal
import socket
import sys
from typing import Any, ClassVar

import uvloop

from folkmoot.http.accepting import Accepting


class AnswerWithPid(asyncio.Protocol):
    """Keeps its connection until the client closes it."""

    connections: ClassVar[set[asyncio.Protocol]] = set()

    def connection_made(self, transport: Any) -> None:
        self.connections.add(self)
        transport.write(f"{os.getpid()}\n".encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)


async def _serve(listener: socket.socket) -> None:
    accepting = Accepting(listener, AnswerWithPid, AnswerWithPid.connections)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stopped.wait()
    accepting.close()
    await accepting.wait_closed()


if __name__ == "__main__":
    uvloop.run(_serve(socket.socket(fileno=int(sys.argv[1]))))
