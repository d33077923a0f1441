"""What a move needs, as a table of lines, and how long its pause will be. Pure functions of what both hosts say.

`conditions` are what a move must not start without: the first step of a move looks at them again. `facts` are what people
want to know before they start one. Each line that is not good has the sentence that says how to mend it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.portability.host import PRIMARY, STANDBY
from folkmoot.portability.moving.model import MOST_SKEW, HostCondition
from folkmoot.portability.moving.unfinished import Work
from folkmoot.portability.runs import BACKUP_IS_OLD

_LEAST_FREE = 512 * 1024 * 1024
_SPACE = 1.5  # times the size of the data: the new host keeps them, and the log while the old one is away
# Measured between two servers of one machine: hold, fence and its commits, replay, promotion, first write.
_PAUSE_SECONDS = 0.15
_ROUND_TRIPS = 3  # during the pause
NO_HTTPS = "nothing listens on port 443"
_SOON = timedelta(days=7)  # a certificate that ends sooner should have been renewed


class Level(StrEnum):
    """Of a line. A move does not start while there is a STOP; a WARNING needs a look."""

    GOOD = "good"
    WARNING = "warning"
    STOP = "stop"


@dataclass(frozen=True)
class Line:
    """One line of the table. `mend`: what is wrong, and the command that mends it; "" if it is good."""

    name: str
    found: str
    level: Level = Level.GOOD
    mend: str = ""


@dataclass(frozen=True)
class Names:
    """How people call the two hosts."""

    old: str = "the old host"
    new: str = "the new host"


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a host says about itself before a move. Sizes in bytes, ages in seconds."""

    release: str
    data_bytes: int  # database and pictures
    backup_age: float | None  # of the last good backup; None: there is none
    backup_failed: str = ""  # why the latest backup failed
    domain: str = ""  # of a network with HTTPS
    certificate_until: datetime | None = None  # of the one that this host shows to visitors of `domain`
    certificate_failed: str = ""  # why visitors could not use this host
    unfinished: list[Work] = []


@dataclass(frozen=True)
class LinkFacts:
    """What was measured between the two hosts."""

    round_trip: float  # seconds
    bytes_per_second: float  # from the old host to the new one
    written_per_second: float  # bytes of log that the old host writes
    skew: float  # seconds by which the clock of the new host is ahead at least


def conditions(old: HostCondition, new: HostCondition, skew: float, names: Names = Names()) -> Iterator[Line]:
    """What a move cannot start without. `skew`: at least so many seconds the clock of the new host is ahead."""
    if old.role != PRIMARY or new.role != STANDBY:
        yield _stop("hosts", f"{names.old} is {old.role}, {names.new} is {new.role}",
                    f"The hosts are {old.role} and {new.role}, so there is no planned move between them. Run: moot status")
    else:
        yield Line("hosts", f"{names.old} is the primary, {names.new} its standby")
    silent = [(which, name) for which, name, host in (("old", names.old, old), ("new", names.new, new)) if host.database is None]
    for which, name in silent:
        yield _stop("database", f"that of {name} does not answer",
                    f"The database of the {which} host does not answer. Start it there: moot up")
    if old.database is None or new.database is None:
        return
    if new.database.is_replaying:
        how = "receives the log" if new.database.is_streaming else "does not receive the log at the moment; a move waits for it"
        yield Line("database", f"{names.new} {how}")
    else:
        yield _stop("database", f"that of {names.new} follows nobody",
                    "The database of the new host is no standby. Make it one there: moot standby --again")
    yield from _versions(old, new)
    if new.free_bytes < _LEAST_FREE:
        yield _stop("disk", f"{names.new} has {new.free_bytes >> 20} MB free",
                    f"The new host has only {new.free_bytes >> 20} MB of free disk space. Free some there.")
    if abs(skew) > MOST_SKEW.total_seconds():
        yield _stop("clock", f"{names.new} is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}",
                    "The clocks of the two hosts differ by more than a second. Set them: timedatectl set-ntp true")
    if new.is_web_running:
        yield Line("pages", f"{names.new} serves them")
    else:
        yield _stop("pages", f"{names.new} serves none", "The web processes of the new host do not answer. Start it there: moot up")


def _versions(old: HostCondition, new: HostCondition) -> Iterator[Line]:
    assert old.database
    assert new.database
    ours, theirs = (f"{host.database.major} on {host.machine}" for host in (old, new) if host.database)
    if new.database.is_logical:
        yield Line("PostgreSQL", f"{ours}; the new host has {theirs} and receives rows")
    else:
        yield from _equal_servers(old, new, ours, theirs)
    if new.schema < old.database.schema:
        yield _stop("schema", f"{old.database.schema}; {new.schema} on the new host",
                    "The new host runs an older release than the database needs. Upgrade it first: moot upgrade")
    elif new.schema > old.database.schema:  # it would have to change the schema during the pause
        yield _stop("schema", f"{old.database.schema}; {new.schema} on the new host",
                    "The new host runs a newer release than the old one. Upgrade the old one first: moot upgrade")
    else:
        yield Line("schema", f"{new.schema}, on both")


def _equal_servers(old: HostCondition, new: HostCondition, ours: str, theirs: str) -> Iterator[Line]:
    """A standby that receives the log."""
    assert old.database
    assert new.database
    if old.database.major != new.database.major:
        yield _stop("PostgreSQL", f"{ours} and {theirs}",
                    f"The old host runs PostgreSQL {old.database.major} and the new one {new.database.major}."
                    " Install the same release of Folkmoot on both.")
    if old.machine != new.machine:
        yield _stop("PostgreSQL", f"{ours} and {theirs}",
                    f"The old host is {old.machine} and the new one {new.machine}: a copy of the database works on one architecture only.")
    if ours == theirs:
        yield Line("PostgreSQL", f"{ours}, on both")


def obstacles(old: HostCondition, new: HostCondition, skew: float) -> Iterator[str]:
    """One sentence each, with the command that goes on."""
    return (line.mend for line in conditions(old, new, skew) if line.level == Level.STOP)


def least_skew(asked_at: datetime, said: datetime, answered_at: datetime) -> float:
    """How many seconds a clock is ahead at least, if it showed `said` at some moment between the two: an answer can be slow."""
    if said < asked_at:
        return (said - asked_at).total_seconds()
    return max(0.0, (said - answered_at).total_seconds())


def facts(old: HostFacts, new: HostFacts, free_bytes: int, names: Names, now: datetime) -> Iterator[Line]:
    """What the two hosts say about themselves. `free_bytes`: of the new one, which has its copy of the data already."""
    if old.release == new.release:
        yield Line("release", f"{old.release}, on both")
    else:
        yield Line("release", f"{old.release} on {names.old}, {new.release} on {names.new}; they work together")
    needed, room = int(_SPACE * old.data_bytes), free_bytes + old.data_bytes
    space = f"{_size(old.data_bytes)} of data; {names.new} has {_size(free_bytes)} free"
    if room < needed:
        yield _stop("disk", space, f"The new host needs {_SPACE} times the size of the data. Free {_size(needed - room)} there.")
    else:
        yield Line("disk", space)
    yield _backup(old, names)
    for host, name in ((old, names.old), (new, names.new)):
        for work in host.unfinished:
            yield Line(work.name, f"{name} {work.found}", Level.STOP if work.stops else Level.WARNING, f"{work.mend}.")
    if old.domain:
        yield _certificate(new, names, now)


def _backup(host: HostFacts, names: Names) -> Line:
    mend = f"A backup of the last day is a second way back. Make one on {names.old}: moot backup"
    if host.backup_age is None:
        return Line("backup", "there is none", Level.WARNING, mend + " --to REPO")
    hours = host.backup_age / 3600
    age = f"the last one is {hours:.0f} hours old" if hours >= 1 else "the last one is less than an hour old"
    if host.backup_age > BACKUP_IS_OLD:
        return Line("backup", age, Level.WARNING, mend)
    if host.backup_failed:
        return Line("backup", f"{age}; the latest attempt failed", Level.WARNING, f"{host.backup_failed.rstrip('.')}. {mend}")
    return Line("backup", age)


def _certificate(host: HostFacts, names: Names, now: datetime) -> Line:
    if host.certificate_until is None:
        found = f"{names.new} does not answer for https://{host.domain} yet: {host.certificate_failed or 'it was not tried'}"
        if host.certificate_failed == NO_HTTPS:
            return Line("certificate", found, Level.WARNING,
                        f"Visitors would get no page. Make it a complete host: moot install on {names.new}")
        return Line("certificate", found, Level.WARNING,
                    "It comes from the old host, with the secrets. If it does not, run moot install on both; else it is obtained after the"
                    " name leads there")
    until = f"{names.new} answers for https://{host.domain}; valid until {host.certificate_until:%Y-%m-%d}"
    if host.certificate_until - now < _SOON:
        return Line("certificate", until, Level.WARNING,
                    "It ends within a week, although it should renew itself. On the new host see: journalctl -u folkmoot-caddy")
    return Line("certificate", until)


def link(found: LinkFacts, names: Names) -> Iterator[Line]:
    """What was measured between the hosts."""
    if abs(found.skew) <= MOST_SKEW.total_seconds():  # else it is among the conditions
        skew = f"{names.new} is {abs(found.skew):.2f} s {'ahead' if found.skew > 0 else 'behind'}"
        yield Line("clock", skew if abs(found.skew) >= 0.01 else "both show the same time")
    rates = f"{found.bytes_per_second / 1e6:.1f} MB/s, and {found.written_per_second / 1e6:.2f} MB/s are written"
    measured = f"round trip {found.round_trip * 1000:.1f} ms, {rates}"
    if found.written_per_second > found.bytes_per_second:
        yield _stop("link", measured, "More is written than the link carries, so the new host cannot catch up. Move when less is written,"
                                      " or use a faster link.")
    else:
        yield Line("link", measured)


def expected_pause(round_trip: float) -> float:
    """Seconds for which writes will wait."""
    return _PAUSE_SECONDS + _ROUND_TRIPS * round_trip


def _stop(name: str, found: str, mend: str) -> Line:
    return Line(name, found, Level.STOP, mend)


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
