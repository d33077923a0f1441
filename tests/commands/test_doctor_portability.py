"""`moot doctor --portability` names what ties a network to one provider, from what it finds."""

import asyncio
import json
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from folkmoot.base.errors import Unavailable
from folkmoot.commands.checks import portability
from folkmoot.commands.checks.model import GOOD, WARNING, Finding
from folkmoot.commands.checks.portability import check_duration, check_ties
from folkmoot.config import Mail, Media, Names, Offsite, Server, Settings
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


async def test_the_issuer_of_the_certificate_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path, 60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "localhost", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    unknown = await portability._certificate("localhost", port)
    assert (unknown.check, unknown.state) == ("ties.certificate", WARNING)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    known = await portability._certificate("localhost", port)
    server.close()
    assert (known.check, known.state) == ("ties.certificate", GOOD)
    assert "is by localhost" in known.what


async def test_the_registrar_is_read_from_the_answer_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", "Jména, s. r. o."]]]}],
        "events": [{"eventAction": "expiration", "eventDate": "2027-03-01T00:00:00Z"}],
    }

    async def reach(address: str, **_how: Any) -> Any:
        assert address.endswith("/example.org")
        return SimpleNamespace(body=json.dumps(answer).encode())

    async def fail(_address: str, **_how: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(portability, "fetch", reach)
    known = await portability._registrar("example.org")
    assert (known.check, known.state) == ("ties.registrar", GOOD)
    assert "Jména, s. r. o., until 2027-03-01" in known.what
    for failing in (fail, reach):
        answer.pop("entities", None)
        monkeypatch.setattr(portability, "fetch", failing)
        assert (await portability._registrar("example.org")).state == WARNING


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
