"""Gives each answered item of the sample its weight: how many views it stands for. No input or output.

The views of a day divide into strata like those that were drawn from them. The answered views of a stratum stand for all of its views
on that day; a day on which nobody has answered about a stratum is represented by the other days. So posts without an answer count as if
they were like the answered ones of their stratum and day.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from folkmoot.moderation.measurement.model import Stratum
from folkmoot.moderation.measurement.queries.sources import Day, Item
from folkmoot.moderation.measurement.weighted import Labelled, StratumCounts, count

Test = Callable[[Item], bool]


class WeighedSample:
    """The sample of a period. `is_complete`: every stratum has an answer, so that there is an estimate for all views."""

    def __init__(self, days: Sequence[Day], items: Sequence[Item]) -> None:
        views = {(day.day, stratum): day.views * draws / sum(day.draws.values()) for day in days for stratum, draws in day.draws.items()}
        answered = [one for one in items if one.clauses is not None]
        answers: Counter[tuple[date, Stratum]] = Counter()
        for one in answered:
            answers[one.day, one.stratum] += one.draws
        self._rows = [(views[one.day, one.stratum] / answers[one.day, one.stratum], one) for one in answered]
        total = sum(views.values())
        of_strata = {stratum: sum(number for (_, one), number in views.items() if one is stratum) for stratum in Stratum}
        self._shares = {stratum: number / total for stratum, number in of_strata.items() if number}
        self.labels = sum(answers.values())
        self.is_complete = bool(self._shares) and self._shares.keys() <= {stratum for _, stratum in answers}

    def count(
        self, is_breach: Test, is_flagged: Test = lambda _: False, known: Mapping[Stratum, bool] | None = None
    ) -> list[StratumCounts]:
        """The labels by stratum. `known`: the strata of which everything or nothing is flagged, by their definition."""
        return [
            count(
                share,
                [Labelled(weight, is_breach(one), is_flagged(one)) for weight, one in self._rows if one.stratum is stratum
                 for _ in range(one.draws)],
                is_flagged=(known or {}).get(stratum),
            )
            for stratum, share in sorted(self._shares.items())
        ]
