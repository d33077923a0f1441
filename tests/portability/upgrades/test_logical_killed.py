"""`moot upgrade --postgres` is killed around each step, alone or with the whole network as by a loss of power: nothing that was
acknowledged is lost, one server is left, and the same command completes the move. The points come from the table of steps.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.logical.move import STEPS, Name, find_version
from folkmoot.portability.logical.swap import NEXT
from tests import series
from tests.network_up import ROOT, NetworkUp, environment_with, moot
from tests.portability.upgrades.versions import facts, move_to, needs_wheel, network_of_16
from tests.portability.upgrades.writer import Writer
from tests.waiting import wait_until

pytestmark = [needs_wheel, pytest.mark.kills]
_KILLED = Path(__file__).with_name("killed.py")


def points() -> list[tuple[str, str]]:
    """Where to kill, and who dies."""
    return [
        (f"{when}|{step.name}|{outcome}", who)
        for who in ("the command", "the network too")
        for step in STEPS for when, outcome in (("after", "started"), ("before", "done"), ("after", "done"))
    ]


def chosen() -> list[tuple[str, str]]:
    every = points()
    return [*series.part(every)] if series.is_long() else [series.changing_dice("kills of a logical move").choice(every)]


@pytest.fixture(scope="module")
def network() -> Iterator[NetworkUp]:
    with network_of_16() as running:
        yield running


@pytest.fixture(scope="module")
def token(network: NetworkUp) -> str:
    return moot("token", "create", "jana", data=network.data).stdout.strip()


@pytest.mark.parametrize(("point", "who"), chosen())
def test_the_same_command_completes_a_killed_move(network: NetworkUp, token: str, point: str, who: str) -> None:
    before, epoch = facts(network), Host(network.data).epoch
    major = {16: 18, 18: 16}[before.major]
    writer = Writer(network, token, point)
    writer.start()
    wait_until(lambda: writer.accepted > 3)
    is_network = who != "the command"
    _kill(network, major, point, with_network=is_network)
    if is_network:
        network.process.wait(60)
        _start_again(network)
    elif _is_before_decision(point):
        accepted = writer.accepted
        wait_until(lambda: writer.accepted > accepted + 3)
        assert Host(network.data).epoch == epoch, "nothing was decided"
    done = move_to(network, major)
    accepted = writer.accepted
    wait_until(lambda: writer.accepted > accepted + 3)
    writer.end()
    after = facts(network)
    assert (after.major, Host(network.data).epoch) == (major, epoch + 1), done
    assert find_version(DataDirectory(network.data)) == major
    assert {writer.text(number) for number in range(writer.accepted)} <= set(after.texts)
    assert set(before.texts) <= set(after.texts)
    assert after.sequence >= before.sequence
    assert after.slots == 0
    assert not (network.data / NEXT).exists()
    assert network.get("/readyz")["ready"]


def _is_before_decision(point: str) -> bool:
    names = [step.name for step in STEPS]
    when, step, outcome = point.split("|")
    return names.index(Name(step)) < names.index(Name.FENCE) or (step == Name.FENCE and (when, outcome) == ("after", "started"))


def _kill(network: NetworkUp, major: int, point: str, *, with_network: bool) -> None:
    server = int((network.data / "postgres" / "postmaster.pid").read_text().split()[0])
    victims = f"{network.process.pid},{server}" if with_network else ""
    killed = subprocess.run(
        [sys.executable, str(_KILLED), point, victims, "upgrade", "--postgres", str(major), "--yes", "--json", "--data", str(network.data)],
        capture_output=True, text=True, cwd=ROOT, env=environment_with({}), timeout=300,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr


def _start_again(network: NetworkUp) -> None:
    """As after a loss of power. The server of a killed supervisor may need a moment to end."""
    again = NetworkUp(network.data, port=network.port).wait()
    network.process, network.log = again.process, again.log
