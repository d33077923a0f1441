"""Checks of PostgreSQL: schema, durability, damage, connections, and whether this host may write."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from folkmoot.base.database_facts import DatabaseFacts
from folkmoot.base.database_health import DatabaseHealth
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.portability.queries import DatabaseHost

_OLDEST = 150_000
_LONG_TRANSACTION = 300.0
_OLD_ROW = 1_000_000_000  # of the two thousand million after which PostgreSQL stops
_HELD = 2**30
_SKEW = 5.0


def check_facts(facts: DatabaseFacts, newest: int, is_standby: bool) -> Iterator[Finding]:
    """Whether the schema fits this version, and whether PostgreSQL detects damage on the disk.

    The schema of a standby may be newer: its primary may have been upgraded first.
    """
    if facts.schema == newest or (facts.schema > newest and is_standby):
        yield Finding("database.schema", GOOD, f"schema {facts.schema}")
    else:
        is_older = facts.schema < newest
        remedy = "moot up or moot migrate brings it up to date" if is_older else "start the newer version that has used this data directory"
        yield Finding("database.schema", BROKEN, f"the schema is at {facts.schema}, this version needs {newest}",
                      "web processes are not ready and commands refuse to work", remedy)
    if facts.has_checksums:
        yield Finding("database.checksums", GOOD, "data checksums are on")
    else:
        yield Finding("database.checksums", WARNING, "PostgreSQL runs without data checksums", "a damaged disk would not be noticed",
                      "pg_checksums --enable, while the database is stopped")


def check_health(health: DatabaseHealth) -> Iterator[Finding]:
    yield from _data(health)
    yield from _load(health)
    yield from _upkeep(health)
    if abs(health.clock_skew) > _SKEW:
        yield Finding("clock.skew", WARNING, f"the clocks of this machine and of PostgreSQL differ by {abs(health.clock_skew):.0f} s",
                      "deadlines and expiry times become wrong", "synchronize both, for example with chrony")
    if health.newest_event_ahead > _SKEW:
        yield Finding("clock.back", WARNING, f"records are {health.newest_event_ahead:.0f} s in the future: the clock was set back",
                      "until then new posts can stand below older ones", "synchronize the clock, for example with chrony; then wait")


def _data(health: DatabaseHealth) -> Iterator[Finding]:
    if health.version < _OLDEST:
        yield Finding(
            "database.version", BROKEN, f"PostgreSQL {health.version // 10000} is too old", "Folkmoot needs 15 or newer",
            "upgrade PostgreSQL",
        )
    if health.unsafe:
        yield Finding(
            "database.durability", BROKEN, f"PostgreSQL runs with {', '.join(health.unsafe)} = off",
            "a power failure loses or damages data",
            "ALTER SYSTEM RESET " + "; ALTER SYSTEM RESET ".join(health.unsafe) + "; then restart PostgreSQL",
        )
    else:
        yield Finding("database.durability", GOOD, "each commit is on the disk before it is answered")
    if health.encoding != "UTF8":
        yield Finding("database.encoding", BROKEN, f"the database has the encoding {health.encoding}", "most characters cannot be stored",
                      "create it again with ENCODING 'UTF8'")
    if health.checksum_failures:
        yield Finding("database.damage", BROKEN, f"{health.checksum_failures} damaged pages were found", "the disk or the memory is broken",
                      "make a copy of the data directory, then restore a backup on other hardware")
    if health.invalid_indexes:
        yield Finding(
            "database.indexes", BROKEN, f"invalid indexes: {', '.join(health.invalid_indexes)}", "queries that need them are slow",
            "REINDEX INDEX CONCURRENTLY for each",
        )


def _load(health: DatabaseHealth) -> Iterator[Finding]:
    if health.used_connections > 0.8 * health.max_connections:
        yield Finding("database.connections", WARNING, f"{health.used_connections} of {health.max_connections} connections are in use",
                      "further processes will be refused", "raise max_connections, or lower database.readers and database.writers")
    else:
        yield Finding("database.connections", GOOD, f"{health.used_connections} of {health.max_connections} connections are in use")
    if health.longest_transaction > _LONG_TRANSACTION:
        yield Finding(
            "database.transactions", WARNING, f"a transaction has been open for {health.longest_transaction:.0f} s",
            "deleted rows are kept while it is open, and migrations wait",
            "find it in pg_stat_activity; SELECT pg_terminate_backend(pid)",
        )
    if health.blocked:
        yield Finding(
            "database.locks", WARNING, f"{health.blocked} statements have waited for a lock for over 15 s", "members wait for them",
            "SELECT pid, pg_blocking_pids(pid) FROM pg_stat_activity shows who holds it",
        )


def _upkeep(health: DatabaseHealth) -> Iterator[Finding]:
    if not health.autovacuum:
        yield Finding(
            "database.autovacuum", WARNING, "autovacuum is off", "tables grow, and queries get slow", "ALTER SYSTEM RESET autovacuum",
        )
    if health.oldest_row > _OLD_ROW:
        yield Finding(
            "database.wraparound", BROKEN, f"the oldest row is {health.oldest_row} transactions old",
            "PostgreSQL will refuse writes at 2,000 million", "VACUUM FREEZE; find what holds it: an old transaction or replication slot",
        )
    if health.held_by_slots > _HELD:
        yield Finding("database.slots", WARNING, f"an inactive replication slot holds {health.held_by_slots >> 20} MB", "it fills the disk",
                      "start the standby, or: SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")


def check_host(settings: Settings, database: "DatabaseHost") -> Iterator[Finding]:
    """Whether this host may write, and how cache sessions are restricted to their tables."""
    from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, Host

    host = Host(settings.data).state
    if host.role == FENCED:
        yield Finding(
            "host.fenced", WARNING, f"this host is fenced: it wrote in epoch {host.epoch} and stopped in favour of the other host",
            "it passes requests to the other host, or refuses writes if that does not answer",
            "moot move" if host.move else "stop the network here, then: moot standby --again",
        )
    elif host.role == RETURNING:
        yield Finding(
            "host.returning", WARNING, "this host was the primary, and the other one does not confirm that it still is",
            "members can read, but not write", "start the other host; if it is off for good: moot failover --other-host-is-off",
        )
    elif database.is_standby and host.role == PRIMARY and host.move:
        yield Finding(
            "host.promotion", BROKEN, f"this host has accepted to take over in epoch {host.epoch}, but its PostgreSQL still replays",
            "nobody can write", "moot move",
        )
    elif database.is_standby:
        yield Finding("host.role", GOOD, "this host is a standby: it serves reads and refuses writes")
    elif host.role != PRIMARY:
        yield Finding(
            "host.role", WARNING, f"PostgreSQL was promoted, but host.json still says {host.role}: every write is refused",
            "members can read, but not write",
            f"if this host is the primary now, write role {PRIMARY} and epoch {database.epoch} into host.json",
        )
    elif host.epoch != database.epoch:
        yield Finding(
            "host.epoch", BROKEN, f"host.json has epoch {host.epoch}, the database has epoch {database.epoch}: every write is refused",
            "two hosts may believe to be the primary",
            "if another host is the primary now, stop this one; else set the epoch of the database in host.json",
        )
    else:
        yield Finding("host.role", GOOD, f"this host is the primary, epoch {host.epoch}")
    if not database.has_cache_role:
        yield Finding("database.cache_role", WARNING, "this database user cannot use the role folkmoot_cache",
                      "slower triggers protect the tables instead",
                      "as a superuser: CREATE ROLE folkmoot_cache NOLOGIN; GRANT folkmoot_cache TO USER; then: moot migrate")
