"""The only clock and the only source of randomness.

All code takes the time and random values from here, so that a test can set the clock and check a deadline. Nothing else
in Folkmoot calls `datetime.now` or `secrets`.
"""

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("folkmoot_frozen_clock", default=None)
_random = random.SystemRandom()
_seeded: ContextVar[random.Random | None] = ContextVar("folkmoot_seeded_draws", default=None)


def now() -> datetime:
    """The current time in UTC; inside `stopped_at`, the time that was set."""
    return _frozen.get() or datetime.now(UTC)


def monotonic() -> float:
    """Seconds of a clock that never jumps, for durations and timeouts."""
    return time.monotonic()


def token(bytes_of_entropy: int = 32) -> str:
    """A random, URL-safe string that cannot be guessed."""
    return secrets.token_urlsafe(bytes_of_entropy)


def random_bytes(count: int) -> bytes:
    """Random bytes that cannot be guessed, for keys."""
    return secrets.token_bytes(count)


def draw(below: int) -> int:
    """A uniformly random integer, 0 <= n < below; inside `drawn_from`, one that the seed repeats."""
    return (_seeded.get() or _random).randrange(below)


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Stops the clock at `moment`, for this task and the tasks that it starts. For tests and for imports of old posts."""
    reset = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(reset)


@contextmanager
def drawn_from(seed: str) -> Iterator[None]:
    """Repeats what `draw` gives, for this task and the tasks that it starts. For simulations; tokens and keys stay random."""
    # Nothing secret is drawn in a simulation.
    reset = _seeded.set(random.Random(seed))  # noqa: S311
    try:
        yield
    finally:
        _seeded.reset(reset)
