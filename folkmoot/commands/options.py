"""Shared by several commands: options, settings, output, and the connection to the database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from folkmoot import config
from folkmoot.base.errors import Problem, Unavailable
from folkmoot.base.ids import MAX_ID
from folkmoot.commands.hints import as_typed
from folkmoot.config import Settings, default_data

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
NUMBER = click.IntRange(0, MAX_ID)  # of a record: what the database can compare


def data_option(command: F) -> F:
    return click.option(
        "--data", "data", type=click.Path(file_okay=False, path_type=Path), default=default_data,
        help="Data directory of the network; also FOLKMOOT_DATA in the environment.",
        show_default="/var/lib/folkmoot for root, else ~/.local/share/folkmoot",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def show(answer: Any, as_json: bool, text: str) -> None:
    """Prints `answer` as JSON, or `text`, whose commands can be copied."""
    click.echo(json.dumps(answer, ensure_ascii=False, default=str) if as_json else as_typed(text))


class CannotAsk(Problem):
    """There is no network to ask, or its database does not answer."""

    code = "cannot_ask"


def no_network(data: Path) -> CannotAsk:
    return CannotAsk("There is no network in %(data)s. If it is in another folder, add --data FOLDER. To start a new one: %(start)s",
                     data=data, start=start_command(data))


def duration(seconds: float) -> str:
    """A duration in words."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def settings_of(data: Path, *, needs_secret: bool = True) -> Settings:
    """The settings of an existing network. Raises Problem if there is none in `data`."""
    from folkmoot.portability.data_directory import DataDirectory

    settings = config.load(data)
    directory = DataDirectory(data)
    if not directory.host_file.exists() and not settings.database.url:
        raise no_network(data)
    if (port := directory.port()) and not settings.server.base_url:
        settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, port=port))
    return resolved(settings, directory, needs_secret=needs_secret)


def resolved(settings: Settings, directory: Any, *, makes_secret: bool = False, needs_secret: bool = True) -> Settings:
    """The settings with secrets and the URL of the database."""
    from folkmoot.portability import secrets
    from folkmoot.portability.postgres import Postgres

    secret = secrets.network_secret(settings, directory, makes=makes_secret) if needs_secret else b""

    return msgspec.structs.replace(
        settings,
        data=directory.path,
        secret=secret,
        mail=msgspec.structs.replace(settings.mail, password=secrets.mail_password(settings, directory)),
        notices=msgspec.structs.replace(settings.notices, mailbox_password=secrets.mailbox_password(settings, directory)),
        detector=msgspec.structs.replace(settings.detector, reader_key=secrets.reader_key(settings, directory)),
        offsite=msgspec.structs.replace(settings.offsite, password=secrets.offsite_password(settings, directory)),
        file=file.read_bytes() if (file := directory.path / "folkmoot.toml").exists() else b"",
        dsn=secrets.database_url(settings) if settings.database.url else Postgres(directory).dsn,
    )


def leave_root(owner: Any, why_not: str) -> None:
    """Gives up the rights of root permanently; prints a warning if that is impossible."""
    from folkmoot import processes  # noqa: F401 - import it while root can still write the compiled files
    from folkmoot.portability.service_user import drop_privileges

    if why_not:
        click.echo(
            f"folkmoot: The user {owner.pw_name} cannot read this copy of Folkmoot, and {why_not}. Web and worker run as root."
            " Install Folkmoot below /opt, with a Python that all users can read, and restart.", err=True,
        )
    else:
        drop_privileges(owner)


def start_command(data: Path) -> str:
    """The command that starts the network in `data` on this machine."""
    from folkmoot.portability.install.machine import Machine
    from folkmoot.portability.install.record import find_installed

    installed = find_installed(Machine())
    return "systemctl start folkmoot" if installed and Path(installed.data) == data.absolute() else f"moot up --data {data}"


def no_database(settings: Settings, error: Exception) -> Problem:
    if settings.database.url:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return CannotAsk("The database at database.url cannot be used: %(why)s. Start it, or correct the setting.", why=why)
    if why := why_it_waits(settings.data, error):
        return CannotAsk(
            "The database of this host waits: %(why)s. This goes on by itself while the network runs: %(start)s", why=why,
            start=start_command(settings.data),
        )
    return CannotAsk(
        "The database of %(data)s does not answer. Is the network running? Start it with: %(start)s", data=settings.data,
        start=start_command(settings.data),
    )


def why_it_waits(data: Path, error: BaseException | None) -> str:
    """Why the database of a running standby does not answer yet; "" if it does not run, or is none."""
    import asyncpg

    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.host import PRIMARY, Host
    from folkmoot.portability.moving.rejoin import find_order

    if order := find_order(DataDirectory(data)):
        return order.sentence
    while error and not isinstance(error, asyncpg.CannotConnectNowError):
        error = error.__cause__
    if error and Host(data).role != PRIMARY:
        return "this standby needs what its primary has written, and answers when the other host has sent it"
    return ""


@asynccontextmanager
async def open_database(settings: Settings, *, any_schema: bool = False) -> AsyncIterator[Any]:
    """The database of a running network. Raises Problem, which says what to do, if it does not answer or is too old."""
    import asyncpg

    from folkmoot.base.db import Database
    from folkmoot.base.restarts import Restarts
    from folkmoot.moderation.rules.watching import RuleWatch
    from folkmoot.portability.host import Host
    from folkmoot.portability.postgres import RESTART

    epoch = Host(settings.data).writing_epoch
    try:
        database = await Database.open(settings.dsn, epoch=epoch, readers=2, writers=4, listen=False,
                                       restarts=Restarts(settings.data / RESTART))
    except (OSError, asyncpg.PostgresError, Unavailable) as error:
        raise no_database(settings, error) from error
    database.find_subscribed_kinds = partial(_subscribed_kinds, settings)
    try:
        if not any_schema:
            await _require_schema(database)
        await RuleWatch(database).refresh()
        yield database
    finally:
        await database.close()


def _subscribed_kinds(settings: Settings) -> frozenset[str]:
    from folkmoot.app import subscriptions

    return subscriptions(settings).kinds()


async def _require_schema(database: Any) -> None:
    import asyncpg

    from folkmoot.base.database_facts import get_schema_number
    from folkmoot.base.migrate import newest_number

    found, needed = None, newest_number()
    async with database.read() as conn:
        if conn.is_standby:  # it gets its schema from its primary
            return
        with suppress(asyncpg.UndefinedTableError):  # a database that was never migrated
            found = await get_schema_number(conn)
    if found is None or found < needed:
        raise CannotAsk("The schema of the database is at %(found)s, this version needs %(needed)d. Run: moot migrate",
                        found=found or 0, needed=needed)
