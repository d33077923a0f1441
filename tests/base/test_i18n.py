"""Dates and times inside sentences, in two languages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import folkmoot
from folkmoot.base import clock
from folkmoot.base.i18n import Translator

LOCALES = Path(folkmoot.__file__).parent / "web" / "locales"


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 5, 20, 10, 0, tzinfo=UTC))  # a Thursday, noon in Prague


@pytest.mark.parametrize(("moment", "czech", "english"), [
    (datetime(2027, 5, 20, 8, 55, tzinfo=UTC), "dnes v 10.55", "today at 10:55"),
    (datetime(2027, 5, 20, 12, 41, tzinfo=UTC), "dnes ve 14.41", "today at 14:41"),
    (datetime(2027, 5, 19, 18, 5, tzinfo=UTC), "včera ve 20.05", "yesterday at 20:05"),
    (datetime(2027, 5, 21, 7, 0, tzinfo=UTC), "zítra v 9.00", "tomorrow at 9:00"),
    (datetime(2027, 5, 18, 0, 30, tzinfo=UTC), "v úterý ve 2.30", "on Tuesday at 2:30"),
    (datetime(2027, 5, 24, 15, 0, tzinfo=UTC), "v pondělí v 17.00", "on Monday at 17:00"),
    (datetime(2027, 1, 2, 12, 0, tzinfo=UTC), "2. ledna ve 13.00", "on 2 January at 13:00"),
    (datetime(2026, 5, 20, 10, 0, tzinfo=UTC), "20. května 2026 ve 12.00", "on 20 May 2026 at 12:00"),
])
def test_a_moment_inside_a_sentence(moment: datetime, czech: str, english: str) -> None:
    assert Translator("cs", LOCALES, "Europe/Prague").when(moment) == czech
    assert Translator("en", LOCALES, "Europe/Prague").when(moment) == english
