"""What a moderator reads of the daily samples, for the pages and the client API: one post at a time, without its author.

There are two: posts from which the detector learns, and posts that are judged to measure how much breaks the rules.
"""

from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.learning.model import Sample
from folkmoot.moderation.learning.queries import count_samples, find_waiting
from folkmoot.moderation.measurement.model import LABELS_WAIT, SampleItem
from folkmoot.moderation.measurement.queries.sample import count_waiting_items, find_parent_id, find_waiting_item
from folkmoot.moderation.workspace.masking import Masks
from folkmoot.network.sessions.model import Viewer


class NextSample(NamedTuple):
    """`text`: with letters instead of names; `left`: how many wait for this moderator, with this one."""

    sample: Sample | None
    text: str
    left: int


async def read_sample(conn: ReadConn, moderator: Viewer) -> NextSample:
    """The oldest sample that waits. Moderators."""
    require_moderator(moderator)
    sample = await find_waiting(conn, moderator.id)
    if sample is None:
        return NextSample(None, "", 0)
    text = "\n".join(one.text for one in await list_post_texts_unscoped(conn, [sample.post_id]))
    return NextSample(sample, Masks("").mask(text), await count_samples(conn, moderator.id))


class NextItem(NamedTuple):
    """`before`: the text that the post answers, if everybody may read it; empty otherwise. `text` and `before` have letters instead of
    names; `left`: how many wait for this moderator, with this one."""

    item: SampleItem | None
    before: str
    text: str
    left: int


async def read_item(conn: ReadConn, moderator: Viewer) -> NextItem:
    """The oldest post that waits to be judged for the figures. Moderators."""
    require_moderator(moderator)
    now = clock.now()
    since = (now - LABELS_WAIT).date()
    item = await find_waiting_item(conn, moderator.id, since, now)
    if item is None:
        return NextItem(None, "", "", 0)
    parent_id = await find_parent_id(conn, item.post_id)
    found = await list_post_texts_unscoped(conn, [item.post_id, *([parent_id] if parent_id else [])])
    texts = {one.subject_id: one.text for one in found if one.is_public}
    masks = Masks("")
    before = masks.mask(texts.get(parent_id, "")) if parent_id else ""
    left = await count_waiting_items(conn, moderator.id, since, now)
    return NextItem(item, before, masks.mask(texts.get(item.post_id, "")), left)
