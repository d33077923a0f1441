"""The processes of a running network are replaced by those of another release, and come back if these fail."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.upgrade.identity import code_of
from folkmoot.portability.upgrade.order import Launch, Order, Running, State, find_running, give_order
from tests.conftest import new_open_folder
from tests.network_up import ROOT, NetworkUp, environment_with, moot
from tests.portability.upgrades.releases import change, copy_code
from tests.portability.upgrades.writer import Writer
from tests.series import is_long
from tests.waiting import wait_until


def launch_of(release: Path) -> Launch:
    asked = subprocess.run(
        [sys.executable, "-P", "-m", "folkmoot.portability.upgrade.launch"], capture_output=True, text=True, cwd="/",
        env=environment_with({"PYTHONPATH": str(release)}),
    )
    assert asked.returncode == 0, asked.stderr
    return msgspec.json.decode(asked.stdout, type=Launch)


pytestmark = pytest.mark.skipif(not is_long(), reason="part of the long series; test_upgrade_command.py has the usual case")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with new_open_folder() as found:
        yield found


@pytest.fixture(scope="module")
def network(folder: Path) -> Iterator[NetworkUp]:
    running = NetworkUp(folder / "data").wait()
    yield running
    running.stop()


def order(network: NetworkUp, id_: str, launch: Launch | None, watch: float = 2) -> Running:
    directory = DataDirectory(network.data)
    give_order(directory, Order(id_, launch, watch))
    return wait_until(lambda: (found := find_running(directory)) and found.order == id_ and found.state in (
        State.KEPT, State.RETURNED) and found, network.log.read_text()[-3000:])


def version(network: NetworkUp) -> str:
    return str(network.get("/api/v1/instance")["version"])


def successors(network: NetworkUp) -> list[int]:
    """The supervisors of other releases that the network runs."""
    listed = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(network.process.pid)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "folkmoot.commands.successor" in line]


def test_another_release_takes_over_and_hands_back_without_refusing_a_request(network: NetworkUp, folder: Path) -> None:
    release = copy_code(folder / "new")
    before = version(network)
    token = moot("token", "create", "jana", data=network.data).stdout.strip()
    writers = [Writer(network, token) for _ in range(3)]
    for writer in writers:
        writer.start()
    there = order(network, "there", launch_of(release))
    assert (there.state, there.code) == (State.KEPT, code_of(release)), network.log.read_text()
    assert "0.2.0" in version(network)
    back = order(network, "back", None)
    assert (back.state, back.code) == (State.KEPT, there.own), network.log.read_text()
    assert version(network) == before
    wait_until(lambda: all(writer.accepted > 20 for writer in writers))
    for writer in writers:
        writer.end()
    assert [failure for writer in writers for failure in writer.failures] == []
    wait_until(lambda: not successors(network))


def test_a_killed_supervisor_of_another_release_is_started_again(network: NetworkUp, folder: Path) -> None:
    release = copy_code(folder / "killed")
    assert order(network, "to be killed", launch_of(release)).state is State.KEPT
    (killed,) = successors(network)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in successors(network) and successors(network), "it was not started again")
    network.wait()
    assert "0.2.0" in version(network)
    assert order(network, "after the kill", None).state is State.KEPT


FAILURES = [
    ("health.py", "health = await self._check_database()", "health = Health(['it is broken'], [])", "it is broken"),
    ("processes.py", "import asyncio\n", "import no_such_module\n", "ended while it started"),
    ("processes.py", "async def lifespan() -> AsyncIterator[None]:\n",
     "async def lifespan() -> AsyncIterator[None]:\n        raise OSError\n",
     "does not answer"),
]


@pytest.mark.parametrize(("file", "old", "new", "why"), FAILURES, ids=lambda value: "")
def test_a_release_that_fails_is_replaced_by_the_one_before(
    network: NetworkUp, folder: Path, file: str, old: str, new: str, why: str
) -> None:
    release = copy_code(folder / f"broken {why}", "0.3.0")
    change(release / "folkmoot" / file, old, new)
    before = version(network)
    returned = order(network, why, msgspec.structs.replace(launch_of(ROOT), code="0.3.0", variables={
        **launch_of(ROOT).variables, "PYTHONPATH": str(release)}))
    assert (returned.state, returned.code) == (State.RETURNED, returned.own)
    assert why in returned.why
    network.wait()
    assert version(network) == before
    wait_until(lambda: not successors(network))
