"""Turns the server of the old host into a standby of the new one, while it does not run.

After the fence PostgreSQL still writes a little on its own (checkpoints, maintenance), so its log has left that of the new
primary by some records. `pg_rewind` copies the few pages that differ. A rewind that did not end leaves a server that
nothing can repair: then the whole server is copied anew. The order is a file that says how far this is, so that it goes on
after a loss of power; no server starts before it is gone.
"""

import logging
import subprocess
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.base.file_store import sync_disk
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, Host
from folkmoot.portability.postgres_binaries import binaries_for, runnable_by
from folkmoot.portability.postgres_settings import SIGNAL
from folkmoot.portability.service_user import child_setup, plain_environment

_log = logging.getLogger(__name__)
_FILE = "rejoin.json"
_SECONDS = 3600
_NOT_BEGUN = "connection to server"  # the first thing that pg_rewind does


class RejoinProblem(Problem):
    """The server could not be made a standby now."""

    code = "rejoin"


class Stage(StrEnum):
    """How far a rejoin is. A stage is on the disk before its work begins."""

    ORDERED = "ordered"
    REWINDING = "rewinding"
    COPYING = "copying"


class RejoinOrder(msgspec.Struct, frozen=True):
    """Follow the primary of `epoch`, whose PostgreSQL is reached through `socket_folder`."""

    epoch: int
    socket_folder: str
    stage: Stage = Stage.ORDERED

    @property
    def sentence(self) -> str:
        """What happens, for the operator."""
        how = {
            Stage.ORDERED: "starts when the other host answers",
            Stage.REWINDING: "takes the changed pages from the other host",
            Stage.COPYING: "is copied anew from the other host; pictures are kept",
        }
        return f"this host becomes a standby of the new primary: its database {how[self.stage]}"


# Copies the server of the primary anew; returns the epoch of the primary.
Copy = Callable[[RejoinOrder], int]


def order_rejoin(directory: DataDirectory, order: RejoinOrder) -> None:
    folder = directory.path / "move"
    folder.mkdir(mode=0o700, exist_ok=True)
    directory.set_owner(folder)
    directory.write(folder / _FILE, msgspec.json.encode(order))


def find_order(directory: DataDirectory) -> RejoinOrder | None:
    with suppress(FileNotFoundError):
        return msgspec.json.decode((directory.path / "move" / _FILE).read_bytes(), type=RejoinOrder)
    return None


def forget_order(directory: DataDirectory) -> None:
    (directory.path / "move" / _FILE).unlink(missing_ok=True)


def rejoin_if_ordered(directory: DataDirectory, copy: Copy) -> None:
    """Carries out the order, if there is one. The server must not run. Raises a Problem; the order then stays.

    Last of all, `host.json` says that this host is a standby. It cannot have become a primary meanwhile.
    """
    order = find_order(directory)
    if order is None:
        return
    if _is_needed(directory, order):
        _log.warning("PostgreSQL becomes a standby of the new primary.")
        epoch = order.epoch if _rewind(directory, order) else _copy(directory, order, copy)
        after = msgspec.structs.replace(Host(directory.path).state, role=STANDBY, epoch=epoch, to="")
        directory.write(directory.host_file, msgspec.json.encode(after))
    forget_order(directory)


def _is_needed(directory: DataDirectory, order: RejoinOrder) -> bool:
    """Not if this host has become a complete standby, or a primary, since the order."""
    state = Host(directory.path).state
    if state.role == FENCED:
        return state.epoch < order.epoch
    return state.role != PRIMARY and not (directory.path / "postgres" / SIGNAL).exists()


def _copy(directory: DataDirectory, order: RejoinOrder, copy: Copy) -> int:
    if order.stage is not Stage.COPYING:
        _log.warning("The database is copied anew from the new primary, because a rewind did not end. Pictures are kept.")
        order_rejoin(directory, msgspec.structs.replace(order, stage=Stage.COPYING))
    return copy(order)


def _rewind(directory: DataDirectory, order: RejoinOrder) -> bool:
    """Returns whether the server is a standby now; False if it must be copied anew. Raises RejoinProblem if nothing has begun."""
    if order.stage is not Stage.ORDERED or Host(directory.path).role != FENCED:
        return False
    order_rejoin(directory, msgspec.structs.replace(order, stage=Stage.REWINDING))
    if why := _run_rewind(directory, order.socket_folder):
        if not why.startswith(_NOT_BEGUN):
            _log.warning("pg_rewind: %s", why)
            return False
        order_rejoin(directory, order)
        raise RejoinProblem("The new primary does not answer (%(why)s).", why=why)
    sync_disk(directory.path)  # one call, instead of one for each file
    # The server's settings came from the new host. Those of a standby are written when it starts.
    directory.write(directory.path / "postgres" / "postgresql.auto.conf", b"")
    directory.write(directory.path / "postgres" / SIGNAL, b"")
    return True


def _run_rewind(directory: DataDirectory, socket_folder: str) -> str:
    """Returns why it failed, or ""."""
    binaries = runnable_by(directory.owner, binaries_for(directory))
    command: list[str | Path] = [
        binaries.folder / "pg_rewind", "--no-sync", "--target-pgdata", directory.path / "postgres", "--source-server",
        f"host='{socket_folder}' user=folkmoot dbname=folkmoot connect_timeout=10",
    ]
    with directory.server_lock() as lock:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=directory.path, timeout=_SECONDS, pass_fds=(lock,),
            env={**plain_environment(), "PGPASSWORD": directory.secret("postgres-password")}, preexec_fn=child_setup(directory.owner),
        )
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    why = next((line for line in lines if "error:" in line or "fatal:" in line), lines[-1])
    return why.removeprefix("pg_rewind: ").removeprefix("error: ").rstrip(".")
