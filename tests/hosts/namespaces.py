"""Hosts as Linux network namespaces: each node has its own network, processes and mounts; a router joins them.

No namespace has a name: all of it exists only while its first process runs, and that ends with the pipe that the test process
holds. So nothing remains after `kill -9` of the tests. An ordinary user gets a user namespace around everything, and
commands run in a second one, in which they are that user again.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.hosts.network import MEMBERS, PATH, Links, unshare
from tests.hosts.program import Program, python

_CUT, _SHAPED = 10, 20  # priorities of routing rules
_TABLE = 77
_MEMBERS_ADDRESSES = 8


class Namespaces(Links):
    """The router, and a node for each `power_on`."""

    kind = "namespaces"

    def __init__(self) -> None:
        super().__init__()
        self._inits: dict[str, Program] = {}
        self._pids: dict[str, int] = {}  # of the first process of each node, in our namespace
        self._shapes: set[tuple[str, str]] = set()
        self._without_dns: set[str] = set()
        self._router = Program([*unshare(), "--net", "--mount", "sh", "-c", f"{_ROUTER} && exec {shlex.join(python('router'))} shaped1"])

    def address(self, node: str, seen_from: str) -> str:
        return f"{self._prefix(node)}.2"

    def _prefix(self, node: str) -> str:
        return f"10.77.{self.numbers[node]}"

    def power_on(self, node: str) -> None:
        number = self.numbers.setdefault(node, len(self.numbers) + 1)
        init = Program([
            *self._enter(self._router.pid, "--mount"), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", *python("node"),
        ])
        pid = int(init.first)
        self._inits[node], self._pids[node] = init, pid
        prefix = self._prefix(node)
        self._ip(self._router.pid, [
            f"link add node{number} type veth peer name eth0 netns {pid}", f"addr add {prefix}.1/24 dev node{number}",
            f"link set node{number} up",
        ])
        self._ip(pid, [
            "link set lo up", *(f"addr add {address}/24 dev eth0" for address in self._addresses(node)), "link set eth0 up",
            f"route add default via {prefix}.1",
        ])
        if node in self._without_dns:
            self.silence_dns(node)
        self.switch(node, is_on=True)

    def silence_dns(self, node: str) -> None:
        """From now on the node's questions to DNS are not answered, as behind a failed network; before, they are refused at once."""
        self._without_dns.add(node)
        self._inits[node].tell(dns="silent")

    def power_off(self, node: str) -> None:
        self.switch(node, is_on=False)
        os.kill(self._pids.pop(node), signal.SIGKILL)
        self._inits.pop(node).close()
        self._ip(self._router.pid, [f"link del node{self.numbers[node]}"], check=False)  # the kernel may have removed it, or will do so

    def command(self, node: str, arguments: Sequence[str]) -> list[str]:
        as_user = [] if os.geteuid() == 0 else ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
        return [*self._enter(self._pids[node], "--net", "--mount", "--pid"), *as_user, "env", "-C", os.getcwd(), *arguments]

    def processes(self, node: str) -> dict[int, str]:
        listed = subprocess.run(self.command(node, ["ps", "-ww", "-eo", "pid=,comm=,args="]), capture_output=True, text=True, check=True)
        return {int(pid): arguments for pid, arguments in (line.split(None, 1) for line in listed.stdout.splitlines())}

    def change(self, source: str, target: str, *, is_open: bool) -> None:
        """A blackhole is silent for packets that are forwarded: no ICMP message tells the sender."""
        rule = f"pref {_CUT} from {self._prefix(source)}.0/24 to {self._prefix(target)}.0/24 blackhole"
        self._ip(self._router.pid, [f"rule {'del' if is_open else 'add'} {rule}"])

    def shape(self, source: str, target: str, delay: float, rate: float) -> None:
        rule = f"pref {_SHAPED} iif node{self.numbers[source]} to {self._prefix(target)}.0/24 lookup {_TABLE}"
        is_shaped = bool(delay or rate)
        for address in self._addresses(source):
            for to in self._addresses(target):
                self._router.tell(source=address, target=to, delay=delay, rate=rate)
        if is_shaped != ((source, target) in self._shapes):
            self._ip(self._router.pid, [f"rule {'add' if is_shaped else 'del'} {rule}"])
            (self._shapes.add if is_shaped else self._shapes.remove)((source, target))

    def members_addresses(self) -> list[str]:
        return self._addresses(MEMBERS)

    def _addresses(self, node: str) -> list[str]:
        return [f"{self._prefix(node)}.{last}" for last in range(2, 2 + (_MEMBERS_ADDRESSES if node == MEMBERS else 1))]

    def mount(self, folder: Path, size: int) -> Path:
        """Gives hosts a disk of `size` bytes at `folder`; returns where the test process sees it."""
        options = f"size={size},mode=0755"
        subprocess.run([*self._enter(self._router.pid, "--mount"), "mount", "-t", "tmpfs", "-o", options, "none", str(folder)],
                       check=True, env=_environment())
        return Path(f"/proc/{self._router.pid}/root{folder}")

    def close(self) -> None:
        for process in (*self._inits.values(), self._router):
            process.close()

    @staticmethod
    def _enter(pid: int, *namespaces: str) -> list[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(pid), *user, *namespaces]

    def _ip(self, pid: int, commands: list[str], *, check: bool = True) -> None:
        done = subprocess.run(
            [*self._enter(pid, "--net"), "ip", "-batch", "-"], input="\n".join(commands), capture_output=True, text=True, env=_environment()
        )
        assert not check or done.returncode == 0, f"{commands}: {done.stderr}"


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": PATH}


# The two ends of the pair of devices for shaped links: packets leave at the first one and are read at the second one.
_ROUTER = " && ".join([
    "mount --make-rprivate /",
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
    "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter",
    "echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter",
    "ip link set lo up",
    "ip link add shaped0 type veth peer name shaped1",
    "ip addr add 10.78.0.1/24 dev shaped0",
    "ip link set shaped0 up",
    "ip link set shaped1 up",
    "ip neigh add 10.78.0.2 lladdr 02:00:00:00:00:02 dev shaped0 nud permanent",
    f"ip route add default via 10.78.0.2 dev shaped0 table {_TABLE}",
    "echo ready",
])
