"""Animations keep the time of each frame and the number of plays; what is too long is refused with a reason.

`tests/web/test_animations_in_browsers.py` compares the frames themselves with those of a browser.
"""

import io
import struct
from itertools import accumulate

import pytest
from PIL import Image

from folkmoot.network.media.decoding.boxes import FOREVER
from folkmoot.network.media.decoding.opening import PictureRefused
from folkmoot.network.media.model import MOST_FRAMES, MOST_PIXELS, MOST_PIXELS_OF_FRAMES, Format, Purpose, Refusal, Refused
from folkmoot.network.media.reencode import reencode

_COLOURS = ("red", "lime", "blue", "yellow", "white", "black")


def _animated(format_: str, times: list[float], *, size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    frames = [Image.new("RGB", size, _COLOURS[number % 6]) for number in range(len(times))]
    out = io.BytesIO()
    frames[0].save(out, format_, save_all=True, append_images=frames[1:], duration=times, **options)
    return out.getvalue()


def _stored(upload: bytes) -> tuple[list[int], int, list[tuple[int, ...]]]:
    """(milliseconds, plays, colours) of the frames."""
    header, original, _ = reencode(upload, Purpose.ATTACHMENT)
    assert header.mime == "image/webp"
    picture = Image.open(io.BytesIO(original))
    times, colours = [], []
    for number in range(picture.n_frames):  # type: ignore[attr-defined]
        picture.seek(number)
        picture.load()
        times.append(picture.info["duration"])
        colours.append(picture.convert("RGB").getpixel((20, 15)))
    return times, picture.info["loop"], colours  # type: ignore[return-value]


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "AVIF"])
def test_each_frame_keeps_its_time(format_: str) -> None:
    times, plays, colours = _stored(_animated(format_, [100, 100, 100, 3000, 40, 20], loop=0))
    assert times == [100, 100, 100, 3000, 40, 20]
    assert plays == FOREVER
    expected = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255), (0, 0, 0))
    for found, colour in zip(colours, expected, strict=True):
        assert all(abs(one - two) < 12 for one, two in zip(found, colour, strict=True)), (found, colour)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
def test_frames_that_browsers_slow_down_are_stored_slow(format_: str) -> None:
    times, _, _ = _stored(_animated(format_, [10, 20, 10, 50], loop=0))
    assert times == [100, 20, 100, 50]


def test_a_gif_without_times_plays_ten_frames_a_second() -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in _COLOURS[:3]]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], loop=0)
    assert _stored(out.getvalue())[0] == [100, 100, 100]


def test_rounded_times_do_not_add_up() -> None:
    times, _, _ = _stored(_animated("PNG", [1000 / 30] * 90, loop=0))
    assert [round(1000 / 30 * number) for number in range(1, 91)] == list(accumulate(times))


@pytest.mark.parametrize(("format_", "options", "plays"), [
    ("GIF", {}, 1), ("GIF", {"loop": 0}, FOREVER), ("GIF", {"loop": 1}, 2), ("GIF", {"loop": 4}, 5), ("GIF", {"loop": 65535}, 65535),
    ("PNG", {"loop": 1}, 1), ("PNG", {"loop": 0}, FOREVER), ("PNG", {"loop": 3}, 3),
    ("WEBP", {"loop": 1}, 1), ("WEBP", {"loop": 0}, FOREVER), ("WEBP", {"loop": 3}, 3), ("AVIF", {}, FOREVER),
])
def test_an_animation_plays_as_often_as_before(format_: str, options: dict[str, object], plays: int) -> None:
    assert _stored(_animated(format_, [100, 200], **options))[1] == plays


@pytest.mark.parametrize(("repeats", "segments", "plays"), [(False, 1, 1), (True, 3, 3), (True, None, FOREVER)])
def test_an_avif_plays_as_its_edit_list_says(repeats: bool, segments: int | None, plays: int) -> None:
    upload = bytearray(_animated("AVIF", [100, 200]))
    edits, header = upload.index(b"elst") + 4, upload.index(b"tkhd") + 4
    assert (upload[edits], upload[header]) == (1, 1), "the encoder writes version 1 of both"
    upload[edits + 3] = repeats
    segment = int.from_bytes(upload[edits + 8 : edits + 16])
    upload[header + 28 : header + 36] = (segment * segments if segments else 2**64 - 1).to_bytes(8)
    assert _stored(bytes(upload))[1] == plays


def test_the_hidden_first_picture_of_an_apng_is_never_shown() -> None:
    hidden, *seen = [Image.new("RGB", (40, 30), colour) for colour in ("magenta", "lime", "blue")]
    out = io.BytesIO()
    hidden.save(out, "PNG", save_all=True, append_images=seen, default_image=True, duration=[100, 100])
    times, _, colours = _stored(out.getvalue())
    assert len(times) == 2
    assert all(red < 20 for red, _, _ in colours)
    for purpose in (Purpose.AVATAR, Purpose.HEADER):
        _, original, preview = reencode(out.getvalue(), purpose)
        for part in (original, preview):
            assert Image.open(io.BytesIO(part)).convert("RGB").getpixel((9, 9)) == (0, 255, 0)


def _refused(upload: bytes, purpose: Purpose = Purpose.ATTACHMENT) -> Refused:
    with pytest.raises(PictureRefused) as caught:
        reencode(upload, purpose)
    return caught.value.refused


def test_an_animation_that_is_too_long_is_refused_with_the_limit() -> None:
    shades = [Image.new("L", (2, 2), number % 256) for number in range(MOST_FRAMES + 1)]
    out = io.BytesIO()
    shades[0].save(out, "GIF", save_all=True, append_images=shades[1:], duration=20)
    assert _refused(out.getvalue()) == Refused(Refusal.FRAMES, MOST_FRAMES)
    assert reencode(out.getvalue(), Purpose.AVATAR)[0].width == 400  # an avatar is its first frame


def test_an_animation_that_is_too_large_is_refused_with_the_limit() -> None:
    dot = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    screen = b"GIF89a" + struct.pack("<HHBBB", 6000, 6000, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    assert 7 * 6000 * 6000 > MOST_PIXELS_OF_FRAMES  # noqa: SIM300
    assert _refused(screen + 7 * dot + b";") == Refused(Refusal.FRAME_PIXELS, MOST_PIXELS_OF_FRAMES)
    outside = dot.replace(struct.pack("<HH", 1, 1), struct.pack("<HH", 6000, 6000))
    small = screen.replace(struct.pack("<HH", 6000, 6000), struct.pack("<HH", 1, 1))
    assert _refused(small + dot + 7 * outside + b";") == Refused(Refusal.FRAME_PIXELS, MOST_PIXELS_OF_FRAMES)
    larger = screen.replace(struct.pack("<HH", 6000, 6000), struct.pack("<HH", 60_000, 60_000))
    assert _refused(larger + dot + b";") == Refused(Refusal.PIXELS, MOST_PIXELS[Format.GIF])


def test_a_long_animation_stays_one() -> None:
    header, original, _ = reencode(_animated("GIF", [50] * 400, size=(40, 30), loop=0), Purpose.ATTACHMENT)
    assert (header.width, header.height) == (40, 30)
    picture = Image.open(io.BytesIO(original))
    assert picture.n_frames == 400  # type: ignore[attr-defined]


def test_the_frames_of_a_large_animation_are_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.network.media.reencode._ENCODED_PIXELS", 20 * 6000)
    header, _, _ = reencode(_animated("GIF", [50] * 20, size=(120, 100), loop=0), Purpose.ATTACHMENT)
    assert 0.97 < header.width * header.height / 6000 < 1.03


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_that_is_cut_off_is_refused(format_: str) -> None:
    upload = _animated(format_, [100] * 6, size=(64, 64))
    with pytest.raises(Exception, match=r"."):
        reencode(upload[: len(upload) * 2 // 3], Purpose.ATTACHMENT)
