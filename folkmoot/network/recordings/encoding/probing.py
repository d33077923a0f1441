"""What a file contains, as ffprobe tells it."""

from fractions import Fraction
from pathlib import Path

import msgspec

from folkmoot.network.recordings.encoding.containers import Container
from folkmoot.network.recordings.encoding.programs import run
from folkmoot.network.recordings.model import (
    MOST_FRAME_RATE,
    MOST_PIXELS,
    MOST_SECONDS,
    MOST_SECONDS_OF_AUDIO,
    Failure,
    Refused,
)

# Decoders that may run at all. Of formats that nobody records in any more, none.
_DECODERS = (
    "h264,hevc,vp8,vp9,libdav1d,libaom-av1,av1,mpeg4,theora,mjpeg,png,aac,mp3,mp3float,opus,libopus,vorbis,libvorbis,flac,alac,pcm_u8,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,libvpx,libvpx-vp9"
)


class _SideData(msgspec.Struct, frozen=True):
    rotation: float = 0.0


class _Disposition(msgspec.Struct, frozen=True):
    attached_pic: int = 0


class Stream(msgspec.Struct):
    """One stream of a file."""

    index: int
    codec_type: str = ""
    codec_name: str = ""
    pix_fmt: str = ""
    width: int = 0
    height: int = 0
    sample_aspect_ratio: str = ""
    avg_frame_rate: str = "0/1"
    channels: int = 0
    disposition: _Disposition = _Disposition()
    side_data_list: list[_SideData] = []

    @property
    def is_cover(self) -> bool:
        return bool(self.disposition.attached_pic)

    @property
    def size(self) -> tuple[int, int]:
        """As it is shown: upright."""
        is_turned = any(round(one.rotation) % 180 for one in self.side_data_list)
        return (self.height, self.width) if is_turned else (self.width, self.height)

    @property
    def frame_rate(self) -> Fraction:
        above, _, below = self.avg_frame_rate.partition("/")
        return Fraction(int(above), int(below)) if int(below or 0) else Fraction(0)


class _Format(msgspec.Struct):
    duration: float = 0.0
    bit_rate: int = 0


class Contents(msgspec.Struct):
    """The streams of a file that are used: at most one picture that moves, one sound, one cover."""

    streams: list[Stream]
    format: _Format

    def _first(self, kind: str, *, is_cover: bool = False) -> Stream | None:
        return next((one for one in self.streams if one.codec_type == kind and one.is_cover == is_cover), None)

    @property
    def video(self) -> Stream | None:
        return self._first("video")

    @property
    def audio(self) -> Stream | None:
        return self._first("audio")

    @property
    def cover(self) -> Stream | None:
        return self._first("video", is_cover=True)


def input_of(file: Path, container: Container) -> list[str]:
    """The arguments that open a file with one demuxer, the protocol `file` and the allowed decoders, and nothing else."""
    return [
        "-protocol_whitelist", "file", "-format_whitelist", container, "-codec_whitelist", _DECODERS, "-max_pixels", str(MOST_PIXELS),
        "-f", container, "-i", f"file:{file.name}",
    ]


async def probe(file: Path, container: Container) -> Contents:
    """Raises Refused for a file that ffprobe cannot read."""
    entries = (
        "stream=index,codec_type,codec_name,pix_fmt,width,height,sample_aspect_ratio,avg_frame_rate,channels:stream_disposition=attached_pic"
        ":stream_side_data=rotation:format=duration,bit_rate"
    )
    output = await run("ffprobe", ["-v", "error", *input_of(file, container), "-show_entries", entries, "-of", "json"], file.parent)
    try:
        return msgspec.json.decode(output, type=Contents, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(Failure.DAMAGED, str(error)) from None


def require_limits(contents: Contents) -> None:
    """Raises Refused for a recording that is too large, too fast or too long, or that has nothing in it."""
    video, audio = contents.video, contents.audio
    if video is None and audio is None:
        raise Refused(Failure.NOTHING)
    if video and video.width * video.height > MOST_PIXELS:
        raise Refused(Failure.PIXELS)
    if video and min(video.width, video.height) < 1:
        raise Refused(Failure.DAMAGED, "a video without a size")
    if video and video.frame_rate > MOST_FRAME_RATE:
        raise Refused(Failure.FRAME_RATE)
    if contents.format.duration > (MOST_SECONDS if video else MOST_SECONDS_OF_AUDIO):
        raise Refused(Failure.LONG)
