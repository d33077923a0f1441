"""Stores figures: again each day while a period can still change, and for good when it is published."""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Problem
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.measurement.model import LABELS_WAIT, Figure, Period, Unit
from folkmoot.moderation.measurement.queries import figures as queries


def periods_to_compute(today: date, unfinished: Sequence[Period]) -> list[Period]:
    """Yesterday and its month, today's month, and all earlier periods that are not final."""
    yesterday = today - timedelta(days=1)
    return list(dict.fromkeys([*unfinished, Period(Unit.DAY, yesterday), Period.of_month(yesterday), Period.of_month(today)]))


async def store_figures(tx: WriteTx, period: Period, figures: Sequence[Figure]) -> bool:
    """Stores the present figures of a period, unless they are final; returns whether it did. When people have had time for their labels,
    they are published: they do not change any more. Writes figures.published to the journal then."""
    newest = await queries.find_newest(tx, period)
    if newest and newest[1]:
        return False
    revision, now = newest[0] if newest else 1, clock.now()
    await queries.replace_figures(tx, period, revision, figures, now)
    if now >= period.ends_at + LABELS_WAIT:
        await _publish(tx, period, revision, figures)
    return True


async def correct_figures(tx: WriteTx, period: Period, figures: Sequence[Figure], reason: str) -> int:
    """Publishes a correction beside the published figures; returns its revision.

    Writes figures.published to the journal. Raises Problem for a period that is not published, and without a reason.
    """
    if not reason.strip():
        raise Problem("Say why the figures are corrected: it is published with them.")
    newest = await queries.find_newest(tx, period)
    if newest is None or not newest[1]:
        raise Problem("These figures are not published yet, so they are computed again each day.")
    revision = newest[0] + 1
    await queries.replace_figures(tx, period, revision, figures, clock.now(), reason.strip())
    await _publish(tx, period, revision, figures)
    return revision


async def _publish(tx: WriteTx, period: Period, revision: int, figures: Sequence[Figure]) -> None:
    await queries.finish(tx, period, revision)
    seal = hashlib.sha256(_canonical(figures)).hexdigest()
    await record_step(tx, Step.FIGURES_PUBLISHED, case_id=None, period=str(period), revision=revision, sha256=seal)


def _canonical(figures: Sequence[Figure]) -> bytes:
    """The figures as JSON that is the same for the same figures, so that others can compare the hash in the journal."""
    return msgspec.json.encode(sorted(figures, key=lambda one: (one.name, one.scope)), order="sorted")
