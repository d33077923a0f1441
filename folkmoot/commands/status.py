"""`moot status`: the state of the network, on one screen."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from folkmoot.commands.following import following_facts, following_text
from folkmoot.commands.options import data_option, duration, json_option, open_database, run, settings_of, show
from folkmoot.commands.this_host import peer_text
from folkmoot.portability.host import FENCED, PRIMARY


@click.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Show the state of the network."""
    answer = run(_status(data))
    worker_age = answer["worker_seconds"]
    text = (
        f"{answer['name']} at {answer['address']}\n"
        f"  host       {answer['role'].upper()}, epoch {answer['epoch']}, {answer['data']}\n"
        f"{_peers(answer['peers'])}"
        f"{_standby_line(answer)}"
        f"{_failover_lines(answer)}"
        f"  members    {answer['members']}, {answer['active']} of them active in the last 30 days\n"
        f"  posts      {answer['posts']}\n"
        f"  database   PostgreSQL {answer['postgresql']}, {answer['database_bytes'] / 1e6:,.1f} MB, schema {answer['schema']}\n"
        f"  media      {answer['media_bytes'] / 1e6:,.1f} MB\n"
        f"  worker     {'never seen' if worker_age is None else f'last seen {worker_age} s ago'}\n"
        f"  jobs       {answer['jobs_waiting']} waiting, the oldest for {answer['jobs_oldest_seconds']} s;"
        f" {answer['jobs_parked']} parked{' (moot jobs list)' if answer['jobs_parked'] else ''}\n"
        f"{_pauses(answer['pauses'])}"
        f"  cases      {answer['cases_open']} open, {answer['cases_overdue']} overdue\n"
        f"  backup     {_last_run(answer['backup'], 'it contains')}\n"
        f"  drill      {_last_run(answer['drill'], 'it compared', _rehearsals(answer['rehearsals']))}"
        f"{_offsite(answer['offsite'], answer['role'])}"
        f"{_pictures(answer['pictures_to_come'])}"
    )
    show(answer, as_json, text)


def _peers(peers: list[dict[str, Any]]) -> str:
    return "".join(f"  peer       {peer['name']} {peer_text(peer)}\n" for peer in peers)


def _standby_line(answer: dict[str, Any]) -> str:
    """How the standby follows, on both hosts; nothing if there is none."""
    is_told = answer["replication"]["stage"] or answer["role"] == FENCED
    return f"  standby    {answer['replication_text']}\n" if is_told else ""


def _failover_lines(answer: dict[str, Any]) -> str:
    """What the operator should do about the other host, or about what it alone has."""
    lines = [f"  failover   {warning}\n" for warning in answer["failover"]["warnings"]]
    if where := answer["failover"]["exported_to"]:
        count = answer["failover"]["exported_rows"]
        lines.append(f"  exported   {f'{count} rows' if count else 'nothing'} that only this host has, in {where}\n")
    return "".join(lines)


def _failover_state(directory: Any, role: str) -> dict[str, Any]:
    from folkmoot.portability.failover.alarm import find_suspicion, warnings
    from folkmoot.portability.failover.export import last_report
    from folkmoot.portability.host import RETURNING
    from folkmoot.portability.hosts.claims import find_refused_claim
    from folkmoot.portability.hosts.roster import Rosters, own_id

    suspicion, exported = find_suspicion(directory), last_report(directory)
    said = warnings(suspicion)
    if claim := find_refused_claim(directory):
        said.append(claim.sentence)
    if Rosters(directory).excludes(own_id(directory)):
        said.append("the operator's roster does not name this host; if it belongs to the network: moot host sign")
    if role == RETURNING:
        said.append("writes wait until the other host confirms that this one is the primary; if it is off for good:"
                    " moot failover --other-host-is-off")
    return {
        "state": suspicion, "warnings": said, "exported_to": str(exported[0]) if exported else None,
        "exported_rows": exported[1].count if exported else 0,
    }


def _pauses(pauses: list[dict[str, Any]]) -> str:
    """When new posts were not examined lately, the newest of such times; nothing if they always were."""
    more = f"; {len(pauses) - 1} more in the last week" if len(pauses) > 1 else ""
    return f"  detector   {pauses[0]['what']}{more}\n" if pauses else ""


def _offsite(offsite: dict[str, Any], role: str) -> str:
    """How far the continuous copy is behind, and what keeps it from coming closer. The primary writes it, and knows."""
    if not offsite["repository"]:
        return ""
    if role != PRIMARY:
        return f"\n  off-site   {offsite['repository']}, written by the primary: moot status there shows how far it is behind"
    age = offsite["behind_seconds"]
    text = "no continuous copy yet" if age is None else f"{duration(age)} behind"
    base = "" if offsite["base_seconds"] is None else f", base {duration(offsite['base_seconds'])} old"
    failed = f". THE LATEST PUSH FAILED: {offsite['failed']}" if offsite["failed"] else ""
    return f"\n  off-site   {offsite['repository']}: {text}{base}{failed}"


def _rehearsals(ages: dict[str, float]) -> str:
    """When each form of copy was rehearsed, if there are several."""
    names = {"dump": "a dump", "continuous": "the continuous copy"}
    return "; " + ", ".join(f"{names[form]} {duration(age)} ago" for form, age in sorted(ages.items())) if len(ages) > 1 else ""


def _pictures(coming: dict[str, Any] | None) -> str:
    """What a restored network still has to fetch."""
    if coming is None:
        return ""
    stopped = f". STOPPED: {coming['failed']}" if coming["failed"] else ""
    return (
        f"\n  to come    {coming['files']} of {coming['files_at_first']} pictures, {coming['bytes'] / 1e6:.0f} MB, from"
        f" {coming['repository']}{stopped}"
    )


def _last_run(last: dict[str, Any], verb: str, more: str = "") -> str:
    """Describes the last good run, and whether a later one failed."""
    if last["age_seconds"] is None:
        text = "never"
    else:
        text = f"{duration(last['age_seconds'])} ago, took {last['seconds']:.0f} s; {verb} {last['posts']} posts{more}"
    return f"{text}. THE LATEST RUN FAILED: {last['failed']}" if last["failed"] else text


def _offsite_state(settings: Any) -> dict[str, Any]:
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.offsite.chain import read_state
    from folkmoot.portability.offsite.remembered import repository_in_use
    from folkmoot.portability.offsite.target import without_password

    state = read_state(settings.data)
    return {
        "repository": without_password(repository_in_use(settings.offsite.repository, DataDirectory(settings.data))),
        "behind_seconds": state.behind if state else None, "base_seconds": state.base_age if state else None,
        "failed": state.said if state else "", "spool_bytes": state.spool_bytes if state else 0,
    }


def _pictures_to_come(settings: Any) -> dict[str, Any] | None:
    from folkmoot.portability.offsite.coming import read_coming
    from folkmoot.portability.offsite.target import without_password

    coming = read_coming(settings.data)
    return None if coming is None else {
        "files": coming.left_files, "bytes": coming.left_bytes, "files_at_first": coming.files, "bytes_at_first": coming.bytes,
        "repository": without_password(coming.location), "failed": coming.said,
    }


async def _status(data: Path) -> dict[str, Any]:
    from folkmoot.base import clock
    from folkmoot.base.database_facts import get_database_facts
    from folkmoot.base.queue.queries import measure_queue
    from folkmoot.base.queue.timed_queries import list_timed
    from folkmoot.moderation.cases.queries import count_open
    from folkmoot.moderation.detection.pauses import list_recent
    from folkmoot.network.media.queries import count_media_bytes
    from folkmoot.network.sessions.queries import count_network
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.host import Host
    from folkmoot.portability.hosts.link import describe_link
    from folkmoot.portability.hosts.peers import Peers
    from folkmoot.portability.queries import last_runs, list_rehearsals
    from folkmoot.portability.standby.following import find_following

    settings = settings_of(data)
    host, directory, following = Host(settings.data).state, DataDirectory(settings.data), find_following(settings.data)
    peers = Peers(directory).list()
    async with open_database(settings) as database, database.read() as conn:
        facts = await get_database_facts(conn)
        members, active, posts = await count_network(conn)
        media_bytes = await count_media_bytes(conn)
        queue = await measure_queue(conn)
        ages = [one.age for one in (await list_timed(conn)).values()]
        runs, rehearsals = await last_runs(conn), await list_rehearsals(conn)
        cases = await count_open(conn, clock.now())
        pauses = await list_recent(conn, clock.now(), clock.now() - timedelta(days=7))
    return {
        "name": settings.network.name, "address": settings.base_url, "data": str(data), "role": host.role, "epoch": host.epoch,
        "peers": [describe_link(directory, peer) for peer in peers],
        "failover": _failover_state(directory, host.role),
        "replication": following_facts(following), "replication_text": following_text(following, host, *(peer.name for peer in peers)),
        "members": members, "active": active, "posts": posts, "cases_open": cases.open, "cases_overdue": cases.overdue,
        "pauses": [{"lasts": lasts, "what": what} for lasts, what in pauses],
        "worker_seconds": max(0, round(min(ages))) if ages else None,
        "jobs_waiting": queue.waiting, "jobs_running": queue.running, "jobs_parked": queue.parked,
        "jobs_oldest_seconds": max(0, round(queue.oldest)),
        **{
            kind: {"age_seconds": last.good_age, "seconds": last.seconds, "posts": last.posts, "failed": last.failed}
            for kind, last in runs.items()
        },
        "offsite": _offsite_state(settings), "pictures_to_come": _pictures_to_come(settings), "rehearsals": rehearsals,
        "postgresql": facts.version, "schema": facts.schema, "database_mb": facts.size_bytes >> 20, "media_mb": media_bytes >> 20,
        "database_bytes": facts.size_bytes, "media_bytes": media_bytes,
    }
