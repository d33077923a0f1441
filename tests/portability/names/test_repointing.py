"""After a move the public names lead to the new host: by a provider, or when the operator has changed the records."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from folkmoot.config import Names, Server, Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY, HostState
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.names.lookup import look_up
from folkmoot.portability.names.pointing import point
from folkmoot.portability.names.repointing import PublicNames
from folkmoot.portability.secrets import DNS
from tests.portability.names.dns_server import ZONE, DnsServer, dns_server
from tests.portability.names.hosts import PublicName, become, make_host, pair, serving, settings_of_host

OLD, NEW = "93.184.215.14", "93.184.215.15"


class _Internet(PublicName):
    """Names are resolved by the DNS server of the test, and each address leads to the host that has it."""

    def __init__(self, dns: DnsServer, ports: dict[str, int]) -> None:
        super().__init__()
        self._dns = dns
        self._ports = ports

    async def resolve(self, host: str, _port: int) -> list[str]:
        return (await look_up(host, self._dns.address)).addresses

    async def connect(self, address: str, port: int) -> Any:
        self.port = self._ports.get(address)
        return await super().connect(address, port)


class Hosts:
    """The old host and the new one in epoch 2, each behind its address, and the DNS that leads to the old one."""

    def __init__(self, old: DataDirectory, new: DataDirectory, dns: DnsServer, internet: _Internet) -> None:
        self.old, self.new, self.dns, self._internet = old, new, dns, internet
        self.new_id = get_identity(new).id

    def settings(self, provider: str = "") -> Settings:
        names = Names(server=self.dns.address, provider=provider)
        return Settings(data=self.old.path, server=Server(base_url=f"http://{ZONE}"), names=names)

    def names(self, provider: str = "") -> PublicNames:
        return PublicNames(self.settings(provider), self._internet.resolve, self._internet.connect)


@pytest.fixture
async def hosts(open_folder: Path) -> AsyncIterator[Hosts]:
    old = make_host(open_folder / "old", HostState(PRIMARY, 1))
    new = make_host(open_folder / "new", HostState(STANDBY, 1))
    pair(old, new)
    become(new, HostState(PRIMARY, 2))
    become(old, HostState(STANDBY, 2))
    async with AsyncExitStack() as stack:
        ports = {
            address: await stack.enter_async_context(serving(settings_of_host(data))) for address, data in ((OLD, old), (NEW, new))
        }
        dns = stack.enter_context(dns_server(open_folder / "dns", f"@ 60 A {OLD}"))
        old.write(old.path / "secrets" / DNS, dns.credentials.encode())
        yield Hosts(old, new, dns, _Internet(dns, ports))


async def test_the_provider_leads_the_name_to_the_new_host(hosts: Hosts) -> None:
    done = await hosts.names("ddns").repoint(hosts.new_id, 2, [NEW])
    assert done.is_done
    assert done.changed == [f"add {ZONE} A {NEW}", f"remove {ZONE} A {OLD}"]
    again = await hosts.names("ddns").repoint(hosts.new_id, 2, [NEW])
    assert (again.is_done, again.changed) == (True, [])


async def test_without_a_provider_the_records_are_named_and_waited_for(hosts: Hosts) -> None:
    done = await hosts.names().repoint(hosts.new_id, 2, [NEW])
    assert done.by_hand == [f"add {ZONE} A {NEW}", f"remove {ZONE} A {OLD}"]
    assert done.elsewhere == {f"http://{ZONE}": "another host answers, the standby in epoch 2"}
    waiting = asyncio.create_task(hosts.names().await_names(hosts.new_id, 2, 120))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await point(hosts.settings("ddns"), [NEW])  # as the operator does at the provider
    assert await waiting == {}


async def test_a_provider_that_fails_stops_nothing(hosts: Hosts) -> None:
    hosts.old.write(hosts.old.path / "secrets" / DNS, b"auth_token = wrong\n")
    done = await hosts.names("ddns").repoint(hosts.new_id, 2, [NEW])
    assert "The DNS provider ddns did not add" in done.why
    assert done.by_hand
    unknown = await hosts.names("ddns").repoint(hosts.new_id, 2, [])
    assert "names.addresses" in unknown.why


async def test_a_name_that_nobody_answers_is_named(hosts: Hosts) -> None:
    hosts._internet._ports.clear()
    done = await hosts.names().repoint(hosts.new_id, 2, [OLD])
    assert (done.by_hand, done.changed) == ([], [])
    assert "does not answer" in done.elsewhere[f"http://{ZONE}"]
    assert "(nobody listens)" in done.elsewhere[f"http://{ZONE}"]  # without the words of Python
