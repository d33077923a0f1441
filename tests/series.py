"""The length of long series in a test run, and the seed of its random choices.

A test that repeats something many times calls `length(sample, whole)`: `bin/test --long` runs the whole series, other
runs a sample. Random choices come from `dice(name)`, which is the same in each ordinary run, so that a change alone decides whether it
fails. Which sample of a long series runs comes from `changing_dice(name)`. Each run draws a seed for it, and a long run for
everything; it prints it, and FOLKMOOT_TEST_SEED repeats it. A series that takes many minutes can be run in parts, also on several
machines: FOLKMOOT_TEST_PART=2/4 is the second of four.
"""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

LONG = "FOLKMOOT_TEST_LONG"  # set: run whole series
SEED = "FOLKMOOT_TEST_SEED"
PART = "FOLKMOOT_TEST_PART"
_SEED_OF_ORDINARY_RUNS = 1


def is_long() -> bool:
    return bool(os.environ.get(LONG))


def length(sample: T, whole: T) -> T:
    """The number of repetitions in this run, or the cases."""
    return whole if is_long() else sample


def part(cases: Sequence[T]) -> Sequence[T]:
    """The cases of a whole series that this run has: all, or every fourth."""
    number, _, parts = os.environ.get(PART, "1/1").partition("/")
    return cases[int(number) - 1 :: int(parts)]


def seed() -> int:
    """The seed of this run, the same in each of its processes."""
    if SEED not in os.environ:
        os.environ[SEED] = str(random.SystemRandom().randrange(10**9))
    return int(os.environ[SEED])


def dice(name: str) -> random.Random:
    """A random generator for each name, so that a test draws the same values whatever other tests run."""
    return changing_dice(name) if is_long() else random.Random(f"{name} {_SEED_OF_ORDINARY_RUNS}")


def changing_dice(name: str) -> random.Random:
    """The same, with other values in each run: for the choice of cases of which every one must pass."""
    return random.Random(f"{name} {seed()} {os.environ.get(PART, '')}")
