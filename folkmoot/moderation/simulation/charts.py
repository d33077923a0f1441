"""The figures of a simulation as SVG files that stand alone: one for each figure, the rules side by side at each share of bad faith.

Rules differ in shape as well as in colour. Each file has a title and a description with all its numbers, for whoever does not see it.
"""

from collections.abc import Sequence
from html import escape

from folkmoot.moderation.jury.trial import RULES
from folkmoot.moderation.simulation.results import TARGETS, Result

# name: title, whether it is a share, its words
CHARTS = {
    "accuracy": ("Decisions that are right", True),
    "wrong_removals": ("Harmless posts that are removed", True),
    "missed": ("Breaches that stay", True),
    "gap": ("Difference of the errors between the camps", True),
    "votes_per_case": ("Answers for each case", False),
    "to_staff": ("Cases that go to moderators", True),
}
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 360, 56, 16, 76, 40
_MOST_STEPS = 6  # of a scale
_NICE = (0.01, 0.02, 0.05, 0.1, 0.2, 1.0, 2.0, 5.0)  # lengths of a step
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #222 } .title { font-weight: 600; font-size: 17px } .small { font-size: 12px }
.paper { fill: #fff } .grid { stroke: #ccc } .target { stroke: #222; stroke-dasharray: 6 4 }
.r0 { --ink: #5b5b5b } .r1 { --ink: #8a4b08 } .r2 { --ink: #7a1f5c } .r3 { --ink: #1d6b35 } .r4 { --ink: #0b4fa8 }
.mark { fill: var(--ink); stroke: var(--ink) } .bar { stroke: var(--ink); stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #eee } .paper { fill: #181818 } .grid { stroke: #444 } .target { stroke: #eee }
.r0 { --ink: #b8b8b8 } .r1 { --ink: #f0a860 } .r2 { --ink: #f08fd0 } .r3 { --ink: #7fd69a } .r4 { --ink: #8fbcff } }
"""


def draw_charts(results: Sequence[Result]) -> dict[str, str]:
    """The text of each SVG file, by its name without the ending."""
    return {name: _draw(name, results) for name in CHARTS}


def _draw(name: str, results: Sequence[Result]) -> str:
    title, is_share = CHARTS[name]
    levels = sorted({one.bad_faith for one in results})
    lines = _scale([getattr(end, name) for one in results for end in (one.low, one.high, one.figures)])
    low, high = lines[0], lines[-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="title words">',
        f'<title id="title">{escape(title)}</title><desc id="words">{escape(_words(name, results))}</desc><style>{_STYLE}</style>',
        f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}"/><text class="title" x="12" y="26">{escape(title)}</text>',
        *_key([rule for rule in RULES if any(one.rule == rule for one in results)]), *_grid(lines, is_share),
    ]
    slot = (_WIDTH - _LEFT - _RIGHT) / len(levels)
    for place, level in enumerate(levels):
        left = _LEFT + slot * place
        parts.append(f'<text x="{left + slot / 2:.0f}" y="{_HEIGHT - 14}" text-anchor="middle">{level:.0%} bad faith</text>')
        parts += _target(name, level, left, slot, low, high)
        here = sorted((one for one in results if one.bad_faith == level), key=lambda one: RULES.index(one.rule))
        for number, one in enumerate(here):
            x = left + slot * (number + 1) / (len(here) + 1)
            parts += _interval(name, one, x, low, high)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _interval(name: str, one: Result, x: float, low: float, high: float) -> list[str]:
    value, bottom, top = (_y(getattr(end, name), low, high) for end in (one.figures, one.low, one.high))
    return [f'<g class="r{RULES.index(one.rule)}"><line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
            f"{_mark(RULES.index(one.rule), x, value)}</g>"]


def _mark(shape: int, x: float, y: float) -> str:
    """Circle, square, triangle, diamond, and a large circle for the jury of Folkmoot."""
    if shape in (0, 4):
        return f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="{7 if shape == 4 else 4}"/>'
    corners = {1: ((-4, -4), (4, -4), (4, 4), (-4, 4)), 2: ((0, -6), (5, 4), (-5, 4)), 3: ((0, -6), (6, 0), (0, 6), (-6, 0))}[shape]
    return f'<polygon class="mark" points="{" ".join(f"{x + right:.1f},{y + down:.1f}" for right, down in corners)}"/>'


def _key(rules: Sequence[str]) -> list[str]:
    return [
        f'<g class="r{RULES.index(rule)}">{_mark(RULES.index(rule), 22 + 110 * place, 50)}</g>'
        f'<text class="small" x="{34 + 110 * place}" y="54">{escape(rule)}</text>' for place, rule in enumerate(rules)
    ] + ['<line class="target" x1="556" x2="580" y1="50" y2="50"/><text class="small" x="586" y="54">target</text>']


def _grid(lines: Sequence[float], is_share: bool) -> list[str]:
    drawn = []
    for value in lines:
        y = _y(value, lines[0], lines[-1])
        words = f"{value:.0%}" if is_share else f"{value:g}"
        drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="small" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
    return drawn


def _target(name: str, level: float, left: float, slot: float, low: float, high: float) -> list[str]:
    return [
        f'<line class="target" x1="{left:.0f}" x2="{left + slot:.0f}" y1="{_y(limit, low, high):.1f}" y2="{_y(limit, low, high):.1f}"/>'
        for figure, limit, _ in TARGETS.get(level, ()) if figure == name and low <= limit <= high
    ]


def _words(name: str, results: Sequence[Result]) -> str:
    """All numbers of a chart in a sentence each."""
    is_share = CHARTS[name][1]

    def number(value: float) -> str:
        return f"{value:.1%}" if is_share else f"{value:.2f}"

    return " ".join(
        f"{one.bad_faith:.0%} bad faith, {one.rule}: {number(getattr(one.figures, name))}"
        f" ({number(getattr(one.low, name))} to {number(getattr(one.high, name))})."
        for one in sorted(results, key=lambda one: (one.bad_faith, RULES.index(one.rule)))
    )


def _scale(values: Sequence[float]) -> list[float]:
    """The lines of the scale: the fewest whole steps around all values, from 0 unless the values are far from it."""
    least = min(values) if min(values) > max(values) / 2 else 0.0
    for step in _NICE:
        first, last = int(least / step), -int(-max(values) / step // 1)
        if last - first <= _MOST_STEPS:
            break
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def _y(value: float, low: float, high: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))
