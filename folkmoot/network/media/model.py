"""What an upload is. No input or output."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Purpose(StrEnum):
    """What a picture is used for; determines its size. Stored."""

    ATTACHMENT = "attachment"
    AVATAR = "avatar"
    HEADER = "header"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A stored picture. `key` is the random part of its URLs; sizes in pixels, focus -1 to 1 from the middle."""

    id: int
    key: str
    account_id: int
    post_id: int | None
    purpose: Purpose
    kind: str
    mime: str
    description: str
    focus_x: float
    focus_y: float
    blurhash: str
    width: int
    height: int
    preview_width: int
    preview_height: int
    created_at: datetime


class Reencoded(msgspec.Struct, frozen=True, kw_only=True):
    """The header of the sandbox's output; the bytes of original and preview follow it."""

    mime: str
    extension: str
    width: int
    height: int
    preview_width: int
    preview_height: int
    blurhash: str
    original_bytes: int
    preview_bytes: int


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to serve a picture: its file, and the visibility of its post."""

    sha256: bytes
    extension: str
    mime: str
    purpose: Purpose
    post_visibility: int | None
    is_withdrawn: bool  # its post is hidden, or its owner suspended
