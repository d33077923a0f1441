"""Points the names of the network at a host: which DNS records that needs, and who changes them.

With a provider in the settings, dns-lexicon changes them; else the operator does, and we wait until the change is seen. New
addresses are added before old ones are removed, so that the name is known all the time.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.portability import secrets
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.names.lookup import Lookup, has_dns_library, look_up, resolver_of
from folkmoot.portability.names.model import NamesProblem
from folkmoot.portability.names.packages import command_to_install
from folkmoot.portability.names.paths import known_names

_log = logging.getLogger(__name__)
_SEEN_SECONDS = 60.0  # in which the servers of a zone answer with a change


class Change(msgspec.Struct, frozen=True):
    """A DNS record that is to be added or removed."""

    host: str
    kind: str  # A or AAAA
    address: str
    is_added: bool

    def __str__(self) -> str:
        return f"{'add' if self.is_added else 'remove'} {self.host} {self.kind} {self.address}"


def hosts_in_dns(settings: Settings) -> list[str]:
    """The host names of all public addresses, without IP addresses, onion services and names of this machine only."""
    hosts = [urlsplit(name).hostname or "" for name in known_names(settings)]
    return [host for host in dict.fromkeys(hosts) if "." in host and not host.endswith(".onion") and not _is_address(host)]


async def look_up_all(settings: Settings) -> list[Lookup]:
    return list(await asyncio.gather(*(look_up(host, settings.names.server) for host in hosts_in_dns(settings))))


def plan(found: Iterable[Lookup], addresses: Iterable[str]) -> list[Change]:
    """The changes after which every name has exactly these addresses; additions first."""
    wanted = set(addresses)
    changes = [
        Change(one.host, _kind(address), address, address in wanted) for one in found if not one.alias
        for address in sorted(wanted ^ set(one.addresses))
    ]
    return sorted(changes, key=lambda change: not change.is_added)


async def point(settings: Settings, addresses: list[str]) -> list[Change]:
    """Points all names at these addresses, and returns what was changed. Raises NamesProblem.

    A change counts only when the servers of the zone answer with it: not every provider reports a refusal.
    """
    require_provider(settings)
    changes = plan(await look_up_all(settings), addresses)
    for part in ([one for one in changes if one.is_added], [one for one in changes if not one.is_added]):
        await asyncio.to_thread(change_records, settings, part)
        await _await_changes(settings, part)
    return changes


async def _await_changes(settings: Settings, changes: list[Change]) -> None:
    deadline = clock.monotonic() + _SEEN_SECONDS
    while True:
        served = {one.host: one.addresses for one in await look_up_all(settings)}
        missing = [one for one in changes if (one.address in served[one.host]) != one.is_added]
        if not missing:
            return
        if clock.monotonic() > deadline:
            raise NamesProblem(
                "The DNS provider %(provider)s accepted to %(change)s, but does not serve it after %(seconds)d s. Look there for the"
                " reason, then run: moot names list", provider=settings.names.provider, change=missing[0], seconds=_SEEN_SECONDS,
            )
        await asyncio.sleep(1)


def change_records(settings: Settings, changes: Iterable[Change]) -> None:
    """Changes the records at the provider. Blocks. Raises NamesProblem, which names the record that was not changed."""
    require_provider(settings)
    for change in changes:
        try:
            with _provider_of(settings, change.host) as operations:
                if change.is_added:
                    operations.create_record(change.kind, change.host, change.address)
                else:
                    operations.delete_record(None, change.kind, change.host, change.address)
        except Exception as error:  # each provider has its own
            raise NamesProblem(
                "The DNS provider %(provider)s did not %(change)s: %(why)s. Change it by hand, then run: moot names list",
                provider=settings.names.provider, change=change, why=str(error).rstrip(".") or type(error).__name__,
            ) from error
        _log.warning("DNS was changed: %s", change)


def log_in(settings: Settings, host: str) -> None:
    """Logs in at the provider and changes nothing. Blocks. Raises NamesProblem if the records of `host` cannot be changed."""
    require_provider(settings)
    try:
        with _provider_of(settings, host):
            pass
    except Exception as error:  # each provider has its own
        raise NamesProblem(
            "The DNS provider %(provider)s does not let us in: %(why)s", provider=settings.names.provider,
            why=str(error).rstrip(".") or type(error).__name__,
        ) from error


@contextmanager
def _provider_of(settings: Settings, host: str) -> Iterator[Any]:
    """The operations of dns-lexicon for the zone of a host, logged in."""
    import dns.resolver
    from lexicon.client import Client
    from lexicon.config import ConfigResolver

    options = read_options(secrets.dns_credentials(settings, DataDirectory(settings.data)))
    dns.resolver.default_resolver = resolver_of(settings.names.server)  # lexicon finds the zone with it
    zone = dns.resolver.zone_for_name(host).to_text(omit_final_dot=True)
    config = {
        "provider_name": settings.names.provider, "domain": zone, "resolve_zone_name": True, "ttl": settings.names.ttl,
        settings.names.provider: {"domain": zone, **options},
    }
    with Client(ConfigResolver().with_dict(config)) as operations:  # type: ignore[no-untyped-call]
        yield operations


def require_provider(settings: Settings) -> None:
    """Raises NamesProblem if this host cannot change records."""
    if not settings.names.provider:
        raise NamesProblem("No DNS provider is set. Set names.provider, or change the records by hand.")
    if not has_dns_library():
        raise NamesProblem("dns-lexicon is not installed. Run: %(command)s", command=command_to_install("dns"))


def read_options(text: str) -> dict[str, str]:
    """Options of the provider as dns-lexicon calls them, one in a line: auth_token = abc. Raises NamesProblem."""
    options = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.partition("=")
        if line.strip() and not line.strip().startswith("#"):
            if not equals or not name.strip().isidentifier():
                raise NamesProblem(
                    "Line %(number)d of the secret %(file)s is not of the form: auth_token = abc", number=number, file=secrets.DNS
                )
            options[name.strip()] = value.strip()
    return options


def _kind(address: str) -> str:
    return "AAAA" if ip_address(address).version == 6 else "A"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
