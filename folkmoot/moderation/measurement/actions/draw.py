"""Draws the sample of a day from its views."""

import asyncio
from collections import Counter
from datetime import date

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.moderation.detection.actions import CurrentScorer
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.measurement import drawing
from folkmoot.moderation.measurement.model import SampleItem, Stratum
from folkmoot.moderation.measurement.queries import sample
from folkmoot.network.impressions.queries import list_impressions


async def draw_sample(database: Database, day: date, labels: int, detector: CurrentScorer) -> int:
    """Draws the sample of a day that is over, once; returns how many posts wait for a label. What was not public, or has no words, or was
    deleted before, cannot be drawn: its views count as lost. Posts that were hidden or removed since are drawn like others, because they
    were seen."""
    async with database.read() as conn:
        if await sample.was_drawn(conn, day):
            return 0
    async with database.cache() as cache:
        views = await list_impressions(cache, day)
    if not views:
        return 0
    drawn = drawing.draw_views(views, drawing.FIRST_PHASE, clock.draw)
    async with database.read() as conn:
        found = await list_post_texts_unscoped(conn, list(drawn))
        texts = {one.subject_id: one for one in found if one.is_public and one.text.strip()}
        cased = await sample.list_cased(conn, list(texts))
        if texts:
            await detector.refresh(conn)
    findings = await _score(list(texts.values()), detector)
    strata = {
        post_id: drawing.stratum_of(found.score, is_queued=found.queue, is_cased=post_id in cased) for post_id, found in findings.items()
    }
    items = [
        SampleItem(
            id=ids.make_id(ids.draw_shard()), day=day, post_id=post_id, edited_at=texts[post_id].edited_at, stratum=strata[post_id],
            draws=number, score=findings[post_id].score, is_queued=findings[post_id].queue,
        )
        for post_id, number in _choose(drawn, strata, labels)
    ]
    total, kept = sum(number for _, number in views), sum(drawn[post_id] for post_id in texts)
    lost = round(total * (1 - kept / drawn.total()))
    version = next((found.version for found in findings.values()), "")
    async with database.write() as tx:
        if await sample.insert_day(tx, day, clock.now(), total - lost, lost, version, _sizes(drawn, strata)):
            await sample.insert_items(tx, items)
            await sample.copy_labels(tx, day)
    return len(items)


async def _score(texts: list[ExaminedText], detector: CurrentScorer) -> dict[int, Finding]:
    """The findings of the detector by post."""
    if not texts:
        return {}
    found = await asyncio.to_thread(detector().score, [one.text for one in texts], [one.language for one in texts])
    return {text.subject_id: finding for text, finding in zip(texts, found, strict=True)}


def _sizes(drawn: Counter[int], strata: dict[int, Stratum]) -> Counter[Stratum]:
    """How the drawn views divide."""
    sizes: Counter[Stratum] = Counter()
    for post_id, stratum in strata.items():
        sizes[stratum] += drawn[post_id]
    return sizes


def _choose(drawn: Counter[int], strata: dict[int, Stratum], labels: int) -> list[tuple[int, int]]:
    """(post id, number of its views) for people to label, in random order."""
    chosen: Counter[int] = Counter()
    for stratum, number in drawing.allocate(_sizes(drawn, strata), labels).items():
        chosen += drawing.choose({post_id: drawn[post_id] for post_id, one in strata.items() if one is stratum}, number, clock.draw)
    return [(post_id, chosen[post_id]) for post_id in sorted(chosen, key=lambda _: clock.draw(2**32))]
