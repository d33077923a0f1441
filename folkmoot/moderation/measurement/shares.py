"""Shares of independent things (appeals, pairs), of answers by the same people, and the difference of two shares. Pure functions.

The interval of a share is that of Wilson (1927), which Brown, Cai and DasGupta (2001) recommend: it covers rightly on average also for
small numbers and for shares near 0 and 1. Single combinations of share and number can cover less or more, because a count has steps.
"""

from collections.abc import Sequence
from math import sqrt

from folkmoot.moderation.measurement.model import Estimate

Z = 1.959964  # of a 95 % interval


def share(hits: float, size: float) -> Estimate:
    """`size` is at least 1; both may be effective numbers, not whole."""
    return wilson(hits / size, size)


def wilson(value: float, size: float, quantile: float = Z) -> Estimate:
    """The interval of an observed share, for the effective sample size."""
    square = quantile**2
    middle = (value + square / (2 * size)) / (1 + square / size)
    half = quantile / (1 + square / size) * sqrt(value * (1 - value) / size + square / (4 * size**2))
    return Estimate(value, min(max(middle - half, 0.0), value), max(min(middle + half, 1.0), value))


def clustered_share(clusters: Sequence[tuple[int, int]]) -> Estimate:
    """A share of answers of which each person gave some: (hits, answers) by person, at least two people.

    People differ, so their answers are worth fewer independent ones. The design effect is that of a ratio estimate from the residuals of
    the people (Cochran 1977, 6.3); the interval is that of Wilson with the effective size and Student's quantile (Korn and Graubard 1998).
    """
    people, answers, hits = len(clusters), sum(of for _, of in clusters), sum(hit for hit, _ in clusters)
    value = hits / answers
    spread = sum((hit - value * of) ** 2 for hit, of in clusters) * people / (people - 1) / answers**2
    simple = value * (1 - value) / answers
    size = answers * min(1.0, simple / spread) if spread and simple else answers
    return wilson(value, size, student(people - 1))


def difference(first: tuple[int, int], second: tuple[int, int]) -> Estimate:
    """The first share minus the second one, each as (hits, size). The interval is number 10 of Newcombe (1998): it is made of the
    intervals of Wilson of both."""
    one, other = share(*first), share(*second)
    value = one.value - other.value
    low = value - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    return Estimate(value, low, value + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2))


def student(degrees: int) -> float:
    """The quantile of Student's distribution for a 95 % interval, by the expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5)."""
    terms = (
        (Z**3 + Z) / 4, (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96, (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + sum(term / float(degrees) ** power for power, term in enumerate(terms, 1))
