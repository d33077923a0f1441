"""What `moot up` does once it runs from a copy that its user can read: prepares the data directory and the database, and supervises
the processes of the network."""

import asyncio
import socket
import sys

import asyncpg
import click
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.base.migrate import NotOurs, known, migrate
from folkmoot.commands.hints import as_typed, say
from folkmoot.commands.options import leave_root, no_database, resolved
from folkmoot.commands.supervisor import Supervisor
from folkmoot.config import Settings
from folkmoot.portability.certificates.exchange import exchange_certificates
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.exposure.passwords import exchange_password, has_order
from folkmoot.portability.failover.standing import confirm_at_start
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, Host, Role
from folkmoot.portability.hosts.sockets import peer_socket_folder
from folkmoot.portability.moving.rejoin import RejoinOrder, Stage, find_order, order_rejoin
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.standby.joining import is_complete

_WAIT_FOR_ORPHANS = 10


def run_network(settings: Settings, directory: DataDirectory, why_not: str, started: float, *, is_demo: bool) -> None:
    """Runs until a signal to stop. `why_not`: why root cannot be left, or ""."""
    directory.prepare()
    directory.lock()
    directory.wait_for_orphans(_WAIT_FOR_ORPHANS, lambda sentence: click.echo(f"folkmoot: {sentence}", err=True))
    require_copy(directory)
    for work in ("backup", "drill", "restoring"):
        directory.remove_leftovers(work)
    listener = listen(settings)
    settings = resolved(settings, directory, makes_secret=True)  # before root is left: some secrets can be read by root only
    leave_root(directory.owner, why_not)
    directory.record_port(settings.server.port)
    postgres = None if settings.database.url else Postgres(directory)
    if postgres:
        _say_role(asyncio.run(confirm_at_start(settings)))
        settings = _with_new_password(settings, directory)
    exchange_certificates(settings, directory)  # before this host is ready: then Caddy starts, if they start together

    def migrate_as_primary() -> None:
        asyncio.run(migrate(settings.dsn, Host(directory.path).writing_epoch))

    supervisor = Supervisor(settings, directory, listener, postgres, on_primary=migrate_as_primary)
    try:
        if postgres and (find_order(directory) or Host(directory.path).role == STANDBY):
            # Its database may need the primary before it answers, and reaches that through the agent.
            click.echo("folkmoot: This database is a standby and gets its schema from its primary. Starting in read-only mode.", err=True)
            supervisor.run(lambda: _print_welcome(settings, False, started))
            return
        if postgres:
            postgres.start()
        is_new_network = is_new(asyncio.run(_prepared(settings, Host(directory.path), postgres)))
        supervisor.run(lambda: _print_welcome(settings, is_new_network and is_demo, started))
    finally:
        if postgres:
            postgres.stop()


def _with_new_password(settings: Settings, directory: DataDirectory) -> Settings:
    """The settings, with another password of the database if one was ordered. No process that has read the present one runs yet."""
    if not has_order(directory) or Host(directory.path).role != PRIMARY:
        return settings
    server = Postgres(directory)
    server.start()
    try:
        asyncio.run(exchange_password(directory, server))
    finally:
        server.stop()
    return msgspec.structs.replace(settings, dsn=server.dsn)


def _say_role(role: Role) -> None:
    """Why a host that was the primary writes nothing."""
    if role == RETURNING:
        say(
            "folkmoot: This host was the primary, and the other one does not confirm that it still is. It serves reads and writes nothing"
            " until then. If the other host is off for good: moot failover --other-host-is-off"
        )
    elif role == FENCED:
        say("folkmoot: This host was the primary, and is not any more. It writes nothing. To see why: moot status")


def require_copy(directory: DataDirectory) -> None:
    """A standby must not create a database of its own, nor show an old one that a killed `moot standby --again` has left.

    The latter is replaced before anything is shown. Raises Problem.
    """
    host = Host(directory.path)
    if host.role != STANDBY or is_complete(directory):
        return
    if not (directory.path / "postgres" / "PG_VERSION").exists():
        raise Problem(
            "This host is a standby whose copy of the primary was never completed. Run again what was printed on the primary by moot host"
            " add, or: moot standby --again --data %(data)s", data=directory.path,
        )
    if find_order(directory) is None:
        order_rejoin(directory, RejoinOrder(host.epoch, str(peer_socket_folder(directory)), Stage.COPYING))


def is_new(applied: list[str]) -> bool:
    """Whether these migrations created the network. An existing network gets no demo."""
    return applied[:1] == [known()[0].name]


async def _prepared(settings: Settings, host: Host, postgres: Postgres | None) -> list[str]:
    """Creates and migrates the database, unless this host is not its primary; returns the applied migrations."""
    try:
        if postgres:
            await postgres.create_database()
        return await migrate(settings.dsn, host.migrating_epoch)
    except NotOurs as problem:
        click.echo(f"folkmoot: {problem.message % problem.params} Starting in read-only mode.", err=True)
        return []
    except asyncpg.InvalidPasswordError as error:
        if settings.database.url:
            raise no_database(settings, error) from error
        raise Problem(
            "The password in secrets/postgres-password is not that of the database in %(data)s. Restore this file from a copy of"
            " the data directory.", data=settings.data,
        ) from error
    except (OSError, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise no_database(settings, error) from error


def listen(settings: Settings) -> socket.socket:
    """Opens the socket before anything else starts, so that a used port is reported at once."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.server.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.server.host, settings.server.port))
    except OSError as error:
        raise Problem(
            "Port %(port)d on %(host)s cannot be used: %(why)s. Name another port with --port.",
            port=settings.server.port, host=settings.server.host, why=error.strerror,
        ) from error
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def _print_welcome(settings: Settings, demo: bool, started: float) -> None:
    from folkmoot.commands.demo import create_demo
    from folkmoot.commands.welcome import welcome

    if demo:
        asyncio.run(create_demo(settings))
    click.echo(as_typed(asyncio.run(welcome(settings, started))))
    sys.stdout.flush()
