"""`moot names`, on a network whose name is in a real DNS server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.base.errors import Unavailable
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY, HostState
from folkmoot.portability.names import public
from folkmoot.portability.names.lookup import look_up
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.secrets import DNS, NETWORK
from tests.network_up import moot
from tests.portability.names.dns_server import ZONE, DnsServer, dns_server
from tests.portability.names.hosts import become, make_host

NEW = "198.51.100.7"


@pytest.fixture
def dns(open_folder: Path) -> Iterator[DnsServer]:
    with dns_server(open_folder / "dns", "@ 7200 A 192.0.2.1") as server:
        yield server


@pytest.fixture
def network(open_folder: Path, dns: DnsServer) -> DataDirectory:
    data = make_host(open_folder / "data", HostState(PRIMARY, 2), recovery=RecoveryKey.new())
    data.secret(NETWORK)
    data.write(data.path / "secrets" / DNS, dns.credentials.encode())
    (data.path / "folkmoot.toml").write_text(
        f'[server]\nbase_url = "http://{ZONE}"\n[names]\nserver = "{dns.address}"\nprovider = "ddns"\naddresses = ["{NEW}"]\n'
    )
    return data


def test_names_are_listed_with_what_is_wrong(network: DataDirectory) -> None:
    listed = moot("names", "list", data=network.path)
    assert listed.returncode == 1
    assert "leads to   192.0.2.1, kept for 7200 s" in listed.stdout
    assert "does not lead to a public address" in listed.stdout
    assert "Set a TTL of 60 s" in listed.stdout


@pytest.mark.parametrize(("logged", "said"), [
    ("gaierror(-2, 'Name or service not known')", "it does not answer (name or service not known)"),
    ("ConnectError('All connection attempts failed')", "it does not answer (all connection attempts failed)"),
    ("too many redirects", "it does not answer (too many redirects)"), ("", "it does not answer"),
])
def test_an_operator_reads_no_python_in_a_reason(logged: str, said: str) -> None:
    assert public._reason(Unavailable(log_text=f"https://moot.example/: {logged}" if logged else "")) == said


def test_names_are_led_here_by_one_command(network: DataDirectory, dns: DnsServer) -> None:
    changes = [f"add {ZONE} A {NEW}", f"remove {ZONE} A 192.0.2.1"]
    planned = json.loads(moot("names", "point", "--dry-run", "--json", data=network.path).stdout)
    assert (planned["changes"], asyncio.run(look_up(ZONE, dns.address)).addresses) == (changes, ["192.0.2.1"])
    done = moot("names", "point", "--yes", "--json", "--wait", "0", data=network.path)
    assert json.loads(done.stdout)["changed"] == changes
    assert asyncio.run(look_up(ZONE, dns.address)).addresses == [NEW]
    assert done.returncode == 1  # the fetcher does not go to addresses of documentation


def test_a_network_without_a_name_has_none_to_lead_here(network: DataDirectory) -> None:
    (network.path / "folkmoot.toml").write_text("")
    refused = moot("names", "point", "--dry-run", data=network.path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "No name of this network is in DNS" in refused.stderr


def test_only_the_primary_takes_the_names(network: DataDirectory, dns: DnsServer) -> None:
    become(network, HostState(STANDBY, 2))
    refused = moot("names", "point", "--yes", data=network.path)
    assert refused.returncode == 1
    assert "This host is standby" in refused.stderr
    assert asyncio.run(look_up(ZONE, dns.address)).addresses == ["192.0.2.1"]
