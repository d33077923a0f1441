"""A primary and its standby, paired and seeded by the commands of an operator."""

import asyncio
import json
import time
from dataclasses import dataclass

from tests.hosts.history import read_rows
from tests.hosts.host import Host
from tests.hosts.network import AGENT_PORT
from tests.hosts.world import World

_CATCHES_UP = 180.0  # seconds, on a busy machine


@dataclass
class Pair:
    """Two hosts of one network. The names are those of the roles at the start."""

    world: World
    primary: Host
    standby: Host

    async def caught_up(self) -> None:
        """Waits until the standby has every post that its primary has now."""
        wanted = (await read_rows(self.primary.dsn)).posts.keys()
        deadline = time.monotonic() + _CATCHES_UP
        while missing := wanted - (await read_rows(self.standby.dsn)).posts.keys():
            assert time.monotonic() < deadline, f"{len(missing)} posts have not arrived\n{self.standby.said()[-4000:]}"
            await asyncio.sleep(0.1)


def new_pair(world: World, disk: int = 0, **environment: str) -> Pair:
    """Starts a primary, invites a standby, joins it and starts it. `disk`: bytes of the standby's own disk."""
    pair = Pair(world, world.host("primary"), world.host("standby", disk))
    for host in (pair.primary, pair.standby):
        host.environment |= environment
    join = invited(pair)
    joined = pair.standby.run(*join)
    assert joined.returncode == 0, f"{joined.stderr}\n{pair.primary.said()[-4000:]}"
    pair.standby.up()
    return pair


def invited(pair: Pair) -> list[str]:
    """Starts the primary and invites the standby; returns the command with which it joins."""
    for host, other in ((pair.primary, pair.standby), (pair.standby, pair.primary)):
        host.environment["FOLKMOOT_HOSTS_ADDRESS"] = f"{host.seen_from(other)}:{AGENT_PORT}"
    pair.primary.up()
    added = pair.primary.run("moot", "host", "add", "--no-wait", "--json")
    assert added.returncode == 0, added.stderr
    invitation = json.loads(added.stdout)
    return ["moot", "standby", "--join", invitation["address"], invitation["code"], "--no-start", "--json"]
