"""UNIX sockets of the web processes: one for the other host of this network, and the way to its web processes."""

import os
import socket
from pathlib import Path

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres


class SocketProblem(Problem):
    """A socket cannot be opened."""

    code = "socket"


def web_socket(data: Path) -> Path:
    """Where the web processes of this host answer requests that the other host forwards."""
    return _folder(data) / "web"


def web_socket_of_peer(data: Path) -> Path:
    """Where the agent of this host accepts requests for the web processes of the other host."""
    return _folder(data) / "peer" / "web"


def _folder(data: Path) -> Path:
    """That of the socket of PostgreSQL, whose path is short enough."""
    return Postgres(DataDirectory(data)).socket_folder


def open_web_socket(directory: DataDirectory) -> socket.socket:
    """Opens the socket for its owner only. Raises SocketProblem."""
    path = web_socket(directory.path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if path.parent.is_symlink() or path.parent.stat().st_uid != os.geteuid():
            raise SocketProblem("%(folder)s belongs to another user. Remove it, or choose a shorter path with --data.", folder=path.parent)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
    except OSError as error:
        listener.close()
        raise SocketProblem("The socket %(path)s cannot be opened: %(why)s.", path=path, why=error.strerror) from error
    listener.listen(1024)
    listener.setblocking(False)
    return listener
