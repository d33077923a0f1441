"""`moot drill`: restores the newest backup into a temporary copy and reads timelines from it."""

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, json_option, run, settings_of, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.recovery import record_failure, record_run
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.drill import rehearsed
from folkmoot.portability.queries import count_public_posts_unscoped, find_follower_unscoped
from folkmoot.portability.rebuild import Plan, plan
from folkmoot.portability.repository import Repository
from folkmoot.portability.runs import DRILL, Run


@click.command()
@click.option("--from", "location", required=True, metavar="REPO", help="Folder of the repository.")
@data_option
@json_option
def drill(location: str, data: Path, as_json: bool) -> None:
    """Rehearse a restore: restore the newest backup into a temporary copy, compare it, read timelines, remove it."""
    folder, settings, directory = Repository.locate(location), settings_of(data), DataDirectory(data)
    key = BackupKey.find(directory)
    if key is None:
        raise Problem("This network has no backup yet. Make one: moot backup --to %(folder)s", folder=folder)
    started_at, began = clock.now(), clock.monotonic()
    with record_failure(settings, DRILL, str(folder)), show_progress(as_json) as progress:
        repository = Repository(folder, key.repository, is_read_only=True, is_host=True)
        planned = plan(repository, key.authority, "", despite_damage=False, progress=progress)
        with rehearsed(planned, directory, progress) as (copy, postgres):
            progress.step("reading timelines")
            secret = copy.secret("network-secret").encode()
            answers = asyncio.run(_read_timelines(Settings(data=copy.path, dsn=postgres.dsn, secret=secret), planned.manifest.epoch))
    seconds = clock.monotonic() - began
    run(record_run(settings, Run(
        kind=DRILL, started_at=started_at, seconds=seconds, repository=str(folder), snapshot=planned.backup.name,
        bytes=planned.backup.bytes, posts=planned.backup.posts)))
    _report(planned, seconds, answers, as_json)


def _report(planned: Plan, seconds: float, answers: dict[str, int], as_json: bool) -> None:
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
