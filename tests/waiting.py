"""Waiting in tests. The deadline is generous: it ends a test that would wait for ever, and a busy machine never meets it.

No test begins shortly before midnight: what happens today, or this month, would be in two days or months.
"""

import asyncio
import inspect
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

SECONDS = 60.0
_ZONES = UTC, ZoneInfo("Europe/Prague")  # that of reports, and that in which the pages show times
_LONGEST_TEST = timedelta(seconds=30)  # of those that ask for the day; on a busy machine


def until_next_day(moment: datetime) -> timedelta:
    """How long a test that would begin at this moment waits for the next day; usually no time."""
    for zone in _ZONES:
        if (later := moment + _LONGEST_TEST).astimezone(zone).date() != moment.astimezone(zone).date():
            midnight = datetime.combine(later.astimezone(zone).date(), datetime.min.time(), zone)
            return midnight - moment
    return timedelta()


def wait_until(condition: Callable[[], Any], what: str = "") -> Any:
    """Waits until the condition holds; returns what it returned."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, what or "waited in vain"
        time.sleep(0.02)
    return found


async def until(condition: Callable[[], Any]) -> Any:
    """The same in a coroutine; the condition may be a coroutine function."""
    async with asyncio.timeout(SECONDS):
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)
