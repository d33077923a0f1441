"""New passwords for PostgreSQL: that of replication at once, that of the network when it starts.

The processes of the network connect with the password that they have read, so it is changed while none of them runs.
"""

from pathlib import Path

import asyncpg

from folkmoot.base import clock
from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.portability.data_directory import DataDirectory, sync_folder
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.offsite.queries import set_own_password
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_settings import REPLICATION_SECRET
from folkmoot.portability.standby.queries import make_replication_role

_POSTGRES = "postgres-password"
NEXT = "postgres-password.next"  # stays on this host


async def exchange_replication_password(directory: DataDirectory, dsn: str) -> bool:
    """Returns False if it is left as it is: there is a peer, which has it too, or this host is no primary, or its database is away.

    The file first: when a standby is paired, the role gets the password of the file.
    """
    if Peers(directory).list() or Host(directory.path).role != PRIMARY:
        return False
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except UNREACHABLE:
        return False
    password = clock.token(36)
    try:
        directory.write(directory.path / "secrets" / REPLICATION_SECRET, password.encode())
        await make_replication_role(connection, password)
    finally:
        await connection.close()
    return True


def order_new_password(directory: DataDirectory) -> None:
    """At the next start the network gets another password for its PostgreSQL. A second order changes nothing."""
    if not _next(directory).exists():
        directory.write(_next(directory), clock.token(36).encode())


def has_order(directory: DataDirectory) -> bool:
    """Whether the next start is to change the password. Not while there is a peer, which has the same one."""
    return _next(directory).exists() and not Peers(directory).list()


async def exchange_password(directory: DataDirectory, server: Postgres) -> None:
    """Does it, if it was ordered. Completes what a killed start has begun."""
    if not has_order(directory):
        return
    file, ordered = directory.path / "secrets" / _POSTGRES, _next(directory)
    password, dsn = ordered.read_text().strip(), server.dsn_of("postgres")
    try:
        connection = await asyncpg.connect(dsn)
    except asyncpg.InvalidPasswordError:  # a start that was killed has changed it, or the file is a wrong one
        connection = await asyncpg.connect(dsn, password=password)
    try:
        await set_own_password(connection, password)
    finally:
        await connection.close()
    ordered.rename(file)
    sync_folder(file.parent)


def _next(directory: DataDirectory) -> Path:
    return directory.path / "secrets" / NEXT
