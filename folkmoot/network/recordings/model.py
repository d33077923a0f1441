"""What a recording is: accepted types, limits, and reasons of refusal. No input or output."""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from folkmoot.network.media.model import PictureKind

ENCODE_JOB = "recordings.encode"
LONGEST_RUN = timedelta(minutes=45)  # of one job, which encodes several
TAKEN_FOR = timedelta(seconds=30)  # a worker that encodes says so more often than this
NEXT_LOOK = timedelta(seconds=2)  # when another recording is being encoded: one at a time
MOST_TRIES = 3
MOST_WAITING = 10  # of one member
KEPT_FOR = timedelta(days=1)  # a recording that was refused, or that no worker has encoded
SOURCE = "upload"  # extension of the stored file that was uploaded

MOST_PIXELS = 3840 * 2160
MOST_FRAME_RATE = 120
MOST_SECONDS = 20 * 60  # of a video
MOST_SECONDS_OF_AUDIO = 3 * 3600
LOOPED_SECONDS = 30  # a silent video that is not longer is shown like an animation
VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm", "video/ogg")
AUDIO_TYPES = (
    "audio/mpeg", "audio/mp3", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/aac", "audio/ogg", "audio/webm", "audio/flac", "audio/wav",
    "audio/x-wav", "audio/wave",
)


class Failure(StrEnum):
    """Why a recording cannot be used. Stored."""

    DAMAGED = "damaged"
    NOTHING = "nothing"  # it contains neither a picture nor a sound that we can read
    PIXELS = "pixels"
    FRAME_RATE = "frame_rate"
    LONG = "long"
    COSTLY = "costly"  # memory or time
    LOST = "lost"  # the uploaded file did not survive a failover or a restore


class Refused(Exception):
    """Raised by the encoding of a recording that cannot be used."""

    def __init__(self, why: Failure, log_text: str = "") -> None:
        super().__init__(f"{why}: {log_text}" if log_text else why)
        self.why = why


class Encode(msgspec.Struct, frozen=True):
    """The payload of the job that encodes one recording."""

    recording_id: int


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that is not encoded yet, or was refused (`failure`). Without a `poster_sha256` the recording provides its own picture."""

    id: int
    account_id: int
    source_sha256: bytes
    description: str = ""
    focus_x: float = 0.0
    focus_y: float = 0.0
    poster_sha256: bytes | None = None
    poster_width: int = 0
    poster_height: int = 0
    blurhash: str = ""
    is_audio: bool = False
    tries: int = 0
    failure: Failure | None = None
    created_at: datetime


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """The result of encoding: a file in a temporary folder and what is known about it. `picture`: one of its frames or its cover as PNG,
    None for a sound without one."""

    file: Path
    kind: PictureKind
    mime: str
    extension: str
    width: int
    height: int
    seconds: float
    frame_rate: str | None
    bitrate: int
    picture: bytes | None
