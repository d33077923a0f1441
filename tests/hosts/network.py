"""What joins the hosts of a test, and the choice of its kind.

Names of nodes are those of hosts, and "members" for the clients. Directions are named one by one: a link that is cut
both ways is cut twice.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

MEMBERS = "members"  # the node of the clients
# Not the default ones: on loopback addresses, a network that listens on all addresses would be in the way.
WEB_PORT = 21420
AGENT_PORT = 21421


class Network(Protocol):
    """Nodes with addresses, and a link from each to each other."""

    kind: str

    def address(self, node: str, seen_from: str) -> str:
        """The address at which a node reaches another, or itself."""

    def members_addresses(self) -> list[str]:
        """The addresses that the members have; limits by address do not meet all of them at once."""

    def power_on(self, node: str) -> None:
        """Adds the node, or starts it again. Its links are not cut."""

    def power_off(self, node: str) -> None:
        """Cuts all links, then kills all processes of the node at once, so that nothing leaves it any more."""

    def command(self, node: str, arguments: Sequence[str]) -> list[str]:
        """The command that runs `arguments` on the node. It ends at the latest with the test run."""

    def processes(self, node: str) -> dict[int, str]:
        """The processes of the node: process ids, as `kill` on the node takes them, and their names and command lines."""

    def cut(self, source: str, target: str) -> None:
        """Loses everything from `source` to `target` silently."""

    def mend(self, source: str, target: str) -> None:
        """Undoes `cut`."""

    def shape(self, source: str, target: str, delay: float, rate: float) -> None:
        """Delays by seconds, and lets pass at most `rate` bytes per second; 0: without delay, without limit."""

    def close(self) -> None:
        """Ends everything."""


class Links:
    """Which links are cut: because a test says so, or because a node is off. A node that starts again stays cut off if the test says so."""

    def __init__(self) -> None:
        self._cut: set[tuple[str, str]] = set()
        self._off: set[str] = set()
        self._closed: set[tuple[str, str]] = set()
        self.numbers: dict[str, int] = {}  # of the nodes, in the order in which they were added

    def cut(self, source: str, target: str) -> None:
        self._cut.add((source, target))
        self._settle()

    def mend(self, source: str, target: str) -> None:
        self._cut.discard((source, target))
        self._settle()

    def switch(self, node: str, *, is_on: bool) -> None:
        (self._off.discard if is_on else self._off.add)(node)
        self._settle()

    def is_open(self, source: str, target: str) -> bool:
        return (source, target) not in self._closed

    def change(self, source: str, target: str, *, is_open: bool) -> None:
        """Opens or closes a link."""
        raise NotImplementedError

    def _settle(self) -> None:
        links = [(source, target) for source in self.numbers for target in self.numbers if source != target]
        closed = {link for link in links if link in self._cut or self._off.intersection(link)}
        changed, self._closed = closed ^ self._closed, closed
        for source, target in changed:
            self.change(source, target, is_open=(source, target) not in closed)


@functools.cache
def why_no_namespaces() -> str:
    """Why this machine does not allow network namespaces; empty if it does."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux only"
    for program in ("unshare", "nsenter", "ip"):
        if not shutil.which(program, path=PATH):
            return f"{program} is not installed"
    all_of_it = "mount -t proc proc /proc && ip link add probe0 type veth peer name probe1"
    tried = subprocess.run(
        [*unshare(), "--net", "--pid", "--mount", "--fork", "sh", "-c", all_of_it],
        capture_output=True, text=True, env={**os.environ, "PATH": PATH},
    )
    why = tried.stderr.strip().rpartition("\n")[2]
    return "" if tried.returncode == 0 else f"this user may not create network namespaces ({why})"


PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def unshare() -> list[str]:
    """The command that creates namespaces. An ordinary user first creates a user namespace, in which it may."""
    return ["unshare"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]


def left_out() -> str:
    """The parts that are not tested on this machine, for the head of a test run; empty if there are none."""
    why = why_no_namespaces()
    return f"hosts have loopback addresses: links lose no packets and disks are not limited, because {why}" if why else ""
