"""Which pictures a snapshot holds, whatever its kind, by its signed manifest."""

from folkmoot.portability import manifest
from folkmoot.portability.manifest import ABOUT
from folkmoot.portability.offsite.chain import BASE, PUSH, BaseManifest, PushManifest, read_manifest
from folkmoot.portability.repository import Repository, Snapshot


def list_pictures(repository: Repository, authority: bytes, snapshot: Snapshot) -> dict[str, int]:
    """Path below media/ and size of each. Raises NotSigned."""
    files = repository.read_folder(snapshot.id, ABOUT)
    if snapshot.kind == BASE:
        return read_manifest(files, authority, BaseManifest).media
    if snapshot.kind == PUSH:
        return read_manifest(files, authority, PushManifest).media
    return manifest.read(files, authority).media
