"""`moot doctor --portability`: what ties this network to one provider, found by asking, and how long a move would take."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from folkmoot.base import clock
from folkmoot.base.errors import Problem, Unavailable
from folkmoot.base.http_client import fetch, is_public
from folkmoot.commands.checks.model import GOOD, WARNING, Finding
from folkmoot.commands.checks.registrar import domains_of, read_registration
from folkmoot.commands.options import duration, open_database, start_command
from folkmoot.config import Settings
from folkmoot.portability.certificates.trust import own_trust

if TYPE_CHECKING:
    from folkmoot.portability.names.lookup import Lookup

_SECONDS = 5.0
_PLAIN_ADDRESS = "its address changes with the provider"
_SOON = timedelta(days=60)  # in which a domain should be renewed
_FOUND = 200
_RDAP = "https://rdap.org/domain/"


async def check_ties(settings: Settings) -> AsyncIterator[Finding]:
    """A finding for each tie: good if the way out is prepared, with the way out in any case."""
    from folkmoot.portability.names.pointing import look_up_all

    found = await look_up_all(settings)
    if not found:
        yield Finding(
            "ties.name", WARNING, f"the network has no public name: it is {settings.base_url}",
            "members would have to learn a new address after each move",
            f"register a domain, and set server.base_url in {settings.data / 'folkmoot.toml'}",
        )
    for one in found:
        if not one.addresses:
            yield Finding("ties.address", WARNING, f"{one.host}: {one.why}", "nobody finds the network under this name",
                          "add an A record where the name is registered; moot names list shows when it is seen")
            continue
        owners = await asyncio.gather(*(asyncio.to_thread(_reverse, address) for address in one.addresses))
        shown = ", ".join(f"{address} ({owner})" if owner else address for address, owner in zip(one.addresses, owners, strict=True))
        yield Finding("ties.address", GOOD, f"{one.host} leads to {shown}; {_PLAIN_ADDRESS}. Way out: moot move, then moot names point")
        yield _ttl(settings, one)
        yield _dns(settings, one)
        yield await _registrar(one.zone or one.host)
    address = urlsplit(settings.base_url)
    if found and address.scheme == "https" and address.hostname:
        yield await _certificate(settings, address.hostname, address.port or 443)
    yield await _mail(settings)
    yield await asyncio.to_thread(_store, settings)
    if settings.media.base_url:
        yield Finding(
            "ties.media", WARNING, f"pictures are served by {urlsplit(settings.media.base_url).hostname}",
            "they do not move with this host",
            f"remove media.base_url from {settings.data / 'folkmoot.toml'}, or give that address a name of your own domain",
        )
    if not settings.names.others:
        yield Finding("ties.names", WARNING, "the network has one name only", "who takes the domain away takes the network away",
                      "register a second one elsewhere, lead it here, and set names.others")
    if not settings.names.lifeboat:
        yield Finding("ties.lifeboat", WARNING, "no page is shown when no host answers", "members would not know where to look",
                      "moot lifeboat --to FOLDER --en TEXT, at another provider; then set names.lifeboat")


def _reverse(address: str) -> str:
    """The name that the owner of an address has given it: mostly that of the provider."""
    if not is_public(address):
        return "not public"
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError:
        return ""


def _ttl(settings: Settings, one: "Lookup") -> Finding:
    from folkmoot.portability.names.packages import command_to_install

    most = settings.names.ttl
    if one.ttl is None:
        return Finding(
            "ties.ttl", WARNING, f"{one.host}: it is not known for how long others keep its address", "so long a move is not seen",
            f"install dnspython, then ask again: {command_to_install('dns')}",
        )
    if one.ttl > most:
        return Finding("ties.ttl", WARNING, f"{one.host}: others keep its address for {duration(one.ttl)}", "so long a move is not seen",
                       f"set a TTL of {most} s where the name is registered")
    return Finding("ties.ttl", GOOD, f"{one.host}: others keep its address for {one.ttl} s")


def _dns(settings: Settings, one: "Lookup") -> Finding:
    servers = ", ".join(one.servers) or "servers that are not known"
    if settings.names.provider:
        return Finding("ties.dns", GOOD, f"{one.host}: DNS by {servers}; this host changes it through {settings.names.provider}")
    return Finding("ties.dns", WARNING, f"{one.host}: DNS by {servers}; you change it by hand", "a move waits for you",
                   "set names.provider, and write the secret dns-credentials (docs/operate/names.md)")


async def _registrar(domain: str) -> Finding:
    """Asks the registry by RDAP (RFC 9083)."""
    way_out = "get the transfer code (AUTH-ID) now, while you can log in"
    why, found = "the domain is the tie that no move cuts", None
    for name in domains_of(domain):
        try:
            answer = await fetch(_RDAP + name, accept="application/rdap+json")
        except Unavailable:
            return Finding("ties.registrar", WARNING, f"{domain}: the registry does not answer", why, way_out)
        if answer.status == _FOUND and (found := read_registration(answer.body)):
            domain = name
            break
    if found is None or not found.registrar:
        return Finding("ties.registrar", WARNING, f"{domain}: the registry does not say who the registrar is", why, way_out)
    until = f", until {found.ends}" if found.ends else ""
    what = f"{domain} is registered with {found.registrar}{until}"
    if found.ends and found.ends < str(clock.now().date() + _SOON):
        return Finding("ties.registrar", WARNING, what, "without its domain nobody finds the network", "renew it now; then " + way_out)
    return Finding("ties.registrar", GOOD, f"{what}. Way out: {way_out}")


async def _certificate(settings: Settings, host: str, port: int) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=own_trust())
            certificate = writer.get_extra_info("peercert")
            writer.close()
    except (OSError, TimeoutError) as error:
        why = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error) or "no answer"
        return Finding("ties.certificate", WARNING, f"the certificate of {host} cannot be seen from here: {why}",
                       "visitors of the new host need one too", "moot install makes Caddy get one by itself")
    what = f"the certificate of {host} is by {issuer_of(certificate)}"
    if await asyncio.to_thread(_travels, settings, host):
        return Finding("ties.certificate", GOOD, f"{what}. It moves along: the secrets of this host contain its key")
    return Finding(
        "ties.certificate", WARNING, f"{what}, and its key stays on this host", "a new host gets its own after the name leads there",
        "moot install sets up Caddy, whose certificates move along; it can be run again",
    )


def issuer_of(certificate: dict[str, Any]) -> str:
    """The authority, from `SSLSocket.getpeercert()`: most have an organization, local ones only a name."""
    names = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    return names.get("organizationName") or names.get("commonName") or "an unknown authority"


def _travels(settings: Settings, host: str) -> bool:
    from folkmoot.portability.certificates.model import SECRET, read_bundle
    from folkmoot.portability.certificates.storage import newest_for

    try:
        return newest_for(host, read_bundle(settings.data / "secrets" / SECRET), clock.now()) is not None
    except PermissionError:
        return False


async def _mail(settings: Settings) -> Finding:
    if not settings.mail.host:
        return Finding("ties.mail", GOOD, "no mail server is set: mail is written to files, which move along")
    try:
        async with asyncio.timeout(_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(settings.mail.host, settings.mail.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return Finding(
            "ties.mail", WARNING, f"the mail server {settings.mail.host} is unknown", "mails wait, and are parked after some tries",
            "set mail.host to another one; nothing else depends on it",
        )
    own = {str(entry[4][0]) for entry in found} & _local_addresses()
    if own:
        return Finding(
            "ties.mail", WARNING, f"the mail server {settings.mail.host} is this machine",
            "it does not move, and the new address is unknown to" " other mail servers",
            "use a relay at another provider: set mail.host, mail.user and the secret mail-password",
        )
    return Finding(
        "ties.mail", GOOD, f"mail goes through {settings.mail.host}. Way out: set mail.host to another relay; add it to SPF first",
    )


def _local_addresses() -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)} | {"127.0.0.1", "::1"}
    except OSError:
        return {"127.0.0.1", "::1"}


def _store(settings: Settings) -> Finding:
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.offsite.remembered import repository_in_use
    from folkmoot.portability.offsite.target import without_password

    repository = repository_in_use(settings.offsite.repository, DataDirectory(settings.data))
    if not repository:
        return Finding(
            "ties.offsite", WARNING, "there is no off-site copy", "if this provider is gone, so is everything", "moot backup --to REPO",
        )
    shown = without_password(repository)
    if not repository.startswith("/"):
        return Finding("ties.offsite", GOOD, f"off-site copies are in {shown}, encrypted. Way out: moot backup --to REPO --new")
    if Path(repository).exists() and Path(repository).stat().st_dev == settings.data.stat().st_dev:
        return Finding(
            "ties.offsite", WARNING, f"off-site copies are in {shown}, on this disk", "they are lost together",
            "moot backup --to REPO --new",
        )
    return Finding("ties.offsite", GOOD, f"off-site copies are in {shown}, encrypted. Way out: moot backup --to REPO --new")


async def check_duration(settings: Settings) -> AsyncIterator[Finding]:
    """How long a move would take today: as the last one did, or by the size of what a new host has to copy."""
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.hosts.peers import Peers
    from folkmoot.portability.moving.journal import Journal
    from folkmoot.portability.queries import get_size, last_runs
    from folkmoot.portability.runs import BACKUP

    directory = DataDirectory(settings.data)
    done = [line.facts for line in Journal(directory).lines() if line.outcome == "done" and line.what == "action" and "took" in line.facts]
    if Peers(directory).one() and done:
        pause = f", and writing paused for {1000 * done[-1]['pause']:.0f} ms" if done[-1].get("pause") else ""
        yield Finding("ties.duration", GOOD, f"the last move took {sum(done[-1]['took'].values()):.0f} s{pause}")
        return
    try:
        async with open_database(settings, any_schema=True) as database, database.read() as conn:
            size, last = await get_size(conn), (await last_runs(conn))[BACKUP]
    except Problem:
        yield Finding(
            "ties.duration", WARNING, "the database does not answer, so its size is not known", "nobody knows how long a move would take",
            start_command(settings.data),
        )
        return
    total = f"{(size.database_bytes + size.media_bytes) / 1e6:,.0f} MB"
    if Peers(directory).one():
        yield Finding(
            "ties.duration", WARNING, f"{total} are on the other host already, but no move was started here",
            "how long one takes from here is not known",
            "moot move --dry-run measures; a move there and back is the proof",
        )
        return
    known = f"; the last backup of it took {duration(last.seconds)}" if last.good_age is not None and last.seconds else ""
    yield Finding(
        "ties.duration", WARNING, f"there is no second host. A new one has to copy {total} first{known}",
        "a move takes as long as that copy", "moot host add; then a move takes about a minute",
    )
