"""The timed job of learning: draws the daily sample. `moderation/assembly.py` registers it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.config import Settings
from folkmoot.moderation.detection.actions import CurrentScorer
from folkmoot.moderation.learning.actions import choose, keep_samples, pick_posts


class Drawing:
    """Draws posts of the last day for review, as many as the setting says. `detector`: that of a data directory."""

    def __init__(self, settings: Settings, detector: Callable[[Path], CurrentScorer]) -> None:
        self._settings = settings
        self._detector = detector

    async def __call__(self, database: Database) -> int:
        """Returns how many were drawn."""
        count, now = self._settings.detector.samples_a_day, clock.now()
        if not count:
            return 0
        scorer = self._detector(self._settings.data)
        async with database.read() as conn:
            texts = await pick_posts(conn, now)
            if texts:
                await scorer.refresh(conn)
        findings = await asyncio.to_thread(scorer().score, [one.text for one in texts], [one.language for one in texts])
        samples = choose(texts, [finding.score for finding in findings], count, now)
        async with database.write() as tx:
            await keep_samples(tx, samples, now)
        return len(samples)
