"""A chain: a base backup and the write-ahead log (WAL) after it. Its signed manifests, and its state on this host.

A base has the files of a running PostgreSQL; they are consistent only together with the WAL that was written meanwhile.
So a base is followed by pushes: snapshots of the WAL and of the pictures since the base. Each push contains everything
that is still in the spool, so that a few pushes, often one, are enough for a restore. In a snapshot:

    base    about/…   postgres/…   media/…          push    about/…   wal/…   media/… (new ones)
"""

from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from folkmoot.base import clock
from folkmoot.portability.backup_key import BackupKey, NotSigned, Signature, verify
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.manifest import File

BASE, PUSH = "base", "wal"  # kinds of snapshots
POSTGRES, WAL, MEDIA, ABOUT = "postgres", "wal", "media", "about"
CHAIN, FIRST, LAST = "chain=", "first=", "last="  # tags: to choose snapshots without reading them. Manifests prove them.
FOLDER = "offsite"  # in the data directory
T = TypeVar("T", bound=msgspec.Struct)


class BaseManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`listed`: PostgreSQL's own list of its files, with the SHA-256 of each. `first`: the first WAL segment that is needed."""

    kind: Literal["base"] = "base"
    chain: str
    network: str
    address: str
    folkmoot: str
    made_at: datetime
    epoch: int
    schema: int
    postgresql: int  # major version: a base can be restored with the same one only
    machine: str
    database_bytes: int
    first: str
    listed: File
    secrets: File
    media: dict[str, int]
    elsewhere: list[str] = []  # snapshots with pictures that this host did not have yet, because it was restored from them


class PushManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was committed before `made_at` is in the WAL up to `lsn`, which this push completes."""

    kind: Literal["wal"] = "wal"
    chain: str
    made_at: datetime
    lsn: str
    segments: dict[str, File]
    media: dict[str, int]


class Push(msgspec.Struct, frozen=True):
    """A push in the repository, and its first and last WAL segment."""

    snapshot: str
    first: str
    last: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """`DATA/offsite/state.json`. `confirmed_at`: everything committed before is off-site. `said`: why the last attempt failed."""

    repository: str = ""  # "": written by a release that did not know it yet
    chain: str = ""  # "" if a new base is needed
    epoch: int = 0  # of the host that made the base
    base_at: datetime | None = None
    first: str = ""
    elsewhere: list[str] = []  # as in the manifest of the base
    confirmed_at: datetime | None = None
    lsn: str = ""
    pushes: list[Push] = []
    spool_bytes: int = 0
    said: str = ""

    @property
    def behind(self) -> float | None:
        """Seconds since the moment before which everything is off-site; None if nothing is."""
        return (clock.now() - self.confirmed_at).total_seconds() if self.confirmed_at else None

    @property
    def base_age(self) -> float | None:
        return (clock.now() - self.base_at).total_seconds() if self.base_at else None


def read_state(data: Path) -> State | None:
    """The state; None if this host makes no continuous copy."""
    try:
        return msgspec.json.decode((data / FOLDER / "state.json").read_bytes(), type=State)
    except (FileNotFoundError, PermissionError):
        return None


def write_state(data: DataDirectory, state: State) -> None:
    data.write(data.path / FOLDER / "state.json", msgspec.json.encode(state))


def write_manifest(folder: Path, manifest: BaseManifest | PushManifest, key: BackupKey) -> None:
    content = msgspec.json.encode(manifest)
    (folder / "manifest.json").write_bytes(content)
    (folder / "signature.json").write_bytes(msgspec.json.encode(key.sign(content)))


def read_manifest(files: dict[str, bytes], authority: bytes, kind: type[T]) -> T:
    """Raises NotSigned unless a host of this recovery key signed it, and it is of this kind."""
    try:
        content = files["manifest.json"]
        verify(authority, content, msgspec.json.decode(files["signature.json"], type=Signature))
        return msgspec.json.decode(content, type=kind)
    except (KeyError, msgspec.DecodeError) as error:
        raise NotSigned("it has no manifest that this version can read") from error


def position_of(segment: str) -> int:
    """Position of a segment of 16 MB in the WAL; the first 8 digits are the timeline. History files have no position."""
    return int(segment[8:16], 16) * 256 + int(segment[16:24], 16) if len(segment) == 24 else 2**62
