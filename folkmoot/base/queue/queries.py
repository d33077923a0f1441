"""All SQL of the jobs: claiming, finishing and inspecting them. `timed_queries.py` has that of timed jobs.

Only the clock of the database is used. A delay is stored as two times (`set_at`, `due_at`), so that it can be restored
after the clock was set back.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Protocol

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Conflict, NotFound
from folkmoot.base.queue.model import CRASH_PAUSES, Claimed, QueueState, State, StoredJob

_CLAIMED = "jobs.id, jobs.name, jobs.payload, jobs.tries, jobs.crashes"
_STATE = f"""
    CASE WHEN parked_at IS NOT NULL THEN '{State.PARKED}' WHEN worker IS NOT NULL THEN '{State.RUNNING}'
         WHEN due_at > now() THEN '{State.LATER}' ELSE '{State.WAITING}' END
"""
_STORED = f"""
    SELECT id, name, {_STATE} AS state, greatest(0, extract(epoch FROM now() - queued_at))::float8 AS age,
        extract(epoch FROM due_at - now())::float8 AS due_in, tries, crashes, last_error, parked_at, payload
    FROM jobs
"""
# The locks of running workers: (7021, number of the worker).
_RUNNING_WORKERS = """
    SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = 7021 AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Connection(Protocol):
    """A session of the driver, for the two callers without a `WriteTx`: the presence of a worker, and a restore."""

    async def execute(self, query: str, *args: object) -> str: ...


async def take_number(tx: WriteTx) -> int:
    """A number for a worker that starts."""
    return int(await tx.fetchval("SELECT nextval('job_workers')"))


async def claim_jobs(tx: WriteTx, worker: int, names: Sequence[str], limit: int, done: Sequence[int] = ()) -> list[Claimed]:
    """Claims due jobs of these names, oldest first, without suspects; deletes those that are done, by the way. Uses the index jobs_due."""
    rows = await tx.fetch(
        f"""
        WITH done AS (
            DELETE FROM jobs WHERE id = ANY ((SELECT $4::bigint[])::bigint[]) AND worker = $1
        ), due AS MATERIALIZED (
            SELECT id FROM jobs WHERE due_at <= statement_timestamp() AND parked_at IS NULL AND worker IS NULL AND crashes = 0
            AND name = ANY ($2::text[]) ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE jobs SET worker = $1 FROM due WHERE jobs.id = due.id RETURNING {_CLAIMED}
        """,
        worker, names, limit, done,
    )
    return [Claimed(*row) for row in rows]


async def claim_suspects(tx: WriteTx, worker: int, names: Sequence[str], crashes: tuple[int, int], limit: int) -> list[Claimed]:
    """Claims due jobs whose worker ended `crashes` times (from, to) while they ran. Uses the index jobs_suspects."""
    rows = await tx.fetch(
        f"""
        WITH due AS MATERIALIZED (
            SELECT id FROM jobs WHERE due_at <= statement_timestamp() AND parked_at IS NULL AND worker IS NULL AND crashes > 0
            AND crashes BETWEEN $3 AND $4 AND name = ANY ($2::text[]) ORDER BY due_at LIMIT $5 FOR UPDATE SKIP LOCKED
        )
        UPDATE jobs SET worker = $1 FROM due WHERE jobs.id = due.id RETURNING {_CLAIMED}
        """,
        worker, names, *crashes, limit,
    )
    return [Claimed(*row) for row in rows]


async def has_suspects(conn: ReadConn, names: Sequence[str]) -> bool:
    """Whether a due job of these names waits whose worker ended while it ran. Uses the index jobs_suspects."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM jobs WHERE crashes > 0 AND parked_at IS NULL AND worker IS NULL AND due_at <= now()"
        " AND name = ANY ($1::text[]))",
        names,
    ))


async def delete_done(tx: WriteTx, worker: int, job_ids: Sequence[int]) -> None:
    await tx.execute("DELETE FROM jobs WHERE id = ANY ((SELECT $1::bigint[])::bigint[]) AND worker = $2", job_ids, worker)


async def update_failed(tx: WriteTx, worker: int, failures: Sequence[tuple[int, str, timedelta | None]]) -> None:
    """Counts a try for each (id, error, delay) and delays the job; without a delay it is parked."""
    await tx.execute(
        """
        UPDATE jobs SET worker = NULL, tries = tries + 1, last_error = f.error, set_at = now(),
            due_at = now() + coalesce(f.delay, interval '0'), parked_at = CASE WHEN f.delay IS NULL THEN now() END
        FROM unnest($2::bigint[], $3::text[], $4::interval[]) AS f (id, error, delay) WHERE jobs.id = f.id AND worker = $1
        """,
        worker, [id_ for id_, _, _ in failures], [error for _, error, _ in failures], [delay for _, _, delay in failures],
    )


async def release_jobs(tx: WriteTx, worker: int, job_ids: Sequence[int], delay: timedelta) -> None:
    """Returns jobs to the queue without counting a try, because the failure was not their fault."""
    await tx.execute(
        "UPDATE jobs SET worker = NULL, set_at = now(), due_at = now() + $3 WHERE id = ANY ($1::bigint[]) AND worker = $2",
        job_ids, worker, delay,
    )


async def release_lost_claims(tx: WriteTx, worker: int, running: Sequence[int]) -> None:
    """Returns jobs that this worker claimed and does not run: the claim was committed, but the answer was lost."""
    await tx.execute("UPDATE jobs SET worker = NULL WHERE worker = $1 AND id <> ALL ($2::bigint[])", worker, running)


async def split_job(tx: WriteTx, worker: int, job: Claimed, name: str, payloads: Sequence[bytes]) -> None:
    """Replaces a suspect by its parts, which inherit its number of crashes."""
    await tx.execute(
        "INSERT INTO jobs (name, payload, crashes, last_error) SELECT $1, part, crashes, last_error"
        " FROM jobs, unnest($2::bytea[]) AS part WHERE id = $3 AND worker = $4",
        name, payloads, job.id, worker,
    )
    await delete_done(tx, worker, [job.id])


async def list_dead_workers(conn: ReadConn) -> list[int]:
    """Workers that have claimed jobs and no longer run."""
    rows = await conn.fetch(f"SELECT DISTINCT worker FROM jobs WHERE worker IS NOT NULL AND worker NOT IN ({_RUNNING_WORKERS})")
    return [row["worker"] for row in rows]


async def update_crashed(tx: WriteTx, workers: Sequence[int]) -> list[StoredJob]:
    """Releases the jobs of dead workers. Returns those that are parked because it happened too often."""
    rows = await tx.fetch(
        """
        UPDATE jobs SET worker = NULL, crashes = crashes + 1, last_error = 'its worker ended while it ran', set_at = now(),
            due_at = now() + make_interval(secs => coalesce(($2::float8[])[crashes + 1], 0)),
            parked_at = CASE WHEN crashes + 1 > cardinality($2::float8[]) THEN now() END
        WHERE worker = ANY ($1::int[]) RETURNING id, parked_at
        """,
        workers, CRASH_PAUSES,
    )
    return await _list_stored(tx, "WHERE id = ANY ($1::bigint[])", [row["id"] for row in rows if row["parked_at"]])


async def update_delays(tx: WriteTx) -> int:
    """Restores the delays of waiting jobs after the clock was set back. Returns the number of jobs."""
    return await tx.execute(
        "UPDATE jobs SET set_at = statement_timestamp(), due_at = statement_timestamp() + (due_at - set_at)"
        " WHERE set_at > statement_timestamp() + interval '1 second' AND worker IS NULL AND parked_at IS NULL"
    )


async def hold_number(connection: Connection, number: int) -> None:
    """Takes the lock that shows that this worker runs; it ends with the session. Raises if another session holds it."""
    await connection.execute("SET lock_timeout = '2s'")
    await connection.execute("SELECT pg_advisory_lock(7021, $1)", number)


async def delete_jobs_named(connection: Connection, name: str) -> None:
    """For a restore, before any migration: deletes from the queues of this release and of the previous one."""
    await connection.execute(
        f"""
        DO $$ BEGIN
            IF to_regclass('jobs') IS NOT NULL THEN DELETE FROM jobs WHERE name = '{name}'; END IF;
            IF to_regclass('pgqueuer') IS NOT NULL THEN DELETE FROM pgqueuer WHERE entrypoint = '{name}'; END IF;
        END $$
        """
    )


async def release_jobs_of_absent_workers(connection: Connection) -> None:
    """After a move: returns jobs of the old host's workers to the queue. They did not crash, so nothing is counted."""
    await connection.execute(f"UPDATE jobs SET worker = NULL WHERE worker IS NOT NULL AND worker NOT IN ({_RUNNING_WORKERS})")


# For operators.


async def measure_queue(conn: ReadConn) -> QueueState:
    row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE worker IS NULL) AS waiting, count(*) FILTER (WHERE worker IS NOT NULL) AS running,
            coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE worker IS NULL AND due_at <= now())), 0)::float8 AS oldest
        FROM jobs WHERE parked_at IS NULL
        """
    )
    assert row is not None
    parked = await count_parked(conn)
    return QueueState(
        waiting=row["waiting"], running=row["running"], oldest=row["oldest"], parked=sum(parked.values()), parked_by_name=parked
    )


async def measure_wait(conn: ReadConn, name: str) -> float:
    """Seconds since the first job of this name became due that no worker has begun, without those that failed. Uses the index jobs_due."""
    return float(await conn.fetchval(
        "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM jobs"
        " WHERE name = $1 AND parked_at IS NULL AND worker IS NULL AND tries = 0 AND crashes = 0 AND due_at <= now()",
        name,
    ))


async def count_parked(conn: ReadConn) -> dict[str, int]:
    """The number of parked jobs by name. Uses the index jobs_parked."""
    rows = await conn.fetch("SELECT name, count(*) AS number FROM jobs WHERE parked_at IS NOT NULL GROUP BY name ORDER BY name")
    return {row["name"]: row["number"] for row in rows}


async def count_unknown(conn: ReadConn, names: Iterable[str]) -> dict[str, int]:
    """The number of jobs by name that no worker of this release runs, due for over a minute. Uses the index jobs_due.

    During an upgrade, jobs of another release may wait for a moment.
    """
    rows = await conn.fetch(
        "SELECT name, count(*) AS number FROM jobs WHERE due_at < now() - interval '1 minute' AND parked_at IS NULL AND worker IS NULL"
        " AND name <> ALL ($1::text[]) GROUP BY name ORDER BY name",
        list(names),
    )
    return {row["name"]: row["number"] for row in rows}


async def list_jobs(conn: ReadConn, *, state: State | None = None, name: str | None = None, limit: int = 100) -> list[StoredJob]:
    """Parked jobs first, then in the order in which they are due."""
    return await _list_stored(
        conn, f"WHERE ($1::text IS NULL OR {_STATE} = $1) AND ($2::text IS NULL OR name = $2)"
        " ORDER BY parked_at IS NULL, due_at, id LIMIT $3", state, name, limit,
    )


async def get_job(conn: ReadConn, job_id: int) -> StoredJob:
    """Raises NotFound."""
    found = await _list_stored(conn, "WHERE id = $1", job_id)
    if not found:
        raise NotFound
    return found[0]


async def retry_jobs(tx: WriteTx, job_ids: Sequence[int] | None = None, *, name: str | None = None, later_too: bool = False) -> int:
    """Makes parked jobs due again, with all their tries; `later_too`: also jobs that are not due yet."""
    return await tx.execute(
        "UPDATE jobs SET parked_at = NULL, tries = 0, crashes = 0, set_at = now(), due_at = now() WHERE worker IS NULL"
        " AND ($1::bigint[] IS NULL OR id = ANY ($1)) AND ($2::text IS NULL OR name = $2)"
        " AND (parked_at IS NOT NULL OR $3 AND due_at > now())",
        job_ids, name, later_too,
    )


async def delete_job(tx: WriteTx, job_id: int) -> None:
    """Raises NotFound, and Conflict for a running job."""
    if not await tx.execute("DELETE FROM jobs WHERE id = $1 AND worker IS NULL", job_id):
        await get_job(tx, job_id)
        raise Conflict


async def delete_jobs_with(tx: WriteTx, name: str, field: str, value: str) -> int:
    """Deletes the jobs of this name whose payload has this value, except a running one. Returns their number."""
    return await tx.execute(
        "DELETE FROM jobs WHERE name = $1 AND worker IS NULL AND convert_from(payload, 'UTF8')::jsonb ->> $2 = $3", name, field, value
    )


async def is_running_with(tx: WriteTx, name: str, field: str, value: str) -> bool:
    """Whether a job of this name whose payload has this value is running."""
    return bool(await tx.fetchval(
        "SELECT EXISTS (SELECT FROM jobs WHERE name = $1 AND worker IS NOT NULL AND convert_from(payload, 'UTF8')::jsonb ->> $2 = $3)",
        name, field, value,
    ))


async def _list_stored(conn: ReadConn, where: str, *args: object) -> list[StoredJob]:
    return [StoredJob(**{**dict(row), "state": State(row["state"])}) for row in await conn.fetch(f"{_STORED} {where}", *args)]
