"""What an upload is: its formats, limits and reasons of refusal. No input or output."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Purpose(StrEnum):
    """What a picture is used for; determines its size. Stored."""

    ATTACHMENT = "attachment"
    AVATAR = "avatar"
    HEADER = "header"
    CARD = "card"  # of a linked page; belongs to no account
    POSTER = "poster"  # stands for a video or a sound; never stored as the purpose of an upload


class PictureKind(StrEnum):
    """Stored. The first two are of type `image` in the client API; the others are made from recordings."""

    IMAGE = "image"
    ANIMATION = "animation"
    VIDEO = "video"
    GIFV = "gifv"  # a short video without sound, shown in a loop
    AUDIO = "audio"


class Format(StrEnum):
    """The formats that are accepted, by their names in Pillow."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    WEBP = "WEBP"
    AVIF = "AVIF"
    HEIF = "HEIF"


POSTER_TYPE = "image/jpeg"  # of the preview of a video or sound
TYPES_BY_EXTENSION = {
    "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "mp4": "video/mp4", "webm": "video/webm", "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
}
MIME_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif")
_MILLION = 1_000_000
# What a decoder needs in 512 MiB: JPEG is decoded at a reduced size; the decoder of WebP needs 16 bytes a pixel. Decision 0053.
MOST_PIXELS = {
    Format.JPEG: 250 * _MILLION, Format.PNG: 64 * _MILLION, Format.HEIF: 64 * _MILLION, Format.GIF: 40 * _MILLION,
    Format.AVIF: 40 * _MILLION, Format.WEBP: 28 * _MILLION,
}
MOST_PIXELS_PROGRESSIVE = 64 * _MILLION  # a progressive JPEG needs all its coefficients in memory
MOST_PIXELS_IN_ALL_FORMATS = min(MOST_PIXELS.values())
MOST_FRAMES = 2000
MOST_PIXELS_OF_FRAMES = 250 * _MILLION  # of all frames of an animation together


class Refusal(StrEnum):
    """Why the sandbox refused a picture. `sandbox.py` has the sentences."""

    UNKNOWN = "unknown"  # no format that is accepted
    DAMAGED = "damaged"
    PIXELS = "pixels"
    FRAMES = "frames"
    FRAME_PIXELS = "frame_pixels"
    COSTLY = "costly"  # memory or time


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A stored picture, video or sound. `key` is the random part of its URLs; sizes in pixels, focus -1 to 1 from the middle. A sound
    without a cover has no preview, and the sizes 0."""

    id: int
    key: str
    account_id: int | None
    post_id: int | None
    purpose: Purpose
    kind: PictureKind
    mime: str
    description: str
    focus_x: float
    focus_y: float
    blurhash: str
    width: int
    height: int
    preview_width: int
    preview_height: int
    seconds: float | None = None
    frame_rate: str | None = None
    bitrate: int | None = None
    created_at: datetime


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The sandbox's output for a picture that it refused; `limit` is the number that was exceeded, if one was."""

    why: Refusal
    limit: int = 0


class Reencoded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The header of the sandbox's output; the bytes of original and preview follow it."""

    kind: PictureKind
    mime: str
    extension: str
    width: int
    height: int
    preview_width: int
    preview_height: int
    blurhash: str
    original_bytes: int


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to serve a picture or recording: its file, and the visibility of its post."""

    sha256: bytes
    extension: str
    mime: str
    purpose: Purpose
    post_visibility: int | None
    is_withdrawn: bool  # its post is hidden, or its owner suspended
