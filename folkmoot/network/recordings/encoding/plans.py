"""Which streams are copied and which are encoded again, as arguments of ffmpeg. Pure functions.

A stream is copied if browsers play it as it is: then nothing is lost and little time is needed. In any case it gets a new
container, without tags, chapters, cover, subtitles, data, and without the free text in H.264.
"""

import os
from typing import NamedTuple

from folkmoot.network.recordings.encoding.probing import Contents, Stream
from folkmoot.network.recordings.model import MOST_SECONDS, MOST_SECONDS_OF_AUDIO

_PLAYED_COLOURS = ("yuv420p", "yuvj420p")
_PIXELS = 1920 * 1080  # of a video that is encoded again; larger ones are shrunk
_COPIED_RATE = 60  # frames per second that every telephone plays
_CLEAN = (
    "-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
    "-max_muxing_queue_size", "4000",
)
_WITHOUT_TEXT_IN_FRAMES = ("-bsf:v", "filter_units=remove_types=6")  # H.264 supplemental information
_SOUND = ("-c:a", "aac", "-b:a", "128k", "-ac", "2")


class Plan(NamedTuple):
    """`arguments`: between the input and the name of the output. `copies_video`: the stream must prove that it can be decoded."""

    arguments: tuple[str, ...]
    mime: str
    extension: str
    copies: bool


def plan_of(contents: Contents, *, may_copy: bool = True) -> Plan:
    """How to encode a recording."""
    video, audio = contents.video, contents.audio
    if video is None:
        assert audio
        return _sound_alone(audio, may_copy=may_copy)
    longest = ("-t", str(MOST_SECONDS))
    streams = ("-map", f"0:{video.index}", *(("-map", f"0:{audio.index}") if audio else ()))
    sound: tuple[str, ...]
    if may_copy and _is_copied(video, ("vp8", "vp9")):
        sound = ("-c:a", "copy") if audio and audio.codec_name in ("opus", "vorbis") else ("-c:a", "libopus", "-b:a", "96k", "-ac", "2")
        return Plan((*streams, "-c:v", "copy", *sound, *_CLEAN, *longest, "-f", "webm"), "video/webm", "webm", copies=True)
    sound = ("-c:a", "copy", "-bsf:a", "aac_adtstoasc") if may_copy and audio and audio.codec_name == "aac" else _SOUND
    end = (*_CLEAN, *_WITHOUT_TEXT_IN_FRAMES, *longest, "-movflags", "+faststart", "-f", "mp4")
    if may_copy and _is_copied(video, ("h264",)):
        return Plan((*streams, "-c:v", "copy", *sound, *end), "video/mp4", "mp4", copies=True)
    return Plan((*streams, *_video(video), *sound, *end), "video/mp4", "mp4", copies=False)


def _is_copied(video: Stream, codecs: tuple[str, ...]) -> bool:
    return (
        video.codec_name in codecs and video.pix_fmt in _PLAYED_COLOURS and video.frame_rate <= _COPIED_RATE
        and video.sample_aspect_ratio in ("", "1:1", "0:1", "N/A")
    )


def _video(video: Stream) -> tuple[str, ...]:
    width, height = shown_size(video)
    ratio = min(1.0, (_PIXELS / (width * height)) ** 0.5)
    even = [max(2, 2 * round(side * ratio / 2)) for side in (width, height)]
    return (
        "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-crf", "24", "-maxrate", "4M", "-bufsize", "8M", "-threads",
        str(max(1, (os.cpu_count() or 1) // 2)), "-pix_fmt", "yuv420p", "-fpsmax", str(_COPIED_RATE),
        "-vf", f"scale={even[0]}:{even[1]},setsar=1",
    )


def shown_size(video: Stream) -> tuple[int, int]:
    """The size in square pixels, upright."""
    width, height = video.size
    across, _, down = video.sample_aspect_ratio.partition(":")
    if across.isdigit() and down.isdigit() and int(across) and int(down):
        ratio = max(0.1, min(10.0, int(across) / int(down)))
        is_turned = video.size != (video.width, video.height)
        return (width, round(height * ratio)) if is_turned else (round(width * ratio), height)
    return width, height


def _sound_alone(audio: Stream, *, may_copy: bool) -> Plan:
    streams, longest = ("-map", f"0:{audio.index}"), ("-t", str(MOST_SECONDS_OF_AUDIO))
    if may_copy and audio.codec_name == "mp3":
        end = ("-vn", *_CLEAN, *longest, "-id3v2_version", "0", "-write_id3v1", "0", "-f", "mp3")
        return Plan((*streams, "-c:a", "copy", *end), "audio/mpeg", "mp3", copies=True)
    is_copied = may_copy and audio.codec_name == "aac"
    sound = ("-c:a", "copy", "-bsf:a", "aac_adtstoasc") if is_copied else _SOUND
    return Plan((*streams, *sound, "-vn", *_CLEAN, *longest, "-movflags", "+faststart", "-f", "mp4"), "audio/mp4", "m4a", copies=is_copied)
