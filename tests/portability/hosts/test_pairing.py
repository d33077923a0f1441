"""Pairing by one-time code, and who is refused: strangers, replayed and expired codes, a man in the middle, removed hosts."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from folkmoot.agent import own_name
from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.config.sections import Hosts
from folkmoot.portability.hosts import listener
from folkmoot.portability.hosts.channel import Purpose
from folkmoot.portability.hosts.code import MistypedCode, PairingCode
from folkmoot.portability.hosts.identity import Identity, get_identity, make_identity
from folkmoot.portability.hosts.messages import GREETING, Greeting, PeerRefused, PeerUnreachable
from folkmoot.portability.hosts.pairing import VALID_FOR, CodeProblem, JoinRequest, WrongHost, admit, invite
from folkmoot.portability.hosts.peers import Peers, PeersProblem, parse_address, unlike
from folkmoot.portability.hosts.sockets import peer_web_socket, web_socket
from tests.portability.hosts import HostHere, echo, pair, until
from tests.waiting import SECONDS

_GREETING = Greeting("test", "1")


@pytest.fixture
def hosts(open_folder: Path) -> tuple[HostHere, HostHere]:
    return HostHere.make(open_folder, "here"), HostHere.make(open_folder, "there")


@pytest.fixture
def stranger(open_folder: Path) -> HostHere:
    host = HostHere.make(open_folder, "stranger")
    make_identity(host.directory)
    return host


async def test_a_code_pairs_two_hosts_once(hosts: tuple[HostHere, HostHere], stranger: HostHere, caplog: pytest.LogCaptureFixture) -> None:
    primary, standby = hosts
    code = invite(primary.directory, "Elsewhere in Prague").text
    async with primary.running():
        found = await standby.joins(primary.address, f"  {code.lower().replace('-', ' ')}\n")
        joined = Peers(primary.directory).one()
        assert joined is not None
        assert (joined.name, joined.address, joined.words) == ("elsewhere-in-prague", standby.address, found.words)
        assert (found.name, found.address, found.id) == ("here", primary.address, get_identity(primary.directory).id)
        assert joined.id == get_identity(standby.directory).id
        assert len(found.words.split()) == 6
        assert (await standby.joins(primary.address, code)).words == found.words  # its own repetition, as after a lost answer
        with pytest.raises(PeerRefused) as refused:
            await stranger.joins(primary.address, code)
        assert "was used by another host" in refused.value.params["sentence"]
        assert "was used by another host" in caplog.text
        assert Peers(stranger.directory).list() == []
        assert [peer.id for peer in Peers(primary.directory).list()] == [joined.id]
    secrets = [file for file in (primary.directory.path / "secrets").iterdir() if file.name.startswith("host-")]
    for file in [*secrets, primary.directory.path / "hosts.json"]:
        assert file.stat().st_mode & 0o777 == 0o600
    assert PairingCode.read(code).secret.hex() not in (primary.directory.path / "hosts.json").read_text()


async def test_two_machines_with_the_same_name_get_different_ones(open_folder: Path) -> None:
    primary, standby = (HostHere.make(open_folder / side, "vm-2") for side in ("one", "other"))
    code = invite(primary.directory).text
    async with primary.running():
        with pytest.raises(PeerRefused) as refused:
            await standby.joins(primary.address, code, "vm-2")
        assert "with --name" in refused.value.params["sentence"]
        assert Peers(primary.directory).one() is None
        assert (await standby.joins(primary.address, code)).name == "vm-2"
        joined = Peers(primary.directory).one()
        assert joined is not None
        assert (joined.name, Peers(standby.directory).name, Peers(primary.directory).name) == ("vm-3", "vm-3", "vm-2")
        await standby.joins(primary.address, code, "Brno")  # the same command with another name
        joined = Peers(primary.directory).one()
        assert joined is not None
        assert (joined.name, Peers(standby.directory).name) == ("brno", "brno")


async def test_a_host_keeps_its_name_when_the_other_one_is_removed(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "vm")
    primary, standby, third = (HostHere.make(open_folder / side, "vm") for side in ("one", "other", "third"))
    await pair(primary, standby)
    settings = Settings(data=standby.directory.path)
    assert own_name(settings) == "vm-2"
    Peers(standby.directory).remove("vm")  # it has taken over, and the old one is gone
    assert not (standby.directory.path / "hosts.json").exists()
    assert own_name(settings) == "vm-2"
    for wanted, name in (("vm", "vm-2"), ("VM-2", "vm-2"), ("Brno", "brno")):  # by the setting hosts.name
        assert own_name(msgspec.structs.replace(settings, hosts=Hosts(name=wanted))) == name
    standby.name = own_name(settings)
    await pair(standby, third)
    assert [peer.name for peer in Peers(standby.directory).list()] == ["vm"]
    assert (own_name(settings), own_name(Settings(data=third.directory.path))) == ("vm-2", "vm")


@pytest.mark.parametrize(("name", "taken", "given"), [
    ("vm", "vm", "vm-2"), ("vm", "other", "vm"), ("vm-2", "vm-2", "vm-3"), ("vm-7", "vm-7", "vm-2"), ("a" * 40, "a" * 40, "a" * 37 + "-2"),
])
def test_a_name_that_is_taken_gets_a_number(name: str, taken: str, given: str) -> None:
    assert unlike(name, taken) == given


async def test_an_expired_code_is_refused(hosts: tuple[HostHere, HostHere], caplog: pytest.LogCaptureFixture) -> None:
    primary, standby = hosts
    with clock.stopped_at(clock.now() - VALID_FOR):
        code = invite(primary.directory)
    certificate = make_identity(standby.directory).certificate
    request = JoinRequest(code.secret, certificate, "there", ":8421")
    with pytest.raises(CodeProblem, match="expired"):
        admit(primary.directory, request, "here", "127.0.0.1")
    async with primary.agent() as agent:
        with pytest.raises(PeerUnreachable):  # nobody takes part in pairing any more
            await standby.joins(primary.address, code.text)
        await agent.run(asyncio.Event())  # ends by itself: there is nothing left to do
    assert not (primary.directory.path / "hosts.json").exists()
    assert "refused a connection from 127.0.0.1" in caplog.text
    with clock.stopped_at(clock.now() - VALID_FOR + timedelta(seconds=20)):
        code = invite(primary.directory)
    admit(primary.directory, msgspec.structs.replace(request, secret=code.secret), "here", "127.0.0.1")  # some seconds earlier it is valid


async def test_a_wrong_secret_is_refused_and_logged(hosts: tuple[HostHere, HostHere], caplog: pytest.LogCaptureFixture) -> None:
    primary, standby = hosts
    code = invite(primary.directory)
    async with primary.running():
        with pytest.raises(PeerRefused) as refused:
            await standby.joins(primary.address, PairingCode(code.fingerprint, bytes(12)).text)
        assert "not valid" in refused.value.params["sentence"]
        assert "refused a connection from 127.0.0.1: This code is not valid" in caplog.text
        newer = invite(primary.directory)
        with pytest.raises(PeerRefused):  # a newer code ends the older one
            await standby.joins(primary.address, code.text)
        await standby.joins(primary.address, newer.text)


def test_each_wrong_letter_and_each_exchange_of_two_is_called_mistyped() -> None:
    code = PairingCode(bytes(range(16)), bytes(range(100, 112)))
    text = code.text
    assert PairingCode.read(text) == code
    assert len(text) == 48 + 11
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    for position, letter in enumerate(text):
        for other in letters:
            if letter not in ("-", other):
                with pytest.raises(MistypedCode):
                    PairingCode.read(text[:position] + other + text[position + 1 :])
    plain = text.replace("-", "")
    for position in range(len(plain) - 1):
        exchanged = plain[:position] + plain[position + 1] + plain[position] + plain[position + 2 :]
        if exchanged != plain:
            with pytest.raises(MistypedCode):
                PairingCode.read(exchanged)
    for broken in ("", "ABCD", text[:-1], text + "A", text + "-AAAAAAAA", "é" + text[1:], "9" + text[1:], "=" * 48):
        with pytest.raises(MistypedCode):
            PairingCode.read(broken)


@asynccontextmanager
async def between(target: HostHere, own: Identity) -> AsyncIterator[tuple[str, bytearray]]:
    """A man in the middle: a TLS proxy with a certificate of its own, and what it could read."""
    read = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        tls.load_cert_chain(own.certificate_file, own.key_file)
        tls.set_alpn_protocols([writer.get_extra_info("ssl_object").selected_alpn_protocol()])
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target.port, ssl=tls, server_hostname="folkmoot")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while piece := await source.read(1 << 16):
                    read.extend(piece)
                    sink.write(piece)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate_file, own.key_file)
    context.set_alpn_protocols(list(Purpose))
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", read
    finally:
        server.close()


async def test_a_man_in_the_middle_is_refused_before_anything_is_sent(hosts: tuple[HostHere, HostHere], stranger: HostHere) -> None:
    primary, standby = hosts
    code = invite(primary.directory).text
    async with primary.running(), between(primary, get_identity(stranger.directory)) as (address, read):
        with pytest.raises(WrongHost, match="another one"):
            await standby.joins(address, code)
        assert not read
        assert Peers(standby.directory).list() == []
        assert Peers(primary.directory).list() == []
        await standby.joins(primary.address, code)  # the code is still good on the right way
        peer = Peers(standby.directory).one()
        assert peer is not None
        Peers(standby.directory).add(msgspec.structs.replace(peer, address=address))
        async with standby.client() as ask:  # and it cannot stand between paired hosts either
            with pytest.raises(PeerUnreachable) as problem:
                await ask(GREETING, _GREETING, Greeting)
            assert "another certificate" in problem.value.params["why"]
        assert not read


async def _greet_as(host: HostHere, peer_of: HostHere) -> str:
    """Greets as another host than the paired one would; returns why that failed."""
    peer = Peers(peer_of.directory).one()
    assert peer is not None
    Peers(host.directory).add(peer)
    async with host.client() as ask:
        with pytest.raises(PeerUnreachable) as problem:
            await ask(GREETING, _GREETING, Greeting)
        return str(problem.value.params["why"])


async def test_a_stranger_is_refused_with_and_without_a_certificate(
    hosts: tuple[HostHere, HostHere], stranger: HostHere, caplog: pytest.LogCaptureFixture
) -> None:
    primary, standby = hosts
    await pair(primary, standby)
    caplog.clear()
    async with primary.running():
        assert "does not know the certificate" in await _greet_as(stranger, standby)
        assert "its certificate is unknown" in caplog.text
        for purpose in (*Purpose, None):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if purpose:
                context.set_alpn_protocols([purpose])
            assert await _answer(primary, context, b"POST /messages/hosts.greet HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}") == b""
        assert "it shows no certificate" in caplog.text
        assert "it names no purpose" in caplog.text
        async with standby.client() as ask:  # the paired host is answered
            assert (await ask(GREETING, _GREETING, Greeting)).name == "here"


async def test_a_peer_cannot_certify_others(hosts: tuple[HostHere, HostHere], stranger: HostHere) -> None:
    """A certificate that the peer's key has signed for another key is refused."""
    primary, standby = hosts
    await pair(primary, standby)
    own, other = get_identity(standby.directory), get_identity(stranger.directory)
    issuer = x509.load_pem_x509_certificate(own.certificate.encode())
    key = load_pem_private_key(other.key_file.read_bytes(), None)
    forged = x509.CertificateBuilder(
        issuer.subject, x509.Name([]), key.public_key(), 7, issuer.not_valid_before_utc, issuer.not_valid_after_utc  # type: ignore[arg-type]
    ).sign(load_pem_private_key(own.key_file.read_bytes(), None), hashes.SHA256())  # type: ignore[arg-type]
    other.certificate_file.write_bytes(forged.public_bytes(Encoding.PEM))
    async with primary.running():
        assert "does not know the certificate" in await _greet_as(stranger, standby)


async def _answer(host: HostHere, context: ssl.SSLContext | None, sent: bytes) -> bytes:
    """What the port answers; nothing if it closes the connection."""
    with suppress(ConnectionError, ssl.SSLError):
        reader, writer = await asyncio.open_connection("127.0.0.1", host.port, ssl=context, server_hostname="x" if context else None)
        try:
            writer.write(sent)
            return await reader.read()
        finally:
            writer.close()
    return b""


async def test_plain_text_and_slow_handshakes_are_cut_off(
    hosts: tuple[HostHere, HostHere], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = hosts
    await pair(primary, standby)
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", SECONDS)
    caplog.clear()
    async with primary.running():
        for bytes_of_others in (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(1000)):
            assert await _answer(primary, None, bytes_of_others) in (b"", b"\x15\x03\x01\x00\x02\x02\x46")  # at most an alert of TLS
        await until(lambda: caplog.text.count("the TLS handshake failed") == 3)
        monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", 0.3)
        reader, writer = await asyncio.open_connection("127.0.0.1", primary.port)
        writer.write(b"\x16\x03\x01")
        assert await reader.read() == b""
        await until(lambda: "no TLS handshake within" in caplog.text)
        writer.close()


async def test_handshakes_are_limited_for_each_address(
    hosts: tuple[HostHere, HostHere], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = hosts
    await pair(primary, standby)
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", SECONDS)
    async with primary.running():
        slow = []
        for _ in range(listener.MOST_HANDSHAKES_OF_ONE + 5):
            slow.append(await asyncio.open_connection("127.0.0.1", primary.port))
        ended = 0
        for reader, _ in slow[-5:]:
            ended += await reader.read() == b""
        assert ended == 5
        assert "too many handshakes" in caplog.text
        for _, writer in slow:
            writer.close()
        async with standby.client() as ask:
            while True:  # the places are free again at once
                with suppress(PeerUnreachable):
                    await ask(GREETING, _GREETING, Greeting)
                    break
                await asyncio.sleep(0.05)


async def test_a_removed_host_is_cut_off_and_refused(hosts: tuple[HostHere, HostHere], caplog: pytest.LogCaptureFixture) -> None:
    primary, standby = hosts
    code = invite(primary.directory, "there").text
    async with primary.running():
        await standby.joins(primary.address, code)
        async with standby.running(), standby.client() as ask, echo(web_socket(primary.directory)):
            assert (await ask(GREETING, _GREETING, Greeting)).name == "here"
            reader, writer = await asyncio.open_unix_connection(str(peer_web_socket(standby.directory)))
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            removed = Peers(primary.directory).remove("there")
            assert removed is not None
            async with asyncio.timeout(60):
                assert await reader.read() == b""
            writer.close()
            with pytest.raises(PeerUnreachable) as problem:
                await ask(GREETING, _GREETING, Greeting)
            assert "does not know the certificate" in problem.value.params["why"]
            assert "its open stream was cut off" in caplog.text
            assert "its certificate is unknown" in caplog.text
            with pytest.raises(PeerUnreachable):  # the code that it used does not let it in again
                await standby.joins(primary.address, code)


def test_a_second_host_and_the_host_itself_are_refused(hosts: tuple[HostHere, HostHere], stranger: HostHere) -> None:
    primary, standby = hosts
    code = invite(primary.directory)
    own = make_identity(primary.directory).certificate
    with pytest.raises(PeersProblem, match="itself"):
        admit(primary.directory, JoinRequest(code.secret, own, "here", ":1"), "here", "127.0.0.1")
    admit(primary.directory, JoinRequest(code.secret, make_identity(standby.directory).certificate, "there", ":1"), "here", "::1")
    peer = Peers(primary.directory).one()
    assert peer is not None
    assert parse_address(peer.address) == ("::1", 1)
    with pytest.raises(PeersProblem, match="moot host remove there"):
        raise_sentence(lambda: invite(primary.directory))


def raise_sentence(work) -> None:  # type: ignore[no-untyped-def]
    try:
        work()
    except PeersProblem as problem:
        raise PeersProblem(problem.message % problem.params) from None


def test_addresses() -> None:
    assert parse_address("example.org") == ("example.org", 8421)
    assert parse_address("192.0.2.7:9000") == ("192.0.2.7", 9000)
    assert parse_address("[2001:db8::1]:9000") == ("2001:db8::1", 9000)
    assert parse_address("2001:db8::1") == ("2001:db8::1", 8421)
    for wrong in ("", "host:", "host:99999", "host:0", "https://example.org", "a b", "user@host", "host:1:2"):
        with pytest.raises(PeersProblem):
            parse_address(wrong)
