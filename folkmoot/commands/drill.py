"""`moot drill`: restores the newest backup into a temporary copy and reads timelines from it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, json_option, run, settings_of, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.recovery import record_failure, record_run, target_of
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.drill import rehearsed
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.progress import Progress
from folkmoot.portability.queries import count_public_posts_unscoped, find_follower_unscoped
from folkmoot.portability.rebuild import Plan, plan
from folkmoot.portability.repository import Repository
from folkmoot.portability.runs import DRILL, Run


@click.command()
@click.option("--from", "location", metavar="REPO", help="Where the repository is.", show_default="the one of the last backup")
@data_option
@json_option
def drill(location: str | None, data: Path, as_json: bool) -> None:
    """Rehearse a restore: restore the newest backup into a temporary copy, compare it, read timelines, remove it."""
    settings = settings_of(data)
    target = target_of(location, settings, DataDirectory(data))
    with record_failure(settings, DRILL, target.shown), show_progress(as_json) as progress:
        rehearsal = rehearse(settings, target, progress)
    _report(rehearsal, as_json)


@dataclass(frozen=True)
class Rehearsal:
    """A successful drill. `answers`: how many posts were read from each timeline."""

    planned: Plan
    seconds: float
    answers: dict[str, int]


def rehearse(settings: Settings, target: Target, progress: Progress) -> Rehearsal:
    """Restores the newest backup into a temporary copy, reads from it, and records the drill. Also used by the nightly run."""
    directory = DataDirectory(settings.data)
    key = BackupKey.find(directory)
    if key is None:
        raise Problem("This network has no backup yet. Make one: moot backup --to %(where)s", where=target)
    started_at, began = clock.now(), clock.monotonic()
    repository = Repository(target, key.repository, is_read_only=True, is_host=True)
    planned = plan(repository, key.authority, "", despite_damage=False, progress=progress)
    with rehearsed(planned, directory, progress) as (copy, postgres):
        progress.step("reading timelines")
        secret = copy.secret("network-secret").encode()
        answers = asyncio.run(_read_timelines(Settings(data=copy.path, dsn=postgres.dsn, secret=secret), planned.manifest.epoch))
    seconds = clock.monotonic() - began
    run(record_run(settings, Run(
        kind=DRILL, started_at=started_at, seconds=seconds, repository=target.shown, snapshot=planned.backup.name,
        bytes=planned.backup.bytes, posts=planned.backup.posts)))
    return Rehearsal(planned, seconds, answers)


def _report(rehearsal: Rehearsal, as_json: bool) -> None:
    planned, seconds, answers = rehearsal.planned, rehearsal.seconds, rehearsal.answers
    tables = planned.manifest.tables
    rows = sum(table.rows for table in tables.values())
    answer = {
        "snapshot": planned.backup.name, "made_at": planned.backup.made_at.isoformat(), "tables": len(tables), "rows": rows,
        "media": planned.backup.media, "posts": planned.backup.posts, "bytes": planned.backup.bytes, "seconds": round(seconds, 2),
        **answers,
    }
    show(answer, as_json, (
        f"Backup {planned.backup.name} of {planned.backup.made_at:%Y-%m-%d %H:%M:%S} UTC can be restored.\n"
        f"  compared   {len(tables)} tables with {rows} rows, {planned.backup.media} pictures: equal to the signed manifest\n"
        f"  read       {answers['public']} posts of the public timeline, {answers['home']} of a home timeline\n"
        f"  took       {seconds:.1f} s; the temporary copy was removed"
    ))


async def _read_timelines(settings: Settings, epoch: int) -> dict[str, int]:
    """Reads the public timeline and the home of one member from the copy. Raises Problem if posts are missing."""
    from folkmoot.app import create_front, subscriptions
    from folkmoot.base.db import Database
    from folkmoot.network.accounts.model import AccountEffect
    from folkmoot.network.posts.model import PostEffect, Visibility

    database = await Database.open(settings.dsn, epoch=lambda: epoch, readers=2, writers=2, listen=False)
    try:
        database.subscribed_kinds = subscriptions(settings).kinds()
        front = create_front(settings, database)
        async with database.read() as conn:
            expected = await count_public_posts_unscoped(
                conn, public=Visibility.PUBLIC, hidden=PostEffect.HIDDEN, limited=AccountEffect.LIMITED
            )
        public = await _get(front, "/api/v1/timelines/public?limit=20")
        if len(public) < min(expected, 20):
            raise Problem(
                "The public timeline of the copy has %(shown)d posts, but its database has %(stored)d.", shown=len(public), stored=expected
            )
        token = await _token(database)
        home = await _get(front, "/api/v1/timelines/home?limit=20", token) if token else []
        return {"public": len(public), "home": len(home)}
    finally:
        await database.close()


async def _token(database: Any) -> str:
    """A token for the member with the most follows, valid in the copy only; "" if nobody can log in."""
    from folkmoot.network.accounts.model import AccountEffect
    from folkmoot.network.sessions import apps
    from folkmoot.network.sessions.model import OUT_OF_BAND

    async with database.write() as tx:
        account_id = await find_follower_unscoped(tx, suspended=AccountEffect.SUSPENDED)
        if account_id is None:
            return ""
        app = await apps.register_app(tx, "moot drill", [OUT_OF_BAND], "read")
        return str(await apps.issue_token(tx, app.id, account_id, "read"))


async def _get(front: Any, address: str, token: str = "") -> list[Any]:
    """One request to the application, in this process. Raises Problem unless the answer is a list."""
    path, _, query = address.partition("?")
    headers = [(b"host", b"localhost")] + ([(b"authorization", f"Bearer {token}".encode())] if token else [])
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": headers, "client": ("127.0.0.1", 1),
        "server": ("localhost", 80), "extensions": {},
    }
    incoming = [{"type": "http.request", "body": b"", "more_body": False}]
    messages: list[Any] = []

    async def receive() -> Any:
        if incoming:
            return incoming.pop()
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        messages.append(message)

    await front(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    if messages[0]["status"] not in (200, 206):  # 206: the home is still being built, so its posts were pulled
        raise Problem("The copy answered %(address)s with status %(status)d.", status=messages[0]["status"], address=path)
    return msgspec.json.decode(body, type=list[Any])
