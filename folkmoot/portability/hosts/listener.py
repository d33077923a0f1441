"""Accepts connections on the port of the channel: TLS handshake, limits, then the protocol for the purpose of the stream.

A stranger can hold no more than a handshake, for ten seconds; the number of handshakes is limited, in all and for each
address. After the handshake the certificate is compared with the pinned ones again, because TLS alone would also admit a
client without any.
"""

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from folkmoot.base.errors import Problem
from folkmoot.portability.hosts.channel import HANDSHAKE_SECONDS, Purpose, watch
from folkmoot.portability.hosts.identity import fingerprint_of_der
from folkmoot.portability.hosts.refusals import Refusals, Refused

MOST_HANDSHAKES, MOST_HANDSHAKES_OF_ONE = 100, 20
_BACKLOG = 256
_PAUSE = 0.5  # seconds, if the process has no file descriptor left


class CannotListen(Problem):
    """The port of the channel cannot be opened."""

    code = "hosts_port"


@dataclass(frozen=True)
class Caller:
    """Who opened a stream: `peer_id` is the fingerprint of the certificate, "" without one."""

    address: str
    purpose: Purpose
    peer_id: str


class Listener:
    """`admit` returns the protocol for a stream, or raises Refused. `context` returns the TLS context of the moment."""

    def __init__(
        self, context: Callable[[], ssl.SSLContext], admit: Callable[[Caller], asyncio.Protocol], refusals: Refusals,
    ) -> None:
        self._context = context
        self._admit = admit
        self._refusals = refusals
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._handshakes: Counter[str] = Counter()

    def open(self, host: str, port: int) -> None:
        """`host`: "" for all addresses of this machine. Raises CannotListen."""
        try:
            self._sockets = _listening(host, port)
        except OSError as error:
            raise CannotListen(
                "Port %(port)d for the other host cannot be used: %(why)s. Set hosts.port to another one, and the same on the other host.",
                port=port, why=error.strerror,
            ) from error
        for listening in self._sockets:
            self._start(self._accept(listening))

    @property
    def port(self) -> int:
        return int(self._sockets[0].getsockname()[1])

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listening in self._sockets:
            listening.close()

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, where = await loop.sock_accept(listening)
            except OSError as error:
                self._refusals.log("all addresses", error.strerror)
                await asyncio.sleep(_PAUSE if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM) else 0)
                continue
            address = str(where[0])
            if self._handshakes.total() >= MOST_HANDSHAKES or self._handshakes[address] >= MOST_HANDSHAKES_OF_ONE:
                self._refusals.log(address, "too many handshakes at the same time")
                accepted.close()
                continue
            self._handshakes[address] += 1
            self._start(self._shake_hands(accepted, address))

    async def _shake_hands(self, accepted: socket.socket, address: str) -> None:
        loop, gate = asyncio.get_running_loop(), _Gate(address, self._admit, self._refusals)
        try:
            watch(accepted)
            await loop.connect_accepted_socket(
                lambda: gate, accepted, ssl=self._context(), ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except (OSError, Problem) as error:
            if not gate.was_reached:  # else the gate has refused it, or the stream has ended already
                self._refusals.log(address, _why(error))
            accepted.close()
        finally:
            self._handshakes[address] -= 1
            if not self._handshakes[address]:
                del self._handshakes[address]


class _Gate(asyncio.Protocol):
    """Decides about a stream when its handshake is complete, and hands it to its protocol."""

    def __init__(self, address: str, admit: Callable[[Caller], asyncio.Protocol], refusals: Refusals) -> None:
        self._address = address
        self._admit = admit
        self._refusals = refusals
        self.was_reached = False

    def connection_made(self, transport: Any) -> None:
        self.was_reached = True
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True)
        try:
            purpose = tls.selected_alpn_protocol()
            if purpose is None:
                raise Refused("it names no purpose (ALPN)")
            caller = Caller(self._address, Purpose(purpose), fingerprint_of_der(certificate) if certificate else "")
            protocol = self._admit(caller)
        except (Refused, Problem) as error:
            self._refusals.log(self._address, _why(error))
            transport.abort()
            return
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _why(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.message % error.params if error.params else error.message
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is unknown ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed ({error.reason or error})"
    if isinstance(error, ConnectionAbortedError | TimeoutError):
        return f"no TLS handshake within {HANDSHAKE_SECONDS:.0f} s"
    if isinstance(error, OSError):
        return "it closed the connection during the handshake"
    return str(error)


def _listening(host: str, port: int) -> list[socket.socket]:
    """A socket for each address; if all addresses are meant, a missing IPv6 or IPv4 is no error."""
    found: list[socket.socket] = []
    try:
        for family, kind, number, _, address in socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
            try:
                listening = socket.socket(family, kind, number)
            except OSError:
                if host:
                    raise
                continue
            found.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
            listening.setblocking(False)
    except BaseException:
        for listening in found:
            listening.close()
        raise
    if not found:
        raise OSError(errno.EAFNOSUPPORT, "this machine has no network")
    return found
