"""What Pillow does not tell of AVIF and HEIF: the boxes of ISO/IEC 14496-12 and 23008-12."""

import struct

FOREVER = 0  # plays of an animation
_PATH_OF_TRACK = (b"moov", b"trak")
_ENDLESS = (2**32 - 1, 2**64 - 1)


def plays_of(upload: bytes) -> int:
    """How often a sequence plays, by its edit list (8.6.6): FOREVER, also if there is none, as in browsers, or a number."""
    try:
        track = _inside(upload, *_PATH_OF_TRACK)
        header, edits = _inside(track, b"tkhd"), _inside(track, b"edts", b"elst")
        whole = struct.unpack_from(">Q" if header[0] else ">I", header, 28 if header[0] else 20)[0]
        segment = struct.unpack_from(">Q" if edits[0] else ">I", edits, 8)[0]
    except (struct.error, IndexError, LookupError):
        return FOREVER
    if not edits[3] & 1:
        return 1
    return FOREVER if whole in _ENDLESS or not segment else max(1, -(-whole // segment))


def colour_codes_of(upload: bytes) -> tuple[int, int] | None:
    """Primaries and transfer curve of a still picture, as ITU-T H.273 numbers them."""
    try:
        colour = _inside(_properties(upload), b"colr")
        return struct.unpack_from(">HH", colour, 4) if colour.startswith(b"nclx") else None
    except (struct.error, LookupError):
        return None


def is_turned(upload: bytes) -> bool:
    """Whether a picture has a property that turns or mirrors it."""
    try:
        properties = _properties(upload)
    except (struct.error, LookupError):
        return False
    return any(kind in properties for kind in (b"irot", b"imir"))


def _properties(upload: bytes) -> bytes:
    return _inside(_inside(upload, b"meta")[4:], b"iprp", b"ipco")


def _inside(content: bytes, *path: bytes) -> bytes:
    """The content of the first box at a path. Raises LookupError if there is none, struct.error for a box cut off."""
    for wanted in path:
        place = 0
        while True:
            if place >= len(content):
                raise LookupError(wanted)
            size, kind = struct.unpack_from(">I4s", content, place)
            head = 8
            if size == 1:
                size, head = struct.unpack_from(">Q", content, place + 8)[0], 16
            size = size or len(content) - place
            if kind == wanted:
                break
            if size < head:
                raise LookupError(wanted)
            place += size
        content = content[place + head : place + size]
    return content
