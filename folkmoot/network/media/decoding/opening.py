"""Opens an upload with the one decoder for its format, chosen by its first bytes.

Limits are checked before pixels are decoded. Of a file with several pictures only the primary one is opened.
"""

import io
import warnings
from collections.abc import Callable

from PIL import Image

from folkmoot.network.media.model import MOST_PIXELS, MOST_PIXELS_PROGRESSIVE, Format, Refusal, Refused

_BRANDS_OF_AVIF = (b"avif", b"avis")
_BRANDS_OF_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")


class PictureRefused(Exception):
    """Carries the reason to the process that asked."""

    def __init__(self, why: Refusal, limit: int = 0) -> None:
        super().__init__(why)
        self.refused = Refused(why, limit)


def format_of(upload: bytes) -> Format:
    """The format by the first bytes of a file. Raises PictureRefused."""
    if upload.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if upload.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if upload.startswith((b"GIF87a", b"GIF89a")):
        return Format.GIF
    if upload[:4] == b"RIFF" and upload[8:12] == b"WEBP":
        return Format.WEBP
    if upload[4:8] == b"ftyp":
        brands = upload[8 : min(int.from_bytes(upload[:4]), 128)]
        found = [brands[place : place + 4] for place in range(0, len(brands), 4) if place != 4]  # the second is a version
        if any(brand in _BRANDS_OF_AVIF for brand in found):
            return Format.AVIF
        if any(brand in _BRANDS_OF_HEIF for brand in found):
            return Format.HEIF
    raise PictureRefused(Refusal.UNKNOWN)


def open_picture(upload: bytes, kind: Format) -> Image.Image:
    """The primary picture, not decoded yet. Raises PictureRefused, or any error for a damaged file."""
    _PLUGINS[kind]()
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # Pillow only warns of a picture with too many pixels
        try:
            picture = Image.open(io.BytesIO(upload), formats=[kind])
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise PictureRefused(Refusal.PIXELS, MOST_PIXELS[kind]) from None
    most = MOST_PIXELS_PROGRESSIVE if picture.info.get("progressive") else MOST_PIXELS[kind]
    require_pixels(picture.size, most)
    return picture


def require_pixels(size: tuple[int, int], most: int) -> None:
    if size[0] * size[1] > most:
        raise PictureRefused(Refusal.PIXELS, most)
    if min(size) < 1:
        raise PictureRefused(Refusal.DAMAGED)


def _load_avif() -> None:
    from PIL import AvifImagePlugin  # noqa: F401  (registers itself)


def _load_webp() -> None:
    from PIL import WebPImagePlugin  # noqa: F401


def _load_heif() -> None:
    """The decoder of HEIF. Embedded thumbnails, depth maps and auxiliary pictures are never used."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


# Pillow loads the plugins of common formats itself. The others are loaded one by one: loading all of them takes longer.
_PLUGINS: dict[Format, Callable[[], None]] = {
    Format.JPEG: Image.preinit, Format.PNG: Image.preinit, Format.GIF: Image.preinit, Format.WEBP: _load_webp,
    Format.AVIF: _load_avif, Format.HEIF: _load_heif,
}
