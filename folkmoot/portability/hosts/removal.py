"""Ends a pairing: the certificate of the peer is refused from then on, and its replication slot is dropped.

What the removed host claims elsewhere, under a public name, does not count any more either, also before a new roster is signed.

A slot without a host that reads it would keep WAL until its limit. The database may be down at that moment, so every
removal drops the slots of all hosts that are no peers, and can be repeated for this alone.
"""

import asyncio
from dataclasses import dataclass, field

import asyncpg

from folkmoot.base.errors import NotFound
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.model import Member
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.hosts.queries import drop_slot, list_slots, reload
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.logical.queries import unpublish
from folkmoot.portability.standby.queries import is_standby
from folkmoot.portability.synchronous import end_demand, forget_bound

_TRIES, _PAUSE = 20, 0.25  # the agent cuts the streams of the removed host off within a second


@dataclass(frozen=True)
class Removed:
    """`peer`: None if only slots were left. `why_slots_stay`: "" if all were dropped."""

    peer: Peer | None
    slots: list[str] = field(default_factory=list)
    why_slots_stay: str = ""


async def remove_host(directory: DataDirectory, dsn: str, name: str) -> Removed:
    """Raises NotFound if there is neither such a peer nor a slot to drop."""
    peers = Peers(directory)
    peer = peers.remove(name)
    if peer:
        forget_bound(directory)
        end_demand(directory)
        Rosters(directory).remove(Member(peer.id, peer.name))
    try:
        dropped = await _drop_slots(dsn, {one.slot for one in peers.list()})
    except (OSError, asyncpg.PostgresError) as error:
        dropped, why = [], (str(error).splitlines() or [type(error).__name__])[0]
    else:
        why = ""
    if peer is None and not dropped:
        raise NotFound("This host is not paired with %(name)s. moot host list shows the other host.", name=name)
    return Removed(peer, dropped, why)


async def _drop_slots(dsn: str, kept: set[str]) -> list[str]:
    """Drops the slots of hosts that are no peers; returns their names."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await reload(connection)  # no write waits for the removed host
        names = [name for name in await list_slots(connection) if name not in kept]
        for name in names:
            for attempt in range(_TRIES):
                try:
                    await drop_slot(connection, name)
                    break
                except asyncpg.ObjectInUseError:  # its stream ends at this moment
                    if attempt == _TRIES - 1:
                        raise
                    await asyncio.sleep(_PAUSE)
        if names and not await is_standby(connection):
            await unpublish(connection)
        return names
    finally:
        await connection.close()
