"""The public name as the witness: a primary asks there whether another host has taken its place.

A primary whose link to the other host is cut does not learn of a failover through it. But members reach the new primary
under the public name, and so does this host: a record with a higher epoch ends its writing at once. It counts only if its
host has signed it and belongs to the network (`hosts/roster.py`). No answer proves nothing, so nothing happens then.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from folkmoot.base.errors import Problem
from folkmoot.base.http_client import Connect, Resolve
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover.membership import follow_roster
from folkmoot.portability.host import PRIMARY, RETURNING
from folkmoot.portability.hosts.claims import refuse_claim
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.names.lookup import resolve_unattended, resolve_with
from folkmoot.portability.names.model import Statement
from folkmoot.portability.names.paths import known_names
from folkmoot.portability.names.public import Answer, ask_names
from folkmoot.portability.names.record import trusted_by

_log = logging.getLogger(__name__)
EVERY = 60.0  # seconds


@dataclass(frozen=True)
class Seen:
    """What the public names say. `successor`: the statement of a host of the network that is in a later epoch than this one, and
    than it has heard from its peer. `answers`: the statement under each name that a host of the network has signed."""

    successor: Statement | None = None
    answers: dict[str, Statement] = field(default_factory=dict)

    def life_sign(self, host: str) -> str:
        """Where this host answers as a primary; "" if nowhere."""
        where = next((name for name, one in self.answers.items() if (one.host, one.role) == (host, PRIMARY)), "")
        return f"it answers as the primary under {where}" if where else ""


@dataclass(frozen=True)
class PublicWitness:
    """Asks for one host. `resolve` and `connect` are for tests."""

    settings: Settings
    this: ThisHost
    resolve: Resolve | None = None
    connect: Connect | None = None

    async def look(self) -> Seen:
        """Asks all names, for five seconds at most. Takes over a newer roster, which may end the writing of this host."""
        directory = DataDirectory(self.settings.data)
        if not (Peers(directory).list() or BackupKey.find(directory)):
            return Seen()  # there is nobody whose word would count
        answers = await ask_names(
            known_names(self.settings), self.settings.domain, trusted_by(directory),
            resolve=self.resolve or resolve_with(self.settings.names.server) or resolve_unattended, connect=self.connect,
        )
        for answer in answers:
            if answer.read and answer.read.record.roster:
                follow_roster(self.this, answer.read.record.roster)
        return Seen(self._successor(directory, answers), {answer.name: answer.statement for answer in answers if answer.statement})

    def _successor(self, directory: DataDirectory, answers: Iterable[Answer]) -> Statement | None:
        found: Statement | None = None
        for answer in answers:
            if answer.read is None:
                continue
            claim = answer.read.statement
            state, is_peer = self.this.state, Peers(directory).find(claim.host) is not None
            if claim.host == self.this.id or claim.epoch <= (state.highest if is_peer else state.epoch):
                continue
            why_not = Rosters(directory).why_not(claim.host) if answer.read.is_by_host else "no host has signed it"
            if why_not:
                refuse_claim(directory, claim.host, claim.epoch, answer.name, why_not)
            elif found is None or claim.epoch > found.epoch:
                found = claim
        return found


class Witness:
    """In the agent: asks at the start and every minute, as long as this host is a primary, or was one."""

    def __init__(self, witness: PublicWitness) -> None:
        self._witness = witness

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.ask()
            except (Problem, OSError) as error:
                _log.warning("The public name could not be asked: %s", error)
            await asyncio.sleep(EVERY)

    async def ask(self) -> None:
        this = self._witness.this
        if this.state.role not in (PRIMARY, RETURNING):
            return
        if successor := (await self._witness.look()).successor:
            _log.warning("Under the public name, a host in epoch %d answers. This host is in epoch %d.", successor.epoch, this.state.epoch)
            this.fence_against(successor.epoch, successor.host)
