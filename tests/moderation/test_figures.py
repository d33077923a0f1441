"""Stored figures: the newest revision is read, and published ones do not change."""

from datetime import date

import pytest

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.measurement.model import Figure, Name, Period, Unit
from folkmoot.moderation.measurement.queries import figures_of_month, list_measured_months
from folkmoot.moderation.measurement.queries.figures import finish, list_figures_by_day, list_unfinished, replace_figures

_MONTH = Period.of_month(date(2026, 10, 17))
_RARE = Figure(name=Name.PREVALENCE, value=0.001, low=0.0004, high=0.003, size=600)
_VIOLENT = Figure(name=Name.PREVALENCE, scope="violence", value=0.0004, low=0.0001, high=0.002, size=600)


def test_a_period_knows_its_end() -> None:
    assert (str(_MONTH), _MONTH.end) == ("2026-10", date(2026, 11, 1))
    assert Period.of_month(date(2026, 12, 31)).end == date(2027, 1, 1)
    assert Period(Unit.DAY, date(2026, 12, 31)).end == date(2027, 1, 1)


async def test_figures_are_replaced_until_they_are_final(tx: WriteTx) -> None:
    assert await figures_of_month(tx, _MONTH.starts_on) is None
    await replace_figures(tx, _MONTH, 1, [_RARE], clock.now())
    await replace_figures(tx, _MONTH, 1, [_RARE, _VIOLENT], clock.now())
    found = await figures_of_month(tx, date(2026, 10, 31))
    assert found is not None
    assert (found.find(Name.PREVALENCE), found.scopes(Name.PREVALENCE)) == (_RARE, [_VIOLENT])
    assert not found.is_final
    assert found.find(Name.GOLD_ACCURACY) is None
    assert await list_unfinished(tx) == [_MONTH]
    await finish(tx, _MONTH, 1)
    assert await list_unfinished(tx) == []
    assert await list_measured_months(tx) == [_MONTH.starts_on]


@pytest.mark.parametrize("change", [
    "INSERT INTO measured_figures VALUES ('month', '2026-10-01', 1, 'views', '', 5, NULL, NULL, 5)",
    "UPDATE measured_figures SET value = 0", "DELETE FROM measured_figures", "UPDATE measurements SET computed_at = now()",
    "UPDATE measurements SET is_final = false",
])
async def test_a_published_month_cannot_be_changed(tx: WriteTx, change: str) -> None:
    await replace_figures(tx, _MONTH, 1, [_RARE], clock.now())
    await finish(tx, _MONTH, 1)
    with pytest.raises(Exception, match="published figures do not change"):
        await tx.execute(change)


async def test_a_correction_is_a_further_revision(tx: WriteTx) -> None:
    await replace_figures(tx, _MONTH, 1, [_RARE], clock.now())
    await finish(tx, _MONTH, 1)
    await replace_figures(tx, _MONTH, 2, [_VIOLENT], clock.now(), "One day was counted twice.")
    found = await figures_of_month(tx, _MONTH.starts_on)
    assert found is not None
    assert (found.revision, found.figures) == (2, (_VIOLENT,))
    assert [one.reason for one in found.corrections] == ["One day was counted twice."]


async def test_figures_of_days_are_listed(tx: WriteTx) -> None:
    for day in (date(2026, 10, 3), date(2026, 10, 2)):
        await replace_figures(tx, Period(Unit.DAY, day), 1, [Figure(name=Name.VIEWS, value=day.day, size=day.day)], clock.now())
    found = await list_figures_by_day(tx, date(2026, 10, 1))
    assert [(day.day, figure.value) for day, figure in found] == [(2, 2), (3, 3)]
    assert await list_measured_months(tx) == []
