"""`moot up` on a standby: it serves reads, changes nothing, logs little, and becomes the primary without a restart."""

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import msgspec

from folkmoot.commands.options import settings_of
from folkmoot.portability.host import HostState
from tests.network_up import NetworkUp, moot
from tests.portability.standby import copy_media, make_standby, promote


def _send(network: NetworkUp, path: str, token: str, form: bytes | None = None) -> int:
    request = urllib.request.Request(network.url + path, form, {"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return int(refused.code)


def test_a_standby_is_started_serves_and_takes_over_when_it_is_promoted(open_folder: Path) -> None:
    primary = NetworkUp(open_folder / "data", FOLKMOOT_SERVER_PROCESSES="1").wait()
    try:
        token = moot("token", "create", "jana", data=primary.data).stdout.strip()
        data, _ = make_standby(settings_of(primary.data).dsn, primary.data / "secrets", open_folder / "standby")
        copy_media(primary.data, data.path)
        standby = NetworkUp(data.path, FOLKMOOT_SERVER_PROCESSES="1").wait()
        try:
            assert "gets its schema from its primary. Starting in read-only mode." in standby.log.read_text()
            status = json.loads(moot("status", "--json", data=data.path).stdout)
            assert (status["role"], status["posts"]) == ("standby", json.loads(moot("status", "--json", data=primary.data).stdout)["posts"])
            for path in ("/api/v1/timelines/home", "/api/v1/notifications", "/api/v1/timelines/public"):
                assert _send(standby, path, token) in (200, 206), path
            assert _send(standby, "/api/v1/statuses", token, b"status=ne") == 503
            assert "this host is a standby" in moot("doctor", data=data.path).stdout
            refused = moot("migrate", data=data.path)
            assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
            made = moot("account", "create", "ne", "--email", "ne@example.org", data=data.path, typed="tri hrusky\n")
            assert (made.returncode, len(made.stderr.splitlines())) == (2, 1)
            assert "Writes are refused: this host is not the primary." in made.stderr
            time.sleep(3)  # worker and timers cannot write, and log that at most once
            lines = [line for line in standby.log.read_text().splitlines() if "WARNING" in line or "ERROR" in line or '"level":' in line]
            said = Counter(re.sub(r"\{.*?\"from\"|\"request\".*", "", line) for line in lines)
            # Each of the three processes may say once that the database is still starting, and once that writes are paused.
            assert max(said.values(), default=0) <= 3, "\n".join(lines)
            assert len(said) <= 8, "\n".join(lines)
            primary.process.kill()
            primary.process.wait()
            asyncio.run(promote(settings_of(data.path).dsn, 2))
            assert "PostgreSQL was promoted, but host.json still says standby" in moot("doctor", data=data.path).stdout
            data.write(data.host_file, msgspec.json.encode(HostState(epoch=2)))
            assert _send(standby, "/api/v1/statuses", token, b"status=ano") == 200
            posts = status["posts"]
            deadline = time.monotonic() + 60
            while json.loads(moot("status", "--json", data=data.path).stdout)["posts"] == posts:  # the worker runs: it adds up the counters
                assert time.monotonic() < deadline
                time.sleep(0.5)
            assert standby.get("/readyz")["ready"] is True
        finally:
            standby.stop()
    finally:
        primary.stop()
