"""Figures in words, in the language of the reader. Templates get one `Wording`."""

from math import floor

from folkmoot.base.i18n import Translator
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.rules.model import wilson
from folkmoot.moderation.transparency.monthly import ALL, FEW, Count, Deadlines
from folkmoot.moderation.verdicts.model import Action

ENOUGH = 20  # from so many on, a share is shown in percent; below, it would say more than is known


class Wording:
    """`actions`, `deadlines`, `detectors`: what each key of the figures is called."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self.actions: dict[str, str] = {
            Action.KEEP: translator.sentence("left as it was"), Action.WARN: translator.sentence("author warned"),
            Action.LABEL: translator.sentence("covered with a label"), Action.LIMIT: translator.sentence("reach limited"),
            Action.HIDE: translator.sentence("hidden for a time"), Action.REMOVE: translator.sentence("removed"),
            Action.FREEZE: translator.sentence("author frozen for a time"), Action.SUSPEND: translator.sentence("author suspended"),
        }
        self.deadlines = {
            "notice_order": translator.sentence("Removal orders of authorities"),
            "notice_contact": translator.sentence("Hosts and trusted flaggers"),
            "notice_other": translator.sentence("Other notices from outside"),
            "threat": translator.sentence("Suspected threats and other grave cases"),
            "other": translator.sentence("Other cases"), "appeal": translator.sentence("Appeals"),
        }
        self.detectors = {
            ALL: translator.sentence("All together"), "detector": translator.sentence("Detector of threats"),
            "reader": translator.sentence("Language model"), "lists": translator.sentence("Lists of known content"),
            "rules": translator.sentence("Rules against spam and floods"),
        }
        self.percent, self.decimal, self.month = translator.percent, translator.decimal, translator.calendar_month

    def count(self, value: Count) -> str:
        """A number, or "fewer than 5"."""
        return self._translator.sentence("fewer than 5") if value == FEW else self._translator.number(int(value))

    def clause(self, key: str) -> str:
        """Rule 2: Threats."""
        clause = clause_of(key)
        return self._translator.sentence("Rule %(number)d: %(title)s", {
            "number": clause.number, "title": clause.title[self._translator.language]})

    def hours(self, value: float | None) -> str:
        """A duration in hours: 20 s, 48 min, 3 h 10 min, 4 days 5 h."""
        return "–" if value is None else self.seconds(3600 * value)

    def seconds(self, value: float | None) -> str:
        if value is None:
            return "–"
        if value < 60:
            return f"{max(1, round(value))} s"
        minutes = round(value / 60)
        if minutes < 60:
            return f"{minutes} min"
        if minutes < 48 * 60:
            return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
        hours = round(minutes / 60)
        days = self._translator.plural("%(count)s day", "%(count)s days", hours // 24)
        return f"{days} {hours % 24} h" if hours % 24 else days

    def met(self, one: Deadlines) -> str:
        """The share of deadlines that were met, rounded down: 100 % means all."""
        return self.percent(floor(1000 * one.in_time / one.total) / 1000)

    def share(self, hits: int, of: int) -> str | None:
        """A share in percent with its 95 % interval; None if there are too few."""
        if of < ENOUGH:
            return None
        low, high = wilson(hits, of)
        return self._translator.sentence("%(share)s (95 %% interval: %(low)s to %(high)s)", {
            "share": self.percent(hits / of), "low": self.percent(low), "high": self.percent(high)})
