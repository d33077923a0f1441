"""A newer roster arrives, from the other host or under a public name: who belongs to the network from now on."""

import logging
import os
import signal
from contextlib import suppress

from folkmoot.portability.backup_key import NotSigned
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.model import SignedRoster
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.synchronous import end_demand, forget_bound

_log = logging.getLogger(__name__)


def follow_roster(this: ThisHost, signed: SignedRoster) -> None:
    """Takes over a newer roster. Pairings with hosts that it does not name end; without this host, this host stops writing."""
    rosters = Rosters(this.directory)
    try:
        roster = rosters.take_over(signed)
    except NotSigned as problem:
        _log.warning("Another host sent a roster, and it was refused: %s", problem.message)
        return
    if roster is None:
        return
    _log.info("The operator's new roster names %s.", ", ".join(member.name for member in roster.hosts))
    if rosters.excludes(this.id):
        _log.warning("The operator has removed this host from the network.")
        this.leave(roster)
    peers = Peers(this.directory)
    for peer in peers.list():
        if rosters.why_not(peer.id):
            _log.warning("The operator has removed the host %s from the network. Its certificate is refused from now on.", peer.name)
            peers.remove(peer.id)
            forget_bound(this.directory)
            end_demand(this.directory)  # no write waits for the removed host
            _reload_server(this.directory)


def _reload_server(directory: DataDirectory) -> None:
    """PostgreSQL reads its settings again, if it runs."""
    with suppress(OSError, ValueError, IndexError):
        os.kill(int((directory.path / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGHUP)
