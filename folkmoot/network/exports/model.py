"""What an export is. No input or output."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from folkmoot.base.file_store import FileName
from folkmoot.base.states import Lifecycle
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Post

WRITE_JOB = "exports.write"
BETWEEN = timedelta(days=1)  # from one request to the next
KEPT_FOR = timedelta(days=7)
LONGEST_RUN = timedelta(hours=2)  # of the job that writes one
LEFT_OVER_AFTER = timedelta(hours=3)  # then a file without a row belongs to no running job


class State(StrEnum):
    WANTED = "wanted"
    READY = "ready"


LIFECYCLE = Lifecycle("export", {State.WANTED: (State.READY,), State.READY: (State.WANTED,)})  # back: its file is gone


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An archive that a member asked for. `next_at`: from when on another one can be asked for."""

    id: int
    account_id: int
    state: State
    asked_at: datetime
    next_at: datetime
    expires_at: datetime | None = None
    sha256: bytes | None = None
    bytes: int | None = None

    @property
    def file(self) -> FileName | None:
        return FileName(self.sha256, "zip") if self.sha256 else None


class Wanted(msgspec.Struct, frozen=True):
    """The payload of the job that writes an archive."""

    export_id: int


class Addresses(Protocol):
    """The URLs of this network."""

    base: str

    def account(self, account: Account) -> str: ...
    def account_uri(self, account: Account) -> str: ...
    def post(self, post: Post) -> str: ...
    def post_uri(self, post: Post) -> str: ...
    def hashtag(self, name: str) -> str: ...


class OwnFile(NamedTuple):
    """A picture of the member. `mime` decides its name in the archive."""

    id: int
    mime: str
    name: FileName


def picture_path(picture_id: int, mime: str) -> str:
    """The path of a picture in the archive."""
    extension = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}.get(mime, "bin")
    return f"media/{picture_id}.{extension}"
