"""Assembles the agent, the process that speaks with the other host: the messages that it answers, the files that it offers."""

import asyncio
import resource
import signal
import socket
from contextlib import suppress
from dataclasses import replace
from functools import partial

import uvloop

from folkmoot.base import log
from folkmoot.config import Settings
from folkmoot.http.server import STOP_SECONDS
from folkmoot.portability.certificates.exchange import exchange_certificates
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover import assembly as failover
from folkmoot.portability.failover.membership import follow_roster
from folkmoot.portability.failover.standing import stand_handler
from folkmoot.portability.failover.taking_over import log_left_at
from folkmoot.portability.host import Host
from folkmoot.portability.hosts.agent import MOST_STREAMS, Agent, OwnHost
from folkmoot.portability.hosts.client import PeerClient
from folkmoot.portability.hosts.messages import Handler, Store
from folkmoot.portability.hosts.peers import Peers, clean_name, join_address, parse_address, stem_of
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.moving import preflight
from folkmoot.portability.moving.assembly import Moving
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.names.addresses import own_addresses
from folkmoot.portability.names.witness import PublicWitness, Witness
from folkmoot.portability.standby import binding, media
from folkmoot.portability.standby.answers import Answers
from folkmoot.portability.standby.upkeep import Upkeep
from folkmoot.portability.synchronous import Mode

_OTHER_FILES = 200  # descriptors besides those of the streams


def handlers(settings: Settings) -> list[Handler]:
    """All messages that this host answers, besides the greeting."""
    directory = DataDirectory(settings.data)
    return [*Answers(settings, directory, Peers(directory)).handlers(), *binding.handlers_of(directory), stand_handler(directory)]


def stores(settings: Settings) -> list[Store]:
    """All files that the other host may fetch."""
    return [media.offered(settings.data / "media"), preflight.offered()]


def create_upkeep(settings: Settings, this: ThisHost) -> Upkeep:
    """What the agent does besides answering."""
    directory, host = DataDirectory(settings.data), Host(settings.data)
    connect = partial(PeerClient, directory, epoch=lambda: host.epoch)
    wanted = Mode(settings.replication.synchronous)
    left_at = log_left_at(this, lambda: peer.id if (peer := Peers(directory).one()) else "")
    return Upkeep(directory, settings.dsn, connect, partial(exchange_certificates, settings, directory), wanted, left_at)


def own_name(settings: Settings) -> str:
    """As the other host calls this one, or the last one did; before they are paired, the name that this one will offer.

    Without a pair, the operator can choose another one with `hosts.name`. The number that a name got when it was taken is not that.
    """
    peers, wanted = Peers(DataDirectory(settings.data)), settings.hosts.name and clean_name(settings.hosts.name)
    if (agreed := peers.name) and (peers.list() or not wanted or stem_of(wanted) == stem_of(agreed)):
        return agreed
    return wanted or clean_name(socket.gethostname())


def own_address(settings: Settings) -> str:
    """Where the other host reaches this one. Without a host, as ":8421", it uses the address that it sees."""
    if not settings.hosts.address:
        return f":{settings.hosts.port}"
    return join_address(*parse_address(settings.hosts.address, settings.hosts.port))


def create_moving(settings: Settings) -> Moving:
    """This host's part in moves."""
    directory = DataDirectory(settings.data)
    domain = settings.domain if settings.is_secure else ""
    moving = Moving(directory, settings.dsn, (settings.server.host, directory.port() or settings.server.port), domain)
    moving.own.this.find_addresses = partial(own_addresses, settings)
    return moving


def create_agent(settings: Settings, moving: Moving | None = None) -> Agent:
    """The agent of this host; the caller starts and stops it. Without `moving` this host cannot be moved meanwhile."""
    directory = DataDirectory(settings.data)
    host = Host(directory.path)
    address = own_address(settings) if settings.hosts.address else ""
    own = OwnHost(own_name(settings), settings.hosts.host, settings.hosts.port, lambda: host.epoch, address=address)
    if moving is None:
        return Agent(directory, own, handlers(settings), stores(settings))
    this = moving.own.this
    messages = [*handlers(settings), *moving.handlers(), *failover.handlers_of(this)]
    own = replace(own, learn=moving.learn, roster=Rosters(directory).signed, hear_roster=partial(follow_roster, this))
    return Agent(directory, own, messages, stores(settings))


def run_agent(settings: Settings) -> None:
    """Runs until a signal to stop, or until this host has neither a peer nor an invitation."""
    log.set_up(settings.log.level, settings.log.format)
    _allow_files(2 * MOST_STREAMS + _OTHER_FILES)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        signal.alarm(STOP_SECONDS)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    moving = create_moving(settings)
    this = moving.own.this
    witness = Witness(PublicWitness(settings, this))
    async with create_agent(settings, moving) as agent:
        works = [create_upkeep(settings, this).run(), moving.settling().run(), witness.run(), *failover.work_of(this, moving.ask)]
        tasks = [asyncio.create_task(work) for work in works]
        for task in tasks:
            task.add_done_callback(lambda _task: stop.set())
        try:
            await agent.run(stop)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await moving.close()


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # then accepting pauses while there is none left
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
