"""Greets the peer every two seconds, and records whether it answers."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import msgspec

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.client import PeerClient
from folkmoot.portability.hosts.link import Link, record_link
from folkmoot.portability.hosts.messages import GREETING, Greeting, PeerRefused, PeerUnreachable
from folkmoot.portability.hosts.model import SignedRoster
from folkmoot.portability.hosts.peers import Peer, Peers, PeersProblem, is_address

log = logging.getLogger(__name__)
_EVERY, _PATIENCE = 2.0, 4.0  # seconds


class Watch:
    """Greets the peer and records the answers."""

    def __init__(
        self, directory: DataDirectory, peers: Peers, greeting: Callable[[], Greeting], connect: Callable[[Peer], PeerClient],
        hear_roster: Callable[[SignedRoster], None],
    ) -> None:
        """`hear_roster` is called with each roster that the peer sends."""
        self._directory = directory
        self._peers = peers
        self._greeting = greeting
        self._connect = connect
        self._hear_roster = hear_roster
        self._client: PeerClient | None = None
        self._link: Link | None = None
        self._heard_at: datetime | None = None

    def hear(self) -> None:
        """The peer has opened a stream or sent a greeting."""
        self._heard_at = clock.now()

    async def greet(self, greeting: Greeting) -> Greeting:
        """Answers the greeting of the peer."""
        self.hear()
        self._follow(greeting)
        return self._greeting()

    async def run(self) -> None:
        try:
            while True:
                with suppress(PeersProblem, OSError):  # the file is damaged, or the disk full: reported elsewhere, and this goes on
                    if peer := self._peers.one():
                        self._record(peer, *await self._greeted(peer))
                await asyncio.sleep(_EVERY)
        finally:
            record_link(self._directory, None)
            if self._client:
                await self._client.aclose()

    async def _greeted(self, peer: Peer) -> tuple[str, str]:
        """(why the peer is not reachable, its release)."""
        if self._client is None or self._client.peer != peer:
            if self._client:
                await self._client.aclose()
            self._client = self._connect(peer)
        try:
            answer = await self._client(GREETING, self._greeting(), Greeting, seconds=_PATIENCE)
        except (PeerUnreachable, PeerRefused) as problem:
            return problem.message % problem.params, ""
        self._follow(answer)
        return "", answer.release

    def _follow(self, greeting: Greeting) -> None:
        """A host that has moved to another address says so: the pinned certificate shows that it is the same host."""
        if greeting.roster:
            self._hear_roster(greeting.roster)
        peer = self._peers.one()
        if peer and greeting.address not in ("", peer.address) and is_address(greeting.address):
            log.info("the host %s is now at %s", peer.name, greeting.address)
            self._peers.add(msgspec.structs.replace(peer, address=greeting.address))

    def _record(self, peer: Peer, why: str, release: str) -> None:
        now, before = clock.now(), self._link if self._link and self._link.peer_id == peer.id else None
        is_same = before is not None and before.is_reachable == (not why)
        if not is_same:
            log.log(logging.WARNING if why else logging.INFO, "%s", why or f"the host {peer.name} at {peer.address} is reachable")
        since = before.since if before and is_same else now
        self._link = Link(peer.id, not why, since, now, why, release or (before.release if before else ""), self._heard_at)
        record_link(self._directory, self._link)
