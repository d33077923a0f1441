"""The state of the link to the peer: reachable or not, and since when. The agent records it (`watch.py`), others read it.

`Link.heard_at` is the other direction: the peer opened a stream or sent a greeting to this host.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.peers import Peer

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


def describe_link(directory: DataDirectory, peer: Peer) -> dict[str, Any]:
    """The peer and the state of the link, for commands. `is_reachable` is None while no agent runs."""
    link = find_link(directory)
    if link is None or link.peer_id != peer.id:
        link = None
    return {
        "name": peer.name, "address": peer.address, "id": peer.id, "is_reachable": link.is_reachable if link else None,
        "since_seconds": max(0, round((clock.now() - link.since).total_seconds())) if link else None,
        "why": link.why if link else "", "release": link.release if link else "",
        "heard_seconds": max(0, round((clock.now() - link.heard_at).total_seconds())) if link and link.heard_at else None,
    }


def record_link(directory: DataDirectory, link: Link | None) -> None:
    """None: the agent ends."""
    if link is None:
        _file(directory).unlink(missing_ok=True)
    else:
        directory.write(_file(directory), msgspec.json.encode(link), is_durable=False)


def _file(directory: DataDirectory) -> Path:
    return directory.path / "run" / "link.json"
