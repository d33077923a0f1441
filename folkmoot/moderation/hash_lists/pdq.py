"""PDQ, the perceptual hash of pictures that platforms exchange: 256 bits that change little when a picture is scaled,
compressed or slightly altered.

Written in numpy after Meta's description and reference code (BSD licence), because the package `pdqhash` has no wheels and
needs a compiler on every host (decision 0086). Tests compare it with hashes of the reference. Callers must give it pictures
that we have encoded ourselves, because it decodes them in this process.
"""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from folkmoot.moderation.hash_lists.model import BITS

_SIDE, _KEPT, _PASSES = 64, 16, 2
_MIN_SIDE = 5
_Grey = npt.NDArray[np.float64]
_DCT: _Grey = np.sqrt(2 / _SIDE) * np.cos(
    np.pi / 2 / _SIDE * np.arange(1, _KEPT + 1)[:, None] * (2 * np.arange(_SIDE) + 1)[None, :]
)


def hash_picture(content: bytes) -> tuple[int, int]:
    """(hash, quality) of a picture file; of an animation, of its first frame."""
    with Image.open(io.BytesIO(content)) as picture:
        return hash_pixels(np.asarray(picture.convert("RGB"), dtype=np.float64))


def hash_pixels(pixels: _Grey) -> tuple[int, int]:
    """(hash, quality) of rows of columns of red, green and blue, 0 to 255."""
    rows, columns = pixels.shape[:2]
    if min(rows, columns) < _MIN_SIDE:
        return 0, 0
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    if (rows, columns) != (_SIDE, _SIDE):
        for _ in range(_PASSES):
            grey = _blurred(_blurred(grey, 1), 0)
        at = [((np.arange(_SIDE) + 0.5) * size / _SIDE).astype(int) for size in (rows, columns)]
        grey = grey[np.ix_(*at)]
    coefficients = (_DCT @ grey @ _DCT.T).ravel()
    median = np.partition(coefficients, BITS // 2 - 1)[BITS // 2 - 1]
    return int.from_bytes(np.packbits(coefficients > median, bitorder="little").tobytes(), "little"), _quality(grey)


def _blurred(grey: _Grey, axis: int) -> _Grey:
    """The mean over a window as wide as one pixel of the small picture; at the edges over the part that exists."""
    size = grey.shape[axis]
    window = (size + 2 * _SIDE - 1) // (2 * _SIDE)
    ahead = (window + 2) // 2
    sums = np.concatenate([np.zeros_like(grey.take([0], axis)), np.cumsum(grey, axis)], axis)
    ends = np.minimum(np.arange(size) + ahead, size)
    starts = np.maximum(np.arange(size) + ahead - window, 0)
    counts = (ends - starts).reshape((-1, 1) if axis == 0 else (1, -1))
    means: _Grey = (sums.take(ends, axis) - sums.take(starts, axis)) / counts
    return means


def _quality(grey: _Grey) -> int:
    """How much structure there is, 0 to 100."""
    steps = sum(np.abs((np.diff(grey, axis=axis) * 100 / 255).astype(int)).sum() for axis in (0, 1))
    return min(100, int(steps) // 90)
