"""`moot up` and the other commands, as an operator runs them."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from folkmoot.base.migrate import known
from folkmoot.commands.running import is_new
from folkmoot.commands.settings import sample
from tests.network_up import ROOT, NetworkUp, free_port, moot
from tests.waiting import wait_until


@pytest.fixture
def folder(open_folder: Path) -> Path:
    return open_folder / "data"


def _children(pid: int) -> dict[str, int]:
    """The processes of a network by the name that they have given themselves: `moot web 1`, `moot worker`, `postgres`."""
    listed = subprocess.run(["ps", "-o", "comm=,pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return {line.rsplit(None, 1)[0]: int(line.rsplit(None, 1)[1]) for line in listed.splitlines() if line.strip()}


def _kill(network: NetworkUp, name: str) -> None:
    """Kills a process when it runs, and waits until it is gone."""
    pid = wait_until(lambda: _children(network.process.pid).get(name), f"{name} does not run")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: _children(network.process.pid).get(name) != pid)


def test_an_empty_network_starts_recovers_and_stops(folder: Path) -> None:
    network = NetworkUp(folder, "--no-demo").wait()
    try:
        assert "There are no accounts yet" in network.log.read_text()
        second = moot("up", "--no-demo", "--port", str(free_port()), data=folder)
        assert second.returncode == 1
        assert "in use by process" in second.stderr
        jana = ["jana", "--email", "jana@example.org", "--role", "operator"]
        made = moot("account", "create", *jana, "--json", data=folder, typed="tri hrusky\n")
        assert json.loads(made.stdout)["role"] == "operator"
        again = moot("account", "create", "jana", "--email", "x@example.org", data=folder, typed="tri hrusky\n")
        assert again.returncode == 1
        assert "taken" in again.stderr
        token = moot("token", "create", "jana", data=folder)
        assert token.stdout.strip().isascii()
        assert len(token.stdout.split()) == 1
        post = subprocess.run(["curl", "-sS", "-H", f"Authorization: Bearer {token.stdout.strip()}", "-d", "status=Ahoj",
                               f"{network.url}/api/v1/statuses"], capture_output=True, text=True)
        assert json.loads(post.stdout)["content"] == "<p>Ahoj</p>"
        status = json.loads(moot("status", "--json", data=folder).stdout)
        assert (status["members"], status["jobs_parked"]) == (1, 0)
        assert status["address"] == network.url  # another command found the port
        doctor = moot("doctor", data=folder)
        assert doctor.returncode == 0, doctor.stdout
        assert "a worker runs" in doctor.stdout
        for name in _children(network.process.pid):  # database, web and worker, one after the other
            _kill(network, name)
            wait_until(lambda name=name: name in _children(network.process.pid), f"{name} was not started again")
            network.wait()
        shown = subprocess.run(["curl", "-sS", f"{network.url}/api/v1/timelines/public"], capture_output=True, text=True)
        assert [item["content"] for item in json.loads(shown.stdout)] == ["<p>Ahoj</p>"]
    finally:
        network.stop()
    assert network.process.returncode == 0
    wait_until(lambda: not subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True).stdout)


def test_a_network_starts_again_after_its_supervisor_was_killed(folder: Path) -> None:
    network = NetworkUp(folder, "--no-demo").wait()
    orphans = [pid for name, pid in _children(network.process.pid).items() if name.startswith("moot ")]  # web and worker
    for pid in orphans:
        os.kill(pid, signal.SIGSTOP)  # a stopped process cannot end
    network.process.kill()
    network.process.wait()
    again = NetworkUp(folder, "--no-demo", port=network.port)
    try:
        wait_until(lambda: "Waiting for the processes of the previous run to end." in again.log.read_text())
        taken = moot("up", "--port", str(network.port), data=folder.parent / "other")  # another network does not wait for the port
        assert "cannot be used: Address already in use" in taken.stderr
        assert "Waiting" not in taken.stderr
        for pid in orphans:
            os.kill(pid, signal.SIGCONT)
        again.wait()
        assert again.log.read_text().count("Waiting for") == 1
    finally:
        again.stop()
    doctor = moot("doctor", data=folder)
    assert doctor.returncode == 1
    assert "BROKEN   the database does not answer" in doctor.stdout
    assert "free on the disk" in doctor.stdout


@pytest.mark.parametrize(("environment", "sentence"), [
    ({"FOLKMOOT_SERVER_PROT": "80"}, "Did you mean server.port?"),
    ({"FOLKMOOT_SERVER_PORT": "many"}, "server.port in FOLKMOOT_SERVER_PORT cannot be used: it must be a whole number from 1 to 65535"),
    ({"FOLKMOOT_NETWORK_REGISTRATION": "maybe"}, "network.registration in FOLKMOOT_NETWORK_REGISTRATION cannot be used: it must be one of"),
    ({"FOLKMOOT_SERVR_PORT": "80"}, "Did you mean server.port?"),
    ({"FOLKMOOT_SERVER_BASE_URL": "moot.example.org"}, "server.base_url cannot be used"),
    ({"FOLKMOOT_NETWORK_TIME_ZONE": "Mars/Olympus"}, "network.time_zone cannot be used"),
    ({"FOLKMOOT_DATABASE_URL": "nonsense"}, "database.url cannot be used"),
    ({"FOLKMOOT_DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"}, "The database at database.url cannot be used"),
])
def test_a_wrong_setting_is_reported_in_one_sentence(folder: Path, environment: dict[str, str], sentence: str) -> None:
    answer = moot("up", data=folder, **environment)
    assert answer.returncode == 2
    assert sentence in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("text", [b"x = [", b"\xff\xfe", b"[server]\nprot = 1"])
def test_an_unreadable_settings_file_is_reported_in_one_sentence(folder: Path, text: bytes) -> None:
    folder.mkdir()
    (folder / "folkmoot.toml").write_bytes(text)
    answer = moot("up", data=folder)
    assert answer.returncode == 2
    assert answer.stderr.startswith("folkmoot: ")
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_process_that_crashes_repeatedly_is_restarted_with_increasing_delays(folder: Path) -> None:
    network = NetworkUp(folder, "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
    try:
        for times in range(1, 6):
            _kill(network, "moot worker")
            wait_until(lambda times=times: network.log.read_text().count("starts again") >= times)
        log = network.log.read_text()
        delays = re.findall(r"worker was killed .* starts again in ([0-9.]+) s", log)
        assert delays == ["0.2", "0.4", "0.8", "1.6", "3.2"]
        assert "5 times in a row" in log
        assert "moot doctor" in log
    finally:
        network.stop()  # during a delay


def test_a_database_that_cannot_start_is_retried_and_stops_no_other_process(folder: Path) -> None:
    """As on a full disk. When the cause is solved, the network recovers without a restart."""
    network = NetworkUp(folder, "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
    settings = folder / "postgres" / "postgresql.auto.conf"
    try:
        settings.write_text("no_such_setting = 1\n")
        os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        wait_until(lambda: network.log.read_text().count("PostgreSQL could not be started") >= 2)
        assert len(re.findall(r"PostgreSQL could not be started \(.+\) and starts again in", network.log.read_text())) >= 2
        down = _curl(network, "/metrics")
        assert "folkmoot_database_up 0" in down
        assert "folkmoot_requests_total" in down
        assert json.loads(_curl(network, "/readyz")) == {"ready": False, "reasons": ["the database does not answer"], "warnings": []}
        settings.write_text("")
        network.wait()
        assert "folkmoot_database_up 1" in _curl(network, "/metrics")
        settings.write_text("no_such_setting = 1\n")
        os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        said = network.log.read_text().count("PostgreSQL could not be started")
        wait_until(lambda: network.log.read_text().count("PostgreSQL could not be started") >= said + 2)
    finally:
        network.stop()
    assert network.process.returncode == 0


def _curl(network: NetworkUp, path: str) -> str:
    return subprocess.run(["curl", "-sS", network.url + path], capture_output=True, text=True).stdout


def test_a_full_disk_cannot_crash_a_process_through_its_metrics(folder: Path) -> None:
    """Writing to a mapped file on a full disk is a SIGBUS, so the files get their full size at the start."""
    network = NetworkUp(folder, "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
    try:
        files = {file: file.stat().st_size for file in (folder / "run" / "metrics").iterdir()}
        assert {file.name for file in files} >= {"counter_web-1.db", "histogram_web-1.db"}
        for file in files:
            assert file.stat().st_blocks * 512 >= 1024 * 1024
        before = _answered(network)
        _kill(network, "moot web 1")
        network.wait()
        assert _answered(network) > before
        assert {file: file.stat().st_size for file in (folder / "run" / "metrics").iterdir()} == files
    finally:
        network.stop()


def _answered(network: NetworkUp) -> float:
    text = _curl(network, "/metrics")
    return float(re.findall(r'folkmoot_requests_total{application="health",status="2xx"} ([0-9.]+)', text)[0])


def test_an_existing_network_gets_no_demo() -> None:
    names = [migration.name for migration in known()]
    assert is_new(names)
    assert not is_new(names[1:])
    assert not is_new([])


def test_foreign_folders_and_used_ports_are_reported_in_one_sentence(folder: Path) -> None:
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"")
    foreign = moot("up", data=folder)
    assert "was not made by Folkmoot" in foreign.stderr
    network = NetworkUp(folder.parent / "other", "--no-demo").wait()
    try:
        taken = moot("up", "--port", str(network.port), data=folder.parent / "third")
        assert "cannot be used" in taken.stderr
        assert "--port" in taken.stderr
    finally:
        network.stop()
    assert moot("status", data=folder.parent / "nothing").stderr.startswith("folkmoot: There is no network in")


def test_feed_publishes_lines_as_posts(folder: Path, running: NetworkUp) -> None:
    mark = secrets.token_hex(4)
    lines = [{"text": f"Zpráva {number} #{mark}a", "split": "dev" if number % 2 else "train"} for number in range(10)]
    file = folder.parent / "feed.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    answer = moot("feed", str(file), "--rate", "100", "--where", "split=dev", "--json", data=running.data)
    assert json.loads(answer.stdout)["published"] == 5, answer.stderr
    found = running.get(f"/api/v1/timelines/tag/{mark}a")
    assert sorted(re.findall(r"Zpráva (\d)", json.dumps(found, ensure_ascii=False))) == ["1", "3", "5", "7", "9"]
    file.write_text('{"text": "první"}\n{nic}\n')
    broken = moot("feed", str(file), "--rate", "100", data=running.data)
    assert broken.returncode == 1
    assert "Line 2" in broken.stderr


def test_routes_and_help_are_printed() -> None:
    printed = moot("routes", "--json")
    assert len(json.loads(printed.stdout)) > 150
    assert "moot up" in moot("--help").stdout


def test_the_sample_settings_file_is_valid() -> None:
    uncommented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in sample().splitlines())
    assert tomllib.loads(uncommented)["server"]["port"] == 8420


def test_the_translations_are_complete() -> None:
    checked = subprocess.run([sys.executable, "bin/messages.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
