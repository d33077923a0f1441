"""The only HTTP client: every request of this network to other hosts goes through it (protection against SSRF).

A host name is resolved once, every address is checked, and the connection is made to the checked address, so that a
second DNS answer cannot change the target (DNS rebinding). Addresses that are not public are refused, whatever their
notation. Ports 80 and 443, no cookies, no proxies, five seconds, one mebibyte each way unless a caller names another limit, three
redirects.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import httpcore
import idna

from folkmoot.base import clock
from folkmoot.base.errors import Unavailable

SECONDS = 5.0
MOST_BYTES = 1024 * 1024
MOST_REDIRECTS = 3
_KEPT_SECONDS = 3600.0
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "DELETE"])
_RESERVED = frozenset([
    "host", "content-length", "transfer-encoding", "connection", "accept-encoding", "cookie", "te", "trailer", "upgrade", "keep-alive",
    "proxy-authorization", "proxy-connection", "expect",
])
_LONGEST_LABEL = 63  # characters, RFC 1035 2.3.4
_PORTS = {"http": 80, "https": 443}
_GLOBAL_6 = ipaddress.ip_network("2000::/3")
_NOT_GLOBAL_6 = [ipaddress.ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NOT_GLOBAL_4 = ipaddress.ip_network("192.88.99.0/24")

Resolve = Callable[[str, int], Awaitable[list[str]]]
Connect = Callable[[str, int], Awaitable[httpcore.AsyncNetworkStream]]


class Refused(Unavailable):
    """A request that this client does not send."""

    code = "refused_address"
    message = "This address cannot be fetched."


class Untrusted(Unavailable):
    """The certificate of the host is refused. `why`: the reason, in English."""

    def __init__(self, why: str, *, log_text: str) -> None:
        super().__init__(log_text=log_text)
        self.why = why


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    url: str


@dataclass(frozen=True)
class Outgoing:
    """A request as it is sent. The signer is called for each one, so it signs exactly what is sent."""

    method: str
    url: str
    host: str  # as in the Host header
    target: str  # path and query
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""


Signer = Callable[[Outgoing], Mapping[str, str]]  # the headers to add, such as Date, Digest and Signature


def is_public(address: str) -> bool:
    """Whether a connection to this address is allowed: public, unicast, not a tunnel to another network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed.is_global and not parsed.is_multicast and parsed not in _NOT_GLOBAL_4
    return parsed in _GLOBAL_6 and not any(parsed in network for network in _NOT_GLOBAL_6)


def check_url(url: str) -> None:
    """Raises Refused for a URL that cannot be fetched whatever DNS says: its form, its port, or a private address as its host."""
    _, host, _, _ = _parts(url)
    is_address = ":" in host or host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x")
    if is_address and not is_public(host):
        raise Refused(log_text=f"{url[:100]!r} is no public address")


@dataclass(frozen=True)
class Limit:
    """How much of an answer is read. What is longer is an error or, with `is_cut`, left out: then only its beginning is read."""

    most_bytes: int
    is_cut: bool = False


async def fetch(
    url: str, *, accept: str = "*/*", limit: Limit | None = None, trust: ssl.SSLContext | None = None, resolve: Resolve | None = None,
    connect: Connect | None = None,
) -> Answer:
    """GETs a URL and follows redirects. Raises Refused for a request that is not allowed, Untrusted for the certificate of the
    host, Unavailable for a host that does not answer correctly. `trust`: other authorities than those of the system. `resolve` and
    `connect` are for tests."""
    return await send("GET", url, headers={"accept": accept}, limit=limit, trust=trust, resolve=resolve, connect=connect)


async def send(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", signer: Signer | None = None,
    follows: bool | None = None, seconds: float = SECONDS, limit: Limit | None = None, trust: ssl.SSLContext | None = None,
    resolve: Resolve | None = None, connect: Connect | None = None,
) -> Answer:
    """Sends one request. Raises Refused if it is not allowed, Untrusted for the certificate of the host, Unavailable if
    the host does not answer correctly in time.

    Redirects are followed for GET and HEAD, and for other methods only with `follows`: then 301, 302 and 303 become a GET
    without the body, and 307 and 308 repeat the request, to the same scheme, host and port only (RFC 9110 15.4). Another
    origin gets neither the signer's headers nor the caller's: they are meant for the first host only.
    """
    request = _outgoing(method, url, headers or {}, body)
    follows = method in ("GET", "HEAD") if follows is None else follows
    resolve, connect = resolve or _resolve, connect or _connect
    try:
        async with asyncio.timeout(seconds):
            for _ in range(MOST_REDIRECTS + 1):
                answer = await _send_once(request, signer, limit or Limit(MOST_BYTES), trust, resolve, connect)
                if not follows or answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
                    return answer
                before, request = request, _redirected(request, answer)
                if _origin(before.url) != _origin(request.url):
                    signer = None
    except (TimeoutError, OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise Unavailable(log_text=f"{url}: {error!r}") from error
    raise Unavailable(log_text=f"{url}: too many redirects")


def _outgoing(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Outgoing:
    """Checks everything that can be checked before DNS is queried. Raises Refused."""
    if method not in _METHODS or (body and method in ("GET", "HEAD")) or len(body) > MOST_BYTES:
        raise Refused(log_text=f"{method} with {len(body)} bytes")
    _, _, _, target = _parts(url)
    plain = {name.lower(): value for name, value in headers.items()}
    _check_headers(plain)
    return Outgoing(method, url, _host_header(url), target.decode(), plain, body)


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name in _RESERVED or not name or not all(character.isalnum() or character in "-_" for character in name) or not name.isascii():
            raise Refused(log_text=f"the header {name[:50]!r}")
        if not value.isascii() or value != value.strip() or any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise Refused(log_text=f"the value of the header {name}")


def _redirected(request: Outgoing, answer: Answer) -> Outgoing:
    """The request that follows a redirect. Raises Refused."""
    url = urljoin(request.url, answer.headers["location"])
    _, _, _, target = _parts(url)
    is_elsewhere = _origin(url) != _origin(request.url)
    keeps_body = answer.status in (307, 308)
    if keeps_body and is_elsewhere and request.method not in ("GET", "HEAD"):
        raise Refused(log_text=f"{request.url} sends a {request.method} on to {url[:100]!r}")
    request = replace(request, url=url, host=_host_header(url), target=target.decode())
    if is_elsewhere:
        request = replace(request, headers={name: value for name, value in request.headers.items() if name == "accept"})
    if not keeps_body and request.method not in ("GET", "HEAD"):
        left = {name: value for name, value in request.headers.items() if not name.startswith("content-")}
        request = replace(request, method="GET", body=b"", headers=left)
    return request


def _origin(url: str) -> tuple[str, str, int]:
    return _parts(url)[:3]


async def _send_once(
    request: Outgoing, signer: Signer | None, limit: Limit, trust: ssl.SSLContext | None, resolve: Resolve, connect: Connect
) -> Answer:
    scheme, host, port, target = _parts(request.url)
    address = _checked_address(request.url, await resolve(host, port))
    stream = await connect(address, port)
    if not is_public(str(stream.get_extra_info("server_addr")[0])):  # the address that was really connected to
        await stream.aclose()
        raise Refused(log_text=f"{request.url}: connected to a private address")
    origin = httpcore.Origin(scheme.encode(), host.encode(), port)
    if scheme == "https":
        context = trust or _system_trust(int(clock.monotonic() // _KEPT_SECONDS))
        try:
            stream = await stream.start_tls(context, server_hostname=host, timeout=SECONDS)
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise Untrusted(error.__cause__.verify_message, log_text=f"{request.url}: {error!r}") from error
            raise
    where = httpcore.URL(scheme=scheme.encode(), host=host.encode(), port=port, target=target)
    async with httpcore.AsyncHTTP11Connection(origin=origin, stream=stream) as connection:
        sent = httpcore.Request(request.method, where, headers=_headers(request, signer), content=request.body)
        response = await connection.handle_async_request(sent)
        body = await _read(response, limit, request.url)
    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status, found, body, request.url)


async def _read(response: httpcore.Response, limit: Limit, url: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > limit.most_bytes:
            if limit.is_cut:
                await response.aclose()
                break
            raise Unavailable(log_text=f"{url}: more than {limit.most_bytes} bytes")
    return bytes(body[: limit.most_bytes])


@lru_cache(maxsize=1)
def _system_trust(_period: int) -> ssl.SSLContext:
    """The certificates of the machine. Reading them takes 19 ms, and they may change while a process runs: read once an hour."""
    return ssl.create_default_context()


def _headers(request: Outgoing, signer: Signer | None) -> list[tuple[str, str]]:
    """Our headers, those of the caller, and those of the signer, which sees both."""
    named = {"user-agent": "Folkmoot", "accept": "*/*", **request.headers}
    length = {"content-length": str(len(request.body))} if request.body or request.method in ("POST", "PUT") else {}
    if signer is not None:
        signed = {name.lower(): value for name, value in signer(replace(request, headers=named)).items()}
        _check_headers(signed)
        named |= signed
    return [("host", request.host), ("accept-encoding", "identity"), *length.items(), *named.items()]


def _parts(url: str) -> tuple[str, str, int, bytes]:
    """Scheme, host, port and target of a URL that may be fetched. Raises Refused."""
    if len(url) > 2000 or any(ord(character) <= 32 or ord(character) == 127 for character in url):
        raise Refused(log_text=f"not a plain URL: {url[:100]!r}")
    try:
        split = urlsplit(url)
        host = _in_ascii(split.hostname or "")
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


def _in_ascii(host: str) -> str:
    """A host as DNS knows it: IDNA 2008 with the mappings of UTS 46, as browsers do. Raises UnicodeError."""
    if not host.isascii():
        return idna.encode(host, uts46=True).decode()
    if any(len(label) > _LONGEST_LABEL for label in host.split(".")):
        raise UnicodeError("a label is too long")
    return host


def _checked_address(url: str, addresses: Iterable[str]) -> str:
    """The first address, if all are public: a host name that also has a private address is an attack."""
    found = list(addresses)
    if not found or not all(map(is_public, found)):
        raise Refused(log_text=f"{url[:100]!r} leads to {found}")
    return found[0]


def _host_header(url: str) -> str:
    scheme, host, port, _ = _parts(url)
    named = f"[{host}]" if ":" in host else host
    return named if port == _PORTS[scheme] else f"{named}:{port}"


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def _connect(address: str, port: int) -> httpcore.AsyncNetworkStream:
    return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout=SECONDS)
