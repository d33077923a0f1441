"""A whole network on a disk that is really full: what it says, and that it recovers by itself. Needs root, to mount the disk."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.test_shortages import fill
from tests.network_up import NetworkUp, free_port, moot

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small file system")


@pytest.fixture
def disk(open_folder: Path) -> Iterator[Path]:
    folder = open_folder / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=220m,mode=755", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def _until(condition: Callable[[], Any], network: NetworkUp, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, network.log.read_text()[-3000:]
        time.sleep(0.1)
    return found


def _ask(network: NetworkUp, path: str, token: str = "", body: Any = None) -> tuple[int, Any]:
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(network.url + path, headers=headers, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def test_a_full_disk_is_named_everywhere_and_nothing_that_was_saved_is_lost(disk: Path) -> None:
    network = NetworkUp(disk / "data", "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
    try:
        moot("account", "create", "jana", "--email", "jana@example.org", "--role", "operator", data=network.data, typed="tri hrusky\n")
        token = moot("token", "create", "jana", data=network.data).stdout.strip()
        saved = []

        def post(number: int) -> int:
            status, answer = _ask(network, "/api/v1/statuses", token, {"status": f"{number} {'příliš žluťoučký kůň ' * 20}"})
            if status == 200:
                saved.append(answer["id"])
            else:
                assert "error" in answer
            return status

        def first_refusal(start: int) -> int:
            return next(status for number in range(start, start + 400) if (status := post(number)) != 200)

        assert post(0) == 200
        filler = fill(disk)
        _until(lambda: _ask(network, "/readyz")[0] == 503, network)  # the disk is measured once a second
        ready = _ask(network, "/readyz")[1]
        assert not ready["ready"]
        assert "the disk is full" in ready["reasons"][0]
        assert first_refusal(1) == 507  # PostgreSQL has no room left, or has ended for that reason
        doctor = moot("doctor", "--json", data=network.data)
        assert doctor.returncode == 1
        full = [one for one in json.loads(doctor.stdout) if one["state"] == "broken" and "the disk is full" in one["what"]]
        assert full
        assert "free some space" in full[0]["remedy"]
        started = moot("up", "--no-demo", "--port", str(free_port()), data=disk / "second")
        assert started.returncode == 1
        assert len(started.stderr.strip().splitlines()) == 1, started.stderr
        assert "No space left" in started.stderr or "disk is full" in started.stderr
        network.stop()
        again = moot("up", "--no-demo", "--port", str(free_port()), data=network.data)
        assert again.returncode == 1
        assert len(again.stderr.strip().splitlines()) == 1, again.stderr
        assert "No space left" in again.stderr or "disk is full" in again.stderr
        filler.unlink()
        network = NetworkUp(network.data, "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
        filler = fill(disk)
        assert first_refusal(400) == 507
        filler.unlink()
        _until(lambda: network.get("/readyz").get("ready"), network)  # by itself
        _until(lambda: post(800) == 200, network)
        missing = [id_ for id_ in saved if _ask(network, f"/api/v1/statuses/{id_}", token)[0] != 200]
        assert not missing
    finally:
        network.stop()
