"""A re-encoded picture looks as the upload did: all modes, depths, kinds of transparency, colour profiles and orientations."""

import io
import struct
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image, ImageCms

from folkmoot.network.media.decoding.colours import matrix_profile
from folkmoot.network.media.decoding.pixels import shrunk
from folkmoot.network.media.model import Purpose
from folkmoot.network.media.reencode import reencode

_D65 = (0.3127, 0.3290)
_P3 = (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_SRGB = (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(depth: int, colour: int, row: bytes, width: int, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG of one row."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0))
    chunks = b"".join(_chunk(kind, data) for kind, data in extra)
    return b"\x89PNG\r\n\x1a\n" + head + chunks + _chunk(b"IDAT", zlib.compress(b"\0" + row)) + _chunk(b"IEND", b"")


def _saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def _stored(upload: bytes, purpose: Purpose = Purpose.ATTACHMENT) -> Image.Image:
    _, original, _ = reencode(upload, purpose)
    return Image.open(io.BytesIO(original))


def _row(upload: bytes) -> list[tuple[int, ...]]:
    picture = _stored(upload).convert("RGBA")
    return [picture.getpixel((place, 0)) for place in range(picture.width)]  # type: ignore[misc]


_CLEAR = (0, 0, 0, 0)
_ROWS = {
    "1 bit": (_png(1, 0, b"\x80", 2), [(255, 255, 255, 255), (0, 0, 0, 255)]),
    "1 bit with a transparent shade": (_png(1, 0, b"\x80", 2, (b"tRNS", b"\0\1")), [_CLEAR, (0, 0, 0, 255)]),
    "2 bits with a transparent shade": (_png(2, 0, b"\xb0", 2, (b"tRNS", b"\0\2")), [_CLEAR, (255, 255, 255, 255)]),
    "4 bits with a transparent shade": (_png(4, 0, b"\xb3", 2, (b"tRNS", b"\0\x0b")), [_CLEAR, (51, 51, 51, 255)]),
    "8 bits with a transparent shade": (_png(8, 0, b"\x10\x20", 2, (b"tRNS", b"\0\x10")), [_CLEAR, (32, 32, 32, 255)]),
    "16-bit grey": (
        _png(16, 0, struct.pack(">5H", 0, 257, 0x8080, 0xFF00, 0xFFFF), 5),
        [(0, 0, 0, 255), (1, 1, 1, 255), (128, 128, 128, 255), (254, 254, 254, 255), (255, 255, 255, 255)],
    ),
    "16-bit grey with a transparent shade": (
        _png(16, 0, struct.pack(">3H", 0x1234, 0x1235, 0xFFFF), 3, (b"tRNS", b"\x12\x34")), [_CLEAR, (18, 18, 18, 255), (255,) * 4]
    ),
    "16-bit grey with alpha": (
        _png(16, 4, struct.pack(">4H", 0x8080, 0xFFFF, 0xFFFF, 0x8080), 2), [(128, 128, 128, 255), (255, 255, 255, 128)]
    ),
    "16-bit colours": (_png(16, 2, struct.pack(">3H", 0x1212, 0x8080, 0xFFFF), 1), [(18, 128, 255, 255)]),
    "16-bit colours with a transparent one": (
        _png(16, 2, struct.pack(">6H", 0x1212, 0x8080, 0xFFFF, 1, 2, 3), 2, (b"tRNS", struct.pack(">3H", 0x1212, 0x8080, 0xFFFF))),
        [_CLEAR, (0, 0, 0, 255)],
    ),
    "16-bit colours with alpha": (_png(16, 6, struct.pack(">4H", 0x1212, 0x8080, 0xFFFF, 0x4040), 1), [(18, 128, 255, 64)]),
    "8-bit colours with a transparent one": (
        _png(8, 2, b"\x10\x20\x30\1\2\3", 2, (b"tRNS", b"\0\x10\0\x20\0\x30")), [_CLEAR, (1, 2, 3, 255)]
    ),
    "palette": (_png(8, 3, b"\1\0", 2, (b"PLTE", b"\1\2\3\xff\x80\0")), [(255, 128, 0, 255), (1, 2, 3, 255)]),
    "palette with half transparent colours": (
        _png(8, 3, b"\1\0", 2, (b"PLTE", b"\1\2\3\xff\x80\0"), (b"tRNS", b"\x80\x40")), [(255, 128, 0, 64), (1, 2, 3, 128)]
    ),
    "palette of two colours": (_png(1, 3, b"\x40", 2, (b"PLTE", b"\1\2\3\xff\x80\0"), (b"tRNS", b"\0")), [_CLEAR, (255, 128, 0, 255)]),
}


@pytest.mark.parametrize("name", _ROWS)
def test_pixels_of_all_kinds_of_png_are_kept(name: str) -> None:
    upload, expected = _ROWS[name]
    assert _row(upload) == expected


def test_a_ramp_of_16_bit_greys_keeps_256_shades() -> None:
    upload = _png(16, 0, struct.pack(">256H", *(shade * 257 for shade in range(256))), 256)
    assert _row(upload) == [(shade, shade, shade, 255) for shade in range(256)]


@pytest.mark.parametrize("format_", ["WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pictures_of_other_formats_keep_their_colours(format_: str, mode: str) -> None:
    _load(format_)
    picture = Image.new("RGBA", (64, 64), (200, 100, 50, 255)).convert(mode)
    if mode[-1] == "A":
        picture.putalpha(128)
    _assert_near(_stored(_saved(picture, format_, quality=100)).convert("RGBA"), picture.convert("RGBA").getpixel((0, 0)), 6)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpegs_of_all_colour_spaces_keep_their_colours(mode: str) -> None:
    picture = Image.new("RGB", (64, 64), (200, 100, 50)).convert(mode)
    upload = _saved(picture, "JPEG", quality=95)  # Pillow writes CMYK as Adobe does, inverted
    assert mode != "CMYK" or b"Adobe" in upload
    _assert_near(_stored(upload).convert("RGBA"), (*picture.convert("RGB").getpixel((0, 0)), 255), 4)  # type: ignore[misc]


def _assert_near(picture: Image.Image, colour: object, most: int) -> None:
    found = picture.getpixel((picture.width // 2, picture.height // 2))
    assert all(abs(one - two) <= most for one, two in zip(found, colour, strict=True)), (found, colour)  # type: ignore[call-overload]


def _load(format_: str) -> None:
    if format_ == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()


def _in_srgb(colour: tuple[int, int, int]) -> tuple[int, ...]:
    """A colour of Display P3 in sRGB, computed with the matrix of CSS Color 4."""
    light = [(value / 255 + 0.055) ** 2.4 / 1.055**2.4 if value > 10 else value / 255 / 12.92 for value in colour]
    matrix = ((1.2249401763, -0.2249401763, 0.0), (-0.0420569547, 1.0420569547, 0.0), (-0.0196375546, -0.0786360456, 1.0982736001))
    mixed = [sum(part * value for part, value in zip(row, light, strict=True)) for row in matrix]
    return tuple(round(255 * (1.055 * max(0.0, min(1.0, value)) ** (1 / 2.4) - 0.055)) for value in mixed)


_ORANGE = (200, 120, 60)


def _with_profile(mode: str, format_: str, profile: bytes) -> bytes:
    picture = Image.new("RGB", (64, 64), _ORANGE)
    if mode == "P":
        picture = picture.quantize(4)
    elif mode == "RGBA":
        picture.putalpha(128)
    return _saved(picture, format_, icc_profile=profile, **({"quality": 98} if format_ != "PNG" else {}))


@pytest.mark.parametrize(("mode", "format_"), [
    ("P", "PNG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP"), ("RGBA", "WEBP"), ("RGB", "AVIF"), ("RGB", "HEIF"),
])
def test_a_wide_profile_is_converted_to_srgb(mode: str, format_: str) -> None:
    _load(format_)
    profile = matrix_profile(_P3, _CURVE)
    assert profile is not None
    found = _stored(_with_profile(mode, format_, profile))
    assert "icc_profile" not in found.info
    expected = _in_srgb(_ORANGE)
    assert expected[0] - _ORANGE[0] > 10, "the conversion is visible"
    _assert_near(found.convert("RGB"), expected, 2 if format_ == "PNG" else 6)


def test_a_profile_of_greys_is_converted() -> None:
    linear = ImageCms.ImageCmsProfile(io.BytesIO(_grey_profile())).tobytes()
    for mode in ("L", "LA"):
        picture = Image.new("L", (8, 8), 55)
        if mode == "LA":
            picture.putalpha(200)
        found = _stored(_saved(picture, "PNG", icc_profile=linear)).convert("RGBA")
        _assert_near(found, (128, 128, 128, 200 if mode == "LA" else 255), 2)  # 55/255 of the light is a middle grey


def _grey_profile() -> bytes:
    """An ICC profile of linear greys."""
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    start = 128 + 4 + 24
    table = struct.pack(">I4sII4sII", 2, b"kTRC", start, len(curve), b"wtpt", start + len(curve), len(white))
    head = struct.pack(">I4sI4s4s4s", start + len(curve) + len(white), b"none", 0x02000000, b"mntr", b"GRAY", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + curve + white


def test_a_profile_for_another_colour_space_is_left_out() -> None:
    upload = _saved(Image.new("RGB", (8, 8), _ORANGE), "PNG", icc_profile=_grey_profile())
    _assert_near(_stored(upload), _ORANGE, 0)
    _assert_near(_stored(_saved(Image.new("RGB", (8, 8), _ORANGE), "PNG", icc_profile=b"no profile")), _ORANGE, 0)


def test_chunks_of_a_png_say_its_colours() -> None:
    row, srgb = bytes(_ORANGE), _in_srgb(_ORANGE)
    chromaticities = struct.pack(">8I", *(round(value * 100_000) for point in _P3 for value in point))
    _assert_near(_stored(_png(8, 2, row, 1, (b"cICP", bytes((12, 13, 0, 1))))), srgb, 2)
    _assert_near(_stored(_png(8, 2, row, 1, (b"cHRM", chromaticities))), srgb, 2)
    _assert_near(_stored(_png(8, 0, b"\x37", 1, (b"gAMA", struct.pack(">I", 100_000)))).convert("RGB"), (128, 128, 128), 2)
    for usual in ((b"gAMA", struct.pack(">I", 45455)), (b"sRGB", b"\0"), (b"cICP", bytes((1, 13, 0, 1)))):
        _assert_near(_stored(_png(8, 2, row, 1, usual)), _ORANGE, 0)
    absurd = struct.pack(">8I", *[0] * 8)
    _assert_near(_stored(_png(8, 2, row, 1, (b"cHRM", absurd))), _ORANGE, 0)


def test_a_made_profile_agrees_with_the_built_in_one() -> None:
    made = matrix_profile(_SRGB, _CURVE)
    assert made is not None
    transform = ImageCms.buildTransform(ImageCms.ImageCmsProfile(io.BytesIO(made)), ImageCms.createProfile("sRGB"), "RGB", "RGB")
    ramp = Image.merge("RGB", [Image.linear_gradient("L"), Image.linear_gradient("L").rotate(90), Image.radial_gradient("L")])
    converted = transform.apply(ramp)
    assert all(abs(one - two) <= 1 for one, two in zip(converted.tobytes(), ramp.tobytes(), strict=True))


# -- orientation ----------------------------------------------------------------------------------------------------

_CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))  # top left, top right, bottom left, bottom right
_SHOWN = {  # the corners as a viewer sees them, by EXIF orientation
    1: (0, 1, 2, 3), 2: (1, 0, 3, 2), 3: (3, 2, 1, 0), 4: (2, 3, 0, 1), 5: (0, 2, 1, 3), 6: (2, 0, 3, 1), 7: (3, 1, 2, 0), 8: (1, 3, 0, 2),
}


def _four_corners() -> Image.Image:
    picture = Image.new("RGB", (96, 64))
    for number, colour in enumerate(_CORNERS):
        picture.paste(colour, (48 * (number % 2), 32 * (number // 2), 48 * (number % 2) + 48, 32 * (number // 2) + 32))
    return picture


def _corners(picture: Image.Image) -> Iterator[int]:
    for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        found = picture.convert("RGB").getpixel((int(picture.width * x), int(picture.height * y)))
        yield min(range(4), key=lambda number: sum(abs(a - b) for a, b in zip(found, _CORNERS[number], strict=True)))  # type: ignore[arg-type]


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "HEIF with properties"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_stored_upright(format_: str, orientation: int) -> None:
    format_, _, with_properties = format_.partition(" ")
    _load(format_)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = _four_corners()
    if with_properties:  # the encoder then writes them as cameras do, beside EXIF
        picture.info["exif"] = exif.tobytes()
    upload = _saved(picture, format_, **({} if with_properties else {"exif": exif}))
    assert not with_properties or orientation == 1 or b"irot" in upload or b"imir" in upload
    found = _stored(upload)
    assert found.size == ((96, 64) if orientation < 5 else (64, 96))
    assert tuple(_corners(found)) == _SHOWN[orientation]
    assert tuple(_corners(_stored(upload, Purpose.AVATAR))) == _SHOWN[orientation]


def test_a_malformed_exif_block_is_no_reason_to_refuse() -> None:
    for exif in (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\2\0\0\0\2x\0\0\0"):
        assert _stored(_saved(_four_corners(), "JPEG", exif=exif)).size == (96, 64)


# -- large pictures --------------------------------------------------------------------------------------------------


def test_transparent_pictures_are_shrunk_in_bands_without_seams() -> None:
    picture = Image.linear_gradient("L").resize((500, 3001)).convert("RGBA")
    picture.putalpha(Image.radial_gradient("L").resize((500, 3001)))
    for most in (1_000_000, 500_000, 40_000):
        found = shrunk(picture, most)
        reference = picture.resize(found.size, Image.Resampling.LANCZOS)
        assert found.size[0] * found.size[1] <= most * 1.01
        pairs = zip(found.convert("RGBa").tobytes(), reference.convert("RGBa").tobytes(), strict=True)  # as they are seen
        assert all(abs(one - two) <= 2 for one, two in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("megapixels", [50, 108, 200])
def test_photos_of_phones_are_taken(megapixels: int) -> None:
    width, height = {50: (8160, 6120), 108: (12000, 9000), 200: (16320, 12240)}[megapixels]
    upload = _saved(_four_corners().resize((width, height), Image.Resampling.NEAREST), "JPEG", quality=30)
    header, original, _ = reencode(upload, Purpose.ATTACHMENT)
    assert 0.98 < header.width * header.height / (3840 * 2160) < 1.001
    assert abs(header.width / header.height - width / height) < 0.01
    assert tuple(_corners(Image.open(io.BytesIO(original)))) == (0, 1, 2, 3)
