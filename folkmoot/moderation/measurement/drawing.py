"""Draws the sample of a day: first views, at random; then of each stratum some posts for people to label. Pure functions.

A view is drawn with the same probability as any other one of its day, so a post is drawn the more often the more it was seen. Randomness is
passed in.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import sqrt

from folkmoot.moderation.measurement.model import Stratum

FIRST_PHASE = 2_000  # views a day whose posts the detector scores
UNSURE_FROM = 0.2  # score; of the held-out rows of the packaged detector a quarter of the harmless texts have more, and nine in ten threats
LEAST = 2  # labels of a stratum that was drawn at all
# The expected shares of breaches. They only decide how the labels are divided: if they are wrong, intervals are wider.
_EXPECTED = {Stratum.CASED: 0.4, Stratum.SUSPECTED: 0.3, Stratum.UNSURE: 0.03, Stratum.QUIET: 0.002}
Dice = Callable[[int], int]  # a random whole number below the given one


def draw_views(views: Sequence[tuple[int, int]], count: int, dice: Dice) -> Counter[int]:
    """How often each post is drawn, of (post id, views). If there are no more views than `count`, each is drawn once."""
    ends = list(accumulate(number for _, number in views))
    if not ends or ends[-1] <= count:
        return Counter(dict(views))
    return Counter(views[bisect(ends, dice(ends[-1]))][0] for _ in range(count))


def stratum_of(score: float, *, is_queued: bool, is_cased: bool) -> Stratum:
    if is_cased:
        return Stratum.CASED
    if is_queued:
        return Stratum.SUSPECTED
    return Stratum.UNSURE if score >= UNSURE_FROM else Stratum.QUIET


def allocate(draws: Mapping[Stratum, int], labels: int) -> dict[Stratum, int]:
    """Divides the labels of a day among the drawn views of each stratum, so that the variance is least (Neyman 1934): in proportion to
    its size and the expected deviation in it. A stratum has at least two, and none more than it has views."""
    present = {stratum: size for stratum, size in draws.items() if size}
    wanted = {stratum: size * sqrt(_EXPECTED[stratum] * (1 - _EXPECTED[stratum])) for stratum, size in present.items()}
    given = {stratum: min(LEAST, size) for stratum, size in present.items()}
    while sum(given.values()) < min(labels, sum(present.values())):
        neediest = max((one for one in present if given[one] < present[one]), key=lambda one: wanted[one] / given[one])
        given[neediest] += 1
    return given


def choose(draws: Mapping[int, int], labels: int, dice: Dice) -> Counter[int]:
    """Of the drawn views of one stratum (post id: number) so many at random, each at most once; how many are of each post."""
    left = [post_id for post_id, number in draws.items() for _ in range(number)]
    return Counter(left.pop(dice(len(left))) for _ in range(min(labels, len(left))))
