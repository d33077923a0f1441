"""How much of a long series a run makes, and by which seed.

A test that repeats something many times asks `length(sample, whole)`: `bin/test --long` makes all of it, other runs a
sample. What differs from run to run draws from `dice(name)`. Each run prints its seed; FOLKMOOT_TEST_SEED repeats it.
"""

import os
import random

LONG = "FOLKMOOT_TEST_LONG"  # set: whole series
SEED = "FOLKMOOT_TEST_SEED"


def is_long() -> bool:
    return bool(os.environ.get(LONG))


def length(sample: int, whole: int) -> int:
    """How many to make."""
    return whole if is_long() else sample


def seed() -> int:
    """This run's seed, the same in each of its processes."""
    if SEED not in os.environ:
        os.environ[SEED] = str(random.SystemRandom().randrange(10**9))
    return int(os.environ[SEED])


def dice(name: str) -> random.Random:
    """Chance of its own for each name, so that a test draws the same whichever tests run beside it."""
    return random.Random(f"{name} {seed()}")
