"""The sandbox that opens uploads: a separate process that decodes a picture and encodes it again, without metadata.

    python -m folkmoot.network.media.reencode PURPOSE < upload > length-prefixed header, original, preview

Hostile uploads can only harm this process, which has hard limits of memory, time and pixels. Only pixels are copied to
the new picture: no EXIF, GPS position, comment, colour profile or thumbnail. Never imported by the web processes.
"""

import io
import logging
import resource
import sys
import warnings

import msgspec
from PIL import Image, ImageCms, ImageOps

from folkmoot.network.media.blurhash import encode
from folkmoot.network.media.model import Purpose, Reencoded

log = logging.getLogger(__name__)
MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 20
MOST_PIXELS = 40_000_000
MOST_FRAMES = 240
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
_ORIGINAL_PIXELS = 3840 * 2160
_PREVIEW_PIXELS = 640 * 480
_CROPPED = {Purpose.AVATAR: ((400, 400), (120, 120)), Purpose.HEADER: ((1500, 500), (600, 200))}
_LARGEST_PNG = 2 * 1024 * 1024


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def reencode(upload: bytes, purpose: Purpose) -> tuple[Reencoded, bytes, bytes]:
    """The picture encoded again, and its preview. Raises an error for anything that is not an accepted picture."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error")  # Pillow only warns of a picture with too many pixels
    picture = Image.open(io.BytesIO(upload), formats=_FORMATS)
    if picture.width * picture.height > MOST_PIXELS or min(picture.size) < 1:
        raise ValueError("too many pixels")
    warnings.simplefilter("default")  # a malformed EXIF block is no reason to refuse a picture
    frames = _frames(picture, purpose)
    first = frames[0]
    small = _preview(first, purpose)
    if len(frames) > 1:
        mime, extension, original = "image/webp", "webp", _animated(frames, picture)
    else:
        mime, extension, original = _still(first, picture.format == "PNG")
    preview = _encoded(small, {"png": "PNG", "webp": "WEBP", "jpg": "JPEG"}[extension], quality=82)
    header = Reencoded(
        mime=mime, extension=extension, width=first.width, height=first.height,
        preview_width=small.width, preview_height=small.height, blurhash=encode(first.convert("RGB"), 4, 3),
        original_bytes=len(original), preview_bytes=len(preview),
    )
    return header, original, preview


def _frames(picture: Image.Image, purpose: Purpose) -> list[Image.Image]:
    """The frames, upright, in sRGB, in their final size. Only attachments stay animated."""
    count = getattr(picture, "n_frames", 1)
    budget = MOST_PIXELS * 2 // max(1, picture.width * picture.height)
    if purpose != Purpose.ATTACHMENT or count > min(MOST_FRAMES, budget):
        count = 1
    frames = []
    for number in range(count):
        picture.seek(number)
        frames.append(_resized(_copy_pixels(picture), purpose))
    return frames


def _copy_pixels(picture: Image.Image) -> Image.Image:
    """Copies only the pixels to a new picture, without metadata."""
    upright = ImageOps.exif_transpose(picture)
    mode = "RGBA" if upright.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info else "RGB"
    profile = picture.info.get("icc_profile")
    if profile and upright.mode in ("RGB", "RGBA", "CMYK"):
        try:
            converted = ImageCms.profileToProfile(
                upright, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
                outputMode="RGB" if upright.mode == "CMYK" else upright.mode,
            )
            upright = converted or upright
        except (ImageCms.PyCMSError, OSError) as error:
            log.info("colour profile left out: %s", error)
    converted_pixels = upright.convert(mode)
    fresh = Image.new(mode, converted_pixels.size)
    fresh.paste(converted_pixels)
    if mode == "RGBA" and fresh.getchannel("A").getextrema()[0] == 255:
        return fresh.convert("RGB")
    return fresh


def _resized(picture: Image.Image, purpose: Purpose) -> Image.Image:
    if purpose in _CROPPED:
        return ImageOps.fit(picture, _CROPPED[purpose][0], Image.Resampling.LANCZOS)
    return _shrink(picture, _ORIGINAL_PIXELS)


def _preview(picture: Image.Image, purpose: Purpose) -> Image.Image:
    if purpose in _CROPPED:
        return ImageOps.fit(picture, _CROPPED[purpose][1], Image.Resampling.LANCZOS)
    return _shrink(picture, _PREVIEW_PIXELS)


def _shrink(picture: Image.Image, most: int) -> Image.Image:
    if picture.width * picture.height <= most:
        return picture
    ratio = (most / (picture.width * picture.height)) ** 0.5
    size = (max(1, round(picture.width * ratio)), max(1, round(picture.height * ratio)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _still(picture: Image.Image, was_png: bool) -> tuple[str, str, bytes]:
    """Keeps small PNGs as PNG; large transparent pictures become WebP, all others JPEG."""
    if was_png:
        as_png = _encoded(picture, "PNG", quality=0)
        if len(as_png) <= _LARGEST_PNG:
            return "image/png", "png", as_png
    if _has_alpha(picture):
        return "image/webp", "webp", _encoded(picture, "WEBP", quality=88)
    return "image/jpeg", "jpg", _encoded(picture, "JPEG", quality=86)


def _animated(frames: list[Image.Image], source: Image.Image) -> bytes:
    duration = source.info.get("duration") or 100
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=max(20, int(duration)), loop=0, quality=78, method=2)
    return out.getvalue()


def _encoded(picture: Image.Image, format_: str, quality: int) -> bytes:
    out = io.BytesIO()
    if format_ == "PNG":
        picture.save(out, "PNG", optimize=picture.width * picture.height < 2_000_000)
    elif format_ == "WEBP":
        picture.save(out, "WEBP", quality=quality, method=4)
    else:
        picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode == "RGBA"


def main() -> None:
    limit_resources()
    header, original, preview = reencode(sys.stdin.buffer.read(), Purpose(sys.argv[1]))
    head = msgspec.json.encode(header)
    sys.stdout.buffer.write(len(head).to_bytes(4) + head + original + preview)


if __name__ == "__main__":
    main()
