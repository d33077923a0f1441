"""Web processes that share a socket share its connections. The processes are real, and each answers with its number."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from folkmoot.http.accepting import Accepting
from tests.http.answer_with_pid import AnswerWithPid
from tests.waiting import until


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def processes(listener: socket.socket) -> Iterator[list[int]]:
    command = [sys.executable, "-m", "tests.http.answer_with_pid", str(listener.fileno())]
    started = [subprocess.Popen(command, pass_fds=[listener.fileno()], stdout=subprocess.PIPE) for _ in range(2)]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
    yield [process.pid for process in started]
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0


async def _open(listener: socket.socket, number: int) -> tuple[list[int], list[asyncio.StreamWriter]]:
    """Opens connections at once; returns the process of each."""
    readers, writers = await _connect(listener, number)
    return [int(await reader.readline()) for reader in readers], writers


async def _connect(listener: socket.socket, number: int) -> tuple[list[asyncio.StreamReader], list[asyncio.StreamWriter]]:
    opened = await asyncio.gather(*(asyncio.open_connection(*listener.getsockname()) for _ in range(number)))
    return [reader for reader, _ in opened], [writer for _, writer in opened]


async def _close(writers: list[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.close()
        await writer.wait_closed()


async def test_connections_that_wait_are_shared(listener: socket.socket) -> None:
    """Two that accept, as in two processes, but on one loop, so that the order of their steps is always the same."""
    _, writers = await _connect(listener, 40)
    shares: list[set[asyncio.Protocol]] = [set(), set()]
    with listener.dup() as second:
        both = [Accepting(one, partial(_Counted, share), share) for one, share in zip((listener, second), shares, strict=True)]
        await until(lambda: sum(map(len, shares)) == 40)
        for one in both:
            one.close()
            await one.wait_closed()
    assert min(map(len, shares)) >= 12  # 0 if the first to wake takes all that wait
    await _close(writers)


class _Counted(asyncio.Protocol):
    def __init__(self, share: set[asyncio.Protocol]) -> None:
        self._share = share

    def connection_made(self, _transport: asyncio.BaseTransport) -> None:
        self._share.add(self)


async def test_a_process_that_does_not_answer_leaves_its_part_to_the_others(listener: socket.socket, processes: list[int]) -> None:
    os.kill(processes[0], signal.SIGSTOP)
    await asyncio.sleep(0.05)
    pids, writers = await _open(listener, 150)
    await _close(writers)
    assert set(pids) == {processes[1]}


async def test_a_shortage_of_files_ends_by_itself(listener: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    """The process may open no further file for a moment, then it goes on."""
    accepting = Accepting(listener, AnswerWithPid, AnswerWithPid.connections)
    client = socket.socket()
    client.setblocking(False)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    loop = asyncio.get_running_loop()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
        await loop.sock_connect(client, listener.getsockname())
        await until(lambda: asyncio.sleep(0, "no connection can be accepted" in caplog.text))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert await asyncio.wait_for(loop.sock_recv(client, 100), 60) == f"{os.getpid()}\n".encode()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        client.close()
        accepting.close()
        await accepting.wait_closed()
