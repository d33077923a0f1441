"""The TLS side of the channel: contexts that trust one pinned certificate, keepalive, and outgoing connections.

Each stream between two hosts is a TLS 1.3 connection of its own, and ALPN names its purpose, so bytes pass unchanged and we
need no framing. Both sides show their certificate and accept only the pinned one. There is no session resumption: a
removed host must not come back with an old ticket.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum
from typing import TypeVar

import httpcore

from folkmoot.portability.hosts.identity import Identity
from folkmoot.portability.hosts.messages import PeerUnreachable
from folkmoot.portability.hosts.peers import Peer, parse_address

P = TypeVar("P", bound=asyncio.BaseProtocol)
CONNECT_SECONDS = 5.0  # for all addresses of a name
_ADDRESS_SECONDS = 3.0
HANDSHAKE_SECONDS = 10.0
SERVER_NAME = "folkmoot"  # the same for all hosts: names prove nothing here, and an eavesdropper learns nothing


class Purpose(StrEnum):
    """What a stream is for: its ALPN name."""

    POSTGRES = "folkmoot-postgres"  # to the PostgreSQL of the other host
    WEB = "folkmoot-web"  # to its web processes
    MESSAGES = "http/1.1"  # to its agent
    PAIRING = "folkmoot-pairing"  # to its agent, from a host that it does not know yet


def server_context(identity: Identity, peers: Iterable[Peer], *, is_pairing: bool) -> ssl.SSLContext:
    """Accepts the certificates of the peers. A client without a certificate is refused after the handshake, unless it pairs."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, identity)
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_OPTIONAL
    for peer in peers:
        context.load_verify_locations(cadata=peer.certificate)
    context.set_alpn_protocols([purpose for purpose in Purpose if is_pairing or purpose is not Purpose.PAIRING])
    return context


def client_context(identity: Identity, peer: Peer, purpose: Purpose) -> ssl.SSLContext:
    """Accepts the certificate of the peer and no other one."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, identity)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=peer.certificate)
    context.set_alpn_protocols([purpose])
    return context


def pairing_context() -> ssl.SSLContext:
    """For a host that knows only the fingerprint of the other one: the caller compares it before it sends anything."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, None)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([Purpose.PAIRING])
    return context


def _context(protocol: int, identity: Identity | None) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if identity:
        context.load_cert_chain(identity.certificate_file, identity.key_file)
    return context


async def connect(peer: Peer, context: ssl.SSLContext, protocol: Callable[[], P]) -> P:
    """Opens a stream to the peer. Raises PeerUnreachable with the reason."""
    host, port = parse_address(peer.address)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            plain = await _connected(host, port)
        _, connected = await loop.create_connection(
            protocol, sock=plain, ssl=context, server_hostname=SERVER_NAME, ssl_handshake_timeout=HANDSHAKE_SECONDS,
        )
    except (OSError, TimeoutError) as error:
        raise unreachable(peer, error) from error
    return connected


async def _connected(host: str, port: int) -> socket.socket:
    """A TCP connection to the first address that answers."""
    loop = asyncio.get_running_loop()
    error = OSError("the name is unknown")
    for family, kind, number, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        plain = socket.socket(family, kind, number)
        plain.setblocking(False)
        try:
            async with asyncio.timeout(_ADDRESS_SECONDS):
                await loop.sock_connect(plain, address)
            watch(plain)
            return plain
        except OSError as failed:
            error = failed
            plain.close()
        except BaseException:
            plain.close()
            raise
    raise error


def outgoing_address() -> str:
    """The address of this machine for connections to the internet. Nothing is sent for that."""
    for family, documentation in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((documentation, 9))
            return str(probe.getsockname()[0])
    return "127.0.0.1"


def unreachable(peer: Peer, error: BaseException) -> PeerUnreachable:
    return PeerUnreachable(
        "The host %(name)s at %(address)s cannot be reached: %(why)s.", name=peer.name, address=peer.address, why=reason(error)
    )


def reason(error: BaseException) -> str:
    """Why a connection failed, in words for people. Libraries wrap the error of the system in their own."""
    while not isinstance(error, TimeoutError | httpcore.TimeoutException) and (cause := error.__cause__ or error.__context__):
        error = cause.exceptions[-1] if isinstance(cause, BaseExceptionGroup) else cause
    text = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return "it showed another certificate than the one that was paired"
    if isinstance(error, ssl.SSLError):
        is_refused = "ALERT" in (error.reason or "") and ("CERTIFICATE" in text or "UNKNOWN_CA" in text)
        return "it does not know the certificate of this host, as after moot host remove" if is_refused else f"TLS failed ({error.reason})"
    if isinstance(error, TimeoutError | httpcore.TimeoutException) or "handshake" in text:
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "the name is unknown"
    if isinstance(error, ConnectionResetError | BrokenPipeError) or not text:
        return "it closed the connection, as if it does not know the certificate of this host any more"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return text.lower().rstrip(".")


def watch(plain: socket.socket) -> None:
    """Lets the kernel end a connection whose other side is silent for ten seconds, also while data wait to be sent."""
    for level, name, value in SOCKET_OPTIONS:
        with suppress(OSError):
            plain.setsockopt(level, name, value)


_WATCHED = {"TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 9000}  # seconds, milliseconds; not on each system
SOCKET_OPTIONS = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _WATCHED.items() if hasattr(socket, name)),
]
