"""A primary and its standby are stopped, get a newer release, and the primary is started first."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.migrate import migrate
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, Host, HostState
from folkmoot.portability.hosts.identity import get_identity, make_identity
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.postgres import Postgres
from tests.conftest import UNSAFE_BUT_FAST
from tests.network_up import NetworkUp, free_port, moot
from tests.portability.upgrades.releases import add_migration, copy_code
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
_OTHER = "-- Why: a test of upgrades.\n-- Locks: posts for an instant.\n-- Kind: expand.\n\nALTER TABLE posts ADD COLUMN other text;\n"


@pytest.fixture
def stopped(open_folder: Path) -> Path:
    """The data directory of a network with a peer that does not answer. Its host does not run."""
    there, here = DataDirectory(open_folder / "other"), DataDirectory(open_folder / "data")
    for directory in (there, here):
        directory.prepare()
    server = Postgres(here, configuration=UNSAFE_BUT_FAST)
    server.start()
    asyncio.run(server.create_database())
    asyncio.run(migrate(server.dsn))
    server.stop()
    make_identity(here)
    other = make_identity(there)
    Peers(here).add(Peer(other.id, "there", f"127.0.0.1:{free_port()}", get_identity(there).certificate, clock.now()))
    return here.path


def _schema(data: Path, code: Path) -> int:
    answer = json.loads(moot("status", "--json", data=data, PYTHONPATH=str(code)).stdout)
    return int(answer["schema"])


def test_a_newer_release_serves_what_it_has_until_the_other_host_is_there(stopped: Path, open_folder: Path) -> None:
    code, environment = copy_code(open_folder / "new"), {"FOLKMOOT_SERVER_PROCESSES": "1", "FOLKMOOT_HOSTS_PORT": str(free_port())}
    add_migration(code)
    network = NetworkUp(stopped, "--no-demo", code=code, PYTHONPATH=str(code), **environment)
    try:
        network.wait()
        assert Host(stopped).state == HostState(RETURNING)
        assert Host(stopped).writing_epoch() is None
        assert _schema(stopped, code) == 9000
        assert network.get("/api/v1/instance")["version"]
        assert any("returning" in warning for warning in network.get("/readyz")["warnings"])
    finally:
        network.stop()
    # The other host has taken over in the meantime: now the schema is not this one's to change, but the host stays reachable.
    add_migration(code, _OTHER, "9001_other.sql")
    DataDirectory(stopped).write(stopped / "host.json", msgspec.json.encode(HostState(FENCED, 1, seen=4)))
    network = NetworkUp(stopped, "--no-demo", code=code, PYTHONPATH=str(code), **environment)
    try:
        wait_until(lambda: network.get("/livez").get("alive"))
        wait_until(lambda: "the schema" in network.log.read_text().lower())
        assert network.process.poll() is None
        assert Host(stopped).role != PRIMARY
        assert "fenced" in moot("host", "list", data=stopped, PYTHONPATH=str(code)).stdout.lower()
    finally:
        network.stop()
