"""All SQL of timed jobs: when each of them last ran, and whether it failed."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.queue.model import Timed, TimedState


async def insert_timed(tx: WriteTx, timed: Sequence[Timed]) -> None:
    """Inserts the rows of timed jobs that have never run."""
    await tx.execute(
        "INSERT INTO timed_jobs (name, last_run_at) SELECT name, 'epoch' FROM unnest($1::text[]) AS name ON CONFLICT DO NOTHING",
        [one.name for one in timed],
    )


async def claim_timed(tx: WriteTx, timed: Sequence[Timed], again: Sequence[str] = ()) -> dict[str, int]:
    """Claims due jobs; returns names with their failures in a row. `again`: names that are due in any case.

    A job with a last run in the future is due: the clock was set back. A failed job is due again after at most a minute.
    """
    rows = await tx.fetch(
        """
        UPDATE timed_jobs SET last_run_at = clock_timestamp() FROM unnest($1::text[], $2::interval[]) AS t (name, every)
        WHERE timed_jobs.name = t.name AND (
            last_run_at <= clock_timestamp() - t.every * 0.9 OR last_run_at > clock_timestamp() OR t.name = ANY ($3::text[])
            OR failures > 0 AND last_run_at <= clock_timestamp() - least(t.every, interval '1 minute'))
        RETURNING timed_jobs.name, failures
        """,
        [one.name for one in timed], [one.every for one in timed], list(again),
    )
    return {row["name"]: row["failures"] for row in rows}


async def update_timed_failure(tx: WriteTx, name: str, error: str | None) -> None:
    """Records a failure; with None, that the job succeeded again."""
    await tx.execute(
        "UPDATE timed_jobs SET failures = CASE WHEN $2::text IS NULL THEN 0 ELSE failures + 1 END, last_error = $2 WHERE name = $1",
        name, error,
    )


async def list_timed(conn: ReadConn) -> dict[str, TimedState]:
    rows = await conn.fetch(
        "SELECT name, extract(epoch FROM clock_timestamp() - last_run_at)::float8 AS age, failures, last_error FROM timed_jobs"
    )
    return {row["name"]: TimedState(*row) for row in rows}


async def delete_old_events(tx: WriteTx) -> None:
    await tx.execute("DELETE FROM events WHERE created_at < now() - interval '30 days'")
