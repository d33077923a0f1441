"""Keeps the certificates of this host's Caddy and those in the secrets of the network the same.

A primary collects what Caddy has, so that its standby and its backups have it too. Any other host gives Caddy what came from
the primary, and tells it to ask no certificate authority. Without `moot install` there is no keeper, and nothing happens.
"""

import logging
import socket
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.portability.certificates.model import MOST_BYTES, SECRET, Answer, Question, read_bundle
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host

_log = logging.getLogger(__name__)
_SECONDS = 15.0  # the keeper is a program that starts, perhaps on a busy machine


def has_keeper(settings: Settings) -> bool:
    """Whether this host has a Caddy of `moot install`, whose certificates travel."""
    return settings.is_secure and bool(settings.server.certificates) and Path(settings.server.certificates).exists()


def exchange_certificates(settings: Settings, directory: DataDirectory) -> Answer | None:
    """Tells Caddy the role of this host and what certificates the network has; a primary stores those that Caddy has.

    Blocks for some tenths of a second. Returns the answer; None if there is no keeper, or after an error, which is logged: the
    network runs without it.
    """
    if not has_keeper(settings):
        return None
    file, is_primary = directory.path / "secrets" / SECRET, Host(directory.path).role == PRIMARY
    known = read_bundle(file)
    try:
        answer = _ask(settings.server.certificates, Question(domain=settings.domain.partition(":")[0], obtains=is_primary, bundle=known))
        if is_primary and answer.bundle and answer.bundle != known:
            directory.write(file, msgspec.json.encode(answer.bundle))
    except (OSError, msgspec.DecodeError) as error:
        _log.warning("The certificates of Caddy could not be exchanged (%s). See: journalctl -u 'folkmoot-certificates@*'", error)
        return None
    return answer


def _ask(path: str, question: Question) -> Answer:
    """Whoever has broken into Caddy's user can answer anything, so time and size are limited."""
    deadline = clock.monotonic() + _SECONDS
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as keeper:
        keeper.settimeout(_SECONDS)
        keeper.connect(path)
        keeper.sendall(msgspec.json.encode(question))
        keeper.shutdown(socket.SHUT_WR)
        text = b""
        while piece := keeper.recv(MOST_BYTES):
            text += piece
            if len(text) > MOST_BYTES or clock.monotonic() > deadline:
                raise OSError("the answer is too long, or takes too long")
    return msgspec.json.decode(text, type=Answer)
