"""The state of the link to the peer: reachable or not, and since when. Recorded by the agent, read by other processes.

The agent greets the peer every two seconds. `Link.heard_at` is the other direction: the peer opened a stream to us.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.client import PeerClient
from folkmoot.portability.hosts.messages import GREETING, Greeting, PeerRefused, PeerUnreachable
from folkmoot.portability.hosts.peers import Peer, Peers

log = logging.getLogger(__name__)
_EVERY, _PATIENCE = 2.0, 4.0  # seconds
_OLD = timedelta(seconds=15)  # then the agent that wrote it has ended


class Link(msgspec.Struct, frozen=True):
    """`since`: of the state. `why`: it is not reachable. `release`: of the peer."""

    peer_id: str
    is_reachable: bool
    since: datetime
    checked_at: datetime
    why: str = ""
    release: str = ""
    heard_at: datetime | None = None

    @property
    def is_old(self) -> bool:
        return clock.now() - self.checked_at > _OLD


def find_link(directory: DataDirectory) -> Link | None:
    """What the agent found last; None if it has not looked yet, or does not run."""
    try:
        link = msgspec.json.decode(_file(directory).read_bytes(), type=Link)
    except (OSError, msgspec.DecodeError):
        return None
    return None if link.is_old else link


class Watch:
    """Greets the peer and records the answers."""

    def __init__(self, directory: DataDirectory, peers: Peers, greeting: Greeting, connect: Callable[[Peer], PeerClient]) -> None:
        self._directory = directory
        self._peers = peers
        self._greeting = greeting
        self._connect = connect
        self._client: PeerClient | None = None
        self._link: Link | None = None
        self._heard_at: datetime | None = None

    def hear(self) -> None:
        """The peer has opened a stream."""
        self._heard_at = clock.now()

    async def run(self) -> None:
        try:
            while True:
                if peer := self._peers.one():
                    self._record(peer, *await self._greeted(peer))
                await asyncio.sleep(_EVERY)
        finally:
            _file(self._directory).unlink(missing_ok=True)
            if self._client:
                await self._client.aclose()

    async def _greeted(self, peer: Peer) -> tuple[str, str]:
        """(why the peer is not reachable, its release)."""
        if self._client is None or self._client.peer != peer:
            if self._client:
                await self._client.aclose()
            self._client = self._connect(peer)
        try:
            answer = await self._client(GREETING, self._greeting, Greeting, seconds=_PATIENCE)
        except (PeerUnreachable, PeerRefused) as problem:
            return problem.message % problem.params, ""
        return "", answer.release

    def _record(self, peer: Peer, why: str, release: str) -> None:
        now, before = clock.now(), self._link if self._link and self._link.peer_id == peer.id else None
        is_same = before is not None and before.is_reachable == (not why)
        if not is_same:
            log.log(logging.WARNING if why else logging.INFO, "%s", why or f"the host {peer.name} at {peer.address} is reachable")
        since = before.since if before and is_same else now
        self._link = Link(peer.id, not why, since, now, why, release or (before.release if before else ""), self._heard_at)
        file = _file(self._directory)
        unfinished = file.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(self._link))  # without fsync: it describes this moment
        os.replace(unfinished, file)


def _file(directory: DataDirectory) -> Path:
    return directory.path / "run" / "link.json"
