"""Takes an animated PNG apart into pictures of one frame each (PNG third edition, 11.3.6).

The default picture is a frame only if a frame control chunk stands before it; else nobody sees it, and it is left out.
"""

import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from folkmoot.network.media.decoding.animation import Animation, Disposal, Piece, composed
from folkmoot.network.media.decoding.opening import PictureRefused
from folkmoot.network.media.model import Format, Refusal

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DISPOSALS = {1: Disposal.CLEAR, 2: Disposal.RESTORE}
_COPIED = (b"PLTE", b"tRNS")


def read_apng(upload: bytes, picture: Image.Image) -> Animation | None:
    """Its frames, or None for a still PNG. `picture` is the same upload, opened."""
    try:
        plays, pieces = _read(upload, picture.size)
    except struct.error:
        raise PictureRefused(Refusal.DAMAGED) from None
    if not pieces:
        return None
    frames = composed(pieces, picture.size, Format.PNG)
    return Animation(size=picture.size, count=len(pieces), plays=plays, picture=picture, frames=frames)


def depth_of(upload: bytes) -> int:
    """The bits of a sample."""
    return upload[24]


def _read(upload: bytes, size: tuple[int, int]) -> tuple[int, list[Piece]]:
    plays, is_animated, header = 0, False, b""
    copied: list[bytes] = []
    controls: list[bytes] = []
    pixels: list[list[bytes]] = []
    for kind, data in chunks_of(upload):
        if kind == b"IHDR":
            header = data
        elif kind in _COPIED:
            copied.append(_chunk(kind, data))
        elif kind == b"acTL":
            is_animated, plays = True, struct.unpack(">II", data)[1]
        elif kind == b"fcTL":
            controls.append(data)
            pixels.append([])
        elif kind == b"IDAT" and not is_animated:
            return 0, []
        elif kind in (b"IDAT", b"fdAT") and pixels:
            pixels[-1].append(data if kind == b"IDAT" else data[4:])
    if not is_animated:
        return 0, []
    return plays, [_piece(header, b"".join(copied), control, parts, size) for control, parts in zip(controls, pixels, strict=True)]


def _piece(header: bytes, copied: bytes, control: bytes, parts: list[bytes], size: tuple[int, int]) -> Piece:
    width, height, left, top, delay, per_second, disposal, blend = struct.unpack(">IIIIHHBB", control[4:])
    if not parts or min(width, height) < 1 or left + width > size[0] or top + height > size[1]:
        raise PictureRefused(Refusal.DAMAGED)
    file = _SIGNATURE + _chunk(b"IHDR", struct.pack(">II", width, height) + header[8:]) + copied
    file += _chunk(b"IDAT", b"".join(parts)) + _chunk(b"IEND", b"")
    return Piece(
        file=file, left=left, top=top, size=(width, height), milliseconds=1000 * delay / (per_second or 100), is_blended=blend == 1,
        disposal=_DISPOSALS.get(disposal, Disposal.KEEP), png_depth=header[8],
    )


def chunks_of(upload: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All chunks until the end of the picture. Raises struct.error for a file that ends earlier."""
    place = len(_SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", upload, place)
        yield kind, upload[place + 8 : place + 8 + length]
        if kind == b"IEND":
            return
        place += 12 + length


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
