"""The world of the tests does what it says: links are cut, slow and narrow, hosts lose their power, nothing is left over."""

import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.hosts.host import Host
from tests.hosts.network import AGENT_PORT
from tests.hosts.program import python
from tests.hosts.world import World, new_world
from tests.network_up import ROOT

PROBE = tuple(python("probe"))


@pytest.fixture
def pair(real: World) -> tuple[World, Host, Host]:
    return real, real.host("one"), real.host("other")


@contextmanager
def listening(host: Host, action: str) -> Iterator[IO[bytes]]:
    """A probe that listens on the host; its output."""
    probe = host.start(*PROBE, action, host.address, str(AGENT_PORT))
    output = _output(probe)
    assert output.readline() == b"ready\n"
    yield output
    host.signal(signal.SIGKILL, f"probe.py {action}")


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout
    return process.stdout


def ask(source: Host, target: Host, count: int = 3, milliseconds: int = 10_000) -> list[str]:
    """The round trips of datagrams, in seconds, or "lost": after a time in which each machine answers."""
    return source.run(*PROBE, "ask", target.seen_from(source), str(AGENT_PORT), str(count), str(milliseconds)).stdout.split()


def is_cut(source: Host, target: Host) -> bool:
    """Whether nothing comes back. A link that is whole answers sooner, unless the machine is busy."""
    return ask(source, target, milliseconds=200) == ["lost"] * 3


def send(source: Host, target: Host, size: int) -> float:
    """The seconds until everything has arrived."""
    return float(source.run(*PROBE, "send", target.seen_from(source), str(AGENT_PORT), str(size)).stdout)


def is_readable(stream: IO[bytes], seconds: float) -> bool:
    return bool(select.select([stream], [], [], seconds)[0])


def test_a_cut_link_loses_every_packet_in_the_directions_named(pair: tuple[World, Host, Host]) -> None:
    world, one, other = pair
    with listening(other, "answer") as heard:
        assert "lost" not in ask(one, other)
        assert [heard.readline() for _ in range(3)] == [b"0\n", b"1\n", b"2\n"]
        for direction in ("both", "there"):
            world.cut(one, other, direction)
            assert is_cut(one, other)
            assert not is_readable(heard, 0)
            world.heal()
        world.cut(one, other, "back")
        assert is_cut(one, other)
        assert [heard.readline() for _ in range(3)] == [b"0\n", b"1\n", b"2\n"]  # they arrived, the answers did not
        world.heal()
        assert "lost" not in ask(one, other)


def test_only_the_link_that_is_cut_is_cut(pair: tuple[World, Host, Host]) -> None:
    world, one, other = pair
    third = world.host("third")
    world.cut(one, other)
    with listening(other, "answer"):
        assert is_cut(one, other)
        assert "lost" not in ask(third, other)
        world.isolate(other)
        assert is_cut(third, other)


def test_a_link_that_is_cut_stays_cut_when_a_host_starts_again(pair: tuple[World, Host, Host]) -> None:
    world, one, other = pair
    world.cut(one, other)
    other.kill()
    other.power_on()
    with listening(other, "answer"):
        assert is_cut(one, other)
        world.heal()
        assert "lost" not in ask(one, other)


def test_a_slow_link_takes_its_round_trip(pair: tuple[World, Host, Host]) -> None:
    world, one, other = pair
    with listening(other, "answer"):
        world.shape(one, other, round_trip=0.05)
        taken = [float(seconds) for seconds in ask(one, other, 10)]
        assert min(taken) >= 0.05
        assert min(taken) < 0.1
        world.shape(one, other)
        assert min(float(seconds) for seconds in ask(one, other, 10)) < 0.01


@pytest.mark.parametrize(("round_trip", "rate", "at_least"), [(0.1, 0, 0.1), (0, 1e6, 0.2), (0.1, 1e6, 0.3)])
def test_a_connection_over_a_slow_or_narrow_link_waits(each_kind: World, round_trip: float, rate: float, at_least: float) -> None:
    one, other = each_kind.host("one"), each_kind.host("other")
    each_kind.shape(one, other, round_trip=round_trip, rate=rate)
    with listening(other, "stream"):
        assert send(one, other, 250_000) >= at_least


def test_a_cut_connection_is_silent_and_goes_on_when_the_link_is_mended(each_kind: World) -> None:
    one, other = each_kind.host("one"), each_kind.host("other")
    with listening(other, "stream") as heard:
        each_kind.shape(one, other, rate=1e6)
        sending = one.start(*PROBE, "send", other.seen_from(one), str(AGENT_PORT), "500000")
        assert heard.readline() == b"accepted\n"
        each_kind.cut(one, other)
        assert not is_readable(heard, 1)
        assert sending.poll() is None
        each_kind.heal()
        assert heard.readline() == b"500000 closed\n"
        assert sending.wait(60) == 0


def test_a_host_that_loses_its_power_sends_nothing_more(each_kind: World) -> None:
    one, other = each_kind.host("one"), each_kind.host("other")
    for is_power_lost in (False, True):
        with listening(other, "stream") as heard:
            held = one.start(*PROBE, "hold", other.seen_from(one), str(AGENT_PORT))
            assert _output(held).readline() == b"connected\n"
            assert heard.readline() == b"accepted\n"
            if is_power_lost:
                one.kill()
            else:
                one.signal(signal.SIGKILL, "probe.py hold")
            assert held.wait(60) != 0
            # The kernel closes the sockets of a killed process; those of a host without power stay silent.
            assert is_readable(heard, 1 if is_power_lost else 60) is not is_power_lost
    one.power_on()
    with listening(other, "stream"):
        assert send(one, other, 1000) >= 0


_ASK_DNS = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(%f)
    client.sendto(bytes.fromhex("000701000001000000000000 01610000010001"), ("127.0.0.1", 53))
    try:
        print(client.recv(512).hex())
    except TimeoutError:
        print("silent")
"""


def test_dns_refuses_until_it_is_silent(real: World) -> None:
    one = real.host("one")
    assert one.run("cat", "/etc/resolv.conf").stdout == "nameserver 127.0.0.1\n"
    assert one.run("getent", "hosts", "moot.example").returncode == 2
    assert one.run(sys.executable, "-c", _ASK_DNS % 60).stdout == "000781050001000000000000" + "01610000010001" + "\n"  # REFUSED
    real.silence_dns()
    for _ in range(2):
        assert one.run(sys.executable, "-c", _ASK_DNS % 0.5).stdout == "silent\n"
        one.kill()
        one.power_on()  # it stays silent


def test_a_full_disk_is_full_for_its_host_alone(real: World) -> None:
    small, large = real.host("small", disk=10_000_000), real.host("large")
    small.fill_disk(leave=8192)
    write = ("sh", "-c", 'head -c 100000 /dev/zero > "$0"/file')
    assert "No space left" in small.run(*write, str(small.data.parent)).stderr
    assert large.run(*write, str(large.data.parent)).returncode == 0
    small.free_disk()
    small.kill()
    small.power_on()
    assert small.run(*write, str(small.data.parent)).returncode == 0
    assert (small.disk / "file").stat().st_size == 100_000  # type: ignore[operator]


def test_worlds_do_not_meet(each_kind: World) -> None:
    one = each_kind.host("one")
    with new_world(each_kind.network.kind) as apart, listening(one, "stream"):
        same = apart.host("one")
        other = apart.host("other")
        assert one.data != same.data
        if each_kind.network.kind == "loopback":
            assert one.address != same.address
        refused = other.start(*PROBE, "send", same.seen_from(other), str(AGENT_PORT), "1")
        assert _output(refused).read() == b""
        assert refused.wait(60) != 0
        assert not same.signal(signal.SIGCONT, "probe.py")


_KILLED = """
import sys, time
from tests.hosts.program import python
from tests.hosts.world import new_world
with new_world(sys.argv[1]) as world:
    host = world.host("one")
    host.start("sleep", "654")
    time.sleep(0.5)
    print(world.folder, flush=True)
    time.sleep(600)
"""


def test_nothing_is_left_over_when_the_tests_are_killed(each_kind: World) -> None:
    tests = subprocess.Popen([sys.executable, "-c", _KILLED, each_kind.network.kind], stdout=subprocess.PIPE, cwd=ROOT)
    folder = Path(_output(tests).readline().decode().strip())
    with new_world(each_kind.network.kind):
        assert folder.exists()  # its process lives, so it is not a leftover
    descendants = _descendants(tests.pid)
    assert any("654" in arguments for arguments in descendants.values())
    tests.kill()
    tests.wait()
    _output(tests).close()
    deadline = time.monotonic() + 60
    while remaining := {pid: arguments for pid, arguments in descendants.items() if _arguments(pid) == arguments}:
        assert time.monotonic() < deadline, remaining
        time.sleep(0.05)
    with new_world(each_kind.network.kind):
        assert not folder.exists()


def _descendants(pid: int) -> dict[int, str]:
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, listed.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {child: _arguments(child) for child in found - {pid} if _arguments(child)}


def _arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return ""
