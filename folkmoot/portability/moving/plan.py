"""What speaks against a move, and how long its pause will be. Pure functions of the conditions of both hosts."""

from collections.abc import Iterator

from folkmoot.portability.host import PRIMARY, STANDBY
from folkmoot.portability.moving.model import MOST_SKEW, HostCondition

_LEAST_FREE = 512 * 1024 * 1024
# Measured between two servers of one machine: hold, fence and its commits, replay, promotion, first write.
_PAUSE_SECONDS = 0.15
_ROUND_TRIPS = 3  # during the pause


def obstacles(old: HostCondition, new: HostCondition) -> Iterator[str]:
    """One sentence each, with the command that goes on."""
    if old.role != PRIMARY or new.role != STANDBY:
        yield f"The hosts are {old.role} and {new.role}, so there is no planned move between them. Run: moot status"
    if old.database is None:
        yield "The database of the old host does not answer. Start it there: moot up"
    if new.database is None:
        yield "The database of the new host does not answer. Start it there: moot up"
    if old.database is None or new.database is None:
        return
    if not new.database.is_replaying:
        yield "The database of the new host is no standby. Make it one there: moot standby --again"
    if old.database.major != new.database.major:
        yield (f"The old host runs PostgreSQL {old.database.major} and the new one {new.database.major}."
               " Install the same release of Folkmoot on both.")
    if old.machine != new.machine:
        yield f"The old host is {old.machine} and the new one {new.machine}: a copy of the database works on one architecture only."
    if new.schema < old.database.schema:
        yield "The new host runs an older release than the database needs. Upgrade it first: moot upgrade"
    if new.schema > old.database.schema:  # it would have to change the schema during the pause
        yield "The new host runs a newer release than the old one. Upgrade the old one first: moot upgrade"
    if new.free_bytes < _LEAST_FREE:
        yield f"The new host has only {new.free_bytes >> 20} MB of free disk space. Free some there."
    if abs(old.now - new.now) > MOST_SKEW:
        yield "The clocks of the two hosts differ by more than a second. Set them: timedatectl set-ntp true"
    if not new.is_web_running:
        yield "The web processes of the new host do not answer. Start it there: moot up"


def expected_pause(round_trip: float) -> float:
    """Seconds for which writes will wait."""
    return _PAUSE_SECONDS + _ROUND_TRIPS * round_trip
