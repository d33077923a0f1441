"""The one guarded fetcher: whatever this network asks of other machines goes through here.

A host name is resolved once, every address is checked, and the connection is made to the checked address, so that a
second answer of the name server cannot lead elsewhere. What is not public is refused, by what an address is and not
by how it is spelled. Ports 80 and 443, no cookies, no proxies, five seconds, one mebibyte, three redirects.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpcore

from folkmoot.base.errors import Unavailable

SECONDS = 5.0
MOST_BYTES = 1024 * 1024
MOST_REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_GLOBAL_6 = ipaddress.ip_network("2000::/3")
_NOT_GLOBAL_6 = [ipaddress.ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NOT_GLOBAL_4 = ipaddress.ip_network("192.88.99.0/24")

Resolve = Callable[[str, int], Awaitable[list[str]]]
Connect = Callable[[str, int], Awaitable[httpcore.AsyncNetworkStream]]


class Refused(Unavailable):
    """An address that we do not fetch from."""

    code = "refused_address"
    message = "This address cannot be fetched."


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    url: str


def is_public(address: str) -> bool:
    """Whether an address may be connected to: public, unicast, no tunnel into anything else."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed.is_global and not parsed.is_multicast and parsed not in _NOT_GLOBAL_4
    return parsed in _GLOBAL_6 and not any(parsed in network for network in _NOT_GLOBAL_6)


async def fetch(
    url: str, *, accept: str = "*/*", resolve: Resolve | None = None, connect: Connect | None = None
) -> Answer:
    """GETs a URL. `resolve` and `connect` are for tests. Raises Refused for what we do not fetch, Unavailable for what
    does not answer as it should."""
    resolve, connect = resolve or _resolve, connect or _connect
    try:
        async with asyncio.timeout(SECONDS):
            for _ in range(MOST_REDIRECTS + 1):
                answer = await _fetch_once(url, accept, resolve, connect)
                if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
                    return answer
                url = urljoin(url, answer.headers["location"])
    except (TimeoutError, OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise Unavailable(log_text=f"{url}: {error!r}") from error
    raise Unavailable(log_text=f"{url}: too many redirects")


async def _fetch_once(url: str, accept: str, resolve: Resolve, connect: Connect) -> Answer:
    scheme, host, port, target = _parts(url)
    address = _checked(url, await resolve(host, port))
    stream = await connect(address, port)
    if not is_public(str(stream.get_extra_info("server_addr")[0])):  # what we are connected to, not what we meant
        await stream.aclose()
        raise Refused(log_text=f"{url}: connected to a private address")
    origin = httpcore.Origin(scheme.encode(), host.encode(), port)
    if scheme == "https":
        stream = await stream.start_tls(ssl.create_default_context(), server_hostname=host, timeout=SECONDS)
    headers = [("Host", _host_header(host)), ("User-Agent", "Folkmoot"), ("Accept", accept), ("Accept-Encoding", "identity")]
    where = httpcore.URL(scheme=scheme.encode(), host=host.encode(), port=port, target=target)
    async with httpcore.AsyncHTTP11Connection(origin=origin, stream=stream) as connection:
        response = await connection.handle_async_request(httpcore.Request("GET", where, headers=headers))
        body = bytearray()
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise Unavailable(log_text=f"{url}: more than {MOST_BYTES} bytes")
    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status, found, bytes(body), url)


def _parts(url: str) -> tuple[str, str, int, bytes]:
    """Scheme, host, port and target of a URL that may be fetched. Raises Refused."""
    if len(url) > 2000 or any(ord(character) <= 32 or ord(character) == 127 for character in url):
        raise Refused(log_text=f"not a plain URL: {url[:100]!r}")
    try:
        split = urlsplit(url)
        host = (split.hostname or "").encode("idna").decode("ascii")
        port = split.port or _PORTS.get(split.scheme, 0)
    except (ValueError, UnicodeError) as error:
        raise Refused(log_text=f"not a URL: {url[:100]!r}") from error
    if split.scheme not in _PORTS or not host or "@" in split.netloc or port not in _PORTS.values():
        raise Refused(log_text=f"scheme, port or host of {url[:100]!r}")
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    try:
        return split.scheme, host, port, path.encode("ascii")
    except UnicodeEncodeError as error:
        raise Refused(log_text=f"not an ASCII path: {url[:100]!r}") from error


def _checked(url: str, addresses: Iterable[str]) -> str:
    """The first address, if all are public: a name that also leads inside is no mistake."""
    found = list(addresses)
    if not found or not all(map(is_public, found)):
        raise Refused(log_text=f"{url[:100]!r} leads to {found}")
    return found[0]


def _host_header(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def _connect(address: str, port: int) -> httpcore.AsyncNetworkStream:
    return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout=SECONDS)
