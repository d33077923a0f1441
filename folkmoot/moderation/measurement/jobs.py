"""The timed jobs of measurement. `moderation/assembly.py` registers them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.config import Settings
from folkmoot.moderation.detection.actions import CurrentScorer
from folkmoot.moderation.measurement.actions.draw import draw_sample
from folkmoot.moderation.measurement.actions.publish import periods_to_compute, store_figures
from folkmoot.moderation.measurement.model import ITEMS_KEPT
from folkmoot.moderation.measurement.queries.figures import list_unfinished
from folkmoot.moderation.measurement.queries.sample import delete_items
from folkmoot.network.impressions.queries import delete_impressions

_DAYS = 2  # that are still drawn, if the worker did not run


class Measuring:
    """`detector`: that of a data directory."""

    def __init__(self, settings: Settings, detector: Callable[[Path], CurrentScorer]) -> None:
        self._settings = settings
        self._detector = detector

    async def draw(self, database: Database) -> int:
        """Draws the samples of the last two days, if that was not done, and drops older views; returns how many posts wait for a label."""
        labels, today = self._settings.moderation.sample_per_day, clock.now().date()
        days = [today - timedelta(days=back) for back in range(_DAYS, 0, -1)] if labels else []
        drawn = [await draw_sample(database, day, labels, self._detector(self._settings.data)) for day in days]
        async with database.cache() as cache:
            await delete_impressions(cache, days[0] if days else today)
        return sum(drawn)

    async def compute(self, database: Database) -> int:
        """Computes the figures of all periods that are not final, and deletes old items of the sample; returns how many periods."""
        from folkmoot.moderation.measurement.computing import compute, read_sources
        from folkmoot.moderation.measurement.pairs import measure_pairs

        scorer, now, stored = self._detector(self._settings.data), clock.now(), 0
        async with database.read() as conn:
            periods = periods_to_compute(now.date(), await list_unfinished(conn))
            await scorer.refresh(conn)
        flips = await asyncio.to_thread(measure_pairs, scorer())
        for period in periods:
            async with database.read() as conn:
                found = await read_sources(conn, period)
            figures = [*await asyncio.to_thread(compute, found, now), *flips]
            async with database.write() as tx:
                stored += await store_figures(tx, period, figures)
        async with database.write() as tx:
            await delete_items(tx, now.date() - ITEMS_KEPT)
        return stored
