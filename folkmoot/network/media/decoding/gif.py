"""Takes a GIF (89a) apart into pictures of one frame each.

As in browsers: a frame without a graphic control extension is kept and has no time; the screen grows with the first frame
only; without a loop extension the animation plays once, with a number it plays that many times more.
"""

import struct

from folkmoot.network.media.decoding.animation import Animation, Disposal, Piece, composed
from folkmoot.network.media.decoding.boxes import FOREVER
from folkmoot.network.media.decoding.opening import PictureRefused, require_pixels
from folkmoot.network.media.model import MOST_PIXELS, Format, Refusal

_DISPOSALS = {2: Disposal.CLEAR, 3: Disposal.RESTORE, 4: Disposal.RESTORE}
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def read_gif(upload: bytes) -> Animation:
    """Its frames; a still GIF has one. Raises PictureRefused for a file that ends within a frame."""
    try:
        reader = _Reader(upload)
        reader.read()
    except (IndexError, struct.error):
        raise PictureRefused(Refusal.DAMAGED) from None
    if not reader.pieces:
        raise PictureRefused(Refusal.DAMAGED)
    return Animation(
        size=reader.size, count=len(reader.pieces), drawn=sum(piece.size[0] * piece.size[1] for piece in reader.pieces),
        plays=reader.plays, frames=composed(reader.pieces, reader.size, Format.GIF),
    )


class _Reader:
    def __init__(self, upload: bytes) -> None:
        self._upload = upload
        width, height, flags = struct.unpack_from("<HHB", upload, 6)
        self.size = (width, height)
        self.pieces: list[Piece] = []
        self.plays = 1
        self._global_table, self._place = self._table(flags, 13)
        self._control = (0, 0, 0)  # flags, hundredths of a second, transparent index: of the next frame only

    def read(self) -> None:
        while self._place < len(self._upload):  # many files lack the trailer
            block = self._upload[self._place]
            if block == 0x21:
                self._extension()
            elif block == 0x2C:
                self._frame()
            elif block == 0:  # padding
                self._place += 1
            else:  # the trailer, or what is not a GIF any more
                return

    def _extension(self) -> None:
        kind, start = self._upload[self._place + 1], self._place + 2
        length, self._place = self._upload[start], self._after_blocks(start)
        if kind == _CONTROL:
            self._control = struct.unpack_from("<BHB", self._upload, start + 1)
        elif kind == _APPLICATION and self._upload[start + 1 : start + 12] in _LOOPS and length == 11:
            size, number = self._upload[start + 12], self._upload[start + 13]
            if size >= 3 and number & 7 == 1:
                (loops,) = struct.unpack_from("<H", self._upload, start + 14)
                self.plays = loops + 1 if loops else FOREVER

    def _frame(self) -> None:
        left, top, width, height, flags = struct.unpack_from("<HHHHB", self._upload, self._place + 1)
        width, height = width or self.size[0], height or self.size[1]
        if not self.pieces:
            self.size = (max(self.size[0], left + width), max(self.size[1], top + height))
        require_pixels(self.size, MOST_PIXELS[Format.GIF])
        require_pixels((width, height), MOST_PIXELS[Format.GIF])
        table, start = self._table(flags, self._place + 10)
        self._place = self._after_blocks(start + 1)
        control, hundredths, clear = self._control
        self._control = (0, 0, 0)
        table = table or self._global_table
        depth = (len(table) // 3).bit_length() - 2  # as the format counts: 2 ** (depth + 1) colours
        file = b"".join((
            b"GIF89a", struct.pack("<HHBBB", width, height, 0, 0, 0),
            b"\x21\xf9\x04", bytes((control & 1, 0, 0, clear)), b"\0",
            b"\x2c", struct.pack("<HHHHB", 0, 0, width, height, flags & 0x40 | (0x80 | depth if table else 0)), table,
            self._upload[start : self._place], b"\x3b",
        ))
        self.pieces.append(Piece(
            file=file, left=left, top=top, size=(width, height), milliseconds=hundredths * 10, is_blended=True,
            disposal=_DISPOSALS.get(control >> 2 & 7, Disposal.KEEP),
        ))

    def _table(self, flags: int, start: int) -> tuple[bytes, int]:
        """The colours that follow a descriptor with these flags, and where they end."""
        size = 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
        return self._upload[start : start + size], start + size

    def _after_blocks(self, place: int) -> int:
        while length := self._upload[place]:
            place += length + 1
        return place + 1
