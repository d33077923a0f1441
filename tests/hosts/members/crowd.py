"""The members of a test: accounts in the database of a host, and the program that acts for them."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from folkmoot.base.db import Database
from folkmoot.network.accounts.model import Account
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.portability.host import Host as HostFile
from tests import series
from tests.hosts.host import Host
from tests.hosts.members.journal import Journal
from tests.hosts.network import MEMBERS, WEB_PORT
from tests.hosts.program import Program
from tests.network_up import MOOT, ROOT
from tests.village import follow, settle

if TYPE_CHECKING:
    from tests.hosts.world import World

_FOLLOWED = 2  # writers that each listener follows
_LONGEST_END = 60.0  # seconds, on a busy machine; usually less than one


class Crowd:
    """Made by `settle`. One run at a time; names of accounts are new for each crowd."""

    def __init__(self, world: World, writers: list[str], listeners: list[tuple[str, list[int]]]) -> None:
        self._world = world
        self._writers = writers
        self._listeners = listeners
        self._program: Program | None = None
        self._journal = Path()

    @classmethod
    async def settle(cls, world: World, host: Host, writers: int, listeners: int) -> Crowd:
        """Creates the accounts on a host that may write."""
        run = secrets.token_hex(3)
        database = await Database.open(host.dsn, epoch=HostFile(host.files).writing_epoch, listen=False)
        try:
            authors = [await settle(database, f"writer_{run}_{number}") for number in range(writers)]
            readers = [await settle(database, f"reader_{run}_{number}") for number in range(listeners)]
            follows = [sorted({(number + step) % writers for step in range(_FOLLOWED)}) for number in range(listeners)]
            for reader, followed in zip(readers, follows, strict=True):
                for number in followed:
                    await follow(database, reader, authors[number])
            tokens = await _tokens(database, [*authors, *readers])
        finally:
            await database.close()
        return cls(world, tokens[:writers], list(zip(tokens[writers:], follows, strict=True)))

    def begin(self, host: Host, rate: float) -> None:
        """Starts to write to this host and to listen; returns when all streams are open and everybody has written once."""
        network = self._world.network
        self._journal = self._world.folder / f"journal-{secrets.token_hex(3)}.json"
        python = [f"PYTHONPATH={ROOT}", MOOT[0], "-m", "tests.hosts.members"]
        self._program = self._world.adopt(Program(network.command(MEMBERS, ["env", *python])))
        self._program.tell(begin={
            "run": secrets.token_hex(3), "address": host.seen_from(), "port": WEB_PORT, "sources": network.members_addresses(),
            "writers": self._writers, "listeners": self._listeners, "rate": rate, "journal": str(self._journal), "seed": series.seed(),
        })

    def turn_to(self, host: Host) -> None:
        """The public name points to this host from now on. Open connections stay where they are."""
        assert self._program
        self._program.tell(name=host.seen_from())

    def end(self) -> Journal:
        """Ends when the last writes are acknowledged and shown, after a minute in any case."""
        assert self._program
        self._program.tell(end=_LONGEST_END)
        return msgspec.json.decode(self._journal.read_bytes(), type=Journal)


async def _tokens(database: Database, accounts: list[Account]) -> list[str]:
    async with database.write() as tx:
        app = await register_app(tx, "members of the tests", ["urn:ietf:wg:oauth:2.0:oob"], "read write")
        return [await issue_token(tx, app.id, account.id, "read write") for account in accounts]
