"""`moot host`, and the agent that `moot up` runs while this host has a peer or an open invitation."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import msgspec
import pytest

from folkmoot.commands.checks.hosts import check_hosts
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING
from folkmoot.commands.recovery import ask_if_at_hand
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import STANDBY, HostState
from folkmoot.portability.hosts.link import describe_link
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.hosts.sockets import has_agent
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_settings import REPLICATION_SECRET
from folkmoot.portability.recovery_key import RecoveryKey
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with, free_port, moot
from tests.portability.hosts import HostHere, pair, until


def _answer(*arguments: str, data: Path, **environment: str) -> Any:
    done = moot(*arguments, "--json", data=data, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _agents(network: NetworkUp) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(network.process.pid)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if line.endswith("moot agent")]


def _until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_two_hosts_are_paired_listed_and_parted(open_folder: Path) -> None:
    port = free_port()
    network = NetworkUp(open_folder / "primary", "--no-demo", FOLKMOOT_HOSTS_PORT=str(port), FOLKMOOT_HOSTS_NAME="here").wait()
    here, directory, other = network.data, DataDirectory(network.data), HostHere.make(open_folder, "there")
    try:
        assert not _agents(network)
        with subprocess.Popen(
            [*MOOT, "host", "add", "--json", "--address", f"127.0.0.1:{port}", "--data", str(here)], stdout=subprocess.PIPE, text=True,
            env=environment_with({}), cwd=ROOT,
        ) as waiting:
            try:
                assert waiting.stdout is not None
                code = json.loads(waiting.stdout.readline())["code"]
                _until(lambda: _agents(network))
                _until(lambda: has_agent(directory))
                found = asyncio.run(other.joins(f"127.0.0.1:{port}", code))
                joined = json.loads(waiting.stdout.readline())
                assert waiting.wait(60) == 0
            finally:
                waiting.kill()
        assert (joined["joined"], joined["words"], joined["address"]) == ("there", found.words, other.address)
        assert found.name == "here"
        peer = Peers(directory).one()
        assert peer is not None
        assert "paired with there already" in moot("host", "add", "--no-wait", data=here).stderr
        asyncio.run(_reach_each_other(other, peer, directory))
        (agent,) = _agents(network)
        os.kill(agent, signal.SIGKILL)
        _until(lambda: _agents(network) not in ([], [agent]))
        _until(lambda: describe_link(directory, peer)["is_reachable"] is False)
        assert "NOT REACHABLE" in moot("status", data=here).stdout
        asyncio.run(_create_slot(directory, peer.slot))
        directory.secret(REPLICATION_SECRET)  # made when a standby is prepared
        assert "would be refused" in moot("host", "remove", "there", "--dry-run", data=here).stdout
        removed = _answer("host", "remove", "there", data=here)
        assert (removed["removed"], removed["slots"], removed["why_slots_stay"]) == ("there", [peer.slot], "")
        assert removed["exposed"] == ["postgres"]  # until the network restarts
        rotated = _answer("host", "rotate", data=here)
        assert (rotated["exchanged"], [known["name"] for known in rotated["known"]]) == (["replication"], ["postgres", "network"])
        _until(lambda: not _agents(network))
        assert moot("host", "remove", "there", data=here).returncode == 1
        assert "There is no other host" in moot("host", "list", data=here).stdout
        assert network.get("/readyz")["ready"]
        network.stop()
        network = NetworkUp(here, "--no-demo").wait()  # with another password for its database
        assert _answer("host", "rotate", "--dry-run", data=here)["exchanged"] == ["postgres", "replication"]
        assert "stays as it is" in moot("host", "rotate", "--accept", data=here).stdout
    finally:
        network.stop()


async def _reach_each_other(other: HostHere, peer: Peer, directory: DataDirectory) -> None:
    async with other.running():
        await until(lambda: bool(describe_link(directory, peer)["is_reachable"]), 20)
        assert "reachable for" in (await asyncio.to_thread(moot, "host", "list", data=directory.path)).stdout


async def _create_slot(directory: DataDirectory, name: str) -> None:
    connection = await asyncpg.connect(Postgres(directory).dsn)
    await connection.execute("SELECT pg_create_physical_replication_slot($1, true)", name)
    await connection.close()


def test_a_host_that_cannot_invite_says_why(open_folder: Path) -> None:
    directory = DataDirectory(open_folder / "data")
    directory.prepare()
    refused = moot("host", "add", data=directory.path, FOLKMOOT_DATABASE_URL="postgresql://localhost/x")
    assert "needs the private PostgreSQL" in refused.stderr
    for wrong in (["--address", "a b"], ["--name", "…"]):
        assert moot("host", "add", "--no-wait", *wrong, data=directory.path).returncode == 1
    planned = _answer("host", "add", "--dry-run", "--address", "moot.example.org", data=directory.path, FOLKMOOT_HOSTS_PORT="9999")
    assert planned["address"] == "moot.example.org:9999"
    assert not (directory.path / "hosts.json").exists()
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=STANDBY)))
    assert "not the primary" in moot("host", "add", data=directory.path).stderr


def test_a_slot_is_dropped_later_if_the_database_did_not_answer(open_folder: Path) -> None:
    primary, standby = HostHere.make(open_folder, "here"), HostHere.make(open_folder, "there")
    asyncio.run(pair(primary, standby))
    peer = Peers(primary.directory).one()
    assert peer is not None
    removed = moot("host", "remove", "there", data=primary.directory.path)
    assert removed.returncode == 0
    assert "When the network runs, repeat: moot host remove there" in removed.stdout
    postgres = Postgres(primary.directory)
    postgres.start()
    try:
        asyncio.run(postgres.create_database())
        asyncio.run(_create_slot(primary.directory, peer.slot))
        asyncio.run(_create_slot(primary.directory, "of_another_program"))
        assert _answer("host", "remove", "there", data=primary.directory.path)["slots"] == [peer.slot]
    finally:
        postgres.stop()


def test_a_pair_is_signed_with_the_recovery_key(open_folder: Path) -> None:
    primary, standby = HostHere.make(open_folder, "here"), HostHere.make(open_folder, "there")
    here, recovery, environment = primary.directory.path, RecoveryKey.new(), {"FOLKMOOT_HOSTS_NAME": "here"}
    asyncio.run(pair(primary, standby))
    assert "There is no recovery key" in moot("host", "list", data=here).stdout
    assert "moot backup --to REPO" in moot("host", "sign", data=here).stderr
    BackupKey.new(recovery).keep(primary.directory)
    assert "has not signed which hosts belong to this network. there is not signed. Run: moot host sign" in moot(
        "host", "list", data=here).stdout
    assert _answer("host", "sign", "--dry-run", data=here, **environment) == {"hosts": ["here", "there"], "dry_run": True}
    refused = moot("host", "sign", data=here, typed=" ".join(RecoveryKey.new().words))
    assert "not the recovery key of this network" in refused.stderr
    assert Rosters(primary.directory).find() is None
    signed = moot("host", "sign", data=here, typed=" ".join(recovery.words), **environment)
    assert signed.stdout == "Signed: here, there. No other host belongs to this network.\n"
    listed = _answer("host", "list", data=here)["roster"]
    assert (listed["hosts"], listed["unsigned"]) == (["here", "there"], [])
    removed = moot("host", "remove", "there", data=here)  # nobody is at a terminal, so the words are not asked for
    assert "there was removed and is still signed. Run: moot host sign" in removed.stdout
    words = open_folder / "words"
    words.write_text(" ".join(recovery.words))
    assert _answer("host", "sign", "--key-file", str(words), data=here, **environment)["hosts"] == ["here"]
    Peers(standby.directory).remove("here")
    asyncio.run(pair(primary, standby))
    assert "there is not signed. Run: moot host sign" in moot("host", "list", data=here).stdout


async def test_the_doctor_knows_the_pair(open_folder: Path) -> None:
    primary, standby = HostHere.make(open_folder, "here"), HostHere.make(open_folder, "there")
    settings = Settings(data=primary.directory.path)
    assert list(check_hosts(settings)) == []
    await pair(primary, standby)
    (finding,) = check_hosts(settings)
    assert (finding.check, finding.state) == ("hosts.agent", WARNING)
    async with primary.running():
        async with standby.running():
            await _found(settings, GOOD)
            peer = Peers(primary.directory).list()[0]
            await until(lambda: describe_link(primary.directory, peer)["heard_seconds"] is not None)  # the other direction
        finding = await _found(settings, WARNING)
        assert "moot host remove there" in finding.remedy
    (primary.directory.path / "hosts.json").write_text("{")
    (finding,) = check_hosts(settings)
    assert (finding.check, finding.state) == ("hosts.file", BROKEN)


async def _found(settings: Settings, state: str) -> Any:
    async with asyncio.timeout(60):
        while True:
            (finding,) = check_hosts(settings)
            if (finding.check, finding.state) == ("hosts.reachable", state):
                return finding
            await asyncio.sleep(0.05)


def test_words_that_are_not_at_hand_can_be_typed_later(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    recovery = RecoveryKey.new()
    assert ask_if_at_hand(None, "Sign it.", "moot host sign") is None  # nobody is at a terminal
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    for typed, words in ((["", "never asked"], None), (["abandon ability", " ".join(recovery.words)], recovery.words)):
        answers = iter(typed)
        monkeypatch.setattr("click.prompt", lambda *_, answers=answers, **__: next(answers))
        found = ask_if_at_hand(None, "Sign it.", "moot host sign")
        assert (found.words if found else None) == words
    said = capsys.readouterr().err
    assert "later run: moot host sign" in said
    assert "24 words, not 2" in said
