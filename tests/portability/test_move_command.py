"""`moot move` between two running networks, through the channel, there and back."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.names.lookup import look_up
from folkmoot.portability.secrets import DNS
from tests.conftest import new_open_folder
from tests.network_up import NetworkUp, moot
from tests.portability.names.dns_server import ZONE, DnsServer, dns_server
from tests.portability.test_joining import Pair, pair, shows, until  # noqa: F401 - a fixture

NEW = "198.51.100.7"


def _move(network: NetworkUp, *options: str) -> dict[str, Any]:
    done = moot("move", "--yes", "--steady", "0.5", "--json", *options, data=network.data)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def _role(network: NetworkUp) -> tuple[str, int]:
    state = Host(network.data).state
    return state.role, state.epoch


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    """The DNS of both hosts: the network has one name more, which leads elsewhere."""
    with new_open_folder() as folder, dns_server(folder, "@ 60 A 192.0.2.1") as server:
        for name, value in (("OTHERS", f"http://{ZONE}"), ("PROVIDER", "ddns"), ("SERVER", server.address), ("ADDRESSES", NEW)):
            monkeypatch.setenv(f"FOLKMOOT_NAMES_{name}", value)
        yield server


def test_the_primary_moves_there_and_back_by_the_same_command(dns: DnsServer, pair: Pair) -> None:  # noqa: F811
    directory = DataDirectory(pair.primary.data)
    directory.write(directory.path / "secrets" / DNS, dns.credentials.encode())  # travels to the other host
    pair.join()
    first, second = pair.primary, pair.up(1)
    try:
        pair.post("before the move")
        until(lambda: shows(second, "before the move"))
        plan = _move(first, "--dry-run")
        assert plan["obstacles"] == []
        found = {check["name"]: check for check in plan["checks"]}
        assert found.keys() >= {"hosts", "database", "PostgreSQL", "schema", "pages", "disk", "backup", "clock", "link", "names"}
        assert [name for name, check in found.items() if check["mend"]] == ["backup"]  # there was none
        assert "MB/s" in found["link"]["found"]
        assert 0 < plan["round_trip_ms"] < plan["expected_pause_ms"]
        text = moot("move", "--dry-run", data=second.data).stdout  # the other host says the same
        assert "Make one on" in text
        assert "Nothing speaks against the move." in text
        assert (_role(first), _role(second)) == (("primary", 1), ("standby", 1))

        assert plan["to"] == f"{plan['from']}-2"  # both machines have the same name
        assert plan["to"] in moot("host", "list", data=first.data).stdout
        refused = moot("move", "--yes", "--to", plan["from"], data=second.data)
        assert f"Run: moot move --to {plan['to']}" in refused.stderr
        for options in (["--dry-run"], ["--yes"]):
            refused = moot("move", "--undo", *options, data=first.data)
            assert (refused.returncode, refused.stdout) == (1, "")
            assert "no move to undo" in refused.stderr

        data = DataDirectory(first.data)
        data.write(data.path / "secrets" / "changed-just-now", b"secret")  # secrets are shared once an hour, and before a move
        there = _move(first, "--to", plan["to"])
        assert (second.data / "secrets" / "changed-just-now").read_bytes() == b"secret"
        assert there["lost_writes"] == 0
        old_host, new_host = (there["proof"][side] for side in ("old", "new"))
        assert old_host.pop("position") <= new_host.pop("position")
        assert old_host == new_host
        assert old_host["posts"] > 0
        assert there["log_bytes"] > 0
        assert there["forwarded"] is True
        assert there["names"]["changed"] == [f"add {ZONE} A {NEW}", f"remove {ZONE} A 192.0.2.1"]
        assert "not lead to a public address" in there["names"]["elsewhere"][f"http://{ZONE}"]
        assert asyncio.run(look_up(ZONE, dns.address)).addresses == [NEW]
        assert (_role(first), _role(second)) == (("standby", 2), ("primary", 2))
        pair.primary = second
        pair.post("on the new host")
        until(lambda: shows(first, "on the new host"))

        back = _move(first, "--to", plan["from"])
        assert back["to"] == there["from"]
        assert back["names"]["changed"] == []
        assert (_role(first), _role(second)) == (("primary", 3), ("standby", 3))
        pair.primary = first
        pair.post("at home again")
        until(lambda: shows(second, "at home again"))
        assert shows(second, "on the new host")
    finally:
        second.stop()
        pair.primary = first
