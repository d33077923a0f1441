"""The moment of a failover at which the new host leaves the log of the old one, recorded exactly.

Once the stream has ended and everything received is replayed, each transaction of the old host either has ended here or is
lost. The record lets the old host find the rows that it alone has, whenever it comes back (`failover/export.py`).
"""

import asyncio

from folkmoot.base import clock
from folkmoot.portability.moving import queries
from folkmoot.portability.moving.journal import Journal
from folkmoot.portability.moving.model import Fence, Fork, MoveProblem, State
from folkmoot.portability.moving.queries import Connection
from folkmoot.portability.postgres_settings import slot_of

PARTED = "parted"
_POLL_SECONDS = 0.005
_STILL_SECONDS = 0.5  # many times the interval that `end_stream` sets
_REPLAY_SECONDS = 300.0  # nobody writes meanwhile, but giving up would lose what has arrived


async def part(session: Connection, journal: Journal, fence: Fence) -> None:
    """Ends the stream, waits until everything received is replayed, and records the fork. Does nothing on a promoted server.

    The log since then is kept for the old host, within the limit for slots.
    """
    if not await queries.is_replaying(session):
        return
    if fence.by:
        await queries.keep_log_for(session, slot_of(fence.by))
    await queries.end_stream(session)
    await _await_replay(session)
    fork = await queries.read_fork(session)
    journal.append(fence.move, State.PROMOTED, "decision", PARTED, position=fork.position, oldest=fork.oldest, next=fork.next)


async def _await_replay(session: Connection) -> None:
    """Until everything received is replayed. If the last record is incomplete, the position stands still before it."""
    began = stopped_at = clock.monotonic()
    position = ""
    while True:
        replay, now = await queries.read_replay(session), clock.monotonic()
        if replay.is_receiving or not replay.waits or replay.position != position:
            position, stopped_at = replay.position, now
        if not replay.is_receiving and (replay.is_all or now - stopped_at > _STILL_SECONDS):
            return
        if now - began > _REPLAY_SECONDS:
            raise MoveProblem("PostgreSQL did not replay what it has received in time. Run the same command again: moot failover")
        await asyncio.sleep(_POLL_SECONDS)


def find_fork(journal: Journal, move: str) -> Fork | None:
    """The fork of a failover that this host has made. The first attempt counts: what came later was not received."""
    for line in journal.lines():
        if line.move == move and line.outcome == PARTED:
            return Fork(position=line.facts["position"], oldest=line.facts["oldest"], next=line.facts["next"])
    return None
