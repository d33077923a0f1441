"""The UNIX sockets of the channel: where the peer is offered to this machine, and where the peer's streams lead to."""

import os
import socket
from pathlib import Path

from folkmoot.portability.data_directory import DataDirectory, DataDirectoryProblem
from folkmoot.portability.postgres import Postgres

PROBE_PATH = "/.folkmoot/writes"  # on the socket for the peer only: whether the host behind it writes
_POSTGRES = ".s.PGSQL.5432"


def peer_socket_folder(directory: DataDirectory) -> Path:
    """The folder of the sockets that lead to the peer: DATA/run/peer, or below the folder for temporary files if that path is long."""
    return Postgres(directory).socket_folder / "peer"


def peer_postgres_socket(directory: DataDirectory) -> Path:
    return peer_socket_folder(directory) / _POSTGRES


def peer_web_socket(directory: DataDirectory) -> Path:
    return peer_socket_folder(directory) / "web"


def postgres_socket(directory: DataDirectory) -> Path:
    return Postgres(directory).socket_folder / _POSTGRES


def web_socket(directory: DataDirectory) -> Path:
    """The socket of our web processes for requests that the peer forwards."""
    return Postgres(directory).socket_folder / "web"


def bind_private(directory: DataDirectory, path: Path) -> socket.socket:
    """A socket that only the user of this network can use. Replaces that of a killed process. Raises DataDirectoryProblem."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.set_owner(path.parent)
    if path.parent.is_symlink() or path.parent.stat().st_uid not in (os.geteuid(), directory.owner.pw_uid if directory.owner else -1):
        raise DataDirectoryProblem(
            "%(folder)s belongs to another user. Remove it, or choose a shorter path with --data.", folder=path.parent
        )
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listening.bind(str(path))
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(mask)
    directory.set_owner(path)
    return listening


def has_agent(directory: DataDirectory) -> bool:
    """Whether the agent of this host runs: it accepts connections for the peer."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(peer_web_socket(directory))) == 0


def has_web(directory: DataDirectory) -> bool:
    """Whether the web processes of this host run: they accept connections of the peer, wherever they listen for members."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(web_socket(directory))) == 0
