"""Databases for tests: empty, migrated, one test at a time.

Cloning the template takes half a second, so a database that a test has used is emptied and lent again, in a few
milliseconds. It is emptied exactly: every row goes, rows that the migrations put there come back, sequences start where
they did. Only tables that have a page are emptied: a table that no test wrote to has none. A database that is no longer
like the template (another schema, functions, settings, statistics of the planner) is dropped instead, and so is one that
has been lent often.
"""

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from folkmoot.base.migrate import migrate
from folkmoot.portability.postgres import Postgres
from tests import kept_sessions
from tests.kept_sessions import LOST

_TEMPLATE = "folkmoot_template"
_OFTEN = 100  # emptied databases keep dead rows
_TABLES = (
    "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace,"
    " 'information_schema'::regnamespace) ORDER BY oid"
)
_SEQUENCES = (
    "SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) AS name, coalesce(last_value, start_value) AS value,"
    " last_value IS NOT NULL AS is_called FROM pg_sequences ORDER BY 1"
)
_USED = (
    "SELECT coalesce(string_agg('DELETE FROM ' || oid::regclass, '; ' ORDER BY oid), 'SELECT') FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND pg_relation_size(oid) > 0"
)
# Changes with each change of the schema: a row of a catalog that is new or was changed carries a later transaction than all
# rows of the template. ANALYZE and settings do not make new rows there.
_SCHEMA = """
    SELECT concat_ws(',',
        (SELECT concat_ws(',', count(*), sum(xmin::text::bigint), sum(reltuples) FILTER (WHERE relkind = 'r'))
         FROM pg_class WHERE oid >= 16384 AND relkind <> 't'),
        (SELECT concat_ws(',', count(*), sum(xmin::text::bigint)) FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0),
        (SELECT concat_ws(',', count(*), sum(xmin::text::bigint)) FROM pg_trigger),
        (SELECT concat_ws(',', count(*), sum(xmin::text::bigint)) FROM pg_proc WHERE oid >= 16384),
        (SELECT concat_ws(',', count(*), sum(xmin::text::bigint)) FROM pg_constraint WHERE oid >= 16384),
        (SELECT string_agg(setconfig::text, ';') FROM pg_db_role_setting
         WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())),
        (SELECT datacl::text FROM pg_database WHERE datname = current_database()))
"""
# What makes two databases alike, rows aside. `reltuples` changes with ANALYZE, and plans with it.
_LIKENESS = """
    SELECT md5(concat(
        (SELECT string_agg(concat_ws(',', oid, relname, relkind, relnatts, relchecks, relhastriggers, relpersistence, relacl,
                                     CASE relkind WHEN 'r' THEN reltuples END), ';' ORDER BY oid)
         FROM pg_class WHERE oid >= 16384 AND relkind <> 't'),
        (SELECT string_agg(concat_ws(',', attrelid, attname, atttypid, attnotnull, attisdropped), ';' ORDER BY attrelid, attnum)
         FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0),
        (SELECT string_agg(concat_ws(',', oid, tgname, tgenabled), ';' ORDER BY oid) FROM pg_trigger),
        (SELECT string_agg(concat_ws(',', oid, md5(prosrc)), ';' ORDER BY oid) FROM pg_proc WHERE oid >= 16384),
        (SELECT string_agg(concat_ws(',', oid, conname, convalidated), ';' ORDER BY oid) FROM pg_constraint WHERE oid >= 16384),
        (SELECT string_agg(setconfig::text, ';') FROM pg_db_role_setting
         WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())),
        (SELECT datacl::text FROM pg_database WHERE datname = current_database())
    ))
"""


@dataclass
class Databases:
    """Lends the databases of one server. `lend` and `take_back` are for one test at a time, and not for a running event loop: the
    sessions in which databases are emptied stay open, because a new one would read the catalogues again for each test."""

    server: Postgres
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _sessions: dict[str, "asyncpg.Connection"] = field(default_factory=dict)  # by database
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _free: list[tuple[str, int]] = field(default_factory=list)  # names, with how often each was lent
    _lent: dict[str, int] = field(default_factory=dict)
    _restore: str = ""
    _likeness: str = ""
    _schema: str = ""

    def make_template(self) -> None:
        self._loop.run_until_complete(self._make_template())

    def lend(self) -> str:
        """The name of a database like the template."""
        return self._loop.run_until_complete(self._lend())

    def take_back(self, name: str) -> None:
        """Empties it to be lent again, or drops it."""
        self._loop.run_until_complete(self._take_back(name))

    def close(self) -> None:
        for session in self._sessions.values():
            session.terminate()
        self._loop.run_until_complete(asyncio.sleep(0))  # the loop closes what was terminated
        self._loop.close()

    async def is_like_the_template(self, connection: "asyncpg.Connection") -> bool:
        """Whether only rows can differ."""
        if await connection.fetchval(_SCHEMA) == self._schema:
            return True
        return bool(await connection.fetchval(_LIKENESS) == self._likeness)

    async def _make_template(self) -> None:
        await self._admin(f"CREATE DATABASE {_TEMPLATE}")
        await migrate(self.server.dsn_of(_TEMPLATE))
        template = await asyncpg.connect(self.server.dsn_of(_TEMPLATE))
        self._restore = await _restoring(template)
        self._likeness = await template.fetchval(_LIKENESS)
        self._schema = await template.fetchval(_SCHEMA)
        await template.close()

    async def _lend(self) -> str:
        if self._free:
            name, times = self._free.pop()
        else:
            name, times = f"test_{next(self._numbers)}", 0
            await self._admin(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
        self._lent[name] = times + 1
        return name

    async def _take_back(self, name: str) -> None:
        times = self._lent.pop(name)
        if times < _OFTEN and await self._empty(name):
            self._free.append((name, times))
        else:
            if session := self._sessions.pop(name, None):
                session.terminate()
            kept_sessions.forget(self.server.dsn_of(name))
            await self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    async def _empty(self, name: str) -> bool:
        """Whether it is like the template again."""
        try:
            session = await self._session(name)
            await session.execute(_ALONE, kept_sessions.pids(self.server.dsn_of(name)))
            if not await self.is_like_the_template(session):
                return False
            await session.execute(f"{_ASLEEP}; {await session.fetchval(_USED)}; {self._restore}; {_AWAKE}")
            return True
        except LOST:  # a test of databases that go away
            return False

    async def _admin(self, statement: str) -> None:
        await (await self._session("postgres")).execute(statement)

    async def _session(self, name: str) -> "asyncpg.Connection":
        """The session of a database, opened again if a test has ended it."""
        if session := self._sessions.get(name):
            with suppress(*LOST):
                await session.execute("SELECT")
                return session
            session.terminate()
        self._sessions[name] = await asyncpg.connect(self.server.dsn_of(name))
        return self._sessions[name]


# Ends what a test left connected, and waits until it has ended: it could still hold locks.
_ALONE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ($1) AND backend_type = 'client backend'"
)


_ASLEEP, _AWAKE = "SET session_replication_role = replica", "RESET session_replication_role"  # triggers and foreign keys sleep meanwhile


async def _restoring(template: "asyncpg.Connection") -> str:
    """The statements that make an emptied database the same as this one."""
    statements = []
    for (table,) in await template.fetch(_TABLES):
        rows = await template.fetchval(f"SELECT json_agg(one) FROM {table} AS one")
        if rows:
            quoted = json.dumps(json.loads(rows)).replace("'", "''")
            statements.append(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{table}, '{quoted}')"
            )
    statements += [
        f"SELECT setval('{row['name']}', {row['value']}, {row['is_called']})" for row in await template.fetch(_SEQUENCES)
    ]
    return "; ".join(statements)
