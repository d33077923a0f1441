"""The sandbox that opens uploads: a separate process that decodes a picture and encodes it again, without metadata.

    python -m folkmoot.network.media.reencode PURPOSE < upload > length-prefixed header, original, preview

Hostile uploads can only harm this process, which has hard limits of memory, time and pixels. Only the pixels of the primary
picture are copied to the new one: no EXIF, GPS position, comment, colour profile, thumbnail or second picture. Never
imported by the web processes.
"""

import io
import itertools
import logging
import resource
import sys
from collections.abc import Iterator

import msgspec
from PIL import Image

from folkmoot.network.media.blurhash import encode
from folkmoot.network.media.decoding.animation import Animation, Film, of_decoder
from folkmoot.network.media.decoding.apng import depth_of, read_apng
from folkmoot.network.media.decoding.boxes import FOREVER, plays_of
from folkmoot.network.media.decoding.colours import profile_of
from folkmoot.network.media.decoding.gif import read_gif
from folkmoot.network.media.decoding.opening import PictureRefused, format_of, open_picture
from folkmoot.network.media.decoding.pixels import converter_to_srgb, cropped, orientation_of, plain, shrunk, upright
from folkmoot.network.media.model import Format, PictureKind, Purpose, Reencoded, Refusal, Refused

log = logging.getLogger(__name__)
MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 20
_ORIGINAL_PIXELS = 3840 * 2160
_PREVIEW_PIXELS = 640 * 480
_ENCODED_PIXELS = 100_000_000  # of all frames of an animation: about 5 seconds of encoding; larger ones are shrunk
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
    """The picture encoded again, and its preview. Raises PictureRefused, or any error for a damaged picture."""
    kind = format_of(upload)
    animation = _opened(upload, kind, purpose)
    if is_animated := animation.count > 1 and purpose is Purpose.ATTACHMENT:
        animation.require_limits()
    frames = _finished(animation, upload, kind, purpose)
    first, milliseconds = next(frames)
    if is_animated:
        mime, extension, original = _animated(itertools.chain([(first, milliseconds)], frames), animation)
    else:
        if purpose is Purpose.POSTER:  # always JPEG
            first = _on_black(first)
        can_be_lossless = purpose is not Purpose.POSTER and kind in (Format.PNG, Format.GIF)
        stays_lossless = can_be_lossless and _may_stay_lossless(len(upload), first, animation)
        del animation, frames  # the decoded picture, which needs more memory than the encoder
        mime, extension, original = _still(first, stays_lossless)
    small = plain(cropped(first, _CROPPED[purpose][1]) if purpose in _CROPPED else shrunk(first, _PREVIEW_PIXELS))
    preview = _encoded(small, {"png": "PNG", "webp": "WEBP", "jpg": "JPEG"}[extension], quality=82)
    header = Reencoded(
        kind=PictureKind.ANIMATION if is_animated else PictureKind.IMAGE, mime=mime, extension=extension,
        width=first.width, height=first.height, preview_width=small.width, preview_height=small.height,
        blurhash=encode(small.convert("RGB"), 4, 3), original_bytes=len(original),
    )
    return header, original, preview


def _opened(upload: bytes, kind: Format, purpose: Purpose) -> Animation:
    if kind is Format.GIF:
        return read_gif(upload)
    picture = open_picture(upload, kind)
    if kind is Format.PNG and (animation := read_apng(upload, picture)):
        return animation
    if kind is Format.JPEG:  # decodes at a reduced size, which saves most of the memory and time
        picture.draft(None, _needed(picture.size, purpose))
    count = getattr(picture, "n_frames", 1) if kind in (Format.WEBP, Format.AVIF) else 1  # of other formats the primary picture
    plays = picture.info.get("loop", FOREVER) if kind is Format.WEBP else plays_of(upload)
    return of_decoder(picture, kind, count, plays, depth_of(upload) if kind is Format.PNG else 8)


def _needed(size: tuple[int, int], purpose: Purpose) -> tuple[int, int]:
    """The smallest size that is still sharp enough for a purpose, whichever way the picture is turned."""
    enough = 2 * max(_CROPPED[purpose][0]) / min(size) if purpose in _CROPPED else (_ORIGINAL_PIXELS / (size[0] * size[1])) ** 0.5
    ratio = min(1.0, enough)
    return (round(size[0] * ratio), round(size[1] * ratio))


def _finished(animation: Animation, upload: bytes, kind: Format, purpose: Purpose) -> Iterator[tuple[Image.Image, float]]:
    """The frames in their final size, upright, in sRGB, without metadata. Shrunk first: the other steps have less to do then."""
    orientation, to_srgb = 1, None
    most = min(_ORIGINAL_PIXELS, _ENCODED_PIXELS // animation.count)
    for frame, milliseconds in animation.frames:
        if to_srgb is None:  # some metadata stand after the pixels
            orientation = orientation_of(animation.picture, upload) if animation.picture else 1
            to_srgb = converter_to_srgb(profile_of(upload, kind, animation.picture) if animation.picture else None)
        is_cropped = purpose in _CROPPED
        sized = cropped(frame, _CROPPED[purpose][0], orientation) if is_cropped else upright(shrunk(frame, most), orientation)
        yield plain(to_srgb(sized)), milliseconds


def _may_stay_lossless(uploaded: int, first: Image.Image, source: Animation) -> bool:
    """Whether a PNG of this picture may be small enough to be kept; trying costs much time for a photo."""
    return uploaded * first.width * first.height / (source.size[0] * source.size[1]) < 2 * _LARGEST_PNG


def _still(picture: Image.Image, stays_lossless: bool) -> tuple[str, str, bytes]:
    """Keeps small PNGs and GIFs without loss; large transparent pictures become WebP, all others JPEG."""
    if stays_lossless:
        as_png = _encoded(picture, "PNG", quality=0)
        if len(as_png) <= _LARGEST_PNG:
            return "image/png", "png", as_png
    if picture.mode == "RGBA":
        return "image/webp", "webp", _encoded(picture, "WEBP", quality=88)
    return "image/jpeg", "jpg", _encoded(picture, "JPEG", quality=86)


def _on_black(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size)
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _animated(frames: Iterator[tuple[Image.Image, float]], animation: Animation) -> tuple[str, str, bytes]:
    """An animated WebP with the same times and the same number of plays."""
    out = io.BytesIO()
    film = Film(frames, animation.count)
    plays = min(animation.plays, 65535)
    film.save(out, "WEBP", save_all=True, duration=film.times, loop=plays, background=(0, 0, 0, 0), quality=78, method=2)
    return "image/webp", "webp", out.getvalue()


def _encoded(picture: Image.Image, format_: str, quality: int) -> bytes:
    out = io.BytesIO()
    if format_ == "PNG":
        picture.save(out, "PNG", optimize=picture.width * picture.height < 2_000_000)
    elif format_ == "WEBP":
        picture.save(out, "WEBP", quality=quality, method=4)
    else:
        picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def _answer(upload: bytes, purpose: Purpose) -> bytes:
    """The output: the length of the header, the header, and the two pictures of an accepted upload."""
    header: Reencoded | Refused
    parts: tuple[bytes, ...] = ()
    try:
        header, *parts_found = reencode(upload, purpose)
        parts = tuple(parts_found)
    except PictureRefused as refusal:
        header = refusal.refused
    except MemoryError:
        header = Refused(Refusal.COSTLY)
    except Exception as error:
        log.error("%s: %s", type(error).__name__, error)  # without a handler the text goes to standard error
        header = Refused(Refusal.DAMAGED)
    head = msgspec.json.encode(header)
    return len(head).to_bytes(4) + head + b"".join(parts)


def main() -> None:
    limit_resources()
    sys.stdout.buffer.write(_answer(sys.stdin.buffer.read(), Purpose(sys.argv[1])))


if __name__ == "__main__":
    main()
