"""Takes the answers of people to the posts of the sample."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.learning.actions import open_case_of_sample
from folkmoot.moderation.measurement.model import LabelledBy, SampleItem
from folkmoot.moderation.measurement.queries.sample import list_cased, lock_item_for, update_label
from folkmoot.network.sessions.model import Viewer


async def label_item(
    tx: WriteTx, moderator: Viewer, item_id: int, edited_at: datetime | None, clauses: Sequence[str] | None
) -> int | None:
    """Stores which clauses the post of an item breaks: none if empty; None: it cannot be said. Returns the id of the case that a breach
    gets, unless the post has or had one.

    Moderators, not about their own posts nor about what they have reported or decided. Writes sample.reviewed to the journal; a breach
    also raises a signal. Raises Conflict if the post has changed or somebody has answered, and Invalid for an unknown clause.
    """
    require_moderator(moderator)
    if any(current().find(key) is None for key in clauses or ()):
        raise Invalid(FieldError("clauses", "inclusion", "There is no such rule."))
    item = await lock_item_for(tx, moderator.id, item_id, clock.now())
    if item is None or item.edited_at != edited_at or not await store_label(tx, item, clauses, LabelledBy.MODERATOR):
        raise Conflict("This post has changed, or somebody has already looked at it.")
    return await _tell(tx, item, clauses, actor_id=moderator.id)


async def label_by_jury(tx: WriteTx, item: SampleItem, clauses: Sequence[str] | None, *, answers: int) -> int | None:
    """Stores on what jurors agree about an item; returns the id of the case that a breach gets, as `label_item` does. Rules
    that were dropped meanwhile do not count.

    Writes sample.reviewed to the journal, with the number of answers and without jurors. The caller has locked the item.
    """
    known = None if clauses is None else [key for key in clauses if current().find(key)]
    if not await store_label(tx, item, known, LabelledBy.JURY):
        raise Conflict("This post has changed, or somebody has already looked at it.")
    return await _tell(tx, item, known, answers=answers)


async def _tell(tx: WriteTx, item: SampleItem, clauses: Sequence[str] | None, *, actor_id: int | None = None, **facts: int) -> int | None:
    answer = "unclear" if clauses is None else ",".join(sorted(clauses)) or "harmless"
    await record_step(tx, Step.SAMPLE_REVIEWED, case_id=None, actor_id=actor_id, post=str(item.post_id), answer=answer, **facts)
    if not clauses or await list_cased(tx, [item.post_id]):
        return None
    (text,) = await list_post_texts_unscoped(tx, [item.post_id])
    gravest = max((one for key in clauses if (one := current().find(key))), key=lambda clause: clause.severity)
    return await open_case_of_sample(tx, text, gravest)


async def store_label(tx: WriteTx, item: SampleItem, clauses: Sequence[str] | None, by: LabelledBy) -> bool:
    """Stores an answer, of a jury too. False if the item has one."""
    return await update_label(tx, item, clauses, by, clock.now())
