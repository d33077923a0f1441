"""Keeps what the host that was removed last knows, until everything is exchanged or the operator accepts it."""

from contextlib import suppress

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.exposure.model import FILE, SECRETS, Exposure, Secret, Way
from folkmoot.portability.exposure.values import hashes_of
from folkmoot.portability.hosts.peers import Peer, Peers


class ExposureProblem(Problem):
    """There is nothing to exchange."""

    code = "exposure"


def note_removal(settings: Settings, directory: DataDirectory, peer: Peer) -> None:
    """Before anything is exchanged. A second removal adds to what is still known from the first."""
    before = find_exposure(directory)
    known = {secret.name: before.known[secret.name] for secret in unchanged(settings, directory)} if before else {}
    exposure = Exposure(peer.id, peer.name, clock.now().replace(microsecond=0), {**hashes_of(settings, directory), **known})
    directory.write(directory.path / FILE, msgspec.json.encode(exposure))


def find_exposure(directory: DataDirectory) -> Exposure | None:
    with suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode((directory.path / FILE).read_bytes(), type=Exposure)
    return None


def require_exposure(directory: DataDirectory) -> Exposure:
    """Raises ExposureProblem if no host was removed."""
    exposure = find_exposure(directory)
    if exposure is None:
        raise ExposureProblem("No host was removed here, so nobody else knows the secrets of this network. See: moot host list")
    return exposure


def unchanged(settings: Settings, directory: DataDirectory) -> list[Secret]:
    """The secrets that are still those that the removed host knows; empty without one, if it is paired again, or if the operator
    has accepted it."""
    exposure = find_exposure(directory)
    if exposure is None or exposure.is_accepted or Peers(directory).find(exposure.id):
        return []
    now = hashes_of(settings, directory)
    return [secret for secret in SECRETS if secret.name in now and exposure.known.get(secret.name) == now[secret.name]]


def outstanding(settings: Settings, directory: DataDirectory) -> list[Secret]:
    """Those of them that can be exchanged."""
    return [secret for secret in unchanged(settings, directory) if secret.way is not Way.NEVER]


def accept(directory: DataDirectory) -> None:
    """The operator trusts whoever has the host that was removed, or has wiped it."""
    if exposure := find_exposure(directory):
        directory.write(directory.path / FILE, msgspec.json.encode(msgspec.structs.replace(exposure, is_accepted=True)))
