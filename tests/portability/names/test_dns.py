"""DNS: what a real authoritative server says, and how dns-lexicon changes it."""

from pathlib import Path

import msgspec
import pytest

from folkmoot.config import Names, Server, Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.moving.plan import Level
from folkmoot.portability.names.before_move import check_names
from folkmoot.portability.names.lookup import Lookup, look_up
from folkmoot.portability.names.model import NamesProblem
from folkmoot.portability.names.pointing import Change, change_records, hosts_in_dns, look_up_all, plan, point, read_options
from folkmoot.portability.secrets import DNS
from tests.portability.names.dns_server import SECRET, ZONE, DnsServer, dns_server


def _settings(folder: Path, server: DnsServer, **more: object) -> Settings:
    names = Names(server=server.address, provider="ddns", others=[f"https://www.{ZONE}"], **more)  # type: ignore[arg-type]
    return Settings(data=folder, server=Server(base_url=f"https://{ZONE}"), names=names)


async def test_a_name_is_pointed_at_another_host_without_a_moment_of_absence(open_folder: Path) -> None:
    data = DataDirectory(open_folder / "data")
    data.prepare()
    with dns_server(open_folder / "dns", "@ 300 A 192.0.2.1", "@ AAAA 2001:db8::1", "www 300 A 192.0.2.1") as server:
        settings = _settings(data.path, server)
        data.write(data.path / "secrets" / DNS, server.credentials.encode())
        found = await look_up_all(settings)
        assert [(one.host, one.addresses, one.ttl, one.zone, one.servers) for one in found] == [
            (ZONE, ["192.0.2.1", "2001:db8::1"], 300, ZONE, [f"ns.{ZONE}"]), (f"www.{ZONE}", ["192.0.2.1"], 300, ZONE, [f"ns.{ZONE}"]),
        ]
        changes = plan(found, ["198.51.100.7"])
        assert [change.is_added for change in changes] == [True, True, False, False, False]
        change_records(settings, changes[:2])
        assert [len(one.addresses) for one in await look_up_all(settings)] == [3, 2]
        assert await point(settings, ["198.51.100.7"]) == changes[2:]
        assert [(one.addresses, one.ttl) for one in await look_up_all(settings)] == [(["198.51.100.7"], 60)] * 2
        assert await point(settings, ["198.51.100.7"]) == []


async def test_wrong_credentials_are_named_and_nothing_is_changed(open_folder: Path) -> None:
    data = DataDirectory(open_folder / "data")
    data.prepare()
    with dns_server(open_folder / "dns", "@ A 192.0.2.1") as server:
        settings = _settings(data.path, server)
        data.write(data.path / "secrets" / DNS, server.credentials.replace(SECRET[:4], "AAAA").encode())
        with pytest.raises(NamesProblem) as caught:
            change_records(settings, [Change(ZONE, "A", "198.51.100.7", True)])
        assert str(caught.value.params["change"]) == f"add {ZONE} A 198.51.100.7"
        assert (await look_up(ZONE, server.address)).addresses == ["192.0.2.1"]


async def test_a_move_says_beforehand_what_will_become_of_the_names(open_folder: Path) -> None:
    data = DataDirectory(open_folder / "data")
    data.prepare()
    with dns_server(open_folder / "dns", "@ 300 A 192.0.2.1", "www 60 A 192.0.2.1") as server:
        settings = _settings(data.path, server, ttl=300)
        data.write(data.path / "secrets" / DNS, server.credentials.encode())
        good = await check_names(settings, "praha", ["198.51.100.7"])
        assert (good.level, good.found) == (Level.GOOD, f"{ZONE}, www.{ZONE}: changed at ddns by the move")
        data.write(data.path / "secrets" / DNS, b"nonsense")
        for changed, addresses, mend in (
            (settings, ["198.51.100.7"], "not of the form"),
            (settings, [], "Set names.addresses in the settings file of praha"),
            (_settings(data.path, server, ttl=60), ["198.51.100.7"], "Set the TTL of its records to 60"),
        ):
            line = await check_names(changed, "praha", addresses)
            assert line.level == Level.WARNING
            assert mend in line.mend
        by_hand = msgspec.structs.replace(settings, names=Names(server=server.address, ttl=300))
        line = await check_names(by_hand, "praha", ["198.51.100.7"])
        assert (line.level, line.found) == (Level.GOOD, f"{ZONE}: change them to 198.51.100.7 by hand after the move")
    line = await check_names(settings, "praha", ["198.51.100.7"])
    assert "DNS does not answer" in line.found
    assert (await check_names(Settings(data=data.path), "praha", [])).level == Level.GOOD  # without a name in DNS


async def test_a_change_that_is_not_served_is_an_error(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider for RFC 2136 does not look at the answer of the server."""
    monkeypatch.setattr("folkmoot.portability.names.pointing._SEEN_SECONDS", 0)
    data = DataDirectory(open_folder / "data")
    data.prepare()
    with dns_server(open_folder / "dns", "@ A 192.0.2.1", can_store=False) as server:
        settings = _settings(data.path, server)
        data.write(data.path / "secrets" / DNS, server.credentials.encode())
        with pytest.raises(NamesProblem, match="does not serve it"):
            await point(settings, ["198.51.100.7"])
        assert (await look_up(ZONE, server.address)).addresses == ["192.0.2.1"]


async def test_what_dns_does_not_know_is_said(open_folder: Path) -> None:
    with dns_server(open_folder / "dns", "www CNAME other", "other A 192.0.2.1", "mail TXT x") as server:
        assert (await look_up(f"gone.{ZONE}", server.address)).why == "the name is unknown"
        assert (await look_up(f"mail.{ZONE}", server.address)).why == "the name has no address"
        alias = await look_up(f"www.{ZONE}", server.address)
        assert (alias.alias, alias.addresses) == (f"other.{ZONE}", ["192.0.2.1"])
        assert plan([alias], ["198.51.100.7"]) == []  # an alias is changed where it leads
    why = (await look_up(ZONE, server.address)).why
    assert "DNS does not answer" in why
    assert "Server " not in why  # not each attempt with its error


def test_only_names_in_dns_are_looked_up() -> None:
    others = ["https://moot.example.net:8443", "http://abc.onion", "http://192.0.2.1", "http://[2001:db8::1]", "http://localhost:8420"]
    settings = Settings(server=Server(base_url=f"https://{ZONE}"), names=Names(others=others))
    assert hosts_in_dns(settings) == [ZONE, "moot.example.net"]


def test_options_of_the_provider_are_read_by_line() -> None:
    assert read_options("# mine\nauth_token = a=b\n\nauth_username=x\n") == {"auth_token": "a=b", "auth_username": "x"}
    with pytest.raises(NamesProblem):
        read_options("auth_token = abc\nsecret")


async def test_without_the_dns_library_the_addresses_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.portability.names.lookup.has_dns_library", lambda: False)
    assert (await look_up("localhost")).addresses[0] in ("127.0.0.1", "::1")
    assert await look_up("abc.onion") == Lookup(host="abc.onion", why="it is an onion service and not in DNS")
