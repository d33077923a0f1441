"""A pair of hosts whose processes can be killed at given points, and a witness that writes on both all the time."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.driver_errors import LOST
from folkmoot.base.errors import Problem
from folkmoot.portability.host import Host
from folkmoot.portability.moving.settling import settle
from tests.network_up import ROOT, environment_with
from tests.portability.mover import other_host, own_host
from tests.portability.pair_of_hosts import OneHost, Pair, make_pair

_MOST_RUNS = 6


@dataclass(frozen=True)
class Point:
    """Where to kill: the process that `kills` (drives or answers), on the move or failover that `driver` (old or new) drives.

    `command`: of the driver, see `mover.py`.
    """

    driver: str
    kills: str
    where: str
    with_database: bool
    command: str = "drive"

    @property
    def victim(self) -> str:
        return self.driver if self.kills == "drive" else {"old": "new", "new": "old"}[self.driver]

    def __str__(self) -> str:
        return f"{self.driver} drives, {self.victim} dies {self.where}{' with its database' if self.with_database else ''}"


@dataclass
class Witness:
    """Writes on both hosts all the time. `accepted`: (host, started, acknowledged, key) of each write that was acknowledged."""

    hosts: list[OneHost]
    accepted: list[tuple[str, float, float, str]] = field(default_factory=list)

    async def write(self, host: OneHost) -> None:
        database: Database | None = None
        number = 0
        while True:
            number += 1
            key, started = f"{host.name} {number} {started_at()}", clock.monotonic()
            with suppress(Problem, *LOST):
                if database is None:
                    epoch = Host(host.data.path).writing_epoch
                    database = await Database.open(host.server.dsn, epoch=epoch, readers=1, writers=1, listen=False)
                async with database.write() as tx:
                    await tx.execute("INSERT INTO hashtags (key, name) VALUES ($1, $1)", key)
                self.accepted.append((host.name, started, clock.monotonic(), key))
            await asyncio.sleep(0.02)

    def check_order(self, old: str, new: str, began: float) -> None:
        """No write started on the old host after one was acknowledged by the new one."""
        started = [at for host, at, _, _ in self.accepted if host == old and at > began]
        acknowledged = [at for host, _, at, _ in self.accepted if host == new and at > began]
        assert acknowledged
        assert not started or max(started) <= min(acknowledged)

    async def check_nothing_lost(self, host: OneHost) -> None:
        """Whatever was acknowledged is on this host."""
        acknowledged = {key for _, _, _, key in self.accepted}
        database = await Database.open(host.server.dsn, readers=1, writers=1, listen=False)
        async with database.read() as conn:
            stored = {row["name"] for row in await conn.fetch("SELECT name FROM hashtags")}
        await database.close()
        assert acknowledged <= stored

    def writers_since(self, moment: float) -> set[str]:
        return {host for host, started, _, _ in self.accepted if started > moment}


def started_at() -> str:
    return f"{clock.now():%H:%M:%S.%f}"


@dataclass
class Stage:
    """A pair of hosts with an agent on each, and a witness. The hosts exchange their roles with each move."""

    pair: Pair
    witness: Witness
    agents: dict[str, Process] = field(default_factory=dict)

    def host(self, side: str) -> OneHost:
        return self.pair.old if side == "old" else self.pair.new

    async def start(self, side: str, role: str, point: str = "") -> Process:
        here, there = self.host(side), self.host("new" if side == "old" else "old")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.portability.mover", role, str(here.data.path), str(there.data.path), point, cwd=ROOT,
            env=environment_with({}), stdout=PIPE, stderr=PIPE,
        )

    async def start_agents(self, point: str = "", side: str = "") -> None:
        """Starts the agents that do not run; that of `side` with a point at which it kills itself."""
        for one in ("old", "new"):
            name = self.host(one).name
            agent = self.agents.get(name)
            if agent and agent.returncode is None and one == side:
                agent.kill()
                await agent.wait()
            if agent is None or agent.returncode is not None:
                agent = self.agents[name] = await self.start(one, "answer", point if one == side else "")
                assert agent.stdout
                assert await agent.stdout.readline() == b"answering\n"

    async def kill_at(self, point: Point) -> None:
        """Runs a move or a failover until the point is reached."""
        await self.start_agents(*((point.where, point.victim) if point.kills == "answer" else ()))
        driver = await self.start(point.driver, point.command, point.where if point.kills == "drive" else "")
        _, said = await driver.communicate()
        victim = driver if point.kills == "drive" else self.agents[self.host(point.victim).name]
        if point.kills == "answer" and victim.returncode is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(victim.wait(), 60)
        assert victim.returncode == -signal.SIGKILL, f"{point} was not reached: {said.decode()}"
        if point.with_database:
            server = self.host(point.victim).server
            if server.pid:
                with suppress(ProcessLookupError):  # a step of the move has stopped it meanwhile
                    os.kill(server.pid, signal.SIGKILL)

    async def finish(self, side: str, command: str, is_finished: Callable[[], bool]) -> list[str]:
        """Runs the same command on `side` until it is finished; returns what the runs said."""
        said: list[str] = []
        while not is_finished():
            assert len(said) < _MOST_RUNS, said
            await self.start_agents()
            if is_finished():  # by an agent alone: the same command would begin the next move, back
                break
            driver = await self.start(side, command)
            _, errors = await driver.communicate()
            if driver.returncode:
                said.append(errors.decode().strip())
                await asyncio.sleep(0.5)
        return said

    async def settle_both(self) -> None:
        """What the agents do without anybody's command, once those that were killed run again."""
        await self.start_agents()
        for _ in range(40):
            with suppress(Problem, *LOST):
                for one, other in ((self.pair.old, self.pair.new), (self.pair.new, self.pair.old)):
                    own = own_host(one.data.path, other.data.path)
                    try:
                        await settle(own, other_host(other.data.path))
                    finally:
                        await own.this.close()
                return
            await asyncio.sleep(0.25)
        raise AssertionError("nothing was settled")

    async def exactly_one_writes(self) -> str:
        """The only host that accepts writes within some seconds."""
        moment = clock.monotonic()
        async with asyncio.timeout(120):
            while not (writers := self.witness.writers_since(moment)):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        assert writers == self.witness.writers_since(moment)
        (writer,) = writers
        return writer


@asynccontextmanager
async def running_stage(template: Path, folder: Path) -> AsyncIterator[Stage]:
    pair = await asyncio.to_thread(make_pair, template, folder)
    hosts = [pair.old, pair.new]
    stage = Stage(pair, Witness(hosts))
    work = [host.supervise() for host in hosts] + [stage.witness.write(host) for host in hosts]
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield stage
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for agent in stage.agents.values():
            if agent.returncode is None:
                agent.kill()
            await agent.wait()
        for host in (pair.new, pair.old):
            host.server.stop()
