"""Charts as SVG, drawn on the server: they need no script, and print. This computes where everything stands; `_chart.html` draws it.

A chart has at most two series, which differ in shape as well as in colour. The table beside it has the same numbers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 12, 24
_BETWEEN_LABELS = 3  # periods
_STEPS = 4  # at most, of the scale


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    series: int


class Line(NamedTuple):
    """`path`: interrupted where there is no value."""

    path: str
    dots: list[tuple[float, float]]
    series: int


class Interval(NamedTuple):
    """A dot with the line of its 95 % interval, and the value in words."""

    x: float
    y: float
    top: float
    bottom: float
    words: str


class Chart(NamedTuple):
    ticks: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    bars: list[Bar]
    lines: list[Line]
    intervals: list[Interval] = []


Values = Sequence[float | None]


def bar_chart(series: Sequence[Values], labels: Sequence[str], words: Callable[[float], str], *, top: float = 0.0) -> Chart:
    """`words`: a value of the scale in words. `top`: the least height of the scale."""
    step, most = _scale(series, top)
    slot = (WIDTH - _LEFT - _RIGHT) / max(1, len(labels))
    width = slot * 0.8 / len(series)
    bars = [
        Bar(round(_LEFT + slot * (place + 0.1) + width * number, 1), round(_y(value, most), 1), round(width - 1, 1),
            round(_y(0, most) - _y(value, most), 1), number)
        for number, values in enumerate(series) for place, value in enumerate(values) if value
    ]
    return Chart(_ticks(step, most, words), _labels(labels), bars, [])


def line_chart(series: Sequence[Values], labels: Sequence[str], words: Callable[[float], str], *, top: float = 0.0) -> Chart:
    step, most = _scale(series, top)
    lines = []
    for number, values in enumerate(series):
        path, dots, is_on = "", [], False
        for place, value in enumerate(values):
            if value is not None:
                x, y = round(_x(place, len(labels)), 1), round(_y(value, most), 1)
                path += f"{'L' if is_on else 'M'}{x} {y}"
                dots.append((x, y))
            is_on = value is not None
        lines.append(Line(path, dots, number))
    return Chart(_ticks(step, most, words), _labels(labels), [], lines)


def interval_chart(
    values: Sequence[tuple[float, float, float] | None], labels: Sequence[str], words: Callable[[float], str], *, top: float = 0.0
) -> Chart:
    """From (value, low, high), or None where nothing was measured."""
    known = [value for value in values if value]
    step, most = _scale([[high for _, _, high in known]], top)
    intervals = [
        Interval(round(_x(place, len(labels)), 1), round(_y(value[0], most), 1), round(_y(value[2], most), 1), round(_y(value[1], most), 1),
                 words(value[0]))
        for place, value in enumerate(values) if value
    ]
    return Chart(_ticks(step, most, words), _labels(labels), [], [], intervals)


def _scale(series: Sequence[Values], top: float) -> tuple[float, float]:
    """(step, end) of the scale: steps of 1, 2 or 5 times a power of ten."""
    most = max([top, *(value for values in series for value in values if value is not None)])
    step = 1e-6
    while True:
        for factor in (1, 2, 5):
            if most <= step * factor * _STEPS:
                steps = max(1, -(-most // (step * factor)))
                return step * factor, step * factor * steps
        step *= 10


def _ticks(step: float, most: float, words: Callable[[float], str]) -> list[tuple[float, str]]:
    return [(round(_y(step * number, most), 1), words(step * number)) for number in range(round(most / step) + 1)]


def _labels(labels: Sequence[str]) -> list[tuple[float, str]]:
    """Every third one, counted from the last."""
    return [
        (round(_x(place, len(labels)), 1), label) for place, label in enumerate(labels) if (len(labels) - 1 - place) % _BETWEEN_LABELS == 0
    ]


def _x(place: int, count: int) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (place + 0.5) / max(1, count)


def _y(value: float, most: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - value / most if most else 1)
