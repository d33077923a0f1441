"""`moot jobs`: lists background jobs, shows why they failed, and retries or drops them."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from folkmoot.base.errors import Conflict, NotFound, Problem
from folkmoot.base.queue.model import State, StoredJob
from folkmoot.commands.group import Group
from folkmoot.commands.options import NUMBER, data_option, duration, json_option, open_database, run, settings_of, show

T = TypeVar("T")
_ABOUT_JURORS = ("jury_call", "excluded_from_jury")  # mails: no command names a juror
_NOT_SHOWN = "not shown: it may name a juror"
_ADVICE = "To see why a job failed: moot jobs show ID. When the cause is solved: moot jobs retry --all"


@click.group(cls=Group)
def jobs() -> None:
    """Show background jobs; retry or drop those that failed."""


@jobs.command("list")
@click.option("--state", type=click.Choice([state.value for state in State]), default=None, help="Only jobs of this state.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Maximum number of jobs.")
@data_option
@json_option
def list_(state: str | None, limit: int, data: Path, as_json: bool) -> None:
    """List jobs, parked ones first, with their age and last error."""
    from folkmoot.base.queue.queries import list_jobs, measure_queue

    async def look(database: Any) -> Any:
        async with database.read() as conn:
            stored = await list_jobs(conn, state=State(state) if state else None, limit=limit)
            return await measure_queue(conn), [without_jurors(job) for job in stored]

    queue, found = _with_database(data, look)
    counts = f"{queue.waiting} waiting, {queue.running} running, {queue.parked} parked."
    lines = [f"  {job.id:>10}  {job.state:8} {duration(job.age):>12}  {job.name:24} {_why(job)}".rstrip() for job in found]
    heading = [f"  {'id':>10}  {'state':8} {'age':>12}  {'name':24} last error"] if lines else []
    answer = {
        "waiting": queue.waiting, "running": queue.running, "parked": queue.parked, "jobs": [_as_json(job) for job in found],
    }
    show(answer, as_json, "\n".join([counts, *heading, *lines, *([_ADVICE] if queue.parked else [])]))


@jobs.command("show")
@click.argument("job_id", metavar="ID", type=NUMBER)
@data_option
@json_option
def show_(job_id: int, data: Path, as_json: bool) -> None:
    """Show one job. Its payload may contain a link that logs somebody in: keep it secret."""
    from folkmoot.base.queue.queries import get_job

    async def look(database: Any) -> StoredJob:
        async with database.read() as conn:
            return without_jurors(await get_job(conn, job_id))

    job = _with_database(data, look)
    lines = [
        f"Job {job.id}: {job.name}", f"  state       {job.state}{f', since {job.parked_at:%Y-%m-%d %H:%M} UTC' if job.parked_at else ''}",
        f"  age         {duration(job.age)}", f"  failed      {job.tries} times with an error; {job.crashes} times its worker ended",
        f"  last error  {job.last_error or 'none'}", f"  payload     {job.payload.decode(errors='replace')}",
    ]
    if job.state is State.LATER:
        lines.insert(3, f"  runs in     {duration(job.due_in)}")
    show(_as_json(job, with_payload=True), as_json, "\n".join(lines))


@jobs.command()
@click.argument("job_ids", metavar="[ID]...", type=NUMBER, nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All parked jobs.")
@data_option
@json_option
def retry(job_ids: tuple[int, ...], all_: bool, data: Path, as_json: bool) -> None:
    """Run parked jobs again, with all their tries; or run jobs now that wait for their next try."""
    from folkmoot.base.queue.queries import retry_jobs

    if all_ == bool(job_ids):
        raise Problem("Name the jobs to retry, or add --all.")

    async def change(database: Any) -> int:
        async with database.write() as tx:
            return await retry_jobs(tx, None if all_ else list(job_ids), later_too=not all_)

    number = _with_database(data, change)
    if job_ids and not number:
        raise NotFound("None of these jobs is parked or waits for its next try. See: moot jobs list")
    show({"retried": number}, as_json, f"{number} jobs run again." if number else "No job is parked.")


@jobs.command()
@click.argument("job_id", metavar="ID", type=NUMBER)
@data_option
@json_option
def drop(job_id: int, data: Path, as_json: bool) -> None:
    """Delete a job. What it should have done will not happen."""
    from folkmoot.base.queue.queries import delete_job

    async def change(database: Any) -> None:
        async with database.write() as tx:
            await delete_job(tx, job_id)

    _with_database(data, change)
    show({"dropped": job_id}, as_json, f"Job {job_id} is deleted.")


def without_jurors(job: StoredJob) -> StoredJob:
    """A mail to a juror without the address, and without the error, in which the mail server may have said it."""
    from folkmoot.network.sessions.mails import JOB

    payload = json.loads(job.payload) if job.name == JOB else {}
    if payload.get("text") not in _ABOUT_JURORS:
        return job
    shown = {name: payload[name] for name in ("text", "link")}
    return msgspec.structs.replace(job, payload=json.dumps(shown).encode(), last_error=job.last_error and _NOT_SHOWN)


def _with_database(data: Path, work: Callable[[Any], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with open_database(settings_of(data)) as database:
            return await work(database)

    try:
        return run(opened())
    except NotFound as error:
        raise NotFound("There is no such job. It may have succeeded meanwhile. See: moot jobs list") from error
    except Conflict as error:
        raise Conflict("This job is running. Run the command again when it has ended.") from error


def _why(job: StoredJob) -> str:
    if job.last_error:
        return job.last_error[:100]
    return f"runs in {duration(job.due_in)}" if job.state is State.LATER else ""


def _as_json(job: StoredJob, *, with_payload: bool = False) -> dict[str, Any]:
    answer = {
        "id": job.id, "name": job.name, "state": job.state, "age_seconds": round(job.age, 1), "due_in_seconds": round(job.due_in, 1),
        "tries": job.tries, "crashes": job.crashes, "last_error": job.last_error, "parked_at": job.parked_at,
    }
    if with_payload:
        answer["payload"] = json.loads(job.payload)
    return answer
