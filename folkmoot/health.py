"""Questions after health: is the process alive, can it serve, and the numbers for Prometheus.

`/readyz` says why when it says no, in words of ours; those of an error are for the log. `/metrics` answers this
machine only, and nobody who comes through a proxy.
"""

import logging
from typing import Any

import asyncpg
import msgspec

from folkmoot.base import clock, metrics
from folkmoot.base.database_facts import get_schema_number
from folkmoot.base.errors import Unavailable
from folkmoot.base.migrate import known
from folkmoot.http.context import Context
from folkmoot.http.replies import Reply
from folkmoot.moderation.cases.queries import count_open
from folkmoot.moderation.journal.queries import find_state
from folkmoot.portability.runs import Last, last_runs

_log = logging.getLogger(__name__)
_TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_LOCAL = frozenset(["127.0.0.1", "::1"])
WORKER_SILENT = 30  # seconds after which we say that no worker runs
_QUEUE = "SELECT count(*), coalesce(extract(epoch FROM now() - min(execute_after)), 0)::float8 AS age FROM pgqueuer WHERE status = 'queued'"


class HealthApplication:
    """Answers `/livez`, `/readyz` and `/metrics`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._newest = known()[-1].number

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/livez":
            reply = Reply(b'{"alive":true}')
        elif path == "/readyz":
            reasons = await self.reasons()
            reply = Reply(msgspec.json.encode({"ready": not reasons, "reasons": reasons}), 503 if reasons else 200)
        elif _is_local(scope):
            reply = Reply(metrics.report() + await self._database(), media_type=_TEXT)
        else:
            reply = Reply(b"", 404, _TEXT)
        reply.headers.append((b"cache-control", b"no-store"))
        await reply(scope, receive, send)

    async def reasons(self) -> list[str]:
        """Why requests should not come here now; none when all is well."""
        try:
            async with self._context.database.read() as conn:
                newest = await get_schema_number(conn)
                worked = await conn.fetchval("SELECT max(last_run_at) FROM timed_jobs")
                journal = await find_state(conn)
                is_standby = conn.is_standby
        except (Unavailable, asyncpg.PostgresError) as error:
            _log.warning("not ready, the database does not answer: %s", error)
            return ["the database does not answer"]
        reasons = []
        if newest is None or newest < self._newest:  # newer is fine: migrations work with the release before them
            reasons.append(f"the schema is at {newest}, this code needs {self._newest}")
        if not is_standby and (worked is None or (clock.now() - worked).total_seconds() > WORKER_SILENT):
            reasons.append("no worker has run for half a minute: posts do not reach timelines")
        if journal.is_stopped:
            reasons.append(journal.reason)
        return reasons

    async def _database(self) -> bytes:
        """What the database knows; without it the other numbers are still worth having."""
        try:
            known_there, is_up = await self._queue(), 1
        except (Unavailable, asyncpg.PostgresError) as error:
            _log.warning("numbers without those of the database, which does not answer: %s", error)
            known_there, is_up = b"", 0
        return known_there + (
            "# HELP folkmoot_database_up Whether the database answers\n# TYPE folkmoot_database_up gauge\n"
            f"folkmoot_database_up {is_up}\n"
        ).encode()

    async def _queue(self) -> bytes:
        async with self._context.database.read() as conn:
            row = await conn.fetchrow(_QUEUE)
            runs = await last_runs(conn)
            cases = await count_open(conn, clock.now())
        assert row is not None
        ages = "".join(map(_age, runs.values()))
        return (
            "# HELP folkmoot_jobs_waiting Jobs that wait for a worker\n# TYPE folkmoot_jobs_waiting gauge\n"
            f"folkmoot_jobs_waiting {row[0]}\n"
            "# HELP folkmoot_jobs_oldest_seconds How long the oldest of them has been due\n"
            "# TYPE folkmoot_jobs_oldest_seconds gauge\n"
            f"folkmoot_jobs_oldest_seconds {max(0.0, row['age']):.3f}\n"
            "# HELP folkmoot_cases_open Cases that wait for a decision\n# TYPE folkmoot_cases_open gauge\n"
            f"folkmoot_cases_open {cases.open}\n"
            "# HELP folkmoot_cases_overdue Those of them that are beyond their time\n# TYPE folkmoot_cases_overdue gauge\n"
            f"folkmoot_cases_overdue {cases.overdue}\n{ages}"
        ).encode()


def _age(last: Last) -> str:
    """Of backups or drills: whether the last one was good; of the last good one, how old it is and how long it took."""
    rows = [("good", "Whether the last one was good", int(last.good_age is not None and not last.failed))]
    if last.good_age is not None and last.seconds is not None:
        rows += [("age_seconds", "Since the last good one", round(last.good_age)), ("seconds", "How long it took", round(last.seconds))]
    return "".join(
        f"# HELP folkmoot_{last.kind}_{name} {says}\n# TYPE folkmoot_{last.kind}_{name} gauge\nfolkmoot_{last.kind}_{name} {value}\n"
        for name, says, value in rows
    )


def _is_local(scope: Any) -> bool:
    came_through = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    return bool(scope.get("client")) and scope["client"][0] in _LOCAL and not came_through
