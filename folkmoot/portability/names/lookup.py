"""What DNS says about a name: its addresses, for how long others keep them, its zone and the servers of the zone.

dnspython comes with the extra `dns`. Without it only the addresses are known, as the machine sees them. The time to live
is asked of the zone's own servers, because others answer with what is left of it.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import msgspec

from folkmoot.base.http_client import Resolve

_SECONDS = 3.0
_PORT = 53


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """`ttl` is None if it is not known, `alias` the name that this one is an alias of (CNAME). `why`: the reason without addresses."""

    host: str
    addresses: list[str] = []
    ttl: int | None = None
    zone: str = ""
    servers: list[str] = []
    alias: str = ""
    why: str = ""


def has_dns_library() -> bool:
    return find_spec("dns") is not None and find_spec("lexicon") is not None


async def look_up(host: str, server: str = "") -> Lookup:
    """Asks `server`, or the servers that the machine asks. Never fails: the reason is part of the answer."""
    if host.endswith(".onion"):
        return Lookup(host=host, why="it is an onion service and not in DNS")
    if not has_dns_library():
        return await _by_the_machine(host)
    return await asyncio.to_thread(_by_dns, host, server)


async def _by_the_machine(host: str) -> Lookup:
    try:
        async with asyncio.timeout(2 * _SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return Lookup(host=host, why="the name is unknown")
    return Lookup(host=host, addresses=sorted({str(entry[4][0]) for entry in found}))


def resolver_of(server: str) -> Any:
    """A resolver of dnspython."""
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=not server)
    if server:
        resolver.nameservers = [server]
    resolver.timeout, resolver.lifetime = _SECONDS, 2 * _SECONDS
    return resolver


def resolve_with(server: str) -> Resolve | None:
    """How the fetcher finds addresses: by asking `server`; None: as the machine does."""
    if not server:
        return None

    async def resolve(host: str, _port: int) -> list[str]:
        return (await look_up(host, server)).addresses

    return resolve


async def resolve_unattended(host: str, port: int) -> list[str]:
    """As the machine resolves names, in a thread that nobody waits for: without DNS it may take a minute to give up, and neither
    the start nor the end of a process may depend on that. Raises OSError."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: OSError | None) -> None:
        if found.done():
            return
        if error:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    def work() -> None:
        addresses: list[str] = []
        failed: OSError | None = None
        try:
            addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            failed = error if isinstance(error, OSError) else OSError(str(error))
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, addresses, failed)

    threading.Thread(target=work, name="dns", daemon=True).start()
    return await found


def _by_dns(host: str, server: str) -> Lookup:
    import dns.exception
    import dns.resolver

    try:
        resolver = resolver_of(server)
        zone = dns.resolver.zone_for_name(host, resolver=resolver)
        servers = sorted(str(entry.target).rstrip(".") for entry in resolver.resolve(zone, "NS"))
        asked = _of_the_zone(resolver, servers) or resolver
        answers = [answer for kind in ("A", "AAAA") if (answer := asked.resolve(host, kind, raise_on_no_answer=False)).rrset]
    except dns.resolver.NXDOMAIN:
        return Lookup(host=host, why="the name is unknown")
    except dns.exception.DNSException as error:
        why = str(error).partition(": Server ")[0]  # and not each attempt
        return Lookup(host=host, why=f"DNS does not answer: {why or type(error).__name__}")
    alias = next((str(one.canonical_name).rstrip(".") for one in answers if str(one.canonical_name).rstrip(".") != host), "")
    return Lookup(
        host=host, addresses=sorted(entry.address for answer in answers for entry in answer),
        ttl=max((answer.rrset.ttl for answer in answers), default=None), zone=str(zone).rstrip("."), servers=servers, alias=alias,
        why="" if answers else "the name has no address",
    )


def _of_the_zone(resolver: Any, servers: list[str]) -> Any:
    """A resolver that asks a server of the zone; None if none of them has an address."""
    import dns.exception

    for server in servers:
        try:
            found = [entry.address for entry in resolver.resolve(server, "A")]
        except dns.exception.DNSException:
            continue
        return resolver_of(found[0])
    return None
