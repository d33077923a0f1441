"""No test begins shortly before midnight."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.waiting import until_next_day


@pytest.mark.parametrize(("moment", "seconds"), [
    ("2026-11-30T12:00:00", 0), ("2026-11-30T23:59:29", 0), ("2026-11-30T23:59:45", 15), ("2026-12-01T00:00:00", 0),
    ("2026-11-30T22:59:40.5", 19.5), ("2026-06-30T21:59:40", 20), ("2026-06-30T22:59:40", 0), ("2026-12-31T23:59:59.999", 0.001),
])
def test_a_test_that_would_run_across_midnight_waits_for_the_next_day(moment: str, seconds: float) -> None:
    assert until_next_day(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == timedelta(seconds=seconds)
