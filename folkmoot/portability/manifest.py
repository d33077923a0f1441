"""The manifest: the signed list of what a backup contains, stored inside the backup.

It names each table with its number of rows and hash, each file of the dump with its hash, and, in `media.txt`, each
picture. A snapshot is a valid backup only if the recovery key has certified the signer of its manifest. In a snapshot:

    about/manifest.json    about/signature.json    about/media.txt    about/secrets.sealed    database/…    media/…
"""

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from folkmoot.portability.backup_key import BackupKey, NotSigned, Signature, verify
from folkmoot.portability.tables import Table

ABOUT, DATABASE, MEDIA = "about", "database", "media"
FORMAT = 1


class File(msgspec.Struct, frozen=True):
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a network at one moment."""

    format: int = FORMAT
    network: str
    address: str
    made_at: datetime
    epoch: int
    schema: int
    folkmoot: str
    postgresql: str
    database_bytes: int  # on disk, indexes included
    tables: dict[str, Table]
    files: dict[str, File]  # by path in the snapshot, without media
    media_count: int
    media_bytes: int
    journal_position: int = 0  # the end of the moderation journal: with it, a journal that was rewritten later is noticed
    journal_hash: str = ""
    lost_media: list[str] = []  # named by the database, but missing or damaged on the host

    @property
    def posts(self) -> int:
        return self.tables["posts"].rows

    @property
    def bytes(self) -> int:
        """The size of everything that a restore reads."""
        return self.media_bytes + sum(file.bytes for file in self.files.values())


class About(msgspec.Struct, frozen=True):
    """The verified small files of a snapshot."""

    manifest: Manifest
    media: dict[str, int]
    secrets: bytes


def write(folder: Path, manifest: Manifest, key: BackupKey) -> None:
    """Writes the manifest and its signature into the folder `about`."""
    content = msgspec.json.encode(manifest)
    (folder / "manifest.json").write_bytes(content)
    (folder / "signature.json").write_bytes(msgspec.json.encode(key.sign(content)))


def read(files: dict[str, bytes], authority: bytes) -> About:
    """Verifies signature and hashes. Raises NotSigned with a text that continues a sentence after "because"."""
    for name in ("manifest.json", "signature.json", "media.txt", "secrets.sealed"):
        if name not in files:
            raise NotSigned("it has no manifest")
    try:
        verify(authority, files["manifest.json"], msgspec.json.decode(files["signature.json"], type=Signature))
        version = msgspec.json.decode(files["manifest.json"], type=dict)["format"]
        if version > FORMAT:
            raise NotSigned("it was made by a newer Folkmoot")
        manifest = msgspec.json.decode(files["manifest.json"], type=Manifest)
    except (msgspec.MsgspecError, KeyError) as error:
        raise NotSigned("its manifest cannot be read") from error
    for name in ("media.txt", "secrets.sealed"):
        if manifest.files[f"{ABOUT}/{name}"] != file_of(files[name]):
            raise NotSigned(f"{name} does not match the manifest")
    return About(manifest, media_of(files["media.txt"]), files["secrets.sealed"])


def incomplete(about: About, listed: dict[str, int]) -> str:
    """Which files of its manifest a snapshot lacks; "" if it is complete. `listed`: path and size of its files."""
    expected = {f"/{path}": file.bytes for path, file in about.manifest.files.items()}
    expected |= {f"/{MEDIA}/{name}": size for name, size in about.media.items()}
    missing = [path for path, size in expected.items() if listed.get(path) != size]
    return f"{len(missing)} of its files are missing or truncated, such as {missing[0]}" if missing else ""


def file_of(content: bytes) -> File:
    return File(len(content), hashlib.sha256(content).hexdigest())


def media_text(media: dict[str, int]) -> bytes:
    return "".join(f"{name} {size}\n" for name, size in sorted(media.items())).encode()


def media_of(text: bytes) -> dict[str, int]:
    return {name: int(size) for name, _, size in (line.partition(" ") for line in text.decode().splitlines())}
