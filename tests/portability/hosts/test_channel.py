"""The channel between two paired hosts: streams to PostgreSQL and web processes, messages, files."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from folkmoot.base.errors import Conflict
from folkmoot.portability.hosts import agent, client
from folkmoot.portability.hosts.channel import Purpose, client_context, connect
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import GREETING, UNKNOWN_MESSAGE, Content, Greeting, Handler, PeerRefused, PeerUnreachable, Store
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.hosts.relay import End
from folkmoot.portability.hosts.sockets import peer_postgres_socket, peer_web_socket, postgres_socket, web_socket
from tests.network_up import free_port
from tests.portability.hosts import HostHere, echo, pair, until
from tests.waiting import SECONDS


class Question(msgspec.Struct, frozen=True):
    text: str


class Reply(msgspec.Struct, frozen=True):
    text: str
    more: int = 0


class NewQuestion(msgspec.Struct, frozen=True):
    """The same message of a newer release."""

    text: str
    new: str = "field"


async def _answer(question: Question) -> Reply:
    if question.text == "refuse":
        raise Conflict("There is no %(what)s here.", what="room")
    if question.text == "break":
        raise ZeroDivisionError
    if question.text == "wait":
        await asyncio.sleep(30)
    return Reply(question.text[::-1])


HANDLER = Handler("tests.ask", Question, _answer)


def store_of(files: dict[str, bytes]) -> Store:
    async def read(name: str) -> Content | None:
        async def pieces(content: bytes) -> AsyncIterator[bytes]:
            for start in range(0, len(content), 100_000):
                yield content[start : start + 100_000]

        return Content(len(files[name]), pieces(files[name])) if name in files else None

    return Store("media", read)


@pytest.fixture
async def hosts(open_folder: Path) -> tuple[HostHere, HostHere]:
    primary, standby = HostHere.make(open_folder, "here"), HostHere.make(open_folder, "there")
    await pair(primary, standby)
    return primary, standby


async def test_messages_go_both_ways_with_the_epoch_of_each_side(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    primary.epoch, standby.epoch = 7, 6
    async with primary.running([HANDLER]), standby.running([HANDLER]), primary.client() as ask, standby.client() as ask_back:
        assert (await ask("tests.ask", Question("abc"), Reply)).text == "cba"
        assert (await ask_back("tests.ask", Question("xyz"), Reply)).text == "zyx"
        assert set(primary.heard) == {6}
        assert set(standby.heard) == {7}


async def test_a_problem_arrives_with_its_code_and_sentence(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    async with primary.running([HANDLER]), standby.client() as ask:
        with pytest.raises(PeerRefused) as refused:
            await ask("tests.ask", Question("refuse"), Reply)
        assert (refused.value.code, refused.value.message % refused.value.params) == ("conflict", "There is no room here.")
        with pytest.raises(PeerRefused) as refused:
            await ask("tests.ask", Question("break"), Reply)
        assert "ZeroDivision" not in str(refused.value.params)
        assert refused.value.code == "failed"


async def test_releases_may_differ(hosts: tuple[HostHere, HostHere]) -> None:
    """Unknown fields are ignored, new fields have defaults, and an unknown message is refused with a sentence."""
    primary, standby = hosts
    async with primary.running([HANDLER]), standby.client() as ask:
        assert (await ask("tests.ask", NewQuestion("abc"), Reply)).text == "cba"
        with pytest.raises(PeerRefused) as refused:
            await ask("tests.new", Question("abc"), Reply)
        assert refused.value.code == UNKNOWN_MESSAGE
        assert "does not know tests.new. Upgrade it first" in refused.value.params["sentence"]
        with pytest.raises(PeerRefused) as refused:
            await ask("tests.ask", Reply("abc"), NewQuestion)
            await ask("tests.ask", msgspec.defstruct("Empty", [])(), Reply)
        assert refused.value.code == "malformed"


async def test_a_peer_that_does_not_answer_is_unreachable_in_time(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    async with standby.client() as ask:
        with pytest.raises(PeerUnreachable) as problem:
            await ask("tests.ask", Question("abc"), Reply)
        assert "refused" in problem.value.params["why"].lower()
        async with primary.running([HANDLER]):
            with pytest.raises(PeerUnreachable) as problem:
                await ask("tests.ask", Question("wait"), Reply, seconds=0.3)
            assert problem.value.params["why"] == "no answer in time"
            assert (await ask("tests.ask", Question("abc"), Reply)).text == "cba"  # afterwards it works again
        async with primary.running([HANDLER]):  # the kept connection has ended meanwhile
            assert (await ask("tests.ask", Question("abc"), Reply)).text == "cba"


async def test_files_arrive_whole_and_missing_ones_are_told(
    hosts: tuple[HostHere, HostHere], monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = hosts
    content = os.urandom(5_000_000)
    store = store_of({"a.webp": content, "empty.webp": b""})
    opened = 0

    async def counted(*arguments: Any) -> Any:
        nonlocal opened
        opened += 1
        return await connect(*arguments)

    monkeypatch.setattr(client, "connect", counted)
    async with primary.running(stores=[store]), standby.client() as ask:
        for name, expected in (("a.webp", content), ("empty.webp", b"")):
            async with ask.fetch("media", name) as pieces:
                assert pieces is not None
                assert b"".join([piece async for piece in pieces]) == expected
        for other, name in (("media", "b.webp"), ("other", "a.webp")):
            async with ask.fetch(other, name) as pieces:
                assert pieces is None
        assert opened == 1, "a connection serves one file after the other"
        async with ask.fetch("media", "a.webp") as pieces:  # given up in the middle
            assert pieces is not None
            await anext(aiter(pieces))
        async with ask.fetch("media", "a.webp") as pieces:
            assert pieces is not None
            assert b"".join([piece async for piece in pieces]) == content


async def test_a_slow_reader_stops_the_sender(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    size, sent = 60_000_000, 0

    async def sending() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < size:
            sent += 100_000
            yield bytes(100_000)

    async def read(_name: str) -> Content:
        return Content(size, sending())

    async with primary.running(stores=[Store("media", read)]), standby.client() as ask, ask.fetch("media", "a.webp") as pieces:
        assert pieces is not None
        got = len(await anext(aiter(pieces)))
        await asyncio.sleep(0.5)
        assert sent < size / 2, "the rest waits on the other host"
        assert got + sum([len(piece) async for piece in pieces]) == size


async def test_a_file_whose_sender_breaks_off_is_not_taken_for_whole(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(60_000)
        raise OSError("the disk is damaged")

    async def read(_name: str) -> Content:
        return Content(100_000, breaking())

    async with primary.running(stores=[Store("media", read)]), standby.client() as ask:
        with pytest.raises(PeerUnreachable):
            async with ask.fetch("media", "a.webp") as pieces:
                assert pieces is not None
                assert [piece async for piece in pieces]


async def test_files_come_again_after_the_other_agent_was_restarted(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    async with standby.client() as ask:
        for _ in range(2):  # the second time the kept connection has ended
            async with primary.running(stores=[store_of({"a.webp": b"abc"})]), ask.fetch("media", "a.webp") as pieces:
                assert pieces is not None
                assert b"".join([piece async for piece in pieces]) == b"abc"
        with pytest.raises(PeerUnreachable) as problem:
            async with ask.fetch("media", "a.webp"):
                raise AssertionError
        assert "refused" in problem.value.params["why"].lower()


async def test_a_stream_that_sends_first_loses_nothing(hosts: tuple[HostHere, HostHere]) -> None:
    """It sends before the other end is connected, which takes a handshake."""
    primary, standby = hosts
    async with primary.running(), standby.running(), echo(web_socket(primary.directory)):
        for size in (1, 1000, 400_000):
            content = os.urandom(size)
            reader, writer = await asyncio.open_unix_connection(str(peer_web_socket(standby.directory)))
            writer.write(content)
            async with asyncio.timeout(SECONDS):
                assert await reader.readexactly(size) == content
            writer.close()


async def test_streams_lead_to_the_sockets_of_the_peer(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    async with primary.running(), standby.running(), echo(web_socket(primary.directory)):
        content = os.urandom(20_000_000)
        reader, writer = await asyncio.open_unix_connection(str(peer_web_socket(standby.directory)))
        received = asyncio.create_task(reader.readexactly(len(content)))
        writer.write(content)
        async with asyncio.timeout(SECONDS):
            assert await received == content
        writer.close()
        assert peer_web_socket(standby.directory).stat().st_mode & 0o777 == 0o600
        reader, writer = await asyncio.open_unix_connection(str(peer_postgres_socket(standby.directory)))
        assert await reader.read() == b""  # no PostgreSQL runs there
        writer.close()


async def test_an_end_is_passed_on_with_everything_before_it(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(3_000_000))
        writer.close()

    server = await asyncio.start_unix_server(serve, str(web_socket(primary.directory)))
    async with primary.running() as agent, standby.running():
        reader, writer = await asyncio.open_unix_connection(str(peer_web_socket(standby.directory)))
        assert len(await reader.read(-1)) == 3_000_000
        writer.close()
        await until(lambda: agent.count_streams() <= 1)  # the greeting
    server.close()


async def test_a_reader_that_stops_stops_the_writer(hosts: tuple[HostHere, HostHere]) -> None:
    """Nothing is buffered without a limit: the writer gets rid of some megabytes only."""
    primary, standby = hosts
    sent = 0

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with suppress(ConnectionError):
            for _ in range(200):
                writer.write(bytes(1_000_000))
                await writer.drain()
                sent += 1
        writer.close()

    server = await asyncio.start_unix_server(serve, str(web_socket(primary.directory)))
    async with primary.running(), standby.running():
        _, writer = await asyncio.open_unix_connection(str(peer_web_socket(standby.directory)), limit=1000)
        before = -1
        while not sent or sent > before:  # until nothing moves any more
            before = sent
            await asyncio.sleep(0.3)
        assert 0 < sent < 50
        writer.transport.abort()
    server.close()


async def test_postgresql_is_reached_through_the_channel(hosts: tuple[HostHere, HostHere], dsn: str) -> None:
    primary, standby = hosts
    server, _, folder = dsn.partition("?host=")
    postgres_socket(primary.directory).symlink_to(Path(folder.replace("%2F", "/")) / ".s.PGSQL.5432")
    async with primary.running(), standby.running():
        through = f"{server}?host={str(peer_postgres_socket(standby.directory).parent).replace('/', '%2F')}"
        connection = await asyncpg.connect(through)
        assert await connection.fetchval("SELECT length(repeat('x', 3000000))") == 3_000_000
        assert len(await connection.fetchval("SELECT repeat('x', 3000000)")) == 3_000_000
        await connection.close()


async def test_postgresql_waits_a_little_for_a_peer_and_is_then_refused(
    hosts: tuple[HostHere, HostHere], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It logs each failure, and would try again each second. Other streams are refused at once."""
    primary, standby = hosts
    monkeypatch.setattr(agent, "_POSTGRES_EVERY", 0.05)
    async with standby.running(), echo(postgres_socket(primary.directory)):
        opened = [await asyncio.open_unix_connection(str(socket(standby.directory))) for socket in (peer_web_socket, peer_postgres_socket)]
        (web, _), (reader, writer) = opened
        writer.write(b"x")
        with suppress(ConnectionError):
            assert await web.read(1) == b""
        assert not reader.at_eof()
        async with primary.running():
            assert await reader.read(1) == b"x"
        monkeypatch.setattr(agent, "_POSTGRES_SECONDS", 0.1)
        opened.append(await asyncio.open_unix_connection(str(peer_postgres_socket(standby.directory))))
        with suppress(ConnectionError):
            assert await opened[-1][0].read(1) == b""
        for _, writer in opened:
            writer.close()


async def test_the_number_of_streams_is_limited(
    hosts: tuple[HostHere, HostHere], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = hosts
    async with primary.running(), standby.running(), echo(web_socket(primary.directory)):
        monkeypatch.setattr(agent, "MOST_STREAMS", 12)  # of both agents, which count their own
        opened = [await asyncio.open_unix_connection(str(peer_web_socket(standby.directory))) for _ in range(15)]
        answers = []
        for reader, writer in opened:
            writer.write(b"x")
            with suppress(ConnectionError):
                answers.append(await reader.read(1))
        assert 8 <= answers.count(b"x") <= 12
        for _, writer in opened:
            writer.close()


async def test_the_kernel_watches_both_sides_of_a_stream(hosts: tuple[HostHere, HostHere]) -> None:
    """A silent peer is given up after nine seconds, also while data wait to be acknowledged."""
    primary, standby = hosts
    made = []

    class Kept(End):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            made.append(transport)
            transport.resume_reading()

    async with primary.running() as listening, echo(web_socket(primary.directory)):
        peer = Peers(standby.directory).one()
        assert peer is not None
        await connect(peer, client_context(get_identity(standby.directory), peer, Purpose.WEB), Kept)
        await until(lambda: listening.count_streams() > 0)
        for transport in [made[0], *(stream.transport for stream in listening._streams)]:
            plain = transport.get_extra_info("socket")
            assert plain.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            idle, step, count = (plain.getsockopt(socket.IPPROTO_TCP, number) for number in (
                socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT))
            assert idle + step * count <= 10
            assert plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 9000
        made[0].abort()


async def test_a_host_at_a_new_address_is_found_again(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    standby.port = free_port()
    async with primary.running(), primary.client() as ask:
        with pytest.raises(PeerUnreachable):
            await ask(GREETING, Greeting("here", "1"), Greeting)
        standby.told = "no address"
        async with standby.running(), standby.client() as ask_back:
            await ask_back(GREETING, Greeting("there", "1", standby.told), Greeting)  # is ignored
        standby.told = standby.address
        async with standby.running():
            await until(lambda: (peer := Peers(primary.directory).one()) is not None and peer.address == standby.address)
            async with primary.client() as again:
                assert (await again(GREETING, Greeting("here", "1"), Greeting)).name == "there"
