"""The whole way with two hosts that run: paired by a code, joined by one command, following, and back after each interruption."""

import hashlib
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from folkmoot.base.file_store import FileName
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.pairing import invite
from folkmoot.portability.hosts.sockets import has_agent
from folkmoot.portability.standby.following import find_following
from folkmoot.portability.standby.model import Stage
from tests.api.test_accounts import picture
from tests.conftest import new_open_folder
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with, free_port, moot


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@dataclass
class Pair:
    """A primary that runs, and what its future standby needs."""

    primary: NetworkUp
    folder: Path
    token: str
    ports: tuple[int, int]

    @property
    def standby_data(self) -> Path:
        return self.folder / "standby"

    def join(self) -> dict[str, object]:
        """Joins with one command, which is killed once while it copies, and then repeated."""
        code = invite(DataDirectory(self.primary.data)).text
        until(lambda: has_agent(DataDirectory(self.primary.data)))
        options = ["standby", "--join", f"127.0.0.1:{self.ports[0]}", code, "--hosts-port", str(self.ports[1]), "--json"]
        first = subprocess.Popen([*MOOT, *options, "--data", self.standby_data], cwd=ROOT, env=environment_with({}))
        until(lambda: (self.standby_data / "postgres.new").exists() or first.poll() is not None)
        first.kill()
        assert first.wait() == -signal.SIGKILL
        refused = moot("up", data=self.standby_data)
        assert refused.returncode == 1
        assert "never completed" in refused.stderr
        joined = moot(*options, data=self.standby_data)
        assert joined.returncode == 0, joined.stdout + joined.stderr
        return dict(json.loads(joined.stdout))

    def up(self, which: int, port: int = 0) -> NetworkUp:
        data = (self.primary.data, self.standby_data)[which]
        own = {"FOLKMOOT_HOSTS_PORT": str(self.ports[0])} if which == 0 else {}  # the standby's is in its settings file
        return NetworkUp(data, "--no-demo", port=port, FOLKMOOT_SERVER_PROCESSES="1", **own).wait()

    def post(self, text: str) -> None:
        self._request("/api/v1/statuses", f"status={text}".encode())

    def upload(self, colour: str) -> dict[str, str]:
        body = b"--x\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n" + picture(colour) + b"\r\n--x--\r\n"
        return dict(json.loads(self._request("/api/v2/media", body, {"content-type": "multipart/form-data; boundary=x"})))

    def _request(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self.primary.url + path, body, {"authorization": f"Bearer {self.token}", **(headers or {})})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())


@pytest.fixture
def pair() -> Iterator[Pair]:
    with new_open_folder() as folder:
        ports = free_port(), free_port()
        primary = NetworkUp(folder / "primary", FOLKMOOT_SERVER_PROCESSES="1", FOLKMOOT_HOSTS_PORT=str(ports[0])).wait()
        token = moot("token", "create", "jana", data=primary.data).stdout.strip()
        built = Pair(primary, folder, token, ports)
        yield built
        built.primary.stop()


def files_of(data: Path) -> set[str]:
    return {file.name for file in (data / "media").rglob("*.*") if not file.name.startswith(".")}


def metric(network: NetworkUp, name: str) -> float:
    with urllib.request.urlopen(network.url + "/metrics", timeout=10) as answer:
        found = re.search(rf"^folkmoot_{name} (\S+)$", answer.read().decode(), re.M)
    return float(found[1]) if found else -1.0


def stage_of(data: Path) -> Stage | None:
    """None until the agent has written its first record."""
    state = find_following(data)
    return state.stage if state else None


def shows(network: NetworkUp, text: str) -> bool:
    return any(text in post["content"] for post in network.get("/api/v1/timelines/public?local=true"))


def test_a_bare_machine_becomes_a_standby_that_follows_through_restarts_and_breaks(pair: Pair) -> None:
    uploaded = pair.upload("red")
    joined = pair.join()
    assert joined["files"] > 900
    assert joined["lost_media"] == 0
    assert files_of(pair.standby_data) == files_of(pair.primary.data) != set()
    for name in ("network-secret", "postgres-password"):
        ours, theirs = pair.primary.data / "secrets" / name, pair.standby_data / "secrets" / name
        assert ours.read_bytes() == theirs.read_bytes()
        assert theirs.stat().st_mode & 0o777 == 0o600
    key = "host-key.pem"
    assert (pair.primary.data / "secrets" / key).read_bytes() != (pair.standby_data / "secrets" / key).read_bytes()
    unneeded = pair.standby_data / "media" / "ab" / f"{'ab' * 32}.webp"
    unneeded.parent.mkdir(exist_ok=True)
    unneeded.touch()
    os.utime(unneeded, (1, 1))
    for path in (unneeded, unneeded.parent):
        DataDirectory(pair.standby_data).set_owner(path)
    standby = pair.up(1)
    try:
        _follows(pair, standby, "prvni")
        for network, role in ((pair.primary, "primary"), (standby, "standby")):
            status = json.loads(moot("status", "--json", data=network.data).stdout)
            assert (status["role"], status["replication"]["stage"]) == (role, "streaming")
        _shows_pictures(pair, standby, uploaded)
        port = pair.primary.port
        pair.primary.stop()
        until(lambda: stage_of(pair.standby_data) is Stage.AWAY)
        assert "NOT CONNECTED" in moot("standby", data=pair.standby_data).stdout
        assert any("no connection to its primary" in text for text in standby.get("/readyz")["warnings"])
        assert metric(standby, "replication_lag_seconds") > 0
        assert standby.get("/api/v1/timelines/public"), "reads go on"
        pair.primary = pair.up(0, port)
        _follows(pair, standby, "druhy")
        standby.stop()
        pair.post("treti")
        until(lambda: any("not connected" in text for text in pair.primary.get("/readyz")["warnings"]))
        standby = pair.up(1)
        _follows(pair, standby, "ctvrty")
        assert shows(standby, "treti")
    finally:
        standby.stop()
    again = moot("standby", "--again", "--json", data=pair.standby_data)
    assert again.returncode == 0, again.stdout + again.stderr
    refused = moot("standby", "--again", "--json", data=pair.primary.data)
    assert refused.returncode == 1
    assert "whose primary this host is" in json.loads(refused.stdout)["message"]


def _follows(pair: Pair, standby: NetworkUp, text: str) -> None:
    pair.post(text)
    until(lambda: shows(standby, text))
    for network in (pair.primary, standby):
        until(lambda network=network: stage_of(network.data) is Stage.STREAMING)  # type: ignore[misc]
        until(lambda network=network: 0 <= metric(network, "replication_lag_seconds") < 1)  # type: ignore[misc]
        assert metric(network, "replication_connected") == 1


def _shows_pictures(pair: Pair, standby: NetworkUp, uploaded: dict[str, str]) -> None:
    """A new picture arrives by itself; one that is missing is fetched when somebody asks for it."""
    pair.upload("blue")
    until(lambda: files_of(pair.standby_data) == files_of(pair.primary.data))  # and what no picture needs is gone
    path = uploaded["url"].removeprefix(pair.primary.url)
    with urllib.request.urlopen(pair.primary.url + path, timeout=10) as answer:
        content = answer.read()
    name = FileName(hashlib.sha256(content).digest(), uploaded["url"].partition("?")[0].rpartition(".")[2])
    file = pair.standby_data / "media" / name.path
    file.unlink()
    with urllib.request.urlopen(standby.url + path, timeout=10) as answer:
        assert answer.read() == content
    assert file.exists()
