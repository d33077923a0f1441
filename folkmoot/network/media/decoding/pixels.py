"""Turns a decoded picture into plain pixels: 8 bits, RGB or RGBA, upright, in sRGB, and nothing else.

Every step makes a new picture without metadata. Pixels that are fully transparent lose their hidden colours.
"""

import io
import logging
import math
from collections.abc import Callable

from PIL import Image, ImageCms, ImageOps

from folkmoot.network.media.decoding.boxes import is_turned
from folkmoot.network.media.model import Format

log = logging.getLogger(__name__)
_ORIENTATION = 0x0112  # EXIF
_BAND = 256  # rows
_OF_16_BITS = [min(255, (value + 128) // 257) for value in range(65536)]
_ICC_SPACES = {"RGB": ("RGB", "RGBA"), "GRAY": ("L", "LA"), "CMYK": ("CMYK",)}  # the modes of Pillow for the spaces of ICC


def flattened(picture: Image.Image, png_depth: int = 8) -> Image.Image:
    """The picture in a mode with 8 bits: L, LA, RGB, RGBA or CMYK. `png_depth`: bits of a sample in its PNG file."""
    key = _key_of_transparency(picture, png_depth)
    if picture.mode.startswith("I"):
        return _from_16_bits(picture, key if isinstance(key, int) else None)
    if key is not None:
        picture.info["transparency"] = key
        return picture.convert("RGBA")
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return picture
    if picture.mode == "1":
        return picture.convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _key_of_transparency(picture: Image.Image, png_depth: int) -> object:
    """The transparent colour of a PNG without alpha, scaled to the 8 bits of Pillow's pixels; of 16-bit greys unscaled."""
    key = picture.info.get("transparency")
    if key is None or picture.mode not in ("1", "L", "RGB", "I;16", "I;16B", "I"):
        return None
    if isinstance(key, tuple):
        return tuple(value >> 8 for value in key) if png_depth == 16 else key
    if isinstance(key, int) and picture.mode == "L" and png_depth in (2, 4):
        return key * (85 if png_depth == 2 else 17)
    return key


def _from_16_bits(picture: Image.Image, key: int | None) -> Image.Image:
    """Greys of 16 bits divided by 257, in bands. `convert` would cut them off at 255."""
    result = Image.new("L" if key is None else "LA", picture.size)
    for top in range(0, picture.height, _BAND):
        wide = picture.crop((0, top, picture.width, min(picture.height, top + _BAND))).convert("I")
        grey = wide.point(_OF_16_BITS, "L")
        if key is not None:
            alpha = wide.point([0 if value == key else 255 for value in range(65536)], "L")
            grey = Image.merge("LA", (grey, alpha))
        result.paste(grey, (0, top))
    return result


def orientation_of(picture: Image.Image, upload: bytes) -> int:
    """1 to 8 as in EXIF, of a decoded picture. A malformed EXIF block is no reason to refuse a picture."""
    if picture.format == Format.HEIF:  # libheif turns by the properties of the file; some encoders write EXIF only
        return 1 if is_turned(upload) else picture.info.get("original_orientation") or 1
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif") or b"")
        value = exif.get(_ORIENTATION, 1)
    except Exception as error:
        log.info("EXIF left out: %s", error)
        return 1
    return value if value in _TURNS else 1


_Turn = Image.Transpose
_TURNS = {
    1: None, 2: _Turn.FLIP_LEFT_RIGHT, 3: _Turn.ROTATE_180, 4: _Turn.FLIP_TOP_BOTTOM, 5: _Turn.TRANSPOSE, 6: _Turn.ROTATE_270,
    7: _Turn.TRANSVERSE, 8: _Turn.ROTATE_90,
}


def upright(picture: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS[orientation]
    return picture if turn is None else picture.transpose(turn)


def converter_to_srgb(profile: bytes | None) -> Callable[[Image.Image], Image.Image]:
    """A function that converts pictures from a colour profile to sRGB, as RGB or RGBA.

    A profile that is malformed, or for another colour space than the picture's, is left out.
    """
    space = ""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
        except (ImageCms.PyCMSError, OSError) as error:
            log.info("colour profile left out: %s", error)
    transforms: dict[str, ImageCms.ImageCmsTransform] = {}

    def convert(picture: Image.Image) -> Image.Image:
        if space == "RGB" and picture.mode in ("L", "LA"):
            picture = picture.convert("RGBA" if picture.mode == "LA" else "RGB")
        if picture.mode not in _ICC_SPACES.get(space, ()):
            return picture.convert("RGBA" if picture.mode in ("LA", "RGBA") else "RGB")
        alpha = picture.getchannel("A") if picture.mode == "LA" else None  # the transform has no greys with alpha
        colours = picture.getchannel("L") if alpha else picture
        try:
            if colours.mode not in transforms:
                wanted = "RGBA" if colours.mode == "RGBA" else "RGB"
                transforms[colours.mode] = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), colours.mode, wanted)
            converted = transforms[colours.mode].apply(colours)
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            log.info("colour profile left out: %s", error)
            return picture.convert("RGBA" if alpha or picture.mode == "RGBA" else "RGB")
        if alpha:
            converted.putalpha(alpha)
        return converted

    return convert


def plain(picture: Image.Image) -> Image.Image:
    """A new picture with the pixels only. Opaque ones become RGB; transparent pixels become black, whatever they hid."""
    if picture.mode == "RGBA":
        alpha = picture.getchannel("A")
        darkest = alpha.getextrema()[0]
        if darkest == 255:
            picture = picture.convert("RGB")
        elif darkest == 0:
            visible = Image.new("RGBA", picture.size)
            visible.paste(picture, mask=alpha.point([0] + [255] * 255))
            return visible
    fresh = Image.new(picture.mode, picture.size)
    fresh.paste(picture)
    return fresh


def shrunk(picture: Image.Image, most: int) -> Image.Image:
    """The picture with at most so many pixels."""
    ratio = (most / (picture.width * picture.height)) ** 0.5
    return picture if ratio >= 1 else _resized(picture, ratio)


def cropped(picture: Image.Image, size: tuple[int, int], orientation: int = 1) -> Image.Image:
    """The middle of the picture, upright, in exactly this size."""
    ratio = 2 * max(size) / min(picture.size)
    small = picture if ratio >= 1 else _resized(picture, ratio)
    return ImageOps.fit(upright(small, orientation), size, Image.Resampling.LANCZOS)


def _resized(picture: Image.Image, ratio: float) -> Image.Image:
    width, height = (max(1, round(side * ratio)) for side in picture.size)
    if picture.mode not in ("LA", "RGBA"):
        return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    result = Image.new(picture.mode, (width, height))  # in bands, because Pillow would copy the whole picture
    scale = picture.height / height
    margin = math.ceil(3 * scale) + 1  # how far the filter reaches
    for top in range(0, height, _BAND):
        bottom = min(height, top + _BAND)
        first, last = max(0, int(top * scale) - margin), min(picture.height, math.ceil(bottom * scale) + margin)
        box = (0, top * scale - first, picture.width, min(bottom * scale, picture.height) - first)
        band = picture.crop((0, first, picture.width, last)).resize((width, bottom - top), Image.Resampling.LANCZOS, box)
        result.paste(band, (0, top))
    return result
