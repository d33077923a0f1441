"""The host is lost; the network comes back from an S3 store with what was posted a moment before."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.network_up import NetworkUp, moot
from tests.portability.backed_up_network import answer_of, ask
from tests.portability.servers import s3_server


def _status(data: Path, environment: dict[str, str]) -> dict[str, Any]:
    return dict(answer_of(moot("status", "--json", data=data, **environment))["offsite"])


def _wait_until_copied(data: Path, environment: dict[str, str]) -> None:
    """Waits until everything that was committed before this call is off-site."""
    began, deadline = time.time(), time.monotonic() + 300
    while True:
        status = _status(data, environment)
        if status["behind_seconds"] is not None and time.time() - status["behind_seconds"] > began:
            return
        assert time.monotonic() < deadline, status
        time.sleep(0.5)


def _arguments_while(work: threading.Thread) -> str:
    """The arguments of all programs that ran meanwhile, as another user of this machine could read them."""
    seen = set()
    work.start()
    while work.is_alive():
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(process.read_bytes())
            except OSError:
                continue
        work.join(0.05)
    return b"\n".join(seen).decode(errors="replace")


def test_a_lost_host_comes_back_with_its_last_minute(open_folder: Path) -> None:
    with s3_server(open_folder) as server:
        credentials = {"FOLKMOOT_OFFSITE_USER": server.user, "FOLKMOOT_OFFSITE_PASSWORD": server.password}
        network = NetworkUp(open_folder / "data", FOLKMOOT_OFFSITE_PUSH_SECONDS="2", **credentials).wait()
        try:
            token = moot("token", "create", "jana", data=network.data).stdout.strip()
            done: list[subprocess.CompletedProcess[str]] = []
            back_up = ["backup", "--to", server.location, "--json"]
            arguments = _arguments_while(threading.Thread(target=lambda: done.append(moot(*back_up, data=network.data, **credentials))))
            assert "restic" in arguments
            assert server.password not in arguments
            backup = done[0]
            assert backup.returncode == 0, backup.stderr
            words = json.loads(backup.stdout.splitlines()[0])["recovery_key"]
            (open_folder / "key").write_text(" ".join(words))
            _wait_until_copied(network.data, credentials)
            post = json.loads(ask(network.url, "/api/v1/statuses", token=token, form={"status": "Těsně před koncem"}))["id"]
            _wait_until_copied(network.data, credentials)
            assert "off-site" in moot("status", data=network.data, **credentials).stdout
            assert "the continuous copy is" in moot("doctor", data=network.data, **credentials).stdout
        finally:
            os.kill(network.process.pid, signal.SIGKILL)
            network.process.wait()
        drawn = ["--from", server.location, "--key-file", str(open_folder / "key")]
        restored = answer_of(moot("restore", *drawn, "--json", data=open_folder / "new", **credentials))
        assert (restored["kind"], restored["epoch"]) == ("continuous", 2)
        again = NetworkUp(open_folder / "new", FOLKMOOT_OFFSITE_IS_CONTINUOUS="false", **credentials).wait()
        try:
            assert "Těsně před koncem" in ask(again.url, f"/api/v1/statuses/{post}", token=token)
            written = ask(again.url, "/api/v1/statuses", token=token, form={"status": "Jsme zpátky"})
            assert json.loads(written)["id"]
        finally:
            again.stop()
