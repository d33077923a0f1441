"""How long it takes until something happens, if some of it has not happened yet. Pure functions.

A case that is still open has waited at least so long: it is *censored*. Leaving it out would make a network look the faster the more
it leaves undone. So the share that waits longer than a time is estimated with all cases (Kaplan and Meier 1958). Its variance is that
of Greenwood (1926); the interval of a quantile has all times that the share at this time does not contradict (Brookmeyer and Crowley
1982), with intervals of Wilson for the effective number of cases.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from folkmoot.moderation.measurement.model import Estimate
from folkmoot.moderation.measurement.shares import wilson

HALF, SLOWEST = 0.5, 0.9


class Wait(NamedTuple):
    """`lasted`: until it happened or, if it has not (`has_ended` is False), until now."""

    lasted: float
    has_ended: bool


class Step(NamedTuple):
    """From this time on: the share of what has happened, with its interval."""

    at: float
    happened: Estimate


class Quantile(NamedTuple):
    """`high` is None if what is known does not bound it: too much has not happened yet."""

    value: float
    low: float
    high: float | None


def curve(waits: Sequence[Wait]) -> list[Step]:
    """The share of what has happened by each time at which something did. What is censored at that time counts as still waiting."""
    steps: list[Step] = []
    left, waiting, greenwood = len(waits), 1.0, 0.0
    for at, same in groupby(sorted(waits), key=lambda wait: wait.lasted):
        ends = [wait.has_ended for wait in same]
        ended = sum(ends)
        if ended:
            waiting *= 1 - ended / left
            greenwood += ended / (left * (left - ended)) if left > ended else 0.0
            steps.append(Step(at, _share(waiting, greenwood, left - ended, len(waits))))
        left -= len(ends)
    return steps


def quantile(waits: Sequence[Wait], share: float) -> Quantile | None:
    """The time after which this share has happened; None if less has happened so far."""
    steps = curve(waits)
    value = next((step.at for step in steps if step.happened.value >= share - 1e-9), None)
    if value is None:
        return None
    low = next(step.at for step in steps if step.happened.high >= share)
    return Quantile(value, min(low, value), next((step.at for step in steps if step.happened.low >= share), None))


def share_within(waits: Sequence[Wait], limit: float) -> Estimate | None:
    """The share that happens within this time; None for no cases, or if none has waited that long or happened."""
    steps = [step for step in curve(waits) if step.at <= limit]
    if steps:
        return steps[-1].happened
    known = sum(wait.lasted >= limit for wait in waits)
    return wilson(0.0, known) if known else None


def _share(waiting: float, greenwood: float, left: int, size: int) -> Estimate:
    """`greenwood`: the variance of the share that waits, divided by its square."""
    happened = 1 - waiting
    if waiting <= 0 or happened <= 0:
        return wilson(min(max(happened, 0.0), 1.0), size)
    effective = happened / (waiting * greenwood)  # p (1 - p) / variance
    return wilson(happened, min(max(effective, left, 1.0), size))
