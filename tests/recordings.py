"""Small recordings for tests, made by ffmpeg with tags that tell where and by whom they were made. Tests are skipped without ffmpeg."""

import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CANARY = "CANARY50.0755N14.4378E"
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg") or not shutil.which("ffprobe"), reason="ffmpeg is not installed")
_TAGS = (
    "-metadata", f"title={CANARY}", "-metadata", "location=+50.0755+014.4378/", "-metadata", f"artist={CANARY}", "-metadata:s",
    f"title={CANARY}", "-metadata:s", f"handler_name={CANARY}",
)
_PICTURE, _SOUND = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1"), ("-f", "lavfi", "-i", "sine=d=1")
_MADE = {
    "mp4": (*_PICTURE, *_SOUND, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"),
    "silent.mp4": (*_PICTURE, "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    "webm": (*_PICTURE, *_SOUND, "-pix_fmt", "yuv420p", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"),
    "mkv": (*_PICTURE, *_SOUND, "-c:v", "mpeg4", "-c:a", "flac"),
    "ts": (*_PICTURE, *_SOUND, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"),
    "mp3": _SOUND,
    "wav": _SOUND,
}


@cache
def recording(kind: str) -> bytes:
    """A second of a test picture of 64 × 48 pixels, of a tone, or of both."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"made.{kind}"
        subprocess.run(["ffmpeg", "-v", "error", *_MADE[kind], *_TAGS, str(file)], check=True, stdin=subprocess.DEVNULL)
        return file.read_bytes()


def probed(content: bytes) -> dict[str, Any]:
    """All that ffprobe finds in a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(content)
        command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json", str(file)]
        return dict(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
