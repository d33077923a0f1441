"""Animations: their frames as browsers show them, with exact times and number of plays.

GIF and APNG are taken apart into single pictures, which are composed here: Pillow's own composition inherits the disposal
of earlier GIF frames, blends transparent APNG frames wrongly, and shows the hidden first picture of an APNG. libwebp and
libavif compose their frames themselves.
"""

from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec
from PIL import Image

from folkmoot.network.media.decoding.opening import PictureRefused, open_picture, require_pixels
from folkmoot.network.media.decoding.pixels import flattened
from folkmoot.network.media.model import MOST_FRAMES, MOST_PIXELS, MOST_PIXELS_OF_FRAMES, Format, Refusal

_SHORTEST, _USUAL = 10, 100  # browsers show frames of at most 10 ms for 100 ms
_LONGEST = 2**24 - 1  # of a WebP frame
_LONGEST_IN_ALL = 2**31 - 1
_BAND = 256  # rows


class Disposal(Enum):
    """What becomes of a frame before the next one is drawn."""

    KEEP = 1
    CLEAR = 2
    RESTORE = 3  # what was there before the frame


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A frame of a GIF or APNG: a file with this frame alone, and how it is drawn."""

    file: bytes
    left: int
    top: int
    size: tuple[int, int]
    milliseconds: float
    disposal: Disposal
    is_blended: bool  # drawn over what is there, else in its place
    png_depth: int = 8


class Animation(msgspec.Struct, frozen=True, kw_only=True):
    """The frames of a file, decoded one after the other, each with its milliseconds. A still picture has one."""

    size: tuple[int, int]
    count: int
    drawn: int = 0  # pixels of all pieces, which may lie outside the picture
    plays: int  # FOREVER or a number
    picture: Image.Image | None = None  # the same upload as the decoder opened it, for its metadata
    frames: Iterator[tuple[Image.Image, float]]

    def require_limits(self) -> None:
        """Raises PictureRefused for an animation that is too long or too large."""
        if self.count > MOST_FRAMES:
            raise PictureRefused(Refusal.FRAMES, MOST_FRAMES)
        if max(self.drawn, self.count * self.size[0] * self.size[1]) > MOST_PIXELS_OF_FRAMES:
            raise PictureRefused(Refusal.FRAME_PIXELS, MOST_PIXELS_OF_FRAMES)


def composed(pieces: Iterable[Piece], size: tuple[int, int], kind: Format) -> Iterator[tuple[Image.Image, float]]:
    """The whole canvas after each frame, always the same object: the caller copies what it keeps."""
    canvas = Image.new("RGBA", size)
    for piece in pieces:
        before = canvas.copy() if piece.disposal is Disposal.RESTORE else None
        _draw(canvas, piece, kind)
        yield canvas, piece.milliseconds
        if before:
            canvas = before
        elif piece.disposal is Disposal.CLEAR:
            canvas.paste((0, 0, 0, 0), (piece.left, piece.top, piece.left + piece.size[0], piece.top + piece.size[1]))


def _draw(canvas: Image.Image, piece: Piece, kind: Format) -> None:
    part = flattened(open_picture(piece.file, kind), piece.png_depth)
    if part.size != piece.size:
        raise PictureRefused(Refusal.DAMAGED)
    part = part if part.mode == "RGBA" else part.convert("RGBA")
    if not piece.is_blended:
        canvas.paste(part, (piece.left, piece.top))
    elif kind is Format.GIF:  # wholly transparent or not at all
        canvas.paste(part, (piece.left, piece.top), part)
    else:  # in bands, because Pillow copies what it composes
        for top in range(0, part.height, _BAND):
            band = part.crop((0, top, part.width, min(part.height, top + _BAND)))
            canvas.alpha_composite(band, (piece.left, piece.top + top))


def of_decoder(picture: Image.Image, kind: Format, count: int, plays: int, png_depth: int) -> Animation:
    """The frames of a decoder that composes them itself; of a still picture one."""

    def frames() -> Iterator[tuple[Image.Image, float]]:
        end = 0.0
        for number in range(count):
            if count > 1:  # a still picture is at its primary one already
                picture.seek(number)
            picture.load()
            require_pixels(picture.size, MOST_PIXELS[kind])  # the header of a HEIF may promise fewer
            start, length = picture.info.get("timestamp", end), picture.info.get("duration", 0)
            yield flattened(picture, png_depth), start + length - end  # rounded times must not add up to a delay
            end = start + length

    return Animation(size=picture.size, count=count, plays=plays, picture=picture, frames=frames())


class Film(Image.Image):
    """An animation as an encoder of Pillow takes it: it seeks from frame to frame, so that only one is in memory.

    `times` grows with it; the encoder reads the time of a frame after the frame.
    """

    def __init__(self, frames: Iterator[tuple[Image.Image, float]], count: int) -> None:
        super().__init__()
        self.n_frames = count
        self.times: list[int] = []
        self._frames = frames
        self._longest = min(_LONGEST, _LONGEST_IN_ALL // count)
        self._exact_end, self._end = 0.0, 0
        self._place = -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        while self._place < frame:
            picture, milliseconds = next(self._frames)
            self._place += 1
            self._mode, self._size, self.im = picture.mode, picture.size, picture.im
            self._exact_end += min(self._longest, _USUAL if milliseconds <= _SHORTEST else milliseconds)
            self.times.append(round(self._exact_end) - self._end)
            self._end = round(self._exact_end)

    def tell(self) -> int:
        return self._place
