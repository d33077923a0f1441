"""Languages: translated sentences, plurals, times and numbers in the form that each language uses.

Msgids are the English sentences. Catalogues are gettext files. The rules for times and numbers of the two languages are
written here, so that no process loads the data of all languages.
"""

import gettext
import re
from datetime import date as CalendarDay
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from folkmoot.base import clock
from folkmoot.base.errors import Plural
from folkmoot.base.languages import language_of
from folkmoot.base.text import isolated

CATALOGUES = Path(__file__).resolve().parents[1] / "web" / "locales"
LANGUAGES = {"en": "English", "cs": "Čeština"}
_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince".split(),
}
_NAMES_OF_MONTHS = {
    "en": _MONTHS["en"],
    "cs": "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec".split(),
}
_WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "cs": "pondělí úterý středa čtvrtek pátek sobota neděle".split(),
}
_ON_WEEKDAYS = {
    "en": [f"on {name}" for name in _WEEKDAYS["en"]],
    "cs": ["v pondělí", "v úterý", "ve středu", "ve čtvrtek", "v pátek", "v sobotu", "v neděli"],
}
_DAYS = {"en": {-1: "yesterday", 0: "today", 1: "tomorrow"}, "cs": {-1: "včera", 0: "dnes", 1: "zítra"}}
_LANG = re.compile(rb"(?:^|&)lang=(%s)(?:-\w+)?(?:&|$)" % "|".join(LANGUAGES).encode())
_MOST_TIMES = 2_000  # in memory, for each language
_HOURS_WITH_VE = {2, 3, 4, 12, 13, 14, 20, 21, 22, 23}  # ve dvě, ve tři, ve čtrnáct: "ve" before a consonant cluster


class Translator:
    """One language."""

    def __init__(self, language: str, catalogues: Path, time_zone: str) -> None:
        self.language = language
        self.catalogue = gettext.translation("folkmoot", catalogues, [language], fallback=language == "en")
        self._zone = ZoneInfo(time_zone)
        # The same posts and notices are on many pages.
        self._local = lru_cache(_MOST_TIMES)(self._to_local)
        self.full = lru_cache(_MOST_TIMES)(self._full)

    def sentence(self, message: str, params: dict[str, object] | None = None) -> str:
        """A translated sentence with its parameters filled in."""
        if isinstance(message, Plural) and params:
            count = params[message.counted]
            assert isinstance(count, int)
            text = self.catalogue.ngettext(message.one, str(message), count)
        else:
            text = self.catalogue.gettext(message)
        return text % {name: isolated(value) if isinstance(value, str) else value for name, value in params.items()} if params else text

    def plural(self, one: str, many: str, count: int) -> str:
        return self.catalogue.ngettext(one, many, count) % {"count": self.number(count)}

    def number(self, value: int) -> str:
        """1,204 in English, 1 204 in Czech."""
        text = f"{value:,}"
        return text if self.language == "en" else text.replace(",", "\u00a0")

    def local(self, moment: datetime) -> datetime:
        return self._local(moment)

    def _to_local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone)

    def _days_until(self, moment: datetime) -> int:
        return (self.local(moment).date() - self._to_local(clock.now()).date()).days

    def time(self, moment: datetime) -> str:
        """09:32 in English, 9.32 in Czech."""
        local = self.local(moment)
        return f"{local.hour:02d}:{local.minute:02d}" if self.language == "en" else f"{local.hour}.{local.minute:02d}"

    def at(self, moment: datetime) -> str:
        """At 14:32; ve 14.32, v 10.55."""
        if self.language == "en":
            return f"at {self.time(moment)}"
        return f"{'ve' if self.local(moment).hour in _HOURS_WITH_VE else 'v'} {self.time(moment)}"

    def when(self, moment: datetime) -> str:
        """A moment inside a sentence: today at 10:55, v neděli ve 14.32, 22. května v 9.00."""
        days = self._days_until(moment)
        if abs(days) <= 1:
            day = _DAYS[self.language][days]
        elif abs(days) < 7:
            day = _ON_WEEKDAYS[self.language][self.local(moment).weekday()]
        else:
            day = f"on {self.date(moment)}" if self.language == "en" else self.date(moment)
        return f"{day} {self.at(moment)}"

    def deadline(self, moment: datetime) -> str:
        """A deadline inside a sentence: by 18:40 today, by Wednesday, 03:53; nejpozději dnes v 18.40."""
        if self.language == "cs":
            return f"nejpozději {self.when(moment)}"
        days = self._days_until(moment)
        if abs(days) <= 1:
            return f"by {self.time(moment)} {_DAYS['en'][days]}"
        day = _WEEKDAYS["en"][self.local(moment).weekday()] if abs(days) < 7 else self.date(moment)
        return f"by {day}, {self.time(moment)}"

    def date(self, moment: datetime) -> str:
        """22 May 2027, 22. května 2027; the year only if it is not the current one."""
        local = self.local(moment)
        if local.year != self.local(clock.now()).year:
            return self.day(local)
        month = _MONTHS[self.language][local.month - 1]
        return f"{local.day} {month}" if self.language == "en" else f"{local.day}. {month}"

    def day(self, day: CalendarDay) -> str:
        """A date with its year, whatever the time zone: 22 May 2027, 22. května 2027."""
        month = _MONTHS[self.language][day.month - 1]
        return f"{day.day} {month} {day.year}" if self.language == "en" else f"{day.day}. {month} {day.year}"

    def _full(self, moment: datetime) -> str:
        """Date and time, with the year."""
        day = self.day(self.local(moment))
        return f"{day}, {self.time(moment)}" if self.language == "en" else f"{day} {self.at(moment)}"

    def short(self, moment: datetime) -> str:
        """When something was written: the time if today, else yesterday, the weekday, or the date."""
        days = -self._days_until(moment)
        if days <= 0:
            return self.time(moment)
        if days == 1:
            return self.sentence("yesterday")
        if days < 7:
            return _WEEKDAYS[self.language][self.local(moment).weekday()]
        return self.date(moment)

    def month(self, moment: datetime) -> str:
        """Since March 2024, od března 2024: in Czech the form that follows "od"."""
        local = self.local(moment)
        return f"{_MONTHS[self.language][local.month - 1]} {local.year}"

    def calendar_month(self, day: CalendarDay) -> str:
        """The month of a day, as a title: November 2026, listopad 2026."""
        return f"{_NAMES_OF_MONTHS[self.language][day.month - 1]} {day.year}"

    def decimal(self, value: float, digits: int = 1) -> str:
        """A number with at most so many decimals: 6.4 in English, 6,4 in Czech."""
        text = f"{value:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text if self.language == "en" else text.replace(".", ",")

    def percent(self, share: float, digits: int = 1) -> str:
        """6.4% in English, 6,4 % in Czech."""
        return self.decimal(100 * share, digits) + ("%" if self.language == "en" else "\u00a0%")

    def remaining(self, moment: datetime) -> str:
        """The time left until `moment`: 2 h 10 min."""
        left = max(timedelta(0), moment - clock.now())
        minutes = int(left.total_seconds() // 60)
        if minutes >= 48 * 60:
            return self.plural("%(count)s day", "%(count)s days", minutes // 1440)
        return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def load(time_zone: str) -> dict[str, Translator]:
    """A translator for each language."""
    return {language: Translator(language, CATALOGUES, time_zone) for language in LANGUAGES}


def choose(accepted: str, default: str) -> str:
    """The first of our languages in an Accept-Language header; Slovaks read Czech more easily than English."""
    ranked = []
    for position, item in enumerate(accepted[:300].split(",")):
        tag, _, weight = item.strip().partition(";")
        found = re.search(r"q=([01](?:\.\d+)?)", weight)
        ranked.append((-(float(found[1]) if found else 1.0), position, language_of(tag) or ""))
    for negative, _, tag in sorted(ranked):
        if negative and tag in LANGUAGES:
            return tag
        if negative and tag == "sk":
            return "cs"
    return default


def asked_for(query: bytes) -> str | None:
    """The language of the parameter `lang` in a query, with which apps and links ask for one; None if it is not one of ours."""
    found = _LANG.search(query)
    return found[1].decode() if found else None
