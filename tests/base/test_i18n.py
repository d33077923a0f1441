"""Dates and times inside sentences, in two languages."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import folkmoot
from folkmoot.base import clock
from folkmoot.base.errors import Plural
from folkmoot.base.i18n import Translator

LOCALES = Path(folkmoot.__file__).parent / "web" / "locales"


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 5, 20, 10, 0, tzinfo=UTC))  # a Thursday, noon in Prague


@pytest.mark.parametrize(("moment", "czech", "english"), [
    (datetime(2027, 5, 20, 8, 55, tzinfo=UTC), "dnes v 10.55", "today at 10:55"),
    (datetime(2027, 5, 20, 12, 41, tzinfo=UTC), "dnes ve 14.41", "today at 14:41"),
    (datetime(2027, 5, 19, 18, 5, tzinfo=UTC), "včera ve 20.05", "yesterday at 20:05"),
    (datetime(2027, 5, 21, 7, 0, tzinfo=UTC), "zítra v 9.00", "tomorrow at 09:00"),
    (datetime(2027, 5, 18, 0, 30, tzinfo=UTC), "v úterý ve 2.30", "on Tuesday at 02:30"),
    (datetime(2027, 5, 24, 15, 0, tzinfo=UTC), "v pondělí v 17.00", "on Monday at 17:00"),
    (datetime(2027, 1, 2, 12, 0, tzinfo=UTC), "2. ledna ve 13.00", "on 2 January at 13:00"),
    (datetime(2026, 5, 20, 10, 0, tzinfo=UTC), "20. května 2026 ve 12.00", "on 20 May 2026 at 12:00"),
])
def test_a_moment_inside_a_sentence(moment: datetime, czech: str, english: str) -> None:
    assert Translator("cs", LOCALES, "Europe/Prague").when(moment) == czech
    assert Translator("en", LOCALES, "Europe/Prague").when(moment) == english


@pytest.mark.parametrize(("moment", "czech", "english"), [
    (datetime(2027, 5, 20, 16, 40, tzinfo=UTC), "nejpozději dnes v 18.40", "by 18:40 today"),
    (datetime(2027, 5, 21, 7, 0, tzinfo=UTC), "nejpozději zítra v 9.00", "by 09:00 tomorrow"),
    (datetime(2027, 5, 26, 1, 53, tzinfo=UTC), "nejpozději ve středu ve 3.53", "by Wednesday, 03:53"),
    (datetime(2027, 5, 29, 7, 0, tzinfo=UTC), "nejpozději 29. května v 9.00", "by 29 May, 09:00"),
])
def test_a_deadline_inside_a_sentence(moment: datetime, czech: str, english: str) -> None:
    assert Translator("cs", LOCALES, "Europe/Prague").deadline(moment) == czech
    assert Translator("en", LOCALES, "Europe/Prague").deadline(moment) == english


@pytest.mark.parametrize(("over", "czech", "english"), [
    (1, "Text je o 1 znak delší, než může být.", "The text is 1 character too long."),
    (3, "Text je o 3 znaky delší, než může být.", "The text is 3 characters too long."),
    (12, "Text je o 12 znaků delší, než může být.", "The text is 12 characters too long."),
])
def test_a_sentence_with_a_number_has_its_plural_forms(over: int, czech: str, english: str) -> None:
    sentence = Plural("The text is %(over)d character too long.", "The text is %(over)d characters too long.", "over")
    assert Translator("cs", LOCALES, "Europe/Prague").sentence(sentence, {"over": over}) == czech
    assert Translator("en", LOCALES, "Europe/Prague").sentence(sentence, {"over": over}) == english
    assert sentence % {"over": over} == english  # the client API


def test_a_day_is_written_as_in_each_language() -> None:
    assert Translator("cs", LOCALES, "Europe/Prague").day(date(2026, 11, 24)) == "24. listopadu 2026"
    assert Translator("en", LOCALES, "Europe/Prague").day(date(2026, 11, 24)) == "24 November 2026"
