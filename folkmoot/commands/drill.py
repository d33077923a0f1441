"""`moot drill`: restores the newest backup into a temporary copy and reads timelines from it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
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
from folkmoot.portability.offsite.choosing import choose
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.progress import Progress
from folkmoot.portability.queries import count_posts_unscoped, count_public_posts_unscoped, find_follower_unscoped, get_epoch
from folkmoot.portability.rebuild import Plan
from folkmoot.portability.repository import Repository
from folkmoot.portability.restore import Restorable
from folkmoot.portability.runs import CONTINUOUS, DRILL, DUMP, Run


@click.command()
@click.option("--from", "location", metavar="REPO", help="Where the repository is.", show_default="the one of the last backup")
@click.option("--dump", "form", flag_value=DUMP, default="", help="Rehearse the newest dump, also if the continuous copy is newer.")
@click.option("--continuous", "form", flag_value=CONTINUOUS, help="Rehearse the continuous copy.")
@data_option
@json_option
def drill(location: str | None, form: str, data: Path, as_json: bool) -> None:
    """Rehearse a restore: restore the newest backup into a temporary copy, compare it, read timelines, remove it."""
    settings = settings_of(data)
    target = target_of(location, settings, DataDirectory(data))
    with record_failure(settings, DRILL, target.shown), show_progress(as_json) as progress:
        rehearsal = rehearse(settings, target, progress, form)
    _report(rehearsal, as_json)


@dataclass(frozen=True)
class Rehearsal:
    """A successful drill. `answers`: how many posts were read from each timeline."""

    planned: Restorable
    posts: int
    seconds: float
    answers: dict[str, int]


def rehearse(settings: Settings, target: Target, progress: Progress, form: str = "") -> Rehearsal:
    """Restores the newest backup into a temporary copy, reads from it, and records the drill. Also used by the nightly run.

    `form`: a dump or the continuous copy, "" for what a restore would take.
    """
    directory = DataDirectory(settings.data)
    key = BackupKey.find(directory)
    if key is None:
        raise Problem("This network has no backup yet. Make one: moot backup --to %(where)s", where=target)
    started_at, began = clock.now(), clock.monotonic()
    repository = Repository(target, key.repository, is_read_only=True, is_host=True)
    planned = choose(repository, key.authority, "", despite_damage=False, progress=progress, form=form)
    with rehearsed(planned, directory, progress) as (copy, postgres):
        progress.step("reading timelines")
        secret = copy.secret("network-secret").encode()
        answers, posts = asyncio.run(_read(Settings(data=copy.path, dsn=postgres.dsn, secret=secret)))
    seconds = clock.monotonic() - began
    run(record_run(settings, Run(
        kind=DRILL, started_at=started_at, seconds=seconds, repository=target.shown, snapshot=planned.name,
        bytes=planned.bytes, posts=posts, form=DUMP if isinstance(planned, Plan) else CONTINUOUS)))
    return Rehearsal(planned, posts, seconds, answers)


def _report(rehearsal: Rehearsal, as_json: bool) -> None:
    planned, answers = rehearsal.planned, rehearsal.answers
    answer = {
        "snapshot": planned.name, "made_at": planned.made_at.isoformat(), "media": len(planned.media), "posts": rehearsal.posts,
        "bytes": planned.bytes, "seconds": round(rehearsal.seconds, 2), "form": DUMP if isinstance(planned, Plan) else CONTINUOUS,
        **answers,
    }
    if isinstance(planned, Plan):
        tables = planned.manifest.tables
        answer |= {"tables": len(tables), "rows": sum(table.rows for table in tables.values())}
    show(answer, as_json, (
        f"Backup {planned.name} of {planned.made_at:%Y-%m-%d %H:%M:%S} UTC can be restored.\n"
        f"  {planned.describe()}\n"
        f"  read       {answers['public']} posts of the public timeline, {answers['home']} of a home timeline\n"
        f"  took       {rehearsal.seconds:.1f} s; the temporary copy was removed"
    ))


async def _read(settings: Settings) -> tuple[dict[str, int], int]:
    """What can be read from the timelines of the copy, and its number of posts."""
    connection = await asyncpg.connect(settings.dsn)
    try:
        epoch, posts = await get_epoch(connection), await count_posts_unscoped(connection)
    finally:
        await connection.close()
    return await _read_timelines(settings, epoch), posts


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
