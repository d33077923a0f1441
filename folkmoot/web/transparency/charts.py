"""Where everything stands in the charts of a month: rows of bars, one for each rule or kind of deadline. `transparency/_charts.html` draws
them, and beside each the same numbers as a table. Charts over months are those of `web/charts.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 360
ROW = 46  # a label, and the bar below it
_BAR = 18
_GAP = 3  # between the parts of a bar
_FOR_WORDS = 150  # beside the longest bar
_LEAST = 4.0  # of a bar that is not empty
LONGEST_LABEL = 46


class Part(NamedTuple):
    """`kind`: the class that gives it a colour and a pattern."""

    x: float
    width: float
    kind: str


class Row(NamedTuple):
    label: str
    y: int
    parts: list[Part]
    words: str
    words_x: float

    @property
    def short_label(self) -> str:
        return self.label if len(self.label) <= LONGEST_LABEL else f"{self.label[:LONGEST_LABEL - 1].rstrip()}…"


class RowChart(NamedTuple):
    rows: list[Row]

    @property
    def height(self) -> int:
        return ROW * len(self.rows)


def row_chart(rows: Sequence[tuple[str, Sequence[tuple[int, str]], str]]) -> RowChart:
    """From (label, [(count, kind)], the numbers in words). Lengths are in proportion to counts, but never too short to be seen."""
    most = max((sum(count for count, _ in parts) for _, parts, _ in rows), default=0) or 1
    room = WIDTH - _FOR_WORDS
    made = []
    for number, (label, parts, words) in enumerate(rows):
        x, found = 0.0, []
        for count, kind in parts:
            if count:
                width = round(max(_LEAST, room * count / most), 1)
                found.append(Part(round(x, 1), width, kind))
                x += width + _GAP
        made.append(Row(label, ROW * number, found, words, round(x + (5 if found else 0), 1)))
    return RowChart(made)
