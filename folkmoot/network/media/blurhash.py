"""A blurred picture in about 30 characters, which clients show until the real one is loaded (blurha.sh, version 1)."""

import math

from PIL import Image

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def encode(picture: Image.Image, across: int, down: int) -> str:
    """The hash of an RGB picture, with `across` times `down` waves (1 to 9 each)."""
    small = picture.resize((32, 32), Image.Resampling.BOX)
    width, height = small.size
    data = small.tobytes()
    pixels = [tuple(map(_linear, data[start : start + 3])) for start in range(0, len(data), 3)]
    waves = [_wave(pixels, width, height, i, j) for j in range(down) for i in range(across)]
    largest = max((abs(value) for wave in waves[1:] for value in wave), default=0.0)
    scale = max(0, min(82, math.floor(largest * 166 - 0.5))) if len(waves) > 1 else 0
    text = _base83(across - 1 + (down - 1) * 9, 1) + _base83(scale, 1) + _base83(_average(waves[0]), 4)
    return text + "".join(_base83(_detail(wave, (scale + 1) / 166), 2) for wave in waves[1:])


def _wave(pixels: list[tuple[float, ...]], width: int, height: int, i: int, j: int) -> tuple[float, float, float]:
    rows = [math.cos(math.pi * j * y / height) for y in range(height)]
    columns = [math.cos(math.pi * i * x / width) for x in range(width)]
    red = green = blue = 0.0
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            basis = row * column
            r, g, b = pixels[y * width + x]
            red += basis * r
            green += basis * g
            blue += basis * b
    scale = (1 if i == j == 0 else 2) / (width * height)
    return red * scale, green * scale, blue * scale


def _average(wave: tuple[float, float, float]) -> int:
    red, green, blue = map(_srgb, wave)
    return red << 16 | green << 8 | blue


def _detail(wave: tuple[float, float, float], largest: float) -> int:
    steps = [max(0, min(18, math.floor(math.copysign(abs(value / largest) ** 0.5, value) * 9 + 9.5))) for value in wave]
    return steps[0] * 19 * 19 + steps[1] * 19 + steps[2]


def _linear(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _srgb(value: float) -> int:
    share = max(0.0, min(1.0, value))
    return round((share * 12.92 if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055) * 255)


def _base83(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83 ** (length - place) % 83] for place in range(1, length + 1))
