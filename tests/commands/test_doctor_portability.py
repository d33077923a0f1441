"""`moot doctor --portability` names what ties a network to one provider, from what it finds."""

import asyncio
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from folkmoot.base.errors import Unavailable
from folkmoot.commands.checks import portability
from folkmoot.commands.checks.model import GOOD, WARNING, Finding
from folkmoot.commands.checks.portability import check_duration, check_ties
from folkmoot.commands.checks.registrar import Registration, read_registration
from folkmoot.config import Mail, Media, Names, Offsite, Server, Settings
from folkmoot.portability.certificates.model import SECRET
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, HostState
from folkmoot.portability.moving.journal import Journal
from tests.commands.test_doctor_connections import certificate
from tests.network_up import moot
from tests.portability.names.dns_server import ZONE, dns_server
from tests.portability.names.hosts import make_host, pair


async def _ties(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding async for finding in check_ties(settings)}


def _states(found: dict[str, Finding], *names: str) -> list[str]:
    return [found[f"ties.{name}"].state for name in names]


async def test_each_tie_is_found_and_cut(open_folder: Path) -> None:
    data = make_host(open_folder / "data", HostState(PRIMARY, 1))
    tied = {"mail": Mail(host="127.0.0.1"), "media": Media(base_url="https://cdn.example")}
    with dns_server(open_folder / "dns", "@ 7200 A 192.0.2.1") as server:
        base: dict[str, Any] = {"data": data.path, "server": Server(base_url=f"http://{ZONE}")}
        found = await _ties(Settings(**base, **tied, names=Names(server=server.address), offsite=Offsite(repository=str(data.path))))
        assert "192.0.2.1 (not public)" in found["ties.address"].what
        assert "2 hours" in found["ties.ttl"].what
        assert f"ns.{ZONE}; you change it by hand" in found["ties.dns"].what
        assert "on this disk" in found["ties.offsite"].what
        assert set(_states(found, "ttl", "dns", "mail", "media", "offsite", "names", "lifeboat")) == {WARNING}
        names = Names(
            server=server.address, provider="ddns", ttl=7200, others=["https://moot.example.net"], lifeboat="https://pages.example/",
        )
        free = await _ties(Settings(**base, names=names, offsite=Offsite(repository="rest:https://host:secret@copies.example/moot")))
        assert set(_states(free, "ttl", "dns", "mail", "offsite")) == {GOOD}
        assert "secret" not in free["ties.offsite"].what
        assert not {"ties.names", "ties.lifeboat", "ties.media"} & set(free)


async def test_a_move_takes_as_long_as_the_last_one(open_folder: Path) -> None:
    data, other = make_host(open_folder / "data", HostState()), make_host(open_folder / "other", HostState())
    pair(data, other)
    Journal(data).append("m1", "done", "action", "done", pause=0.21, took={"synced": 60.0, "reversed": 4.5})
    found = [finding async for finding in check_duration(Settings(data=data.path))]
    assert [one.what for one in found] == ["the last move took 64 s, and writing paused for 210 ms"]


async def test_a_network_without_a_name_is_told_to_get_one(open_folder: Path) -> None:
    found = await _ties(Settings(data=make_host(open_folder / "data", HostState()).path))
    assert (found["ties.name"].state, found["ties.mail"].state) == (WARNING, GOOD)


async def test_the_issuer_of_the_certificate_is_named_and_whether_its_key_moves_along(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, 60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "localhost", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    data = make_host(open_folder / "data", HostState())
    settings = Settings(data=data.path)
    unknown = await portability._certificate(settings, "localhost", port)
    assert (unknown.check, unknown.state) == ("ties.certificate", WARNING)
    assert unknown.what.endswith("cannot be seen from here: self-signed certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    known = await portability._certificate(settings, "localhost", port)
    assert (known.check, known.state) == ("ties.certificate", WARNING)
    assert "is by localhost, and its key stays" in known.what
    bundle = {f"certificates/ca.test/localhost/localhost.{ending}": file.read_bytes() for ending in ("crt", "key")}
    bundle["certificates/ca.test/localhost/localhost.json"] = b"{}"
    data.write(data.path / "secrets" / SECRET, msgspec.json.encode(bundle))
    moves = await portability._certificate(settings, "localhost", port)
    server.close()
    assert moves.state == GOOD
    assert "is by localhost. It moves along" in moves.what


@pytest.mark.parametrize(("issuer", "name"), [
    ([("countryName", "US"), ("organizationName", "Let's Encrypt"), ("commonName", "E7")], "Let's Encrypt"),
    ([("countryName", "AT"), ("organizationName", "ZeroSSL"), ("commonName", "ZeroSSL ECC Domain Secure Site CA")], "ZeroSSL"),
    ([("countryName", "US"), ("organizationName", "Google Trust Services"), ("commonName", "WE1")], "Google Trust Services"),
    ([("countryName", "GB"), ("stateOrProvinceName", "Greater Manchester"), ("localityName", "Salford"),
      ("organizationName", "Sectigo Limited"), ("commonName", "Sectigo RSA Domain Validation Secure Server CA")], "Sectigo Limited"),
    ([("commonName", "Caddy Local Authority - ECC Intermediate")], "Caddy Local Authority - ECC Intermediate"),
    ([], "an unknown authority"),
])
def test_authorities_name_themselves_in_several_ways(issuer: list[tuple[str, str]], name: str) -> None:
    assert portability.issuer_of({"issuer": tuple((pair,) for pair in issuer)}) == name
    assert portability.issuer_of({"issuer": (tuple(issuer),)}) == name  # several values in one part


# The parts of recorded answers that matter; the rest is left out.
_VERISIGN = {
    "objectClassName": "domain", "handle": "2138514_DOMAIN_COM-VRSN", "ldhName": "EXAMPLE.COM",
    "entities": [{
        "objectClassName": "entity", "handle": "292", "roles": ["registrar"],
        "publicIds": [{"type": "IANA Registrar ID", "identifier": "292"}],
        "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "MarkMonitor Inc."]]],
        "entities": [{"objectClassName": "entity", "roles": ["abuse"],
                      "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", ""],
                                               ["tel", {"type": "voice"}, "uri", "tel:+1.2086851750"]]]}],
    }],
    "events": [{"eventAction": "registration", "eventDate": "1997-09-15T04:00:00Z"},
               {"eventAction": "expiration", "eventDate": "2028-09-14T04:00:00Z"},
               {"eventAction": "last update of RDAP database", "eventDate": "2026-01-05T09:00:00Z"}],
}
_CZ_NIC = {
    "objectClassName": "domain", "handle": "nic.cz", "port43": "whois.nic.cz", "rdapConformance": ["rdap_level_0", "fred_version_0"],
    "entities": [
        {"objectClassName": "entity", "handle": "CZ-NIC", "roles": ["registrant"], "links": [{"rel": "self"}]},
        {"objectClassName": "entity", "handle": "REG-CZNIC", "roles": ["registrar"]},
        {"objectClassName": "entity", "handle": "FEELA", "roles": ["administrative"]},
    ],
    "events": [{"eventAction": "registration", "eventDate": "1997-10-30T00:00:00+00:00"},
               {"eventAction": "expiration", "eventDate": "2027-03-15T13:00:00+00:00"}],
}
_DENIC = {
    "objectClassName": "domain", "ldhName": "denic.de", "status": ["active"],
    "events": [{"eventAction": "last changed", "eventDate": "2026-02-07T12:00:00+01:00"}],
}
_ORGANIZATION = {
    "objectClassName": "domain", "entities": [{"roles": None}, {
        "roles": ["technical", "registrar"], "handle": "9",
        "vcardArray": ["vcard", [["fn", {}, "text", ""], ["org", {}, "text", ["Jména", "s. r. o."]]]],
    }],
    "events": [{"eventAction": "registrar expiration", "eventDate": "2027-05-01T00:00:00Z"}, {"eventAction": "expiration"}],
}


@pytest.mark.parametrize(("answer", "registrar", "ends"), [
    (_VERISIGN, "MarkMonitor Inc.", "2028-09-14"), (_CZ_NIC, "REG-CZNIC", "2027-03-15"), (_DENIC, "", ""),
    (_ORGANIZATION, "Jména s. r. o.", "2027-05-01"),
])
def test_the_registrar_is_read_from_the_answers_of_several_registries(answer: dict[str, Any], registrar: str, ends: str) -> None:
    assert read_registration(json.dumps(answer).encode()) == Registration(registrar, ends)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"errorCode": 404}', b'{"objectClassName": "entity"}'])
def test_other_answers_say_nothing_about_a_domain(body: bytes) -> None:
    assert read_registration(body) is None


async def test_the_registry_is_asked_for_the_domain_above_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = {"nic.cz": _CZ_NIC, "denic.de": _DENIC}

    async def reach(address: str, **_how: Any) -> Any:
        asked.append(address.rpartition("/")[2])
        found = known.get(asked[-1])
        return SimpleNamespace(status=200 if found else 404, body=json.dumps(found or {"errorCode": 404}).encode())

    async def fail(_address: str, **_how: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(portability, "fetch", reach)
    monkeypatch.setattr(portability.clock, "now", lambda: datetime(2026, 11, 29, tzinfo=UTC))
    found = await portability._registrar("moot.praha.nic.cz")
    assert asked == ["moot.praha.nic.cz", "praha.nic.cz", "nic.cz"]
    assert (found.check, found.state) == ("ties.registrar", GOOD)
    assert found.what.startswith("nic.cz is registered with REG-CZNIC, until 2027-03-15")
    monkeypatch.setattr(portability.clock, "now", lambda: datetime(2027, 2, 1, tzinfo=UTC))
    soon = await portability._registrar("nic.cz")
    assert (soon.state, soon.remedy[:9]) == (WARNING, "renew it ")
    for name in ("denic.de", "unknown.test"):
        assert "does not say" in (await portability._registrar(name)).what
    monkeypatch.setattr(portability, "fetch", fail)
    assert "does not answer" in (await portability._registrar("nic.cz")).what


@pytest.mark.parametrize("is_json", [True, False])
def test_a_network_that_does_not_run_is_examined_too(open_folder: Path, is_json: bool) -> None:
    data = DataDirectory(open_folder / "data")
    data.prepare()
    data.secret("network-secret")
    done = moot("doctor", "--portability", *(["--json"] if is_json else []), data=data.path)
    assert done.returncode == 0  # ties are no faults
    if is_json:
        assert {one["check"]: one["state"] for one in json.loads(done.stdout)}["ties.duration"] == WARNING
    else:
        assert "no public name" in done.stdout
