"""Animations show the same frames, for the same times, as often as in Chromium, which decodes the uploads as a reference.

GIFs and APNGs are made at random: all disposals and blends, transparent and half transparent pixels, frames of all sizes
and places, own and shared colours, delays of 0 and 10 ms, all kinds of loops.
"""

import base64
import io
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page

from folkmoot.network.media.decoding.apng import read_apng
from folkmoot.network.media.decoding.gif import read_gif
from folkmoot.network.media.model import Purpose
from folkmoot.network.media.reencode import reencode
from tests import series

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop

_DECODE = """async ([content, type]) => {
    const data = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const decoder = new ImageDecoder({ data, type });
    await Promise.all([decoder.completed, decoder.tracks.ready]);
    const track = decoder.tracks.selectedTrack, found = { repetitions: String(track.repetitionCount), frames: [] };
    for (let frameIndex = 0; frameIndex < track.frameCount; frameIndex++) {
        const { image } = await decoder.decode({ frameIndex });
        const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight), context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let text = "";
        for (let start = 0; start < pixels.length; start += 32768) text += String.fromCharCode(...pixels.subarray(start, start + 32768));
        found.frames.push([image.duration / 1000, canvas.width, canvas.height, btoa(text)]);
        image.close();
    }
    return found;
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.route("https://folkmoot.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("https://folkmoot.test/")  # the decoder exists on secure pages only
    yield page
    page.close()


def _by_browser(page: Page, content: bytes, mime: str) -> tuple[str, list[tuple[float, Image.Image]]]:
    found: dict[str, Any] = page.evaluate(_DECODE, [base64.b64encode(content).decode(), mime])
    frames = [(ms, Image.frombytes("RGBA", (width, height), base64.b64decode(text))) for ms, width, height, text in found["frames"]]
    return found["repetitions"], frames


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _box(dice: random.Random, size: tuple[int, int], beyond: int = 0) -> tuple[int, int, int, int]:
    width, height = dice.randint(1, size[0] + beyond), dice.randint(1, size[1] + beyond)
    return dice.randint(0, max(0, size[0] + beyond - width)), dice.randint(0, max(0, size[1] + beyond - height)), width, height


def _gif(dice: random.Random, size: tuple[int, int]) -> bytes:
    def table() -> bytes:
        return dice.randbytes(3 * 8)

    out = b"GIF89a" + struct.pack("<HHBBB", *size, 0x82, dice.randrange(8), 0) + table()
    loops = dice.choice([None, 0, 1, 7])
    if loops is not None:
        out += b"\x21\xff\x0b" + dice.choice([b"NETSCAPE2.0", b"ANIMEXTS1.0"]) + b"\x03\x01" + struct.pack("<H", loops) + b"\0"
    for number in range(dice.randint(2, 6)):
        left, top, width, height = _box(dice, size, beyond=4 * (number > 0))
        frame = Image.frombytes("P", (width, height), bytes(dice.randrange(8) for _ in range(width * height)))
        frame.putpalette(bytes(range(24)) + bytes(744))
        packed = io.BytesIO()
        frame.save(packed, "GIF", interlace=dice.randrange(2), optimize=False)
        content = packed.getvalue()
        start = content.index(b"\x2c", 13 + 3 * 2 ** ((content[10] & 7) + 1))
        own = table() if dice.random() < 0.4 else b""
        if dice.random() < 0.8:
            flags = dice.randrange(4) << 2 | dice.randrange(2)
            out += b"\x21\xf9\x04" + bytes([flags]) + struct.pack("<HB", dice.choice([0, 1, 2, 9, 300]), dice.randrange(8)) + b"\0"
        descriptor = struct.pack("<HHHHB", left, top, width, height, content[start + 9] & 0x40 | (0x82 if own else 0))
        out += b"\x2c" + descriptor + own + content[start + 10 : content.rindex(b"\x3b")]
    return out + b"\x3b" * dice.randrange(2)


def _apng(dice: random.Random, size: tuple[int, int]) -> bytes:
    colour, samples = dice.choice([(0, 1), (2, 3), (3, 1), (4, 2), (6, 4)])
    tables = b""
    if colour == 3:
        tables = _chunk(b"PLTE", dice.randbytes(24)) + _chunk(b"tRNS", dice.randbytes(dice.randint(1, 8)))
    elif colour in (0, 2) and dice.random() < 0.5:
        tables = _chunk(b"tRNS", b"\0\0" * samples)

    def rows(width: int, height: int) -> bytes:
        def value() -> int:
            return dice.randrange(8) if colour == 3 else dice.choice([0, 0, 60, 128, 255])
        return zlib.compress(b"".join(b"\0" + bytes(value() for _ in range(width * samples)) for _ in range(height)))

    def control(sequence: int, box: tuple[int, int, int, int]) -> bytes:
        delay = dice.choice([(0, 0), (1, 100), (1, 30), (5, 0), (250, 1000), (2, 1)])
        places = struct.pack(">IIIII", sequence, box[2], box[3], box[0], box[1])
        return _chunk(b"fcTL", places + struct.pack(">HHBB", *delay, dice.randrange(3), dice.randrange(2)))

    count, is_hidden, sequence = dice.randint(2, 6), dice.random() < 0.3, 0
    out = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, colour, 0, 0, 0))
    out += _chunk(b"acTL", struct.pack(">II", count, dice.choice([0, 1, 3]))) + tables
    for number in range(-is_hidden, count):
        box = (0, 0, *size) if number <= 0 else _box(dice, size)
        if number >= 0:
            out += control(sequence, box)
            sequence += 1
        data = rows(box[2], box[3])
        if number == -1 or (number == 0 and not is_hidden):
            out += _chunk(b"IDAT", data)
        else:
            out += _chunk(b"fdAT", struct.pack(">I", sequence) + data)
            sequence += 1
    return out + _chunk(b"IEND", b"")


def _furthest(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of two pictures drawn on black and on white."""
    found = 0
    for shade in ("black", "white"):
        drawn = [Image.alpha_composite(Image.new("RGBA", picture.size, shade), picture).convert("RGB") for picture in (one, other)]
        found = max(found, *(high for _, high in ImageChops.difference(*drawn).getextrema()))
    return found


@pytest.mark.parametrize("kind", ["GIF", "APNG"])
def test_frames_times_and_plays_are_those_of_a_browser(page: Page, kind: str) -> None:
    dice = series.dice(f"animations {kind}")
    for number in range(series.length(25, 400)):
        size = (dice.randint(1, 24), dice.randint(1, 24))
        upload = (_gif if kind == "GIF" else _apng)(dice, size)
        repetitions, wanted = _by_browser(page, upload, "image/gif" if kind == "GIF" else "image/apng")
        animation = read_gif(upload) if kind == "GIF" else read_apng(upload, Image.open(io.BytesIO(upload)))
        assert animation is not None
        frames = [frame.copy() for frame, _ in animation.frames]
        assert len(frames) == len(wanted), number
        for place, (frame, (_, reference)) in enumerate(zip(frames, wanted, strict=True)):
            assert frame.size == reference.size
            assert _furthest(frame, reference) <= 3, (number, place)  # the rounding of half transparent pixels
        header, stored, _ = reencode(upload, Purpose.ATTACHMENT)
        again, shown = _by_browser(page, stored, header.mime)
        if len(shown) == 1:  # all frames were equal
            continue
        assert again == repetitions, number
        assert abs(_length(shown) - _length(wanted)) <= 1, number  # whole milliseconds
        if len(shown) == len(wanted):  # equal frames may be stored as one
            assert all(abs(_length(shown[:end]) - _length(wanted[:end])) <= 1 for end in range(1, len(wanted))), number


def _length(frames: list[tuple[float, Image.Image]]) -> float:
    """How long the frames are shown, as browsers show very short ones."""
    return sum(100 if ms <= 10 else ms for ms, _ in frames)
