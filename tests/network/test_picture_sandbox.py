"""The sandbox: why it refuses a picture, and that its limits of memory and time hold."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from folkmoot.base.errors import Invalid
from folkmoot.network.media import sandbox
from folkmoot.network.media.model import MOST_FRAMES, Purpose, Reencoded, Refusal, Refused
from tests import series
from tests.api.test_accounts import picture

_ROOT = Path(__file__).resolve().parents[2]


def _saved(image: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def _png_of(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + b"\0\0\0\0IEND\xaeB`\x82"


def _long_gif() -> bytes:
    dot = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + dot * (MOST_FRAMES + 1) + b";"


_REFUSED: dict[str, tuple[Callable[[], bytes], str, dict[str, int]]] = {
    "no picture": (lambda: b"text", "not a picture", {}),
    "video": (lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "not a picture", {}),
    "cut off": (lambda: _saved(Image.effect_noise((200, 200), 90), "JPEG")[:4000], "damaged", {}),
    "too many pixels": (lambda: _png_of(20_000, 20_000), "too many pixels", {"limit": 64}),
    "too many frames": (_long_gif, "too long", {"limit": MOST_FRAMES}),
}


@pytest.mark.parametrize("name", _REFUSED)
async def test_a_refusal_says_why_and_names_the_limit(name: str) -> None:
    upload, words, params = _REFUSED[name]
    with pytest.raises(Invalid) as caught:
        await sandbox.run(upload(), Purpose.ATTACHMENT)
    (error,) = caught.value.errors
    assert words in error.message
    assert (error.field, error.params) == ("file", params)
    assert error.code == ("too_large" if params else "invalid")


async def test_a_picture_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.001)
    with pytest.raises(Invalid) as caught:
        await sandbox.run(picture(), Purpose.ATTACHMENT)
    assert "too much work" in caught.value.errors[0].message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_a_picture_that_needs_too_much_memory_is_refused() -> None:
    upload = _saved(Image.new("RGB", (6000, 6000)), "PNG")
    assert isinstance(_answer(upload), Reencoded)
    limited = "import folkmoot.network.media.reencode as it; it.MEMORY = 96 * 1024 * 1024; it.main()"
    assert _answer(upload, "-c", limited) == Refused(Refusal.COSTLY)


def _answer(upload: bytes, *command: str) -> Reencoded | Refused:
    command = command or ("-m", "folkmoot.network.media.reencode")
    done = subprocess.run([sys.executable, *command, "attachment"], input=upload, capture_output=True, cwd=_ROOT, check=True)
    size = int.from_bytes(done.stdout[:4])
    return msgspec.json.decode(done.stdout[4 : 4 + size], type=Reencoded | Refused)


def _shades(width: int, height: int) -> Image.Image:
    return Image.merge("RGB", [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L").rotate(90)]).resize(
        (width, height)
    )


def _with_alpha(width: int, height: int) -> Image.Image:
    image = _shades(width, height)
    image.putalpha(Image.radial_gradient("L").resize((width, height)))
    return image


def _heic() -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return _saved(_shades(8000, 8000), "HEIF", quality=20, grid_tile_size=512)


_LARGEST: dict[str, Callable[[], bytes]] = {
    "progressive JPEG": lambda: _saved(_shades(8000, 8000), "JPEG", progressive=True, subsampling=0),
    "JPEG": lambda: _saved(_shades(15_800, 15_800), "JPEG"),
    "PNG with alpha": lambda: _saved(_with_alpha(8000, 8000), "PNG", compress_level=1),
    "PNG of 16 bits": lambda: _saved(Image.linear_gradient("L").resize((8000, 8000)).convert("I;16"), "PNG", compress_level=1),
    "HEIC": _heic,
    "AVIF": lambda: _saved(_shades(6320, 6320), "AVIF", speed=10, quality=30, subsampling="4:4:4"),
    "GIF": lambda: _saved(_shades(6320, 6320).quantize(64), "GIF"),
    "WebP with alpha": lambda: _saved(_with_alpha(5290, 5290), "WEBP", method=0, quality=30),
}


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux counts it")
def test_the_largest_pictures_need_at_most_512_mebibytes() -> None:
    Image.MAX_IMAGE_PIXELS = None
    names = list(_LARGEST) if series.is_long() else series.dice("largest pictures").sample(list(_LARGEST), 1)
    for name in names:
        upload = _LARGEST[name]()
        for purpose in Purpose if series.is_long() else [Purpose.ATTACHMENT]:
            answer, mebibytes = _measured(upload, purpose)
            assert isinstance(answer, Reencoded), (name, purpose, answer)
            assert mebibytes <= 512, (name, purpose, mebibytes)


def _measured(upload: bytes, purpose: Purpose) -> tuple[Reencoded | Refused, int]:
    """The answer of the sandbox, and its largest memory. A small process starts it, because it inherits the count."""
    starter = (
        "import resource, subprocess, sys; out = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True).stdout\n"
        "size = 4 + int.from_bytes(out[:4]); used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "sys.stdout.buffer.write(b'%d ' % used + out[4:size])"
    )
    command = [sys.executable, "-c", starter, sys.executable, "-m", "folkmoot.network.media.reencode", purpose]
    used, _, header = subprocess.run(command, input=upload, capture_output=True, cwd=_ROOT, check=True).stdout.partition(b" ")
    return msgspec.json.decode(header, type=Reencoded | Refused), int(used) // 1024
