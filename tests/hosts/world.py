"""The hosts of a test and the links between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.hosts.folders import new_folder
from tests.hosts.host import Host
from tests.hosts.loopback import Loopback
from tests.hosts.namespaces import Namespaces
from tests.hosts.network import AGENT_PORT, MEMBERS, Network, why_no_namespaces
from tests.hosts.program import Program

Direction = Literal["both", "there", "back"]


class World:
    """Hosts and members. Each node reaches each other, until links are cut. `None` as a node means the members."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self.folder = folder
        self.hosts: dict[str, Host] = {}
        self._cut: set[tuple[str, str]] = set()
        self._programs: list[Program] = []
        network.power_on(MEMBERS)

    def host(self, name: str, disk: int = 0) -> Host:
        """A new host, switched on. `disk`: the bytes of a disk of its own, where namespaces allow it."""
        folder = self.folder / name
        folder.mkdir()
        folder.chmod(0o755)
        mounted = self.network.mount(folder, disk) if disk and isinstance(self.network, Namespaces) else None
        self.network.power_on(name)
        host = self.hosts[name] = Host(self.network, name, folder, mounted)
        host.environment |= {"FOLKMOOT_HOSTS_NAME": name, "FOLKMOOT_HOSTS_HOST": host.address, "FOLKMOOT_HOSTS_PORT": str(AGENT_PORT)}
        return host

    def adopt(self, program: Program) -> Program:
        """Ends the program with the world."""
        self._programs.append(program)
        return program

    def close(self) -> None:
        """After the end of the network, and so of all processes."""
        for program in self._programs:
            program.close()
        for host in self.hosts.values():
            host.close()

    def cut(self, one: Host | None, other: Host | None, direction: Direction = "both") -> None:
        """Loses what `one` sends to the other ("there"), what the other sends ("back"), or both. Silently."""
        for source, target in self._directions(one, other, direction):
            self.network.cut(source, target)
            self._cut.add((source, target))

    def isolate(self, host: Host) -> None:
        """Cuts every link of a host. It runs on."""
        for other in (None, *self.hosts.values()):
            if other is not host:
                self.cut(host, other)

    def silence_dns(self) -> None:
        """No host gets an answer from DNS. With loopback addresses, hosts ask the servers of the machine as before."""
        if isinstance(self.network, Namespaces):
            for name in self.hosts:
                self.network.silence_dns(name)

    def heal(self) -> None:
        """Mends every link that `cut` and `isolate` have cut."""
        for source, target in self._cut:
            self.network.mend(source, target)
        self._cut.clear()

    def shape(self, one: Host | None, other: Host | None, *, round_trip: float = 0, rate: float = 0) -> None:
        """Makes a link slow (seconds for both ways) or narrow (bytes per second each way); without either: as fast as it can be."""
        for source, target in self._directions(one, other, "both"):
            self.network.shape(source, target, round_trip / 2, rate)

    @staticmethod
    def _directions(one: Host | None, other: Host | None, direction: Direction) -> list[tuple[str, str]]:
        source, target = (node.name if node else MEMBERS for node in (one, other))
        return {"both": [(source, target), (target, source)], "there": [(source, target)], "back": [(target, source)]}[direction]


@contextmanager
def new_world(kind: str = "") -> Iterator[World]:
    """An empty world, of the best kind that this machine allows, or of the given one."""
    with new_folder() as folder:
        is_loopback = kind == Loopback.kind or (not kind and why_no_namespaces())
        network: Network = Loopback() if is_loopback else Namespaces()
        world = None
        try:
            world = World(network, folder)
            yield world
        finally:
            network.close()
            if world:
                world.close()
