"""Turns the server of the old host into a standby of the new one, with `pg_rewind`, while it does not run.

After the fence PostgreSQL still writes a little on its own (checkpoints, maintenance), so its log has left that of the new
primary by some records. `pg_rewind` copies the few pages that differ. The order is a file; whoever starts the server
carries it out first, so a killed rejoin is repeated at the next start.
"""

import logging
import subprocess
from contextlib import suppress
from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, STANDBY, Host
from folkmoot.portability.postgres import child_setup, find_binaries, plain_environment, runnable_by
from folkmoot.portability.postgres_settings import SIGNAL
from folkmoot.portability.standby.seeding import sync_disk

_log = logging.getLogger(__name__)
_FILE = "rejoin.json"
_SECONDS = 3600


class RejoinOrder(msgspec.Struct, frozen=True):
    """Follow the primary of `epoch`, whose PostgreSQL is reached through `socket_folder`."""

    epoch: int
    socket_folder: str


class RejoinProblem(Problem):
    """The server could not be made a standby."""

    code = "rejoin"


def order_rejoin(directory: DataDirectory, order: RejoinOrder) -> None:
    directory.write(directory.path / "move" / _FILE, msgspec.json.encode(order))


def find_order(directory: DataDirectory) -> RejoinOrder | None:
    with suppress(FileNotFoundError):
        return msgspec.json.decode((directory.path / "move" / _FILE).read_bytes(), type=RejoinOrder)
    return None


def rejoin_if_ordered(directory: DataDirectory) -> None:
    """Carries out the order, if there is one. The server must not run. Raises RejoinProblem; the order then stays.

    Last of all, `host.json` says that this host is a standby. It cannot have become a primary meanwhile.
    """
    order = find_order(directory)
    if order is None:
        return
    state = Host(directory.path).state
    if state.role == FENCED and state.epoch < order.epoch:
        _log.warning("PostgreSQL becomes a standby of the new primary.")
        _rewind(directory, order)
        # The server's settings came from the new host. Those of a standby are written when it starts.
        directory.write(directory.path / "postgres" / "postgresql.auto.conf", b"")
        directory.write(directory.path / "postgres" / SIGNAL, b"")
        sync_disk(directory.path)  # one call, instead of one for each file
        after = msgspec.structs.replace(state, role=STANDBY, epoch=order.epoch, to="")
        directory.write(directory.host_file, msgspec.json.encode(after))
    (directory.path / "move" / _FILE).unlink()


def _rewind(directory: DataDirectory, order: RejoinOrder) -> None:
    binaries = runnable_by(directory.owner, find_binaries())
    command: list[str | Path] = [
        binaries.folder / "pg_rewind", "--no-sync", "--target-pgdata", directory.path / "postgres", "--source-server",
        f"host='{order.socket_folder}' user=folkmoot dbname=folkmoot connect_timeout=10",
    ]
    with directory.server_lock() as lock:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=directory.path, timeout=_SECONDS, pass_fds=(lock,),
            env={**plain_environment(), "PGPASSWORD": directory.secret("postgres-password")}, preexec_fn=child_setup(directory.owner),
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        why = next((line for line in lines if "error:" in line or "fatal:" in line), lines[-1])
        raise RejoinProblem(
            "The old host could not follow the new one: %(why)s. If this stays so, copy it anew on the old host: moot standby --again",
            why=why.removeprefix("pg_rewind: ").rstrip("."),
        )
