"""The colour profile of an upload: the embedded one, or one made from primaries and transfer curve that stand in its chunks.

PNG has gAMA, cHRM and cICP, HEIF and AVIF have nclx (ITU-T H.273). HDR curves (PQ, HLG) are left as they are.
"""

import struct

from PIL import Image

from folkmoot.network.media.decoding.apng import chunks_of
from folkmoot.network.media.decoding.boxes import colour_codes_of
from folkmoot.network.media.model import Format

Point = tuple[float, float]
_D65, _D50 = (0.3127, 0.3290), (0.9642, 1.0, 0.8249)
_SRGB = (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))  # white, red, green, blue
_PRIMARIES: dict[int, tuple[Point, ...]] = {  # H.273, table 2
    1: _SRGB, 9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), 12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES: dict[int, tuple[float, ...]] = {  # H.273, table 3; browsers treat the curves of video like that of sRGB
    **dict.fromkeys((1, 2, 6, 13, 14, 15), _SRGB_CURVE), 4: (2.2,), 5: (2.8,), 8: (1.0,),
}
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
Matrix = tuple[tuple[float, ...], ...]


def profile_of(upload: bytes, kind: Format, picture: Image.Image) -> bytes | None:
    """An ICC profile of a decoded picture; None: it is in sRGB, or does not say."""
    codes = _codes(upload, kind, picture)
    if codes and kind is Format.PNG:  # cICP goes before everything else
        return _from_codes(*codes)
    if embedded := picture.info.get("icc_profile"):
        return bytes(embedded)
    if codes:
        return _from_codes(*codes)
    if kind is Format.PNG and "srgb" not in picture.info:
        return _from_gamma(picture)
    return None


def _codes(upload: bytes, kind: Format, picture: Image.Image) -> tuple[int, int] | None:
    """Primaries and transfer curve as H.273 numbers them."""
    if kind is Format.PNG:
        name, data = next((chunk for chunk in chunks_of(upload) if chunk[0] in (b"cICP", b"IDAT")), (b"", b""))
        return (data[0], data[1]) if name == b"cICP" and len(data) == 4 else None
    if kind is Format.HEIF and (nclx := picture.info.get("nclx_profile")):
        return int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
    if kind is Format.AVIF:
        return colour_codes_of(upload)
    return None


def _from_codes(primaries: int, transfer: int) -> bytes | None:
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        return None
    if _PRIMARIES[primaries] is _SRGB and _CURVES[transfer] is _SRGB_CURVE:
        return None
    return matrix_profile(_PRIMARIES[primaries], _CURVES[transfer])


def _from_gamma(picture: Image.Image) -> bytes | None:
    gamma, points = picture.info.get("gamma"), picture.info.get("chromaticity")
    primaries = (points[0:2], points[2:4], points[4:6], points[6:8]) if points else _SRGB
    is_usual = not gamma or abs(gamma * 2.2 - 1) < 0.05
    if is_usual and all(abs(one - two) < 0.001 for pair in zip(primaries, _SRGB, strict=True) for one, two in zip(*pair, strict=True)):
        return None
    return matrix_profile(primaries, (1 / gamma,) if gamma else _SRGB_CURVE)


def matrix_profile(primaries: tuple[Point, ...], curve: tuple[float, ...]) -> bytes | None:
    """An ICC profile (version 4) of three primaries and a curve; None for primaries that span no colour space."""
    try:
        columns = _columns(primaries)
    except ZeroDivisionError:
        return None
    kind = {1: 0, 5: 3}[len(curve)]
    values = {name: b"XYZ \0\0\0\0" + _fixed(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    values[b"wtpt"] = b"XYZ \0\0\0\0" + _fixed(*_D50)
    values |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(*curve))
    table, data, start = struct.pack(">I", len(values)), b"", 128 + 4 + 12 * len(values)
    for name, value in values.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value
    head = struct.pack(">I4sI4s4s4s", start + len(data), b"none", 0x04000000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + _fixed(*_D50)
    return head.ljust(128, b"\0") + table + data


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(max(-(2**31), min(2**31 - 1, round(value * 65536))) for value in values))


def _columns(primaries: tuple[Point, ...]) -> list[tuple[float, ...]]:
    """The XYZ of red, green and blue under D50. Raises ZeroDivisionError."""
    white, *colours = [(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]
    shares = _times(_inverse(_transposed(tuple(colours))), white)
    cones, target = _times(_BRADFORD, white), _times(_BRADFORD, _D50)
    adapted = tuple(tuple(new / old * value for value in row) for row, new, old in zip(_BRADFORD, target, cones, strict=True))
    back = _inverse(_BRADFORD)
    return [_times(back, _times(adapted, tuple(share * part for part in colour))) for share, colour in zip(shares, colours, strict=True)]


def _times(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(one * two for one, two in zip(row, vector, strict=True)) for row in matrix)


def _transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def _inverse(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e), (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    return tuple(tuple(value / determinant for value in row) for row in cofactors)
