"""The one clock and the one source of randomness.

Everything that asks for the time or for a random value asks here, so that a test can set both and a deadline can be
rehearsed. Nothing else in Folkmoot calls `datetime.now` or `secrets`.
"""

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("folkmoot_frozen_clock", default=None)
_dice = random.SystemRandom()


def now() -> datetime:
    """This moment, in UTC; inside `stopped_at`, the moment that was set."""
    return _frozen.get() or datetime.now(UTC)


def monotonic() -> float:
    """Seconds that never jump, for durations and time-outs."""
    return time.monotonic()


def token(bytes_of_entropy: int = 32) -> str:
    """An unguessable, URL-safe word."""
    return secrets.token_urlsafe(bytes_of_entropy)


def chance(count: int) -> bytes:
    """That many bytes that nobody can guess, to make a key from."""
    return secrets.token_bytes(count)


def draw(below: int) -> int:
    """A uniformly random integer, 0 <= n < below."""
    return _dice.randrange(below)


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Stops the clock at `moment`, for this task and the tasks that it starts. For tests and for imports of old posts."""
    reset = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(reset)
