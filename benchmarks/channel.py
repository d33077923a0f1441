"""The channel between two hosts, in MB/s, against a plain relay of the same kind: from a local socket over TCP to a local socket.

Each agent is a process of its own, on the event loop that it has in production. Both relays carry the same bytes in turn in
the same run, so their ratio does not depend on the machine. Messages: one round trip over a kept connection.
"""

import asyncio
import contextlib
import os
import signal
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.harness import Row, report, run
from folkmoot.portability.hosts.messages import GREETING, Greeting
from folkmoot.portability.hosts.relay import End, join_to
from folkmoot.portability.hosts.sockets import peer_web_socket, web_socket
from tests.network_up import free_port
from tests.portability.hosts import HostHere, pair

BYTES = int(os.environ.get("BENCH_BYTES", str(1 << 29)))
ROUNDS = 5
MESSAGES = 500


@contextlib.contextmanager
def _process(work: Callable[[], Any]) -> Iterator[None]:
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _send(path: Path) -> None:
    """Sends BYTES to each client of a local socket."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    piece = bytes(1 << 20)
    while True:
        client, _ = listening.accept()
        with client, contextlib.suppress(OSError):
            for _ in range(BYTES // len(piece)):
                client.sendall(piece)


def _receive(path: Path) -> float:
    """MB/s of one stream."""
    buffer, received = bytearray(1 << 20), 0
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        started = time.perf_counter()
        while count := client.recv_into(buffer):
            received += count
        seconds = time.perf_counter() - started
    assert received == BYTES // (1 << 20) * (1 << 20)
    return received / 1e6 / seconds


async def _relay(listening: Path | int, target: Path | int) -> None:
    """One half of the plain relay; a path is a local socket, a number a TCP port."""
    loop = asyncio.get_running_loop()

    async def connect(protocol: Callable[[], End]) -> End:
        made: Coroutine[Any, Any, tuple[Any, End]] = (
            loop.create_unix_connection(protocol, str(target)) if isinstance(target, Path)
            else loop.create_connection(protocol, "127.0.0.1", target)
        )
        return (await made)[1]

    class Accepted(End):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.joining = loop.create_task(join_to(self, connect))

    if isinstance(listening, Path):
        await loop.create_unix_server(Accepted, str(listening))
    else:
        await loop.create_server(Accepted, "127.0.0.1", listening)
    await asyncio.sleep(3600)


async def _agent(host: HostHere) -> None:
    async with host.running():
        await asyncio.sleep(3600)


async def _message_milliseconds(host: HostHere) -> float:
    times = []
    async with host.client() as ask:
        for _ in range(MESSAGES):
            started = time.perf_counter()
            await ask(GREETING, Greeting("bench", "1"), Greeting)
            times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def _wait_for(path: Path) -> None:
    while True:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.05)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as name, contextlib.ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)
        primary, standby = HostHere.make(folder, "here"), HostHere.make(folder, "there")
        run(pair(primary, standby))
        port = free_port()
        for work in (
            lambda: _send(web_socket(primary.directory)), lambda: uvloop.run(_agent(primary)), lambda: uvloop.run(_agent(standby)),
            lambda: uvloop.run(_relay(port, web_socket(primary.directory))), lambda: uvloop.run(_relay(folder / "plain", port)),
        ):
            running.enter_context(_process(work))
        encrypted = peer_web_socket(standby.directory)
        for path in (web_socket(primary.directory), encrypted, folder / "plain"):
            _wait_for(path)
        _receive(folder / "plain"), _receive(encrypted)
        pairs = [(_receive(folder / "plain"), _receive(encrypted)) for _ in range(ROUNDS)]
        message = run(_message_milliseconds(standby))
    plain, channel = (statistics.median(speeds) for speeds in zip(*pairs, strict=True))
    ratio = statistics.median(second / first for first, second in pairs)
    report("channel", [
        Row("plain relay: local socket, TCP, local socket", plain, "MB/s"),
        Row("channel: the same with TLS 1.3 and pinned certificates", channel, "MB/s"),
        Row("channel, relative to the plain relay", ratio, "ratio", ">= 0.5", ratio >= 0.5),
        Row("message and answer over a kept connection", message, "ms"),
    ])


if __name__ == "__main__":
    main()
