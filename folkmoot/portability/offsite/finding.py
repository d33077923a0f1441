"""Finds the chain to restore: the newest complete one of the highest epoch that this machine can use."""

import logging
import platform
from contextlib import suppress

from folkmoot.base.migrate import known
from folkmoot.portability.backup_key import NotSigned
from folkmoot.portability.manifest import file_of
from folkmoot.portability.offsite.chain import ABOUT, BASE, CHAIN, FIRST, LAST, PUSH, BaseManifest, PushManifest, position_of
from folkmoot.portability.offsite.chain import read_manifest as read
from folkmoot.portability.offsite.held_pictures import list_pictures
from folkmoot.portability.offsite.recovery import Chain
from folkmoot.portability.postgres_binaries import available_majors
from folkmoot.portability.repository import Repository, Snapshot

_log = logging.getLogger(__name__)


def find_chain(repository: Repository, authority: bytes, snapshots: list[Snapshot]) -> Chain | None:
    """The newest complete chain of the highest epoch that this machine can restore. `snapshots`: the newest first."""
    majors, bases = available_majors(), []
    for base in (snapshot for snapshot in snapshots if snapshot.kind == BASE):
        with suppress(NotSigned):
            files = repository.read_folder(base.id, ABOUT)
            manifest, secrets = read(files, authority, BaseManifest), files.get("secrets.sealed", b"")
            if why := _misfit(manifest, majors):
                _log.warning("The continuous copy of %s cannot be restored here: it needs %s.", f"{manifest.made_at:%Y-%m-%d %H:%M}", why)
            elif file_of(secrets) == manifest.secrets and manifest.chain == base.tag(CHAIN):
                bases.append((base, manifest, secrets))
    # A host that is no longer the primary, but does not know it, may still make copies: the highest epoch is the network.
    for base, manifest, secrets in sorted(bases, key=lambda found: (found[1].epoch, found[1].made_at), reverse=True):
        pushes = [one for one in snapshots if one.kind == PUSH and one.tag(CHAIN) == manifest.chain]
        if found := _needed_pushes(repository, authority, manifest, pushes):
            return Chain(repository, base, manifest, secrets, found, _elsewhere(repository, authority, manifest, snapshots))
    return None


def _misfit(manifest: BaseManifest, majors: frozenset[int]) -> str:
    """What this machine lacks for the files of a base; "" if nothing."""
    if manifest.machine != platform.machine():
        return f"a machine of the architecture {manifest.machine}"
    if manifest.postgresql not in majors:
        return f"PostgreSQL {manifest.postgresql} (Debian, Ubuntu: apt-get install postgresql-{manifest.postgresql})"
    return "a newer Folkmoot" if manifest.schema > known()[-1].number else ""


def _elsewhere(
    repository: Repository, authority: bytes, base: BaseManifest, snapshots: list[Snapshot]
) -> list[tuple[Snapshot, dict[str, int]]]:
    """The snapshots on which this base relies for pictures. One that is gone or not signed is left out."""
    found = []
    for snapshot in (one for one in snapshots if one.id in base.elsewhere):
        with suppress(NotSigned):
            found.append((snapshot, list_pictures(repository, authority, snapshot)))
    return found


def _needed_pushes(
    repository: Repository, authority: bytes, base: BaseManifest, pushes: list[Snapshot]
) -> list[tuple[Snapshot, PushManifest]]:
    """The newest push, and older ones until they reach back to the base. Empty if some WAL is missing."""
    found: list[tuple[Snapshot, PushManifest]] = []
    missing = ""  # the oldest segment that is covered
    for snapshot in pushes:
        if found and position_of(snapshot.tag(LAST)) + 1 < position_of(missing):
            return []
        if not found or position_of(snapshot.tag(FIRST)) < position_of(missing):
            try:
                manifest = read(repository.read_folder(snapshot.id, ABOUT), authority, PushManifest)
            except NotSigned:
                continue
            if manifest.chain == base.chain:
                found.append((snapshot, manifest))
                missing = min(manifest.segments, key=position_of)
        if found and position_of(missing) <= position_of(base.first):
            return found
    return []
