"""`moot status`: the state of the network, on one screen."""

from pathlib import Path
from typing import Any

import click

from folkmoot.commands.options import ago, data_option, json_option, open_database, run, settings_of, show


@click.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Show the state of the network."""
    answer = run(_status(data))
    silent = answer["worker_seconds"]
    text = (
        f"{answer['name']} at {answer['address']}\n"
        f"  host       {answer['role'].upper()}, epoch {answer['epoch']}, {answer['data']}\n"
        f"  members    {answer['members']}, {answer['active']} of them active in the last 30 days\n"
        f"  posts      {answer['posts']}\n"
        f"  database   PostgreSQL {answer['postgresql']}, {answer['database_mb']} MB, schema {answer['schema']}\n"
        f"  media      {answer['media_mb']} MB\n"
        f"  worker     {'never seen' if silent is None else f'last seen {silent} s ago'}\n"
        f"  jobs       {answer['jobs_waiting']} waiting, the oldest for {answer['jobs_oldest_seconds']} s;"
        f" {answer['jobs_parked']} parked{' (moot jobs list)' if answer['jobs_parked'] else ''}\n"
        f"  cases      {answer['cases_open']} open, {answer['cases_overdue']} overdue\n"
        f"  backup     {_aged(answer['backup'], 'a restore would bring back')}\n"
        f"  drill      {_aged(answer['drill'], 'it compared')}"
    )
    show(answer, as_json, text)


def _aged(last: dict[str, Any], brings: str) -> str:
    """Of the last good run, and whether a later one failed."""
    if last["age_seconds"] is None:
        said = "never"
    else:
        said = f"{ago(last['age_seconds'])} ago, took {last['seconds']:.0f} s; {brings} {last['posts']} posts"
    return f"{said}. THE LAST ONE FAILED: {last['failed']}" if last["failed"] else said


async def _status(data: Path) -> dict[str, Any]:
    from folkmoot.base import clock
    from folkmoot.base.database_facts import get_database_facts
    from folkmoot.base.queue.queries import measure_queue
    from folkmoot.base.queue.timed_queries import list_timed
    from folkmoot.moderation.cases.queries import count_open
    from folkmoot.network.media.queries import count_media_bytes
    from folkmoot.network.sessions.queries import count_network
    from folkmoot.portability.host import Host
    from folkmoot.portability.queries import last_runs

    settings = settings_of(data)
    host = Host(settings.data).state
    async with open_database(settings) as database, database.read() as conn:
        facts = await get_database_facts(conn)
        members, active, posts = await count_network(conn)
        media_bytes = await count_media_bytes(conn)
        queue = await measure_queue(conn)
        ages = [one.age for one in (await list_timed(conn)).values()]
        runs = await last_runs(conn)
        cases = await count_open(conn, clock.now())
    return {
        "name": settings.network.name, "address": settings.base_url, "data": str(data), "role": host.role, "epoch": host.epoch,
        "members": members, "active": active, "posts": posts, "cases_open": cases.open, "cases_overdue": cases.overdue,
        "worker_seconds": max(0, round(min(ages))) if ages else None,
        "jobs_waiting": queue.waiting, "jobs_running": queue.running, "jobs_parked": queue.parked,
        "jobs_oldest_seconds": max(0, round(queue.oldest)),
        **{
            kind: {"age_seconds": last.good_age, "seconds": last.seconds, "posts": last.posts, "failed": last.failed}
            for kind, last in runs.items()
        },
        "postgresql": facts.version, "schema": facts.schema, "database_mb": facts.size_bytes >> 20, "media_mb": media_bytes >> 20,
    }
